/*
 * tids.h
 *	  Chains of TIDs: the rows that have no place among the lists.
 */
#ifndef VECFEAT_TIDS_H
#define VECFEAT_TIDS_H

#include "page/page.h"

extern void ivf_tids_add(Relation index, BlockNumber chain, ItemPointer tid);
extern BlockNumber ivf_tids_read(Relation index, BlockNumber chain,
								 BlockNumber block, ItemPointer tids,
								 int *count);

#endif							/* VECFEAT_TIDS_H */
