/*
 * writer.h
 *	  Writing the pages of a new index, which nobody else can see yet.
 */
#ifndef VECFEAT_WRITER_H
#define VECFEAT_WRITER_H

#include "page/page.h"

/*
 * A stream of items onto adjacent pages.  Pages are written without WAL; the
 * build logs them all at its end.
 */
typedef struct IvfWriter
{
	Relation	index;
	ForkNumber	fork;
	IvfPageKind kind;
	int			level;
	BlockNumber owner;			/* of the pages to come */
	bool		chained;		/* does each page point to the next? */
	IvfPlace	place;			/* page is a block number here */
	Buffer		buffer;			/* of the page begun last */
} IvfWriter;

extern void ivf_writer_begin(IvfWriter *writer, Relation index, ForkNumber fork,
							 IvfPageKind kind, BlockNumber block);
extern void ivf_writer_chain(IvfWriter *writer, int level);
extern IvfPlace ivf_writer_head(IvfWriter *writer, const void *data, uint32 bytes);
extern void ivf_writer_body(IvfWriter *writer, const void *data, uint32 bytes);
extern Page ivf_writer_page(IvfWriter *writer);
extern void ivf_writer_end(IvfWriter *writer);

#endif							/* VECFEAT_WRITER_H */
