/*
 * sweep.h
 *	  All pages of an index that can hold entries, in the file's order.
 */
#ifndef VECFEAT_SWEEP_H
#define VECFEAT_SWEEP_H

#include "page/page.h"

typedef struct IvfSweep
{
	Relation	index;
	BlockNumber next;
	BlockNumber blocks;			/* of the file, when that was last looked at */
	BlockNumber rows_first;		/* pages from here */
	BlockNumber rows_end;		/* to the one before this are passed over */
	ReadStream *stream;
} IvfSweep;

/*
 * The page to read instead of this one: those that the build has filled with
 * rows lie together, and are four fifths of the file.
 */
static inline BlockNumber
ivf_pass_rows(const IvfMetaData *meta, BlockNumber block)
{
	return block >= meta->rows_first && block < meta->rows_end ?
		meta->rows_end : block;
}

extern void ivf_sweep_begin(IvfSweep *sweep, Relation index,
							const IvfMetaData *meta,
							BufferAccessStrategy strategy);
extern Buffer ivf_sweep_next(IvfSweep *sweep);
extern void ivf_sweep_end(IvfSweep *sweep);

#endif							/* VECFEAT_SWEEP_H */
