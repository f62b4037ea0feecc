/*
 * descend.c
 *	  The way from the root to the leaf that a new row belongs to.
 *
 * At each level it goes to the nearest child.  Sign codes tell which are worth a
 * look, as in a scan; but one child is wanted and no order, so there is no queue.
 * The nearest child of the nearest child need not be the nearest leaf.  Where an
 * index promises that one, all leaves are compared.
 *
 * On the way radii are raised to hold the row.
 */
#include "compat.h"

#include "index/descend.h"

#include <float.h>
#include <math.h>

#include "index/leaftable.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"

/* a node on the way down, and where the row with its centroid lies */
typedef struct Position
{
	BlockNumber node;
	int			level;
	IvfRun		run;
	int			row;
} Position;

/*
 * Prepares for any number of rows; allocates in the current context, which is to
 * live as long as frozen.
 */
void
ivf_descent_init(IvfDescent *descent, Relation index, IvfFrozen *frozen)
{
	Size		size = sizeof(float4) * frozen->space->n;

	memset(descent, 0, sizeof(*descent));
	ivf_query_init(&descent->query, index, NULL, frozen);
	descent->query.unranked = true;
	descent->target = palloc(size);
	descent->residual = palloc(size);
	descent->room = palloc(size);
	descent->w = palloc(size);

	descent->blocks_room = 16;
	descent->bounds = palloc(sizeof(float4) * VEC_BLOCK * descent->blocks_room);
	descent->least = palloc(sizeof(float4) * descent->blocks_room);
	descent->runs = palloc(sizeof(IvfRun) * descent->blocks_room);
}

/* IvfBlockFunction */
static void
keep_block(const float4 *bounds, const IvfRun *run, void *arg)
{
	IvfDescent *descent = arg;

	if (descent->blocks == descent->blocks_room)
	{
		Size		room = descent->blocks_room * (Size) 2;

		descent->bounds = repalloc_huge(descent->bounds, sizeof(float4) * VEC_BLOCK * room);
		descent->least = repalloc_huge(descent->least, sizeof(float4) * room);
		descent->runs = repalloc_huge(descent->runs, sizeof(IvfRun) * room);
		descent->blocks_room *= 2;
	}
	memcpy(descent->bounds + (Size) descent->blocks * VEC_BLOCK, bounds,
		   sizeof(float4) * VEC_BLOCK);
	(void) vec_kernels->split(bounds, -INFINITY, &descent->least[descent->blocks]);
	descent->runs[descent->blocks++] = *run;
}

/*
 * Bounds of the squared distances of a node's children, most of which they are
 * below.
 *
 * The sign codes of an index for inner products estimate those, not distances:
 * there bounds say nothing, and every child is looked at.
 */
static void
score_children(IvfDescent *descent, const Position *at)
{
	IvfQuery   *query = &descent->query;
	IvfView		view;

	descent->blocks = 0;
	ivf_view(query, at->node, at->level, descent->centroid, &view, descent->w);
	ivf_score_node(query, &view, descent->w,
				   query->space->metric == METRIC_INNER_PRODUCT, keep_block, descent);
}

/* the child with the least bound: its place, block and slot in one number */
static Size
first_child(const IvfDescent *descent, BlockNumber node)
{
	const float4 *bounds;
	int			first = 0;
	int			slot;
	int			i;

	for (i = 1; i < descent->blocks; i++)
	{
		if (descent->least[i] < descent->least[first])
			first = i;
	}
	if (descent->blocks == 0 || descent->least[first] == INFINITY)
		ivf_corrupted(descent->query.index, node, "an inner node has no children");
	bounds = descent->bounds + (Size) first * VEC_BLOCK;
	for (slot = 0; bounds[slot] != descent->least[first]; slot++)
		;
	return (Size) first * VEC_BLOCK + slot;
}

/*
 * Is the child at a place nearer than *squared?  Then that becomes its distance,
 * and at where it is.
 *
 * Rows are placed by distance also where the metric is the inner product, for
 * that is how k-means has formed the lists.
 */
static void
look_at_child(IvfDescent *descent, Size place, Position *at, double *squared)
{
	IvfQuery   *query = &descent->query;
	const IvfRun *run = &descent->runs[place / VEC_BLOCK];
	int			row = place % VEC_BLOCK;
	IvfChild	child = ivf_frozen_child(query->frozen, query->index, run, row,
										 descent->room);
	double		its = vec_kernels->l2_squared(descent->target, child.centroid,
											  query->space->n);

	/* nothing is nearer or farther than that */
	if (isnan(its))
		ivf_corrupted(query->index, run->first,
					  "the centroid of node %u is no vector", child.node);
	if (its < *squared)
	{
		*squared = its;
		at->node = child.node;
		at->run = *run;
		at->row = row;
	}
}

/*
 * Goes from a node to its child nearest to the row.
 *
 * The child with the least bound is one of the nearest, so few others have a
 * bound below its distance.  These are asked for all at once, as they may lie
 * anywhere in memory.
 */
static void
nearest_child(IvfDescent *descent, Position *at)
{
	IvfQuery   *query = &descent->query;
	double		squared = INFINITY;
	Size		first;
	float4		limit;
	float4		least;
	int			i;
	uint32		bits;

	score_children(descent, at);
	first = first_child(descent, at->node);
	look_at_child(descent, first, at, &squared);
	at->level--;

	/* dead slots are beyond any limit */
	limit = Min(float_up(squared), FLT_MAX);
	for (i = 0; i < descent->blocks; i++)
	{
		if (descent->least[i] > limit)
			continue;
		bits = vec_kernels->split(descent->bounds + (Size) i * VEC_BLOCK, limit, &least);
		for (; bits != 0; bits &= bits - 1)
			ivf_frozen_touch(query->frozen, &descent->runs[i],
							 pg_rightmost_one_pos32(bits));
	}
	for (i = 0; i < descent->blocks; i++)
	{
		if (descent->least[i] > limit)
			continue;
		CHECK_FOR_INTERRUPTS();
		bits = vec_kernels->split(descent->bounds + (Size) i * VEC_BLOCK, limit, &least);
		for (; bits != 0; bits &= bits - 1)
		{
			Size		place = (Size) i * VEC_BLOCK + pg_rightmost_one_pos32(bits);

			if (place != first && descent->bounds[place] <= squared)
				look_at_child(descent, place, at, &squared);
		}
	}
}

/*
 * Raises the radius of the node to which the row goes so that it holds the row;
 * sets descent->centroid and residual.
 *
 * Radii only grow.  So the one that is kept, which may be of some time ago, is
 * right where it is large enough already; nearly all are.
 */
static void
reach_row(IvfDescent *descent, const Position *at)
{
	IvfQuery   *query = &descent->query;
	IvfChild	child = ivf_frozen_child(query->frozen, query->index, &at->run,
										 at->row, descent->room);
	float4		radius = ivf_residual(query->v, child.centroid, query->space->n,
									  descent->residual);

	descent->centroid = child.centroid;
	if (radius > child.radius)
	{
		radius = ivf_row_raise_radius(query->index, &at->run, at->row, at->node, radius);
		ivf_frozen_raise(query->frozen, &at->run, at->row, radius);
	}
}

/*
 * Raises the radii of nodes above a leaf, and its own.
 */
static void
reach_from(IvfDescent *descent, const IvfTreeNode *node, int level)
{
	Position	at = {node->node, level, node->run, node->row};

	if (node->above)
		reach_from(descent, node->above, level + 1);
	reach_row(descent, &at);
}

/*
 * Finds the leaf for the row in query.v, and returns its first page; centroid
 * and residual are that leaf's.
 */
BlockNumber
ivf_descend(IvfDescent *descent, Relation index)
{
	IvfQuery   *query = &descent->query;
	const IvfSpace *space = query->space;
	const IvfMetaData *meta = &query->frozen->meta;
	Position	at = {meta->root, meta->height - 1, {0}, -1};
	int			i;

	query->index = index;
	query->reader.index = index;
	descent->centroid = NULL;
	for (i = 0; i < space->n; i++)
		descent->target[i] = (float4) Max(Min(query->v[i], FLT_MAX), -FLT_MAX);

	if (at.level > 0 && ivf_is_voronoi(space->metric, space->dim, meta->leaves))
	{
		const IvfLeafTable *table = ivf_leaf_table(query->frozen, index);
		const IvfTreeNode *leaf = ivf_leaf_table_nearest(table, descent->target);

		reach_from(descent, leaf, 0);
		return leaf->node;
	}
	if (at.level > 0)
		ivf_query_placed(query);
	while (at.level > 0)
	{
		nearest_child(descent, &at);
		reach_row(descent, &at);
	}
	return at.node;
}
