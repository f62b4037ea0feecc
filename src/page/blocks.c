/*
 * blocks.c
 *	  The blocks of a node, read in order.
 *
 * Blocks follow each other along the chain of pages.  A head that would not
 * fit the rest of a page stands at the start of the next; columns run on over
 * page ends.
 */
#include "compat.h"

#include "page/blocks.h"

#include "ground/kernel.h"
#include "miscadmin.h"
#include "page/pause.h"

/*
 * Prepares a reader for indexes of n padded dimensions; it may then be opened
 * any number of times.  Allocates in the current context.
 */
void
ivf_blocks_begin(IvfBlockReader *reader, Relation index, Snapshot snapshot,
				 int n)
{
	memset(reader, 0, sizeof(*reader));
	reader->index = index;
	reader->snapshot = snapshot;
	reader->n = n;
	reader->buffer = InvalidBuffer;
	reader->copy = palloc(sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n));
}

/*
 * Offset of the first block head on a page, or 0.
 *
 * It is taken on trust by those who do not come along the chain: to VACUUM
 * other bytes would be TIDs of living rows, to an insert slots to write to.  So
 * it is looked at from all sides: before it there is at most the end of a
 * block's columns, on a list's first page nothing; the page's data end where
 * the last of its blocks does; and what stands there has the look of a head.
 */
uint32
ivf_first_head(Relation index, BlockNumber block, Page page, int n)
{
	uint32		first = IvfOpaque(page)->first;
	uint32		end = ((PageHeader) page)->pd_lower;
	uint32		columns = IVF_COLUMN_BYTES(n);
	uint32		size = sizeof(IvfBlockHead) + columns;
	uint32		blocks_end;
	const IvfBlockHead *head;

	if (first == 0)
	{
		if (end - IVF_PAGE_START > columns)
			ivf_corrupted(index, block, "no block begins on it, but its data end at offset %u",
						  end);
		return 0;
	}
	if (first < IVF_PAGE_START ||
		(first - IVF_PAGE_START) % IVF_COLUMN != 0 ||
		first - IVF_PAGE_START > (IvfOpaque(page)->owner == block ? 0 : columns) ||
		first + sizeof(IvfBlockHead) > end)
		ivf_corrupted(index, block, "its first block stands at offset %u", first);

	blocks_end = first + ((end - first - sizeof(IvfBlockHead)) / size + 1) * size;
	if (end != Min(blocks_end, IVF_PAGE_END))
		ivf_corrupted(index, block, "its data end at offset %u, its blocks at %u",
					  end, blocks_end);
	head = ivf_block_at(page, first);
	if (head->rows == IVF_META_BLOCK ||
		head->rows_offset < IVF_PAGE_START || head->rows_offset > IVF_PAGE_END ||
		head->unused[0] != 0 || head->unused[1] != 0 || head->unused[2] != 0)
		ivf_corrupted(index, block, "no block's head stands at offset %u", first);
	return first;
}

/*
 * Finds out which page is read after this one, of this node or the next.
 *
 * The pages of a search lie anywhere in memory, and are read faster than memory
 * answers: the processor runs ahead of a walk by itself, but not past 4 kB, and
 * stops at each new page.  So every block asks for its share of the next page's
 * bytes, which arrive while the blocks of this one are scored.  (All at once,
 * or in its first-level cache, they would be more than the processor can wait for.)
 */
static void
look_ahead(IvfBlockReader *reader, Page page)
{
	BlockNumber next = IvfOpaque(page)->next;
	uint32		size = sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(reader->n);
	uint32		used = Max(((PageHeader) page)->pd_lower - IVF_PAGE_START, size);

	if (next == InvalidBlockNumber)
		next = reader->follows;
	reader->ahead = next == InvalidBlockNumber ? NULL :
		ivf_page_ahead(reader->index, next);
	reader->ahead_next = 0;
	reader->ahead_step = TYPEALIGN(64, (uint64) BLCKSZ * size / used);
}

/*
 * Asks for the next share.  Where the page's data end is known when its first
 * bytes are there, which the first share has asked for; nobody has locked the
 * page, so they may be another page's by now, but nothing depends on them.
 *
 * As much of it as the block has columns is left to whoever scores these: there
 * they can be asked for one by one.
 */
static void
touch_ahead(IvfBlockReader *reader)
{
	uint32		end = BLCKSZ;

	reader->share = NULL;
	if (reader->ahead == NULL)
		return;
	if (reader->ahead_next > 0)
		end = Min(((PageHeader) reader->ahead)->pd_lower, BLCKSZ);
	end = Min(end, reader->ahead_next + reader->ahead_step);
	if (reader->ahead_next >= end)
	{
		ivf_touch(reader->ahead + IVF_PAGE_SPECIAL, BLCKSZ - IVF_PAGE_SPECIAL);
		reader->ahead = NULL;
		return;
	}
	reader->share = reader->ahead + reader->ahead_next;
	reader->ahead_next += IVF_COLUMN_BYTES(reader->n);
	for (; reader->ahead_next < end; reader->ahead_next += 64)
		vec_ask_ahead(reader->ahead + reader->ahead_next);
}

static void
open_page(IvfBlockReader *reader, BlockNumber block)
{
	Page		page;

	CHECK_FOR_INTERRUPTS();
	reader->buffer = ivf_page_scan(reader->index, reader->snapshot, block,
								   IVF_CODE_PAGE, reader->node);
	page = BufferGetPage(reader->buffer);
	if (IvfOpaque(page)->level != reader->level)
		ivf_corrupted(reader->index, block, "it is of level %u, expected %d",
					  IvfOpaque(page)->level, reader->level);
	reader->block = block;
	look_ahead(reader, page);
}

/*
 * The blocks before have ended at this offset of a page that was just entered:
 * the page must say the same of where its first head stands, or is 0 if none
 * does.
 */
static void
expect_head(IvfBlockReader *reader, uint32 offset)
{
	Page		page = BufferGetPage(reader->buffer);
	uint32		first = offset + sizeof(IvfBlockHead) <= ((PageHeader) page)->pd_lower ?
	offset : 0;

	if (IvfOpaque(page)->first != first)
		ivf_corrupted(reader->index, reader->block,
					  "its first block stands at offset %u, expected %u",
					  IvfOpaque(page)->first, first);
}

/* the next page of the chain, or an invalid block; lets go of this one */
static BlockNumber
leave_page(IvfBlockReader *reader)
{
	BlockNumber next = ivf_page_next(reader->index, reader->block,
									 BufferGetPage(reader->buffer));

	UnlockReleaseBuffer(reader->buffer);
	reader->buffer = InvalidBuffer;
	return next;
}

/*
 * Goes to the first block of the node that begins at the given page.  follows is
 * the node that the reader will be opened for after that, or an invalid block.
 */
void
ivf_blocks_open(IvfBlockReader *reader, BlockNumber node, int level,
				BlockNumber follows)
{
	reader->node = node;
	reader->level = level;
	reader->follows = follows;
	reader->offset = IVF_PAGE_START;
	open_page(reader, node);
	expect_head(reader, IVF_PAGE_START);
}

/*
 * Copies the columns of a block that run on over the page's end, and goes to
 * the page where they end.
 */
static void
copy_columns(IvfBlockReader *reader, uint32 offset)
{
	char	   *columns = (char *) (reader->copy + 1);
	uint32		left = IVF_COLUMN_BYTES(reader->n);

	for (;;)
	{
		Page		page = BufferGetPage(reader->buffer);
		uint32		here = Min(left, IVF_PAGE_END - offset);
		BlockNumber next;

		if (offset + here > ((PageHeader) page)->pd_lower)
			ivf_corrupted(reader->index, reader->block,
						  "a block runs past the end of the data");
		memcpy(columns, (char *) page + offset, here);
		columns += here;
		left -= here;
		if (reader->block != reader->head_block)
			expect_head(reader, offset + here);
		if (left == 0)
		{
			reader->offset = offset + here;
			return;
		}
		next = leave_page(reader);
		if (next == InvalidBlockNumber)
			ivf_corrupted(reader->index, reader->block,
						  "a block runs on, but the chain ends");
		IVF_PAUSE("block cut");
		open_page(reader, next);
		offset = IVF_PAGE_START;
	}
}

/*
 * Yields the next block, or false after the last, when nothing is locked any
 * more.
 */
bool
ivf_blocks_next(IvfBlockReader *reader, const IvfBlockHead **head,
				const uint8 **columns)
{
	uint32		size = sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(reader->n);
	Page		page = BufferGetPage(reader->buffer);
	uint32		offset = reader->offset;

	if (reader->paused)
	{
		LockBuffer(reader->buffer, BUFFER_LOCK_SHARE);
		reader->paused = false;
		compat_test_old_snapshot(reader->snapshot, reader->index, page);
	}

	/* a page may hold no head at all, but only the end of a block's columns */
	while (offset + sizeof(IvfBlockHead) > ((PageHeader) page)->pd_lower)
	{
		BlockNumber next = leave_page(reader);

		if (next == InvalidBlockNumber)
			return false;
		open_page(reader, next);
		expect_head(reader, IVF_PAGE_START);
		page = BufferGetPage(reader->buffer);
		offset = IVF_PAGE_START;
	}

	touch_ahead(reader);
	*head = ivf_block_at(page, offset);
	reader->head_block = reader->block;
	reader->head_offset = offset;
	if (offset + size <= IVF_PAGE_END)
	{
		if (offset + size > ((PageHeader) page)->pd_lower)
			ivf_corrupted(reader->index, reader->block,
						  "a block runs past the end of the data");
		*columns = (const uint8 *) (*head + 1);
		reader->offset = offset + size;
	}
	else
	{
		memcpy(reader->copy, *head, sizeof(IvfBlockHead));
		*head = reader->copy;
		copy_columns(reader, offset + sizeof(IvfBlockHead));
		*columns = (const uint8 *) (reader->copy + 1);
	}
	return true;
}

/*
 * Lets go of the page's lock until the next call, and with it of the current
 * block; the page stays pinned.  For work that takes locks of its own.  Blocks
 * neither move nor vanish, so the walk goes on where it was.
 */
void
ivf_blocks_pause(IvfBlockReader *reader)
{
	LockBuffer(reader->buffer, BUFFER_LOCK_UNLOCK);
	reader->paused = true;
}

/*
 * Ends a walk early.  Harmless after its end.
 */
void
ivf_blocks_close(IvfBlockReader *reader)
{
	if (BufferIsValid(reader->buffer))
	{
		if (reader->paused)
			ReleaseBuffer(reader->buffer);
		else
			UnlockReleaseBuffer(reader->buffer);
	}
	reader->paused = false;
	reader->buffer = InvalidBuffer;
}
