/*
 * insert.c
 *	  Inserts a row into the leaf where it belongs.
 *
 * What can be seen at any moment, and so after a crash: radii that are larger
 * than need be; then, in one step, the entry.
 */
#include "compat.h"

#include "index/ops.h"

#include "index/descend.h"
#include "page/entries.h"
#include "page/tids.h"
#include "utils/memutils.h"

/*
 * What the session's inserts into an index share: for a statement of one row it
 * would take longer to make than the row's place to find.  It is kept with what is
 * frozen, and lives as long.  No insert comes while another is at work here, as
 * no code of users is called.
 */
typedef struct IvfInserter
{
	MemoryContext row;			/* reset after each row */
	IvfDescent	descent;
	IvfEntry   *entry;
} IvfInserter;

static IvfInserter *
make_inserter(IvfFrozen *frozen)
{
	int			n = frozen->space->n;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "ivf insert",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfInserter *inserter = palloc0(sizeof(IvfInserter));

	inserter->row = AllocSetContextCreate(context, "ivf insert row",
										  ALLOCSET_DEFAULT_SIZES);
	ivf_descent_init(&inserter->descent, frozen);
	inserter->entry = ivf_entry_alloc(n);
	MemoryContextSwitchTo(old);

	/* an error up to here has freed it with the caller's context */
	MemoryContextSetParent(context, frozen->context);
	frozen->inserter = inserter;
	ivf_frozen_keeps(frozen, MemoryContextMemAllocated(context, true));
	return inserter;
}

/*
 * What the statement uses: all of it is frozen while the index has the same
 * file, which the statement's lock ensures.
 */
static IvfFrozen *
frozen_for(Relation index, IndexInfo *info)
{
	if (info->ii_AmCache == NULL)
		info->ii_AmCache = ivf_frozen(index, info->ii_Context);
	return info->ii_AmCache;
}

/*
 * Encodes and inserts a row that has a place.
 */
static void
insert_entry(Relation index, const IvfFrozen *frozen, ItemPointer tid)
{
	IvfInserter *inserter = frozen->inserter;
	IvfDescent *descent = &inserter->descent;
	const IvfSpace *space = frozen->space;
	BlockNumber leaf = ivf_descend(descent, index);

	ivf_encode_residual(space, descent->v, descent->centroid, descent->residual, tid,
						inserter->entry);
	ivf_entry_put(index, leaf, space->n, inserter->entry);
}

/*
 * aminsert.  Rows whose distances are NULL or NaN go to chains of their own.
 */
bool
ivf_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
		   Relation heap, IndexUniqueCheck unique, bool unchanged,
		   IndexInfo *info)
{
	IvfFrozen  *frozen = frozen_for(index, info);
	const IvfSpace *space = frozen->space;
	IvfInserter *inserter = frozen->inserter;
	MemoryContext old;
	const float4 *x;

	if (isnull[0])
	{
		ivf_tids_add(index, frozen->meta.nulls, tid);
		return false;
	}
	if (inserter == NULL)
		inserter = make_inserter(frozen);

	old = MemoryContextSwitchTo(inserter->row);
	x = ivf_elements(index, space->opclass, space->dim, values[0]);
	if (ivf_place(space, x, inserter->descent.v))
		insert_entry(index, frozen, tid);
	else
		ivf_tids_add(index, frozen->meta.nans, tid);
	MemoryContextSwitchTo(old);
	MemoryContextReset(inserter->row);
	return false;
}
