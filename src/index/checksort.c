/*
 * checksort.c
 *	  What must be the only one of its kind in the whole index: found by
 *	  sorting, on disk if memory does not suffice.
 */
#include "compat.h"

#include "index/check.h"

#include "miscadmin.h"
#include "page/blocks.h"
#include "page/tids.h"
#include "utils/builtins.h"

/*
 * No two runs of rows overlap.  Runs neither move nor vanish.
 */
void
ivf_check_extents(IvfCheck *check)
{
	int64		last_end = 0;
	int64		begin;
	int64		end;
	const void *data;
	BlockNumber code;
	BlockNumber last_code = 0;

	ivf_sorter_sort(check->extents);
	while (ivf_sorter_next(check->extents, &begin, &end, &data))
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(&code, data, sizeof(code));
		if (begin < last_end)
			ivf_corrupted(check->index, (BlockNumber) (begin >> 16),
						  "rows of code page %u begin at offset %u, where rows of code page %u stand",
						  code, (uint32) (begin & 0xFFFF),
						  last_code);
		last_end = end;
		last_code = code;
	}
	ivf_sorter_end(check->extents);
}

/*
 * Does a slot hold a TID, whatever kind of page that is on?
 */
static bool
holds_tid(IvfCheck *check, BlockNumber block, int64 place, int64 key)
{
	Buffer		buffer = ReadBuffer(check->index, block);
	int			slot = (int) (place & 0xFFFF);
	ItemPointer tid;
	Page		page;
	bool		holds;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	tid = IvfOpaque(page)->kind == IVF_TIDS_PAGE ?
		&IvfPageTids(page)[slot] :
		&ivf_block_at(page, (uint32) (place >> 16))->tid[slot];
	holds = ItemPointerIsValid(tid) && ivf_tid_key(tid) == key;
	UnlockReleaseBuffer(buffer);
	return holds;
}

/*
 * Do two slots hold a TID at one moment?  By the time the second was read,
 * VACUUM may have emptied the first and the row's place been given to another
 * row: hence the first is looked at before and after the second.
 */
static bool
both_hold(IvfCheck *check, const BlockNumber *block, const int64 *place, int64 key)
{
	return holds_tid(check, block[0], place[0], key) &&
		holds_tid(check, block[1], place[1], key) &&
		holds_tid(check, block[0], place[0], key);
}

static void
missing(IvfCheck *check, int64 key)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" is damaged: it has no entry for row (%u,%u) of table \"%s\"",
					RelationGetRelationName(check->index),
					(BlockNumber) (key >> 16), (uint32) (key & 0xFFFF),
					RelationGetRelationName(check->heap)),
			 errhint("REINDEX INDEX %s;", RelationGetRelationName(check->index))));
}

/*
 * No TID stands in two places, and every row that the snapshot sees stands in
 * one, if the heap is to be compared.
 */
void
ivf_check_tids(IvfCheck *check)
{
	IvfSorter  *rows = NULL;
	bool		more = false;
	BlockNumber block[2] = {0, 0};
	int64		place[2] = {0, 0};
	int64		last = -1;
	int64		row = 0;
	int64		key;
	int64		minor;
	const void *data;

	if (check->rows)
	{
		rows = ivf_check_heap_scan(check);
		more = ivf_sorter_next(rows, &row, &minor, NULL);
	}
	ivf_sorter_sort(check->tids);
	while (ivf_sorter_next(check->tids, &key, &minor, &data))
	{
		CHECK_FOR_INTERRUPTS();
		block[0] = block[1];
		place[0] = place[1];
		block[1] = (BlockNumber) minor;
		memcpy(&place[1], data, sizeof(place[1]));
		if (key == last && both_hold(check, block, place, key))
			ivf_corrupted(check->index, block[1],
						  "row (%u,%u) stands there, and on block %u too",
						  (BlockNumber) (key >> 16), (uint32) (key & 0xFFFF),
						  block[0]);
		last = key;
		if (more && row < key)
			missing(check, row);
		if (more && row == key)
			more = ivf_sorter_next(rows, &row, &minor, NULL);
	}
	if (more)
		missing(check, row);
	if (rows)
		ivf_sorter_end(rows);
	ivf_sorter_end(check->tids);
}
