/*
 * sweep.c
 *	  All pages of an index that can hold entries, in the file's order.
 *
 * That is the order of the chains too.  The order is known beforehand, so a read
 * stream can bring many pages at a time (PostgreSQL 17 and later).  A search has
 * no use for one: where a list goes on, only its page before tells.
 */
#include "compat.h"

#include "page/sweep.h"

/* of a read stream: takes no lock and reads no page */
static BlockNumber
next_block(ReadStream *stream, void *arg, void *per_buffer_data)
{
	IvfSweep   *sweep = arg;

	if (sweep->next >= sweep->rows_first && sweep->next < sweep->rows_end)
		sweep->next = sweep->rows_end;
	return sweep->next < sweep->blocks ? sweep->next++ : InvalidBlockNumber;
}

/*
 * Starts at the metapage.  Allocates in the current context.
 */
void
ivf_sweep_begin(IvfSweep *sweep, Relation index, const IvfMetaData *meta,
				BufferAccessStrategy strategy)
{
	sweep->index = index;
	sweep->next = IVF_META_BLOCK;
	sweep->blocks = RelationGetNumberOfBlocks(index);
	sweep->rows_first = meta->rows_first;
	sweep->rows_end = meta->rows_end;
	sweep->stream = read_stream_begin_relation(COMPAT_STREAM_MAINTENANCE, strategy,
											   index, MAIN_FORKNUM, next_block,
											   sweep, 0);
}

/*
 * The next page, pinned; an invalid buffer after the last.  What is added to the
 * file meanwhile comes too.
 */
Buffer
ivf_sweep_next(IvfSweep *sweep)
{
	Buffer		buffer = read_stream_next_buffer(sweep->stream, NULL);

	if (BufferIsValid(buffer))
		return buffer;
	sweep->blocks = RelationGetNumberOfBlocks(sweep->index);
	if (sweep->next >= sweep->blocks)
		return InvalidBuffer;
	read_stream_reset(sweep->stream);
	return read_stream_next_buffer(sweep->stream, NULL);
}

void
ivf_sweep_end(IvfSweep *sweep)
{
	read_stream_end(sweep->stream);
}
