/*
 * scored.c
 *	  The bounds of a node's entries, kept or made again.
 */
#include "compat.h"

#include "index/scored.h"

#include <math.h>

#include "utils/memutils.h"

/* collects the bounds of a node */
static void
keep_bounds(const float4 *bounds, const IvfRun *run, void *arg)
{
	IvfScored  *node = arg;

	if (node->blocks == PG_INT32_MAX / VEC_BLOCK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a list has more than %d entries", PG_INT32_MAX),
				 errhint("REINDEX gives the index more lists.")));
	if (node->blocks == node->room)
	{
		node->room = node->room * 2;
		node->bounds = repalloc_huge(node->bounds,
									 sizeof(float4) * VEC_BLOCK * (Size) node->room);
		node->runs = repalloc_huge(node->runs, sizeof(IvfRun) * (Size) node->room);
		node->least = repalloc_huge(node->least, sizeof(float4) * (Size) node->room);
	}
	memcpy(node->bounds + (Size) node->blocks * VEC_BLOCK, bounds,
		   sizeof(float4) * VEC_BLOCK);
	node->runs[node->blocks++] = *run;
}

/*
 * Scores a node; bounds are allocated in the current context.  nearest and kth,
 * or NULL, collect the nearest entries of all nodes.  Returns whether kth has
 * changed.
 */
bool
ivf_scored_make(IvfScored *node, IvfQuery *query, bool certain, const float4 *w,
				Kth *nearest, Kth *kth)
{
	bool		improved = false;
	int			i;

	node->blocks = 0;
	node->room = 32;
	node->bounds = palloc(sizeof(float4) * VEC_BLOCK * node->room);
	node->runs = palloc(sizeof(IvfRun) * node->room);
	node->least = palloc(sizeof(float4) * node->room);
	ivf_score_node(query, &node->view, w, certain, keep_bounds, node);
	vec_kernels->least_of_blocks(node->bounds, node->blocks, node->least);

	/* what changes kth is told by what it was before this node */
	if (kth)
		(void) kth_limit(kth);
	for (i = 0; i < node->blocks; i++)
	{
		const float4 *bounds = node->bounds + (Size) i * VEC_BLOCK;

		if (nearest && node->least[i] < nearest->limit)
			(void) kth_add(nearest, bounds);
		if (kth && node->least[i] < kth->limit)
			improved |= kth_add(kth, bounds) > 0;
	}
	return improved;
}

/* bytes that ivf_scored_drop() frees */
Size
ivf_scored_size(const IvfScored *node)
{
	return (sizeof(float4) * VEC_BLOCK + sizeof(IvfRun)) * (Size) node->room;
}

/*
 * Drops the bounds.  The least ones stay: they tell in which nodes, and where
 * in them, there is something to be taken.
 */
void
ivf_scored_drop(IvfScored *node)
{
	pfree(node->bounds);
	pfree(node->runs);
	node->bounds = NULL;
	node->runs = NULL;
	node->dropped = true;
}

/* frees what a node has */
void
ivf_scored_free(IvfScored *node)
{
	if (node->bounds)
		ivf_scored_drop(node);
	if (node->w)
		pfree(node->w);
	pfree(node->least);
}

/*
 * Completes a node's view; w becomes the query minus its centroid.
 */
void
ivf_scored_view(IvfScored *node, IvfQuery *query, float4 *w)
{
	IvfView		before = node->view;
	const float4 *centroid = NULL;
	float4	   *room = NULL;

	if (node->parent_row >= 0)
	{
		room = palloc(sizeof(float4) * query->space->n);
		centroid = ivf_frozen_child(query->frozen, query->index, &node->parent,
									node->parent_row, room).centroid;
	}
	ivf_view(query, node->view.node, node->view.level, centroid, &node->view, w);
	node->view.key = before.key;
	node->view.norm = before.norm;
	node->view.least = before.least;
	node->view.near = before.near;
	if (room)
		pfree(room);
}

/*
 * The query minus the node's centroid.  Where it is not kept it is made again,
 * and is valid until the next call for such a node.
 */
const float4 *
ivf_scored_w(IvfScored *node, IvfQuery *query)
{
	if (node->w)
		return node->w;
	if (query->w_node != node->view.node || !node->view.complete)
	{
		ivf_scored_view(node, query, query->w);
		query->w_node = node->view.node;
	}
	return query->w;
}

/*
 * Scores a node whose bounds were dropped; true if they were, and are to be
 * dropped again soon.
 *
 * Blocks that were appended since the first time are left out.  Their places
 * would be those of the next node, whose rows would then come out twice; and
 * their entries came after the snapshot.
 */
bool
ivf_scored_restore(IvfScored *node, IvfQuery *query, bool certain)
{
	int			blocks = node->blocks;
	float4	   *least = node->least;

	if (node->bounds)
		return false;
	(void) ivf_scored_make(node, query, certain, ivf_scored_w(node, query), NULL,
						   NULL);
	node->blocks = Min(node->blocks, blocks);
	pfree(node->least);
	node->least = least;
	return true;
}

