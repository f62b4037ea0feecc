/*
 * blocks.h
 *	  The blocks of a node, read in order.
 */
#ifndef VECFEAT_BLOCKS_H
#define VECFEAT_BLOCKS_H

#include "page/page.h"

/*
 * A walk over a node's blocks.  What it yields points into a page, on which a
 * share lock is held meanwhile.  So nothing that takes long, waits or raises
 * errors with side effects may happen between two calls.
 */
typedef struct IvfBlockReader
{
	Relation	index;
	Snapshot	snapshot;		/* whose rows are looked for, or NULL */
	int			n;				/* padded dimensions */
	int			level;
	BlockNumber node;			/* first page of the chain */
	BlockNumber block;			/* current page */
	Buffer		buffer;
	const IvfBlockHead *head;	/* of the current block: on its page, or a copy
								 * when that has been let go */
	uint32		left;			/* bytes of its columns that are not yielded yet */
	uint32		offset;			/* where they go on, or the next head may stand */
	IvfBlockHead *copy;			/* room for a head */
	bool		paused;			/* is the current page pinned, but not locked? */
	BlockNumber follows;		/* node that is walked next, if that is known */
	const char *ahead;			/* the page that is read next, or NULL; */
	uint32		ahead_next;		/* where its bytes are asked for next, */
	uint32		ahead_step;		/* and how many of them by each block */
	const char *share;			/* where the current block's share of them begins,
								 * or NULL */
} IvfBlockReader;

/*
 * Columns of a block that lie side by side.
 */
typedef struct IvfColumns
{
	const uint8 *bytes;
	int			from;			/* the number of the first, */
	int			count;			/* and how many there are */
	const char *ahead;			/* as many bytes are looked at soon */
} IvfColumns;

extern void ivf_blocks_begin(IvfBlockReader *reader, Relation index,
							 Snapshot snapshot, int n);
extern void ivf_blocks_open(IvfBlockReader *reader, BlockNumber node, int level,
							BlockNumber follows);
extern bool ivf_blocks_next(IvfBlockReader *reader, IvfColumns *columns);
extern void ivf_blocks_follow(IvfBlockReader *reader, IvfColumns *columns);
extern void ivf_blocks_pause(IvfBlockReader *reader);
extern void ivf_blocks_close(IvfBlockReader *reader);

static inline IvfBlockHead *
ivf_block_at(Page page, uint32 offset)
{
	return (IvfBlockHead *) ((char *) page + offset);
}

/*
 * Offset of the head after the one at offset on the same page, or 0.
 */
static inline uint32
ivf_next_head(Page page, uint32 offset, int n)
{
	offset += sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n);
	if (offset + sizeof(IvfBlockHead) > ((PageHeader) page)->pd_lower)
		return 0;
	return offset;
}

extern uint32 ivf_first_head(Relation index, BlockNumber block, Page page, int n);

#endif							/* VECFEAT_BLOCKS_H */
