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

#include "index/children.h"
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
 * Standard errors by which estimates are lowered.  Of a million SIFT vectors three
 * rows in a thousand come to another than the nearest of 2,000 lists so, and 13
 * centroids are looked at; with a search's 1.9 it is less than one, and 19.
 */
#define DESCENT_EPSILON	1.5

/*
 * Prepares for any number of rows; allocates in the current context.
 */
void
ivf_descent_init(IvfDescent *descent, IvfFrozen *frozen)
{
	int			n = frozen->space->n;

	memset(descent, 0, sizeof(*descent));
	descent->frozen = frozen;
	descent->v = palloc(sizeof(double) * n);
	descent->target = palloc(sizeof(float4) * n);
	descent->residual = palloc(sizeof(float4) * n);
	descent->room = palloc(sizeof(float4) * n);
	descent->w = palloc(sizeof(double) * n);
	descent->zeros = palloc0(sizeof(float4) * n);
	descent->signs.table = palloc(sign_query_size(n));
	descent->blocks_room = 16;
	descent->bounds = palloc(sizeof(float4) * VEC_BLOCK * descent->blocks_room);
	descent->least = palloc(sizeof(float4) * descent->blocks_room);
}

/*
 * Makes the query's table of what codes of a node's children are compared with;
 * returns the square of its norm.
 */
static double
set_query(IvfDescent *descent)
{
	int			n = descent->frozen->space->n;
	const double *w = descent->v;
	const float4 *rounded = descent->target;

	if (descent->centroid != descent->zeros)
	{
		int			i;

		for (i = 0; i < n; i++)
			descent->w[i] = descent->v[i] - descent->centroid[i];
		w = descent->w;
		rounded = descent->residual;
	}
	sign_query_init(&descent->signs, w, n, descent->signs.table);
	return vec_kernels->inner_product(rounded, rounded, n);
}

/* makes room for the bounds of so many blocks */
static void
make_room(IvfDescent *descent, int blocks)
{
	if (blocks <= descent->blocks_room)
		return;
	descent->bounds = repalloc_huge(descent->bounds,
									sizeof(float4) * VEC_BLOCK * (Size) blocks);
	descent->least = repalloc_huge(descent->least, sizeof(float4) * (Size) blocks);
	descent->blocks_room = blocks;
}

/*
 * Bounds of the squared distances of a node's children, most of which they are
 * below.  Where factors estimate no distances bounds say nothing, and every child is
 * looked at.
 */
static void
score_children(IvfDescent *descent, const IvfChildren *children)
{
	const IvfSpace *space = descent->frozen->space;
	bool		all = !children->distances;
	double		squares = all ? 0 : set_query(descent);
	float4		err_weight = (float4) (DESCENT_EPSILON * sqrt(squares));
	int			i;
	int			slot;

	make_room(descent, children->count);
	for (i = 0; i < children->count; i++)
	{
		const IvfChildBlock *block = ivf_child_block(children, i);
		float4	   *bounds = descent->bounds + (Size) i * VEC_BLOCK;
		const float4 *add = block->add;
		float4		own[VEC_BLOCK];

		if (all)
		{
			for (slot = 0; slot < VEC_BLOCK; slot++)
				bounds[slot] = add[slot] == INFINITY ? INFINITY : -FLT_MAX;
		}
		else
		{
			/* <s,c> is in add, and in the table as well unless c is zero */
			if (descent->centroid != descent->zeros)
			{
				sign_residual_add(add, block->scale, block->err, space->n, own);
				add = own;
			}
			sign_score_block(&descent->signs, ivf_child_columns(block), add, block->scale,
							 block->err, (float4) squares, err_weight, bounds);
		}
		(void) vec_kernels->split(bounds, -INFINITY, &descent->least[i]);
	}
}

/* the child with the least bound: its place, block and slot in one number */
static Size
first_child(const IvfDescent *descent, Relation index, const IvfChildren *children)
{
	const float4 *bounds;
	int			first = 0;
	int			slot;
	int			i;

	for (i = 1; i < children->count; i++)
	{
		if (descent->least[i] < descent->least[first])
			first = i;
	}
	if (children->count == 0 || descent->least[first] == INFINITY)
		ivf_corrupted(index, children->node, "an inner node has no children");
	bounds = descent->bounds + (Size) first * VEC_BLOCK;
	for (slot = 0; bounds[slot] != descent->least[first]; slot++)
		;
	return (Size) first * VEC_BLOCK + slot;
}

/* the nearest child so far, and how far it is */
typedef struct Nearest
{
	Position	at;
	double		squared;
} Nearest;

/*
 * Looks at the child at a place.
 *
 * Rows are placed by distance also where the metric is the inner product, for
 * that is how k-means has formed the lists.
 */
static void
look_at_child(IvfDescent *descent, Relation index, const IvfChildren *children,
			  Size place, Nearest *nearest)
{
	const IvfRun *run = &ivf_child_block(children, place / VEC_BLOCK)->run;
	int			row = place % VEC_BLOCK;
	IvfChild	child = ivf_frozen_child(descent->frozen, index, run, row, descent->room);
	double		squared = vec_kernels->l2_squared(descent->target, child.centroid,
												  descent->frozen->space->n);

	/*
	 * Nothing is nearer or farther than NaN.  Nor would anything infinite come to
	 * be the nearest; of finite float4 values the sum is finite.
	 */
	if (!isfinite(squared))
		ivf_corrupted(index, run->first, "the centroid of node %u is no vector",
					  child.node);
	if (squared < nearest->squared)
	{
		nearest->squared = squared;
		nearest->at.node = child.node;
		nearest->at.run = *run;
		nearest->at.row = row;
	}
}

/*
 * The slots of a block with children whose bound is at most limit.
 */
static uint32
within(const IvfDescent *descent, int block, float4 limit)
{
	float4		rest;

	if (descent->least[block] > limit)
		return 0;
	return vec_kernels->split(descent->bounds + (Size) block * VEC_BLOCK, limit, &rest);
}

/*
 * Goes from a node to its child nearest to the row.
 *
 * The child with the least bound is one of the nearest, so few others have a
 * bound below its distance.  These are asked for all at once, as they may lie
 * anywhere in memory; not where all children are looked at, which are more than the
 * processor can ask for.
 */
static void
nearest_child(IvfDescent *descent, Relation index, Position *at)
{
	IvfChildren children = ivf_children(descent->frozen, index, at->node, at->level,
										descent->centroid);
	Nearest		nearest = {*at, INFINITY};
	Size		first;
	float4		limit;
	uint32		bits;
	int			i;

	nearest.at.level--;
	score_children(descent, &children);
	first = first_child(descent, index, &children);
	look_at_child(descent, index, &children, first, &nearest);

	/* where there is no child, nothing is within any limit */
	limit = Min(float_up(nearest.squared), FLT_MAX);
	for (i = 0; children.distances && i < children.count; i++)
	{
		const IvfRun *run = &ivf_child_block(&children, i)->run;

		for (bits = within(descent, i, limit); bits != 0; bits &= bits - 1)
			ivf_frozen_touch(descent->frozen, run, pg_rightmost_one_pos32(bits));
	}
	for (i = 0; i < children.count; i++)
	{
		for (bits = within(descent, i, limit); bits != 0; bits &= bits - 1)
		{
			Size		place = (Size) i * VEC_BLOCK + pg_rightmost_one_pos32(bits);

			if (place != first && descent->bounds[place] <= nearest.squared)
				look_at_child(descent, index, &children, place, &nearest);
		}
		CHECK_FOR_INTERRUPTS();
	}
	Assert(nearest.at.node != at->node);
	*at = nearest.at;
}

/*
 * Raises the radius of the node to which the row goes so that it holds the row;
 * sets descent->centroid and residual.
 *
 * Radii only grow.  So the one that is kept, which may be of some time ago, is
 * right where it is large enough already; nearly all are.
 */
static void
reach_row(IvfDescent *descent, Relation index, const Position *at)
{
	IvfChild	child = ivf_frozen_child(descent->frozen, index, &at->run, at->row,
										 descent->room);
	float4		radius = ivf_residual(descent->v, child.centroid,
									  descent->frozen->space->n, descent->residual);

	descent->centroid = child.centroid;
	if (radius > child.radius)
	{
		radius = ivf_row_raise_radius(index, &at->run, at->row, at->node, radius);
		ivf_frozen_raise(descent->frozen, &at->run, at->row, radius);
	}
}

/*
 * Raises the radii of nodes above a leaf, and its own.
 */
static void
reach_from(IvfDescent *descent, Relation index, const IvfTreeNode *node, int level)
{
	Position	at = {node->node, level, node->run, node->row};

	if (node->above)
		reach_from(descent, index, node->above, level + 1);
	reach_row(descent, index, &at);
}

/*
 * Finds the leaf for the row v, and returns its first page; centroid and residual
 * are that leaf's.
 */
BlockNumber
ivf_descend(IvfDescent *descent, Relation index)
{
	const IvfSpace *space = descent->frozen->space;
	const IvfMetaData *meta = &descent->frozen->meta;
	Position	at = {meta->root, meta->height - 1, {0}, -1};

	descent->centroid = descent->zeros;
	vec_kernels->narrow(descent->v, space->n, descent->target);

	if (at.level > 0 && ivf_is_voronoi(space->metric, space->dim, meta->leaves))
	{
		const IvfLeafTable *table = ivf_leaf_table(descent->frozen, index);
		const IvfTreeNode *leaf = ivf_leaf_table_nearest(table, descent->target);

		reach_from(descent, index, leaf, 0);
		return leaf->node;
	}
	if (at.level == 0)
		(void) ivf_residual(descent->v, descent->centroid, space->n, descent->residual);
	while (at.level > 0)
	{
		nearest_child(descent, index, &at);
		reach_row(descent, index, &at);
	}
	return at.node;
}
