/*
 * treewalk.h
 *	  Visits the leaves of an index in tree order.
 */
#ifndef VECFEAT_TREEWALK_H
#define VECFEAT_TREEWALK_H

#include "compat.h"

#include "page/rows.h"

/*
 * An inner node but the root: where its row lies, and what is above.
 */
typedef struct IvfTreeNode
{
	const struct IvfTreeNode *above;	/* NULL: the root */
	BlockNumber node;
	IvfRun		run;
	int			row;
} IvfTreeNode;

/*
 * A leaf, and what its row in the node above says of it.  The lone leaf of an
 * index of one level has no row: its parent is invalid, row is -1, the radius
 * infinite.
 */
typedef struct IvfTreeLeaf
{
	uint32		number;			/* in tree order, from 0 */
	BlockNumber node;			/* its first page */
	BlockNumber parent;			/* first page of the node above, */
	const IvfTreeNode *above;	/* unless that is the root; valid during the call */
	IvfRun		run;			/* where its row lies */
	int			row;
	float4		radius;			/* no entry that was there when it was read is
								 * farther from the centroid */
	const float4 *centroid;		/* n, seen from the mean: valid during the call */
} IvfTreeLeaf;

typedef void (*IvfLeafFunction) (const IvfTreeLeaf *leaf, void *arg);

extern void ivf_visit_leaves(Relation index, const IvfMetaData *meta,
							 IvfLeafFunction function, void *arg);

#endif							/* VECFEAT_TREEWALK_H */
