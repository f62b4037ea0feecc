/*
 * order.h
 *	  The rows of an index in the order of their distances from a query.
 */
#ifndef VECFEAT_ORDER_H
#define VECFEAT_ORDER_H

#include "compat.h"

#include "index/heaprows.h"
#include "index/leaves.h"
#include "index/stop.h"

typedef struct IvfOrder
{
	IvfQuery   *query;
	IvfHeapRows *heap;
	Relation	table;
	BlockNumber *table_blocks;	/* at least so many: kept for the next query */
	IvfStop		stop;
	double		radius;			/* what is farther is not wanted */
	bool		unsorted;		/* may rows come in any order, and farther ones? */
	bool		codes_first;	/* are all byte codes read, whatever sign codes say? */
	IvfLeaves  *walk;			/* NULL: the root is the only leaf */
	IvfQueue   *rows;
	uint32		lists;			/* read so far */
} IvfOrder;

extern IvfOrder *ivf_order_begin(IvfQuery *query, double recall, int probes,
								 Relation table, BlockNumber *table_blocks,
								 IvfHeapRows *heap);
extern IvfOrder *ivf_order_within(IvfQuery *query, double radius, bool unsorted,
								  Relation table, BlockNumber *table_blocks,
								  IvfHeapRows *heap);
extern bool ivf_order_next(IvfOrder *order, ItemPointer tid);
extern void ivf_order_end(IvfOrder *order);

#endif							/* VECFEAT_ORDER_H */
