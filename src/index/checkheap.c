/*
 * checkheap.c
 *	  Compares the index with the heap, as the check's snapshot sees it.
 *
 * Each entry whose row the snapshot sees is computed anew, and every row that
 * the snapshot sees is collected, to be looked up among the entries.
 *
 * Encoding is deterministic, so codes and factors must be the same bits.  That
 * they bound the vector follows: the stored error is the true one rounded up.
 * The rotation and the encoder are part of the format for that reason, under
 * the metapage's versions.
 */
#include "compat.h"

#include "index/check.h"

#include "access/tableam.h"
#include "catalog/index.h"
#include "index/heaprows.h"
#include "index/ivfrel.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

struct IvfCheckHeap
{
	Snapshot	snapshot;
	IvfHeapRows *rows;
};

/*
 * Takes the snapshot: to be called before any page of the index is read.
 */
IvfCheckHeap *
ivf_check_heap_begin(IvfCheck *check)
{
	IvfCheckHeap *rows = palloc0(sizeof(IvfCheckHeap));

	rows->snapshot = ivf_index_snapshot(check->index);
	rows->rows = ivf_heap_open(check->heap, check->index);
	return rows;
}

/*
 * Fetches the row behind a TID; false if the snapshot does not see it, an error
 * if it should not be in the index at all.
 */
static bool
fetch_row(IvfCheck *check, BlockNumber block, ItemPointer tid)
{
	IvfCheckHeap *heap = check->rows;

	if (!ivf_heap_fetch(heap->rows, heap->snapshot, tid))
		return false;
	if (!ivf_heap_wanted(heap->rows))
		ivf_corrupted(check->index, block,
					  "row (%u,%u) does not satisfy the index's predicate",
					  ItemPointerGetBlockNumberNoCheck(tid),
					  ItemPointerGetOffsetNumberNoCheck(tid));
	return true;
}

/*
 * Maps a row's value into check->v; false if it has no place.
 */
static bool
place(IvfCheck *check, Datum value)
{
	MemoryContext old = MemoryContextSwitchTo(ivf_heap_memory(check->rows->rows));
	bool		placed;

	placed = ivf_place(check->space,
					   ivf_elements(check->index, check->space->opclass,
									check->space->dim, value),
					   check->v);
	MemoryContextSwitchTo(old);
	return placed;
}

/*
 * Compares an entry of a leaf with its row.
 */
void
ivf_check_heap_entry(IvfCheck *check, IvfCheckNode *node, int slot)
{
	IvfCheckBlock *block = &node->current;
	const IvfBlockHead *head = &block->head;
	IvfEntry   *entry = check->entry;
	const char *row = ivf_check_row(block, slot);
	ItemPointerData tid = head->tid[slot];
	Datum		value;
	bool		filled;
	IvfCheckNode *up;

	if (!fetch_row(check, block->block, &tid))
		return;
	filled = ivf_heap_value(check->rows->rows, &value);
	if (!filled || !place(check, value))
		ivf_slot_corrupted(check, block, slot, "is for row (%u,%u), whose vector %s",
						   ItemPointerGetBlockNumberNoCheck(&tid),
						   ItemPointerGetOffsetNumberNoCheck(&tid),
						   filled ? "has no direction" : "is NULL");

	for (up = node; up->parent != NULL; up = up->parent)
		ivf_check_need(up, ivf_residual(check->v, up->centroid, check->n,
										check->residual), block->block);

	ivf_encode(check->space, check->v, node->centroid, &tid, check->residual, entry);
	ivf_columns_get(block->columns, check->n / 4, slot, check->nibbles);
	if (head->add[slot] != entry->factors.add ||
		head->scale[slot] != entry->factors.scale ||
		head->err[slot] != entry->factors.err ||
		memcmp(check->nibbles, entry->nibbles, check->n / 4) != 0)
		ivf_slot_corrupted(check, block, slot,
						   "has another sign code than its row (%u,%u)",
						   ItemPointerGetBlockNumberNoCheck(&tid),
						   ItemPointerGetOffsetNumberNoCheck(&tid));
	if (memcmp(row, &entry->row, sizeof(IvfRowHead)) != 0 ||
		memcmp(row + sizeof(IvfRowHead), entry->code, check->n) != 0)
		ivf_row_corrupted(check, block, slot,
						  "has another byte code than its row (%u,%u)",
						  ItemPointerGetBlockNumberNoCheck(&tid),
						  ItemPointerGetOffsetNumberNoCheck(&tid));
}

/*
 * Compares a TID of a chain, of NULLs or of rows without a direction, with its
 * row.
 */
void
ivf_check_heap_chain(IvfCheck *check, BlockNumber block, ItemPointer tid,
					 bool nulls)
{
	Datum		value;
	bool		filled;

	if (!fetch_row(check, block, tid))
		return;
	filled = ivf_heap_value(check->rows->rows, &value);
	if (nulls ? filled : !filled || place(check, value))
		ivf_corrupted(check->index, block, "row (%u,%u) has %s",
					  ItemPointerGetBlockNumberNoCheck(tid),
					  ItemPointerGetOffsetNumberNoCheck(tid),
					  !filled ? "no vector" :
					  nulls ? "a vector" : "a vector with a direction");
}

/*
 * Lets go of the heap page that was looked at last.
 */
void
ivf_check_heap_pause(IvfCheck *check)
{
	ivf_heap_pause(check->rows->rows);
}

static void
collect(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		bool alive, void *arg)
{
	ivf_sorter_put(arg, ivf_tid_key(tid), 0, NULL, 0);
}

/*
 * The TIDs of the rows that the snapshot sees and the index's predicate wants,
 * sorted.  They are what an index made now would be given: a row that was
 * updated in place of a HOT chain goes by the chain's first TID.
 */
IvfSorter *
ivf_check_heap_scan(IvfCheck *check)
{
	IvfSorter  *tids = ivf_sorter_begin(maintenance_work_mem / 4, NULL);
	IndexInfo  *info = BuildIndexInfo(check->index);
	TableScanDesc scan = table_beginscan_strat(check->heap, check->rows->snapshot,
											   0, NULL, true, false);

	info->ii_Concurrent = true;
	info->ii_Unique = false;
	table_index_build_scan(check->heap, check->index, info, true, false, collect,
						   tids, scan);
	ivf_sorter_sort(tids);
	return tids;
}

void
ivf_check_heap_end(IvfCheck *check)
{
	IvfCheckHeap *rows = check->rows;

	ivf_heap_close(rows->rows);
	UnregisterSnapshot(rows->snapshot);
	pfree(rows);
	check->rows = NULL;
}
