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
	reader->copy = palloc(sizeof(IvfBlockHead));
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
	uint32		end = ((PageHeader) page)->pd_lower;
	uint32		head_end = IvfOpaque(page)->first + sizeof(IvfBlockHead);
	uint32		heads = 1;

	/* so many blocks begin here, if the page is right, which is not certain yet */
	if (head_end <= end)
		heads += (end - head_end) / size;
	if (next == InvalidBlockNumber)
		next = reader->follows;
	reader->ahead = next == InvalidBlockNumber ? NULL :
		ivf_page_ahead(reader->index, next);
	reader->ahead_next = 0;
	reader->ahead_step = TYPEALIGN(64, BLCKSZ / heads);
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
		end = Min(((const PageHeaderData *) reader->ahead)->pd_lower, BLCKSZ);
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
	reader->left = 0;
	open_page(reader, node);
	expect_head(reader, IVF_PAGE_START);
}

/* locks the page again that was let go */
static void
resume(IvfBlockReader *reader)
{
	if (!reader->paused)
		return;
	LockBuffer(reader->buffer, BUFFER_LOCK_SHARE);
	reader->paused = false;
	compat_test_old_snapshot(reader->snapshot, reader->index,
							 BufferGetPage(reader->buffer));
}

/* the columns of the current block that lie on the current page */
static void
yield_columns(IvfBlockReader *reader, IvfColumns *columns)
{
	Page		page = BufferGetPage(reader->buffer);
	uint32		done = IVF_COLUMN_BYTES(reader->n) - reader->left;
	uint32		here = Min(reader->left, IVF_PAGE_END - reader->offset);

	if (reader->offset + here > ((PageHeader) page)->pd_lower)
		ivf_corrupted(reader->index, reader->block,
					  "a block runs past the end of the data");
	columns->bytes = (const uint8 *) page + reader->offset;
	columns->from = done / IVF_COLUMN;
	columns->count = here / IVF_COLUMN;
	columns->ahead = reader->share ? reader->share + done : (const char *) columns->bytes;
	reader->offset += here;
	reader->left -= here;
}

/*
 * Goes to the next page, where columns of the current block are left, and yields
 * those that are there.  Of what was yielded before the head alone is kept.
 */
void
ivf_blocks_follow(IvfBlockReader *reader, IvfColumns *columns)
{
	BlockNumber next;

	resume(reader);
	if (reader->head != reader->copy)
	{
		memcpy(reader->copy, reader->head, sizeof(IvfBlockHead));
		reader->head = reader->copy;
	}
	next = leave_page(reader);
	if (next == InvalidBlockNumber)
		ivf_corrupted(reader->index, reader->block,
					  "a block runs on, but the chain ends");
	IVF_PAUSE("block cut");
	open_page(reader, next);
	reader->offset = IVF_PAGE_START;
	yield_columns(reader, columns);
	expect_head(reader, reader->offset);
}

/*
 * Goes to the next block, whose head is reader->head then, and yields those of its
 * columns that are on the same page; false after the last, when nothing is locked
 * any more.  While columns are left, ivf_blocks_follow() yields them, but those
 * who do not want them need not ask.
 */
bool
ivf_blocks_next(IvfBlockReader *reader, IvfColumns *columns)
{
	Page		page;

	while (reader->left > 0)
		ivf_blocks_follow(reader, columns);
	resume(reader);
	page = BufferGetPage(reader->buffer);

	/* a page may hold no head at all, but only the end of a block's columns */
	while (reader->offset + sizeof(IvfBlockHead) > ((PageHeader) page)->pd_lower)
	{
		BlockNumber next = leave_page(reader);

		if (next == InvalidBlockNumber)
			return false;
		open_page(reader, next);
		expect_head(reader, IVF_PAGE_START);
		page = BufferGetPage(reader->buffer);
		reader->offset = IVF_PAGE_START;
	}

	touch_ahead(reader);
	reader->head = ivf_block_at(page, reader->offset);
	reader->offset += sizeof(IvfBlockHead);
	reader->left = IVF_COLUMN_BYTES(reader->n);
	yield_columns(reader, columns);
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
