/*
 * heaprows.h
 *	  The heap rows behind an index's entries.
 */
#ifndef VECFEAT_HEAPROWS_H
#define VECFEAT_HEAPROWS_H

#include "compat.h"

#include "index/space.h"
#include "utils/snapshot.h"

typedef struct IvfHeapRows IvfHeapRows;

extern IvfHeapRows *ivf_heap_open(Relation heap, Relation index);
extern bool ivf_heap_fetch(IvfHeapRows *rows, Snapshot snapshot,
						   ItemPointer tid);
extern bool ivf_heap_wanted(IvfHeapRows *rows);
extern bool ivf_heap_value(IvfHeapRows *rows, Datum *value);
extern MemoryContext ivf_heap_memory(IvfHeapRows *rows);
extern bool ivf_heap_distance(IvfHeapRows *rows, Snapshot snapshot,
							  ItemPointer tid, const IvfSpace *space,
							  const float4 *query, double *distance);
extern void ivf_heap_query(IvfHeapRows *rows, const IvfSpace *space,
						   const float4 *query);
extern void ivf_heap_hand_out(IvfHeapRows *rows);
extern void ivf_heap_check_tid(Relation heap, BlockNumber *blocks,
							   Relation index, BlockNumber block,
							   ItemPointer tid);
extern void ivf_heap_pause(IvfHeapRows *rows);
extern void ivf_heap_close(IvfHeapRows *rows);

#endif							/* VECFEAT_HEAPROWS_H */
