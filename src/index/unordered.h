/*
 * unordered.h
 *	  The rows of an index in no particular order.
 */
#ifndef VECFEAT_UNORDERED_H
#define VECFEAT_UNORDERED_H

#include "compat.h"

#include "index/frozen.h"
#include "utils/snapshot.h"

/*
 * TIDs of one page at a time: of the leaves' code pages, in the order of the
 * file, or of a chain of rows that have no place among them.
 */
typedef struct IvfUnordered
{
	Relation	index;
	Snapshot	snapshot;
	const IvfFrozen *frozen;
	Relation	table;
	BlockNumber *table_blocks;	/* at least so many: kept for the next query */
	bool		in_chain;
	BlockNumber chain;			/* its first page, if so */
	BlockNumber block;			/* to be read next, */
	BlockNumber last_block;		/* and read last */
	BlockNumber blocks;			/* of the index, when this began */
	ItemPointerData *tids;
	int			count;
	int			next;
} IvfUnordered;

extern IvfUnordered *ivf_unordered_begin(Relation index, Snapshot snapshot,
										 const IvfFrozen *frozen, Relation table,
										 BlockNumber *table_blocks);
extern void ivf_unordered_leaves(IvfUnordered *unordered);
extern void ivf_unordered_chain(IvfUnordered *unordered, BlockNumber chain);
extern bool ivf_unordered_next(IvfUnordered *unordered, ItemPointer tid);

#endif							/* VECFEAT_UNORDERED_H */
