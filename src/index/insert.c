/*
 * insert.c
 *	  Inserts a row: down the tree to the nearest leaf, and into it.
 *
 * The nearest child of the nearest child need not be the nearest leaf.  Where an
 * index promises that one, all leaves are compared.
 *
 * What can be seen at any moment, and so after a crash: radii that are larger
 * than need be; then, in one step, the entry.
 */
#include "compat.h"

#include "index/ops.h"

#include <float.h>
#include <math.h>

#include "index/frozen.h"
#include "index/leaftable.h"
#include "index/queue.h"
#include "miscadmin.h"
#include "page/entries.h"
#include "page/meta.h"
#include "page/tids.h"
#include "utils/memutils.h"

/*
 * What inserts of one statement share.  It is read once: all of it is frozen
 * while the index has the same file, which the statement's lock ensures.
 */
typedef struct InsertState
{
	MemoryContext context;		/* reset after each row */
	IvfFrozen  *frozen;
	const IvfSpace *space;		/* its */
	IvfQuery	query;
	double	   *v;
	float4	   *target;			/* v rounded: to rank centroids by */
	float4	   *centroid;
	float4	   *w;
	float4	   *scratch;
	IvfEntry   *entry;
} InsertState;

static InsertState *
insert_state(Relation index, IndexInfo *info)
{
	InsertState *state = info->ii_AmCache;
	MemoryContext old;

	if (state)
		return state;

	old = MemoryContextSwitchTo(info->ii_Context);
	state = palloc0(sizeof(InsertState));
	state->context = AllocSetContextCreate(info->ii_Context, "ivf insert",
										   ALLOCSET_DEFAULT_SIZES);
	state->frozen = ivf_frozen(index, info->ii_Context);
	state->space = state->frozen->space;
	ivf_query_init(&state->query, index, NULL, state->frozen);
	state->query.unranked = true;
	state->v = palloc(sizeof(double) * state->space->n);
	state->target = palloc(sizeof(float4) * state->space->n);
	state->centroid = palloc(sizeof(float4) * state->space->n);
	state->w = palloc(sizeof(float4) * state->space->n);
	state->scratch = palloc(sizeof(float4) * state->space->n);
	state->entry = ivf_entry_alloc(state->space->n);
	MemoryContextSwitchTo(old);
	info->ii_AmCache = state;
	return state;
}

/* a node on the way down, and where the row with its centroid lies */
typedef struct Position
{
	BlockNumber node;
	int			level;
	IvfRun		run;
	int			row;			/* -1: the root, which has none */
} Position;

/*
 * How far a child is from the row to be inserted; node becomes its first page.
 *
 * Rows are placed by distance also where the metric is the inner product, for
 * that is how k-means has formed the lists.
 */
static double
child_distance(InsertState *state, const IvfCandidate *candidate,
			   BlockNumber *node)
{
	Relation	index = state->query.index;
	IvfChild	child = ivf_frozen_child(state->frozen, index, &candidate->run,
										 candidate->row, state->scratch);
	double		squared = vec_kernels->l2_squared(state->target, child.centroid,
												  state->space->n);

	/* nothing is nearer or farther than that */
	if (isnan(squared))
		ivf_corrupted(index, candidate->run.first,
					  "the centroid of node %u is no vector", child.node);
	*node = child.node;
	return state->space->metric == METRIC_INNER_PRODUCT ? sqrt(squared) :
		ivf_bound_distance(&state->query, (float4) squared, false);
}

/* IvfResolve */
static bool
resolve_child(IvfCandidate *candidate, void *arg)
{
	BlockNumber node;

	candidate->key = child_distance(arg, candidate, &node);
	return true;
}

/* IvfTouch */
static void
touch_child(const IvfCandidate *candidate, void *arg)
{
	InsertState *state = arg;

	ivf_frozen_touch(state->frozen, &candidate->run, candidate->row);
}

/*
 * Raises the radius of the node to which the row goes so that it holds the row,
 * and sets state->centroid.  The radius grows, and is not among what is kept.
 */
static void
reach_row(InsertState *state, const Position *at)
{
	Relation	index = state->query.index;
	IvfChildHead head;
	float4		radius;

	ivf_row_read(index, NULL, &at->run, at->row, &head, state->centroid);
	radius = ivf_residual(state->v, state->centroid, state->space->n,
						  state->scratch);
	if (radius > head.radius)
		ivf_row_raise_radius(index, &at->run, at->row, at->node, radius);
}

/*
 * Goes from a node to its child nearest to the row to be inserted, and raises
 * the child's radius to hold the row.  state->centroid is the node's, and
 * becomes the child's.
 *
 * The sign codes of an index for inner products estimate those, not distances,
 * so there every child is looked at.
 */
static void
descend(InsertState *state, Position *at)
{
	Relation	index = state->query.index;
	bool		all = (state->space->metric == METRIC_INNER_PRODUCT);
	IvfQueue   *children = ivf_queue_make(&state->query, all, 32,
										  (Size) work_mem * 1024 / 4,
										  resolve_child, touch_child, state);
	IvfCandidate *candidate;
	IvfView		view;

	ivf_view(&state->query, at->node, at->level, state->centroid, &view,
			 state->w);
	ivf_queue_add(children, &view, state->w, &at->run, at->row);
	while ((candidate = ivf_queue_first(children)) != NULL)
	{
		double		distance = child_distance(state, candidate, &at->node);

		CHECK_FOR_INTERRUPTS();
		if (candidate->stage == IVF_STAGE_EXACT)
			break;
		ivf_queue_update(children, candidate, IVF_STAGE_EXACT, distance);
	}
	if (candidate == NULL)
		ivf_corrupted(index, view.node, "an inner node has no children");
	at->level--;
	at->run = candidate->run;
	at->row = candidate->row;
	ivf_queue_end(children);
	reach_row(state, at);
}

/*
 * Raises the radii of nodes above a leaf, and its own; state->centroid becomes
 * the leaf's.
 */
static void
reach_from(InsertState *state, const IvfTreeNode *node, int level)
{
	Position	at = {node->node, level, node->run, node->row};

	if (node->above)
		reach_from(state, node->above, level + 1);
	reach_row(state, &at);
}

/*
 * Goes to the leaf nearest to the row, of all; sets state->centroid.
 */
static void
find_nearest(InsertState *state, Position *at)
{
	const IvfLeafTable *table = ivf_leaf_table(state->frozen, state->query.index);
	const IvfTreeNode *leaf = ivf_leaf_table_nearest(table, state->target);

	reach_from(state, leaf, 0);
	at->node = leaf->node;
	at->level = 0;
}

/*
 * Encodes and inserts a row with a place.
 */
static void
insert_entry(Relation index, InsertState *state, const float4 *x, ItemPointer tid)
{
	const IvfMetaData *meta = &state->frozen->meta;
	int			n = state->space->n;
	Position	at = {meta->root, meta->height - 1, {0}, -1};

	memset(state->centroid, 0, sizeof(float4) * n);
	if (at.level > 0)
	{
		int			i;

		for (i = 0; i < n; i++)
			state->target[i] = (float4) Max(Min(state->v[i], FLT_MAX), -FLT_MAX);
		if (ivf_is_voronoi(state->space->metric, state->space->dim, meta->leaves))
			find_nearest(state, &at);
		else
		{
			ivf_query_set(&state->query, x);
			while (at.level > 0)
				descend(state, &at);
		}
	}
	ivf_encode(state->space, state->v, state->centroid, tid, state->scratch,
			   state->entry);
	ivf_entry_put(index, at.node, n, state->entry);
}

/*
 * aminsert.  Rows whose distances are NULL or NaN go to chains of their own.
 */
bool
ivf_insert(Relation index, Datum *values, bool *isnull, ItemPointer tid,
		   Relation heap, IndexUniqueCheck unique, bool unchanged,
		   IndexInfo *info)
{
	InsertState *state = insert_state(index, info);
	MemoryContext old;

	if (isnull[0])
	{
		ivf_tids_add(index, state->frozen->meta.nulls, tid);
		return false;
	}

	old = MemoryContextSwitchTo(state->context);
	{
		const float4 *x = ivf_elements(index, state->space->opclass,
									   state->space->dim, values[0]);

		if (ivf_place(state->space, x, state->v))
			insert_entry(index, state, x, tid);
		else
			ivf_tids_add(index, state->frozen->meta.nans, tid);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->context);
	return false;
}
