/*
 * tids.h
 *	  Chains of TIDs: the rows that have no place among the lists.
 */
#ifndef VECFEAT_TIDS_H
#define VECFEAT_TIDS_H

#include "page/page.h"

/*
 * The slots in use on a page of a chain, dead ones included.
 */
static inline int
ivf_tids_used(Page page)
{
	return (((PageHeader) page)->pd_lower - IVF_PAGE_START) /
		sizeof(ItemPointerData);
}

extern void ivf_tids_add(Relation index, BlockNumber chain, ItemPointer tid);
extern BlockNumber ivf_tids_read(Relation index, Snapshot snapshot,
								 BlockNumber chain, BlockNumber block,
								 ItemPointer tids, int *count);

#endif							/* VECFEAT_TIDS_H */
