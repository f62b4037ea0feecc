/*
 * writer.c
 *	  Writing the pages of a new index, which nobody else can see yet.
 *
 * Code pages and refine pages are written at the same time but to regions of
 * their own, whose sizes the build knows beforehand: so a list's code pages
 * are adjacent, and VACUUM reads one stretch of the file.
 *
 * The page at hand is pinned but not locked: whoever holds a lock on a page
 * can't be cancelled, and one of the two streams always has a page at hand.
 * Its buffer is marked dirty when the page is finished.
 */
#include "compat.h"

#include "page/writer.h"

#include "miscadmin.h"
#include "storage/lmgr.h"

/*
 * The page at a block, empty and locked; the file is extended to hold it.
 */
static Buffer
new_page(Relation index, ForkNumber fork, BlockNumber block)
{
	Buffer		buffer;

	while (RelationGetNumberOfBlocksInFork(index, fork) <= block)
	{
		/* the first refine page comes after all code pages */
		CHECK_FOR_INTERRUPTS();
		LockRelationForExtension(index, ExclusiveLock);
		ReleaseBuffer(compat_extend(index, fork));
		UnlockRelationForExtension(index, ExclusiveLock);
	}
	buffer = ReadBufferExtended(index, fork, block, RBM_ZERO_AND_LOCK, NULL);
	return buffer;
}

/*
 * Starts a stream at the start of a block.
 */
void
ivf_writer_begin(IvfWriter *writer, Relation index, ForkNumber fork,
				 IvfPageKind kind, BlockNumber block)
{
	writer->index = index;
	writer->fork = fork;
	writer->kind = kind;
	writer->level = 0;
	writer->owner = InvalidBlockNumber;
	writer->chained = false;
	writer->place.page = block;
	writer->place.offset = IVF_PAGE_START;
	writer->buffer = InvalidBuffer;
}

static void
finish_page(IvfWriter *writer)
{
	if (!BufferIsValid(writer->buffer))
		return;
	LockBuffer(writer->buffer, BUFFER_LOCK_EXCLUSIVE);
	MarkBufferDirty(writer->buffer);
	UnlockReleaseBuffer(writer->buffer);
	writer->buffer = InvalidBuffer;
}

/*
 * The page that the next bytes go to.  Here alone a page is begun, so a stream
 * never ends with an empty one.
 */
static Page
current_page(IvfWriter *writer)
{
	Page		page;

	if (BufferIsValid(writer->buffer))
	{
		if (BufferGetBlockNumber(writer->buffer) == writer->place.page)
			return BufferGetPage(writer->buffer);
		if (writer->chained)
			IvfOpaque(BufferGetPage(writer->buffer))->next = writer->place.page;
		finish_page(writer);
	}
	CHECK_FOR_INTERRUPTS();
	writer->buffer = new_page(writer->index, writer->fork, writer->place.page);
	page = BufferGetPage(writer->buffer);
	ivf_page_init(page, writer->kind, writer->level, writer->owner);
	LockBuffer(writer->buffer, BUFFER_LOCK_UNLOCK);
	return page;
}

/*
 * Begins a new chain, on a page of its own, even if nothing is put there.
 */
void
ivf_writer_chain(IvfWriter *writer, int level)
{
	if (BufferIsValid(writer->buffer))
	{
		writer->place.page = BufferGetBlockNumber(writer->buffer) + 1;
		writer->place.offset = IVF_PAGE_START;
		finish_page(writer);
	}
	writer->level = level;
	writer->owner = writer->place.page;
	writer->chained = true;
	(void) current_page(writer);
}

static void
put(IvfWriter *writer, const char *data, uint32 bytes)
{
	while (bytes > 0)
	{
		uint32		here;
		Page		page;

		if (writer->place.offset == IVF_PAGE_END)
		{
			writer->place.page++;
			writer->place.offset = IVF_PAGE_START;
		}
		here = Min(bytes, IVF_PAGE_END - writer->place.offset);
		page = current_page(writer);
		memcpy((char *) page + writer->place.offset, data, here);
		writer->place.offset += here;
		((PageHeader) page)->pd_lower = writer->place.offset;
		data += here;
		bytes -= here;
	}
}

/*
 * Puts the head of an item, in one piece; returns where.
 */
IvfPlace
ivf_writer_head(IvfWriter *writer, const void *data, uint32 bytes)
{
	IvfPlace	place;

	place_head(&writer->place, bytes);
	place = writer->place;
	put(writer, data, bytes);
	if (writer->kind == IVF_CODE_PAGE)
	{
		IvfPageOpaque opaque = IvfOpaque(BufferGetPage(writer->buffer));

		if (opaque->first == 0)
			opaque->first = place.offset;
	}
	return place;
}

/*
 * Puts bytes that may run on over page ends.
 */
void
ivf_writer_body(IvfWriter *writer, const void *data, uint32 bytes)
{
	put(writer, data, bytes);
}

/*
 * The page that the stream's next bytes go to.
 */
Page
ivf_writer_page(IvfWriter *writer)
{
	return current_page(writer);
}

/*
 * Ends the stream.
 */
void
ivf_writer_end(IvfWriter *writer)
{
	finish_page(writer);
}
