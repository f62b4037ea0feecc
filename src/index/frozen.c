/*
 * frozen.c
 *	  What of an index stays as it was built, kept by the session.
 *
 * An index's file begins with what only a new build changes: the metapage but
 * for its hints, the mean, and the inner nodes but for their radii.  A search
 * looks at hundreds of inner nodes' rows; a copy of these in the session's
 * memory spares half of the pages that it would read.
 *
 * The copy is right for as long as the index has its file and the file its
 * content.  No other session can change either under the lock that any user of
 * the index holds, and that one has done so before we got the lock, the
 * relation cache is told.  It is told of this session's builds too, with the
 * counts of rows that each leaves in pg_class: also where TRUNCATE of a table
 * made in the same transaction, or ON COMMIT DELETE ROWS, builds again in the
 * same file.
 *
 * Rows are kept a run at a time, when one of them is first asked for: a session
 * that searches once copies little more than it needs.
 */
#include "compat.h"

#include "index/frozen.h"

#include "common/hashfn.h"
#include "utils/inval.h"
#include "utils/memutils.h"

/*
 * Bytes of rows that a session keeps, for all indexes: 60,000 lists of 128
 * dimensions, or 5,000 of 1,536.  A build for tests reaches its limit soon.
 */
#ifdef VECFEAT_TEST
#define MOST_KEPT			((Size) 64 * 1024)
#else
#define MOST_KEPT			((Size) 32 * 1024 * 1024)
#endif

typedef struct KeptRows
{
	uint64		place;			/* of the run: block and offset */
	char	   *rows;			/* as ivf_run_read() yields them */
	char		status;
} KeptRows;

#define SH_PREFIX			IvfKeptRows
#define SH_ELEMENT_TYPE		KeptRows
#define SH_KEY_TYPE			uint64
#define SH_KEY				place
#define SH_HASH_KEY(tb, key)	((uint32) (murmurhash32((uint32) (key)) ^ \
	murmurhash32((uint32) ((key) >> 32))))
#define SH_EQUAL(tb, a, b)	((a) == (b))
#define SH_SCOPE			static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Known
{
	Oid			index;
	IvfFrozen  *frozen;
	char		status;
} Known;

#define SH_PREFIX			known
#define SH_ELEMENT_TYPE		Known
#define SH_KEY_TYPE			Oid
#define SH_KEY				index
#define SH_HASH_KEY(tb, key)	murmurhash32(key)
#define SH_EQUAL(tb, a, b)	((a) == (b))
#define SH_SCOPE			static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static known_hash *known = NULL;
static Size kept_bytes = 0;
static uint64 uses = 0;

static void
free_frozen(IvfFrozen *frozen)
{
	kept_bytes -= frozen->bytes;
	MemoryContextDelete(frozen->context);
}

/*
 * From here on the index is read anew.  Who uses the copy already goes on with
 * it: under its lock the file is still the same.
 */
static void
forget(Known *entry)
{
	IvfFrozen  *frozen = entry->frozen;

	known_delete_item(known, entry);
	if (frozen->users > 0)
		frozen->forgotten = true;
	else
		free_frozen(frozen);
}

/* the least recently used copy that has no user and is not the given one */
static Known *
least_used(const IvfFrozen *but)
{
	Known	   *least = NULL;
	Known	   *entry;
	known_iterator iterator;

	known_start_iterate(known, &iterator);
	while ((entry = known_iterate(known, &iterator)) != NULL)
	{
		if (entry->frozen != but && entry->frozen->users == 0 &&
			(least == NULL || entry->frozen->last_used < least->frozen->last_used))
			least = entry;
	}
	return least;
}

/* a relation's catalog entries have changed, or, without a number, any have */
static void
relation_changed(Datum arg, Oid relation)
{
	Known	   *entry;
	known_iterator iterator;

	if (OidIsValid(relation))
	{
		entry = known_lookup(known, relation);
		if (entry)
			forget(entry);
		return;
	}
	/* a deletion moves others, maybe past the iterator: begin again */
	do
	{
		known_start_iterate(known, &iterator);
		entry = known_iterate(known, &iterator);
		if (entry)
			forget(entry);
	} while (entry);
}

static void
stop_using(void *arg)
{
	IvfFrozen  *frozen = arg;

	if (--frozen->users == 0 && frozen->forgotten)
		free_frozen(frozen);
}

static IvfFrozen *
read_frozen(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ivf index",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfFrozen  *frozen = palloc0(sizeof(IvfFrozen));

	frozen->context = context;
	frozen->index = RelationGetRelid(index);
	frozen->space = ivf_space_read(index, &frozen->meta);
	frozen->rows = IvfKeptRows_create(context, 64, NULL);
	MemoryContextSwitchTo(old);

	/* an error up to here has freed it with the caller's context */
	MemoryContextSetParent(context, CacheMemoryContext);
	return frozen;
}

/*
 * What is frozen in an index on which the caller holds a lock; valid until the
 * context user is reset or deleted, whatever happens to the index.
 */
IvfFrozen *
ivf_frozen(Relation index, MemoryContext user)
{
	MemoryContextCallback *callback = MemoryContextAlloc(user, sizeof(*callback));
	Known	   *entry;
	IvfFrozen  *frozen;
	bool		found;

	if (known == NULL)
	{
		known = known_create(CacheMemoryContext, 16, NULL);
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	}
	entry = known_lookup(known, RelationGetRelid(index));
	if (entry)
		frozen = entry->frozen;
	else
	{
		frozen = read_frozen(index);
		entry = known_insert(known, frozen->index, &found);
		entry->frozen = frozen;
	}
	frozen->last_used = ++uses;

	callback->func = stop_using;
	callback->arg = frozen;
	MemoryContextRegisterResetCallback(user, callback);
	frozen->users++;
	return frozen;
}

static uint64
place_of(const IvfRun *run)
{
	return (uint64) run->first << 32 | run->offset;
}

/*
 * Is there room for so many bytes, if copies that nobody uses are dropped?
 */
bool
ivf_frozen_has_room(const IvfFrozen *frozen, Size size)
{
	Known	   *least;

	while (kept_bytes + size > MOST_KEPT && (least = least_used(frozen)) != NULL)
		forget(least);
	return kept_bytes + size <= MOST_KEPT;
}

/*
 * So many bytes more are kept in a copy's context, whether there is room or not.
 */
void
ivf_frozen_keeps(IvfFrozen *frozen, Size size)
{
	(void) ivf_frozen_has_room(frozen, size);
	frozen->bytes += size;
	kept_bytes += size;
}

/*
 * Copies the rows of a run, if there is room for them; NULL if not.
 */
static KeptRows *
keep_rows(IvfFrozen *frozen, Relation index, const IvfRun *run)
{
	Size		size = VEC_BLOCK * (Size) (run->head + run->body);
	KeptRows   *kept;
	char	   *rows;
	char	   *copy;
	bool		found;

	if (!ivf_frozen_has_room(frozen, size))
		return NULL;

	/* an error while they are read frees them with the caller's context */
	rows = palloc(size);
	ivf_run_read(index, NULL, run, rows);
	copy = MemoryContextAlloc(frozen->context, size);
	memcpy(copy, rows, size);
	pfree(rows);
	kept = IvfKeptRows_insert(frozen->rows, place_of(run), &found);
	kept->rows = copy;
	ivf_frozen_keeps(frozen, size);
	return kept;
}

/*
 * A child is going to be looked at soon: asks the processor to have it at hand.
 */
void
ivf_frozen_touch(const IvfFrozen *frozen, const IvfRun *run, int row)
{
	const KeptRows *kept = IvfKeptRows_lookup(frozen->rows, place_of(run));

	if (kept)
		ivf_touch(kept->rows + (Size) row * (run->head + run->body),
				  run->head + run->body);
}

/*
 * A child's radius has been raised to this.
 */
void
ivf_frozen_raise(IvfFrozen *frozen, const IvfRun *run, int row, float4 radius)
{
	const KeptRows *kept = IvfKeptRows_lookup(frozen->rows, place_of(run));

	if (kept)
		memcpy(kept->rows + (Size) row * (run->head + run->body) +
			   offsetof(IvfChildHead, radius), &radius, sizeof(radius));
}

/*
 * A child of an inner node, by the place of its row; room for n elements may be
 * where its centroid is then.
 */
IvfChild
ivf_frozen_child(IvfFrozen *frozen, Relation index, const IvfRun *run, int row,
				 float4 *room)
{
	KeptRows   *kept = IvfKeptRows_lookup(frozen->rows, place_of(run));
	IvfChildHead head;
	IvfChild	child;

	if (kept == NULL)
		kept = keep_rows(frozen, index, run);
	if (kept)
	{
		char	   *at = kept->rows + (Size) row * (run->head + run->body);

		memcpy(&head, at, sizeof(head));
		child.centroid = (const float4 *) (at + sizeof(head));
	}
	else
	{
		ivf_row_read(index, NULL, run, row, &head, room);
		child.centroid = room;
	}
	if (!ItemPointerIsValid(&head.tid))
		ivf_corrupted(index, run->first, "a child's row is empty");
	child.node = ItemPointerGetBlockNumber(&head.tid);
	child.radius = head.radius;
	return child;
}
