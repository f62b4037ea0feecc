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
 */
uint32
ivf_first_head(Relation index, BlockNumber block, Page page)
{
	uint32		first = IvfOpaque(page)->first;

	if (first == 0)
		return 0;
	if (first < IVF_PAGE_START ||
		(first - IVF_PAGE_START) % IVF_COLUMN != 0 ||
		first + sizeof(IvfBlockHead) > ((PageHeader) page)->pd_lower)
		ivf_corrupted(index, block, "its first block stands at offset %u", first);
	return first;
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
 * Goes to the first block of the node that begins at the given page.
 */
void
ivf_blocks_open(IvfBlockReader *reader, BlockNumber node, int level)
{
	reader->node = node;
	reader->level = level;
	reader->offset = IVF_PAGE_START;
	open_page(reader, node);
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
		page = BufferGetPage(reader->buffer);
		offset = IVF_PAGE_START;
	}

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
