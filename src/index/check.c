/*
 * check.c
 *	  ivf_check(): verifies every invariant that src/README.md states.
 *
 * The check holds AccessShareLock on table and index, so inserts, VACUUM and
 * other reads go on beside it, on a standby the replay of them.  What makes
 * that possible without false alarms is what makes scans possible: pages stay
 * in their chains, entries stay in their slots, a new block or page can be
 * reached only when it is complete, radii only grow.  One page is locked at a
 * time: inserts lock pages in one order, their replay in that of the record.
 * So where two pages must agree, the one that is changed last is read first,
 * or it is read once more afterwards and must be as it was.
 *
 * The heap is compared under a snapshot that is taken before the first page of
 * the index is read.  A row that it sees had its entry by then, and the
 * snapshot keeps VACUUM from taking it out.  So nothing is left out for the
 * sake of concurrency: rows younger than the snapshot are not looked for, and
 * of entries whose rows the snapshot does not see only the form is checked.
 *
 * What the check does not prove: without the heap, that factors and codes are
 * those of the row (it does prove that sign code, byte code and their factors
 * agree with each other), and of the radius of a node above the leaves only
 * what follows from the codes.  Never, that hints are good ones, that lists
 * are good clusters, and that pages which nobody points to are needed by
 * nobody: a crash may leave such pages, but live entries on them are a fault.
 */
#include "compat.h"

#include "index/check.h"

#include "index/ivfrel.h"
#include "miscadmin.h"
#include "page/pause.h"
#include "utils/memutils.h"

/*
 * Raises an error unless a pointer leads to a page of the file.
 */
void
ivf_check_pointer(IvfCheck *check, BlockNumber from, BlockNumber to,
				  const char *what)
{
	if (to == InvalidBlockNumber)
		ivf_corrupted(check->index, from, "%s is missing", what);
	if (to < check->blocks_now)
		return;
	check->blocks_now = RelationGetNumberOfBlocks(check->index);
	if (to >= check->blocks_now)
		ivf_corrupted(check->index, from, "%s is block %u, and the file has %u",
					  what, to, check->blocks_now);
}

/*
 * Notes that a chain has reached a page.  Pages that were added since the
 * check began are not noted: no other chain can reach them, as they are
 * linked to one owned by the same node.
 */
void
ivf_check_reach(IvfCheck *check, BlockNumber block)
{
	if (block >= check->blocks)
		return;
	if (check->reached[block / 8] & (1 << block % 8))
		ivf_corrupted(check->index, block, "two pointers lead here");
	check->reached[block / 8] |= 1 << block % 8;
}

/*
 * Checks the TID of an entry and keeps it, to find those that come twice.
 *
 * The table has the block: it can't be cut off while we hold our lock, and
 * before that VACUUM has taken out the entries.
 */
void
ivf_check_tid(IvfCheck *check, BlockNumber block, uint32 offset, int slot,
			  ItemPointer tid)
{
	BlockNumber row = ItemPointerGetBlockNumberNoCheck(tid);
	int64		place = ((int64) offset << 16) | slot;

	if (row >= check->heap_blocks)
		check->heap_blocks = RelationGetNumberOfBlocks(check->heap);
	if (row >= check->heap_blocks)
		ivf_corrupted(check->index, block,
					  "slot %d at offset %u is for row (%u,%u), and the table has %u blocks",
					  slot, offset, row, ItemPointerGetOffsetNumberNoCheck(tid),
					  check->heap_blocks);
	ivf_sorter_put(check->tids, ivf_tid_key(tid), block, &place, sizeof(place));
}

/*
 * All steps, in the current context.
 */
static void
run_check(IvfCheck *check, bool heapallindexed)
{
	if (heapallindexed)
		check->rows = ivf_check_heap_begin(check);

	check->blocks = check->blocks_now = RelationGetNumberOfBlocks(check->index);
	if (check->blocks == 0)
		ivf_corrupted(check->index, IVF_META_BLOCK, "the file is empty");
	check->reached = MemoryContextAllocExtended(CurrentMemoryContext,
												check->blocks / 8 + 1,
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	check->tids = ivf_sorter_begin(maintenance_work_mem / 2, NULL);
	check->extents = ivf_sorter_begin(maintenance_work_mem / 8, NULL);

	ivf_check_meta(check);
	check->v = palloc(sizeof(double) * check->n);
	check->residual = palloc(sizeof(float4) * check->n);
	check->nibbles = palloc(check->n / 4);
	check->entry = ivf_entry_alloc(check->n);
	ivf_check_chains(check);
	ivf_check_cells_begin(check);
	ivf_check_tree(check);
	IVF_PAUSE("check pages");
	ivf_check_pages(check);
	IVF_PAUSE("check tids");
	ivf_check_extents(check);
	ivf_check_tids(check);
	if (check->rows)
		ivf_check_heap_end(check);
}

/*
 * ivf_check(index, heapallindexed)
 */
VECFEAT_FUNCTION(vecfeat_ivf_check)
{
	bool		heapallindexed = PG_GETARG_BOOL(1);
	IvfOpened	opened;
	IvfCheck	check = {0};
	MemoryContext context;
	MemoryContext old;

	ivf_open_as_owner(PG_GETARG_OID(0), &opened);
	check.heap = opened.heap;
	check.index = opened.index;

	context = AllocSetContextCreate(CurrentMemoryContext, "ivf check",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	run_check(&check, heapallindexed);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	ivf_close_as_owner(&opened);
	PG_RETURN_VOID();
}
