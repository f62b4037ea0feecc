/*
 * sorter.h
 *	  Sorts pairs of numbers, with some bytes each, on disk if they are many.
 */
#ifndef VECFEAT_SORTER_H
#define VECFEAT_SORTER_H

#include "compat.h"

#include "storage/itemptr.h"
#include "utils/tuplesort.h"

typedef struct IvfSorter IvfSorter;

extern IvfSorter *ivf_sorter_begin(int kilobytes, SortCoordinate coordinate);
extern void ivf_sorter_put(IvfSorter *sorter, int64 major, int64 minor,
						   const void *data, Size size);
extern void ivf_sorter_sort(IvfSorter *sorter);
extern bool ivf_sorter_next(IvfSorter *sorter, int64 *major, int64 *minor,
							const void **data);
extern void ivf_sorter_end(IvfSorter *sorter);

/* a TID as a number that sorts like it */
static inline int64
ivf_tid_key(ItemPointer tid)
{
	return ((int64) ItemPointerGetBlockNumberNoCheck(tid) << 16) |
		ItemPointerGetOffsetNumberNoCheck(tid);
}

#endif							/* VECFEAT_SORTER_H */
