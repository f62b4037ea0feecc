/*
 * heaprows.c
 *	  The heap rows behind an index's entries: fetched to compute distances.
 */
#include "compat.h"

#include "index/heaprows.h"

#include <math.h>

#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "storage/bufmgr.h"
#include "type/known.h"

struct IvfHeapRows
{
	Relation	index;
	IndexFetchTableData *fetch;
	TupleTableSlot *slot;
	IndexInfo  *info;
	EState	   *estate;
	ExprState  *predicate;		/* made when first needed */
	KnownDistances *known;		/* of the scan's query, or NULL */
};

/*
 * Prepares to fetch rows of a table; allocates in the current context.
 */
IvfHeapRows *
ivf_heap_open(Relation heap, Relation index)
{
	IvfHeapRows *rows = palloc0(sizeof(IvfHeapRows));

	rows->index = index;
	rows->fetch = table_index_fetch_begin(heap);
	rows->slot = table_slot_create(heap, NULL);
	rows->info = BuildIndexInfo(index);
	rows->estate = CreateExecutorState();
	return rows;
}

/*
 * Fetches the row that the snapshot sees behind a TID; false if there is none to
 * see.
 */
bool
ivf_heap_fetch(IvfHeapRows *rows, Snapshot snapshot, ItemPointer tid)
{
	ItemPointerData root = *tid;
	bool		again = false;
	bool		dead = false;

	if (!table_index_fetch_tuple(rows->fetch, &root, snapshot, rows->slot,
								 &again, &dead))
		return false;
	ResetPerTupleExprContext(rows->estate);
	GetPerTupleExprContext(rows->estate)->ecxt_scantuple = rows->slot;
	return true;
}

/*
 * Does the index's predicate want the row that was fetched?
 */
bool
ivf_heap_wanted(IvfHeapRows *rows)
{
	if (rows->predicate == NULL)
		rows->predicate = ExecPrepareQual(rows->info->ii_Predicate, rows->estate);
	return ExecQual(rows->predicate, GetPerTupleExprContext(rows->estate));
}

/*
 * What is indexed of the row that was fetched; false for NULL.  It is in
 * memory that the next fetch resets.
 */
bool
ivf_heap_value(IvfHeapRows *rows, Datum *value)
{
	MemoryContext old = MemoryContextSwitchTo(ivf_heap_memory(rows));
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];

	FormIndexDatum(rows->info, rows->slot, rows->estate, values, isnull);
	MemoryContextSwitchTo(old);
	*value = values[0];
	return !isnull[0];
}

/*
 * Memory that the next fetch resets.
 */
MemoryContext
ivf_heap_memory(IvfHeapRows *rows)
{
	return GetPerTupleMemoryContext(rows->estate);
}

/*
 * Fetches the row behind a TID and computes its distance with the operator's own
 * function; false if the snapshot sees none.
 */
bool
ivf_heap_distance(IvfHeapRows *rows, Snapshot snapshot, ItemPointer tid,
				  const IvfSpace *space, const float4 *query, double *distance)
{
	Datum		value;

	if (!ivf_heap_fetch(rows, snapshot, tid))
		return false;
	if (ivf_heap_value(rows, &value))
	{
		MemoryContext old = MemoryContextSwitchTo(ivf_heap_memory(rows));

		*distance = space->opclass->distance(ivf_elements(rows->index, space->opclass,
														  space->dim, value),
											 query, space->dim);
		MemoryContextSwitchTo(old);
		if (rows->known)
			known_add(rows->known, value, *distance);
	}
	else
		*distance = INFINITY;

	/* only in a damaged index; but no order would ever put a NaN first */
	if (isnan(*distance))
		*distance = INFINITY;
	return true;
}

/*
 * From here on distances are from another query, which is given where the
 * executor is going to ask for them again: what is found out is kept for it, as
 * long as the current context, and so is the query.
 */
void
ivf_heap_query(IvfHeapRows *rows, const IvfSpace *space, const float4 *query)
{
	rows->known = query == NULL ? NULL :
		known_begin((KnownFunction) space->opclass->distance, query,
					sizeof(float4) * space->dim);
}

/*
 * A row is about to be handed to the executor.
 */
void
ivf_heap_hand_out(IvfHeapRows *rows)
{
	known_distances = rows->known;
}

/*
 * Raises an error unless the table has the block of a TID, which was read from
 * a block of the index: of that alone the server would say no more than that
 * some file is too short.  *blocks is how many pages the table had last; its
 * end can't be cut off while we hold our lock, and before that VACUUM has taken
 * out the entries.
 */
void
ivf_heap_check_tid(Relation heap, BlockNumber *blocks, Relation index,
				   BlockNumber block, ItemPointer tid)
{
	BlockNumber row = ItemPointerGetBlockNumberNoCheck(tid);

	if (row < *blocks)
		return;
	*blocks = RelationGetNumberOfBlocks(heap);
	if (row >= *blocks)
		ivf_corrupted(index, block,
					  "an entry is for row (%u,%u), and the table has %u blocks",
					  row, ItemPointerGetOffsetNumberNoCheck(tid), *blocks);
}

/*
 * Lets go of the heap page at hand.
 */
void
ivf_heap_pause(IvfHeapRows *rows)
{
	ExecClearTuple(rows->slot);
	table_index_fetch_reset(rows->fetch);
}

void
ivf_heap_close(IvfHeapRows *rows)
{
	ExecDropSingleTupleTableSlot(rows->slot);
	table_index_fetch_end(rows->fetch);
	FreeExecutorState(rows->estate);
	pfree(rows);
}
