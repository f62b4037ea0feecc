/*
 * tids.c
 *	  Chains of TIDs: the rows that have no place among the lists, because
 *	  their vector is NULL or has no direction.
 */
#include "compat.h"

#include "page/tids.h"

#include "miscadmin.h"
#include "page/pause.h"

/* a slot for one more TID, or -1 */
static int
free_slot(Page page)
{
	ItemPointer tids = IvfPageTids(page);
	int			used = ivf_tids_used(page);
	int			i;

	for (i = 0; i < used; i++)
	{
		if (!ItemPointerIsValid(&tids[i]))
			return i;
	}
	return used < (int) IVF_TIDS_PER_PAGE ? used : -1;
}

static void
set_slot(Page page, int slot, ItemPointer tid)
{
	IvfPageTids(page)[slot] = *tid;
	if (slot >= ivf_tids_used(page))
		((PageHeader) page)->pd_lower =
			(char *) &IvfPageTids(page)[slot + 1] - (char *) page;
}

/*
 * Remembers on the chain's first page where room was found, unless somebody
 * else has changed that meanwhile.
 */
static void
move_room(Relation index, BlockNumber chain, BlockNumber from, BlockNumber to)
{
	Buffer		buffer = ivf_page_read(index, chain, IVF_TIDS_PAGE, chain,
									   BUFFER_LOCK_EXCLUSIVE);
	IvfChange	change;

	if (IvfOpaque(BufferGetPage(buffer))->u.live.room != from)
	{
		UnlockReleaseBuffer(buffer);
		return;
	}
	ivf_change_begin(&change, index);
	IvfOpaque(ivf_change_page(&change, buffer, false))->u.live.room = to;
	ivf_change_finish(&change);
}

/*
 * Adds a TID to the chain that begins at the given page.  One page is locked
 * at a time, but for a new last page, which is locked after the old one and
 * changed with it in one record.
 */
void
ivf_tids_add(Relation index, BlockNumber chain, ItemPointer tid)
{
	Buffer		buffer = ivf_page_read(index, chain, IVF_TIDS_PAGE, chain,
									   BUFFER_LOCK_SHARE);
	BlockNumber room = IvfOpaque(BufferGetPage(buffer))->u.live.room;
	BlockNumber block = room == InvalidBlockNumber ? chain : room;
	IvfChange	change;

	UnlockReleaseBuffer(buffer);
	for (;;)
	{
		int			slot;
		BlockNumber next;
		Buffer		new_buffer;
		Page		page;

		CHECK_FOR_INTERRUPTS();
		buffer = ivf_page_read(index, block, IVF_TIDS_PAGE, chain,
							   BUFFER_LOCK_EXCLUSIVE);
		slot = free_slot(BufferGetPage(buffer));
		if (slot >= 0)
		{
			ivf_change_begin(&change, index);
			set_slot(ivf_change_page(&change, buffer, false), slot, tid);
			ivf_change_finish(&change);
			break;
		}
		next = ivf_page_next(index, block, BufferGetPage(buffer));
		if (next != InvalidBlockNumber)
		{
			UnlockReleaseBuffer(buffer);
			block = next;
			continue;
		}

		IVF_PAUSE("tids full");
		next = ivf_extend(index, 1);
		new_buffer = ivf_page_claim(index, next);
		ivf_change_begin(&change, index);
		IvfOpaque(ivf_change_page(&change, buffer, false))->next = next;
		page = ivf_change_page(&change, new_buffer, true);
		ivf_page_init(page, IVF_TIDS_PAGE, 0, chain);
		set_slot(page, 0, tid);
		ivf_change_finish(&change);
		block = next;
		break;
	}
	if (block != room)
		move_room(index, chain, room, block);
}

/*
 * Copies the live TIDs of a page of a chain; tids has room for
 * IVF_TIDS_PER_PAGE.  Returns the next page, or an invalid block.
 */
BlockNumber
ivf_tids_read(Relation index, Snapshot snapshot, BlockNumber chain,
			  BlockNumber block, ItemPointer tids, int *count)
{
	Buffer		buffer = ivf_page_scan(index, snapshot, block, IVF_TIDS_PAGE,
									   chain);
	Page		page = BufferGetPage(buffer);
	BlockNumber next = ivf_page_next(index, block, page);
	int			used = ivf_tids_used(page);
	int			i;

	*count = 0;
	for (i = 0; i < used; i++)
	{
		if (ItemPointerIsValid(&IvfPageTids(page)[i]))
			tids[(*count)++] = IvfPageTids(page)[i];
	}
	UnlockReleaseBuffer(buffer);
	return next;
}
