/*
 * descend.h
 *	  The way from the root to the leaf that a new row belongs to.
 */
#ifndef VECFEAT_DESCEND_H
#define VECFEAT_DESCEND_H

#include "index/score.h"

/*
 * A row on its way, and room for what is looked at there.
 */
typedef struct IvfDescent
{
	IvfQuery	query;			/* the row; query.v is set by the caller */
	float4	   *target;			/* n: v rounded, to rank centroids by */
	float4	   *residual;		/* n: v minus the centroid of the node reached */
	const float4 *centroid;		/* n: of that node; NULL: zeros, as the root's is */
	float4	   *room;			/* n: where centroids that are not kept are */
	float4	   *w;				/* n */

	/* the children of a node, a block each */
	int			blocks;
	int			blocks_room;
	float4	   *bounds;			/* VEC_BLOCK a block */
	float4	   *least;			/* of these, for each block */
	IvfRun	   *runs;
} IvfDescent;

extern void ivf_descent_init(IvfDescent *descent, Relation index,
							 IvfFrozen *frozen);
extern BlockNumber ivf_descend(IvfDescent *descent, Relation index);

#endif							/* VECFEAT_DESCEND_H */
