/*
 * leaftable.h
 *	  All leaves of an index at hand, to find the one nearest to a row.
 */
#ifndef VECFEAT_LEAFTABLE_H
#define VECFEAT_LEAFTABLE_H

#include "compat.h"

#include "index/frozen.h"
#include "index/treewalk.h"

typedef struct IvfLeafTable
{
	MemoryContext context;
	uint32		count;
	int			n;
	float4	   *panels;			/* the centroids (ground/panels.h) */
	float4	   *norms;			/* their squared norms */
	IvfTreeNode *leaf;			/* each with the way to it from the root */
} IvfLeafTable;

extern IvfLeafTable *ivf_leaf_table_read(Relation index, const IvfMetaData *meta,
										 int n);
extern const IvfLeafTable *ivf_leaf_table(IvfFrozen *frozen, Relation index);
extern const IvfTreeNode *ivf_leaf_table_nearest(const IvfLeafTable *table,
												 const float4 *row);
extern int	ivf_leaf_table_neighbours(const IvfLeafTable *table, uint32 leaf,
									  int count, uint32 *near);
extern void ivf_leaf_table_centroid(const IvfLeafTable *table, uint32 leaf,
									float4 *centroid);

#endif							/* VECFEAT_LEAFTABLE_H */
