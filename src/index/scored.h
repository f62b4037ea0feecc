/*
 * scored.h
 *	  The bounds of a node's entries, kept or made again.
 */
#ifndef VECFEAT_SCORED_H
#define VECFEAT_SCORED_H

#include "compat.h"

#include "ground/kth.h"
#include "ground/topk.h"
#include "index/score.h"

/*
 * A node whose entries are in the queue.
 */
typedef struct IvfScored
{
	IvfView		view;
	uint32		number;			/* of the nodes added to the queue, from 1 */
	uint32		base;			/* place of its first slot in the queue */
	IvfRun		parent;			/* where the row with its centroid lies; */
	int			parent_row;		/* -1: the root, which has none */
	float4	   *w;				/* n, or NULL: made when needed */
	int			blocks;
	int			room;			/* blocks that there is memory for */
	float4	   *bounds;			/* 32 a block, or NULL: likewise */
	IvfRun	   *runs;			/* one a block, or NULL with bounds */
	float4	   *least;			/* of each block, what the queue has not taken */
	bool		dropped;		/* have bounds and runs been dropped, once? */
} IvfScored;

/* places that the node takes in the queue; score refuses lists with more */
static inline uint32
ivf_scored_slots(const IvfScored *node)
{
	return (uint32) node->blocks * VEC_BLOCK;
}

extern bool ivf_scored_make(IvfScored *node, IvfQuery *query, bool certain,
							const float4 *w, Kth *nearest, Kth *kth);
extern bool ivf_scored_restore(IvfScored *node, IvfQuery *query, bool certain);
extern void ivf_scored_drop(IvfScored *node);
extern void ivf_scored_free(IvfScored *node);
extern Size ivf_scored_size(const IvfScored *node);
extern void ivf_scored_view(IvfScored *node, IvfQuery *query, float4 *w);
extern const float4 *ivf_scored_w(IvfScored *node, IvfQuery *query);

#endif							/* VECFEAT_SCORED_H */
