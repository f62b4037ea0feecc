/*
 * descend.h
 *	  The way from the root to the leaf that a new row belongs to.
 */
#ifndef VECFEAT_DESCEND_H
#define VECFEAT_DESCEND_H

#include "ground/signscore.h"
#include "index/frozen.h"

/*
 * A row on its way, and room for what is looked at there.
 */
typedef struct IvfDescent
{
	IvfFrozen  *frozen;
	double	   *v;				/* n: the row in the index's space */
	float4	   *target;			/* n: v rounded, to rank centroids by */
	float4	   *residual;		/* n: v minus the centroid of the node reached */
	const float4 *centroid;		/* n: of that node */
	float4	   *room;			/* n: where centroids that are not kept are */
	double	   *w;				/* n: v minus the centroid of a node */
	float4	   *zeros;			/* n: the root's centroid */
	SignQuery	signs;			/* of w */

	/* lower bounds of the squared distances of a node's children */
	float4	   *bounds;			/* VEC_BLOCK a block */
	float4	   *least;			/* of these, for each block */
	int			blocks_room;
} IvfDescent;

extern void ivf_descent_init(IvfDescent *descent, IvfFrozen *frozen);
extern BlockNumber ivf_descend(IvfDescent *descent, Relation index);

#endif							/* VECFEAT_DESCEND_H */
