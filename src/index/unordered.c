/*
 * unordered.c
 *	  The rows of an index in no particular order.
 */
#include "compat.h"

#include "index/unordered.h"

#include "index/heaprows.h"
#include "miscadmin.h"
#include "page/blocks.h"
#include "page/meta.h"
#include "page/pause.h"
#include "page/sweep.h"
#include "page/tids.h"

/* no page has more TIDs */
#define MOST_TIDS \
	Max(IVF_TIDS_PER_PAGE, \
		VEC_BLOCK * (IVF_PAGE_BYTES / sizeof(IvfBlockHead) + 1))

/*
 * Prepares to read TIDs, for a scan of table with its snapshot; allocates in the
 * current context.
 */
IvfUnordered *
ivf_unordered_begin(Relation index, Snapshot snapshot, const IvfFrozen *frozen,
					Relation table, BlockNumber *table_blocks)
{
	IvfUnordered *unordered = palloc0(sizeof(IvfUnordered));

	unordered->index = index;
	unordered->snapshot = snapshot;
	unordered->frozen = frozen;
	unordered->table = table;
	unordered->table_blocks = table_blocks;
	unordered->tids = palloc(sizeof(ItemPointerData) * MOST_TIDS);
	return unordered;
}

/*
 * From here on, those of all leaves.
 */
void
ivf_unordered_leaves(IvfUnordered *unordered)
{
	unordered->in_chain = false;
	unordered->count = unordered->next = 0;
	unordered->block = IVF_META_BLOCK;
	unordered->blocks = RelationGetNumberOfBlocks(unordered->index);
}

/*
 * From here on, those of a chain, or none if it is invalid.
 */
void
ivf_unordered_chain(IvfUnordered *unordered, BlockNumber chain)
{
	unordered->in_chain = true;
	unordered->count = unordered->next = 0;
	unordered->chain = unordered->block = chain;
}

/*
 * Copies the TIDs of a leaf's code page.
 */
static void
read_code_page(IvfUnordered *unordered, BlockNumber block)
{
	Relation	index = unordered->index;
	const IvfFrozen *frozen = unordered->frozen;
	Buffer		buffer = ReadBuffer(index, block);
	Page		page;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	compat_test_old_snapshot(unordered->snapshot, index, page);
	unordered->count = unordered->next = 0;
	if (!PageIsNew(page) && ivf_is_leaf_page(index, &frozen->meta, block, page))
	{
		uint32		offset;

		ivf_page_check(index, block, page, IVF_CODE_PAGE, InvalidBlockNumber);
		for (offset = ivf_first_head(index, block, page, frozen->space->n);
			 offset != 0;
			 offset = ivf_next_head(page, offset, frozen->space->n))
		{
			IvfBlockHead *head = ivf_block_at(page, offset);
			int			slot;

			for (slot = 0; slot < VEC_BLOCK; slot++)
			{
				if (ItemPointerIsValid(&head->tid[slot]))
					unordered->tids[unordered->count++] = head->tid[slot];
			}
		}
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * Reads the next page; false after the last.
 */
static bool
read_page(IvfUnordered *unordered)
{
	if (unordered->in_chain)
	{
		if (unordered->block == InvalidBlockNumber)
			return false;
		unordered->last_block = unordered->block;
		unordered->block = ivf_tids_read(unordered->index, unordered->snapshot,
										 unordered->chain, unordered->block,
										 unordered->tids, &unordered->count);
		unordered->next = 0;
		return true;
	}
	unordered->block = ivf_pass_rows(&unordered->frozen->meta, unordered->block);
	if (unordered->block >= unordered->blocks)
		return false;
	unordered->last_block = unordered->block++;
	read_code_page(unordered, unordered->last_block);
	return true;
}

/*
 * The next TID; false when there are no more.
 */
bool
ivf_unordered_next(IvfUnordered *unordered, ItemPointer tid)
{
	while (unordered->next >= unordered->count)
	{
		CHECK_FOR_INTERRUPTS();
		IVF_PAUSE("scan page");
		if (!read_page(unordered))
			return false;
	}
	*tid = unordered->tids[unordered->next++];
	if (unordered->table)
		ivf_heap_check_tid(unordered->table, unordered->table_blocks,
						   unordered->index, unordered->last_block, tid);
	return true;
}
