/*
 * insert.c
 *	  Inserts a row: down the tree to the nearest leaf, and into it.
 *
 * What can be seen at any moment, and so after a crash: radii that are larger
 * than need be; then, in one step, the entry.
 */
#include "compat.h"

#include "index/ops.h"

#include <math.h>

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
	IvfMetaData meta;
	IvfSpace   *space;
	IvfQuery	query;
	double	   *v;
	int			level;			/* of the node whose children are looked at */
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
	state->space = ivf_space_read(index, &state->meta);
	ivf_query_init(&state->query, index, NULL, state->space);
	state->v = palloc(sizeof(double) * state->space->n);
	state->centroid = palloc0(sizeof(float4) * state->space->n);
	state->w = palloc(sizeof(float4) * state->space->n);
	state->scratch = palloc(sizeof(float4) * state->space->n);
	state->entry = ivf_entry_alloc(state->space->n);
	MemoryContextSwitchTo(old);
	info->ii_AmCache = state;
	return state;
}

/*
 * Reads the row of a child, which sets state->centroid, and returns how far
 * the query is from it.
 *
 * Rows are placed by distance also where the metric is the inner product, for
 * that is how k-means has formed the lists.
 */
static double
view_child(InsertState *state, const IvfCandidate *child, IvfChildHead *head,
		   IvfView *view)
{
	Relation	index = state->query.index;

	ivf_row_read(index, NULL, &child->run, child->row, head, state->centroid);
	if (!ItemPointerIsValid(&head->tid))
		ivf_corrupted(index, child->run.first, "a child's row is empty");
	ivf_view(&state->query, ItemPointerGetBlockNumber(&head->tid), state->level - 1,
			 state->centroid, view, state->w);
	/* nothing is nearer or farther than that */
	if (isnan(view->list.w_norm))
		ivf_corrupted(index, child->run.first, "the centroid of node %u is no vector",
					  view->node);
	return state->space->metric == METRIC_INNER_PRODUCT ? view->list.w_norm :
		ivf_bound_distance(&state->query, (float4) view->key, false);
}

/* IvfResolve */
static bool
resolve_child(IvfCandidate *child, void *arg)
{
	IvfChildHead head;
	IvfView		view;

	child->key = view_child(arg, child, &head, &view);
	return true;
}

/*
 * Goes from a node to its child nearest to the query, which is the row to be
 * inserted, and raises the child's radius to hold the row.  view becomes the
 * child's, state->centroid its centroid, and run and row tell where that
 * lies.
 *
 * The sign codes of an index for inner products estimate those, not distances,
 * so there every child is looked at.
 */
static void
descend(InsertState *state, IvfView *view, IvfRun *run, int *row)
{
	Relation	index = state->query.index;
	int			n = state->space->n;
	bool		all = (state->space->metric == METRIC_INNER_PRODUCT);
	IvfQueue   *children = ivf_queue_make(&state->query, all, 32,
										  (Size) work_mem * 1024 / 4,
										  resolve_child, state);
	IvfCandidate *child;
	IvfChildHead head;
	float4		radius;

	state->level = view->level;
	ivf_view(&state->query, view->node, view->level, state->centroid, view,
			 state->w);
	ivf_queue_add(children, view, state->w, run, *row);
	while ((child = ivf_queue_first(children)) != NULL)
	{
		IvfView		seen;
		double		distance;

		CHECK_FOR_INTERRUPTS();
		distance = view_child(state, child, &head, &seen);
		if (child->stage == IVF_STAGE_EXACT)
		{
			*view = seen;
			break;
		}
		ivf_queue_update(children, child, IVF_STAGE_EXACT, distance);
	}
	if (child == NULL)
		ivf_corrupted(index, view->node, "an inner node has no children");

	*run = child->run;
	*row = child->row;
	ivf_queue_end(children);
	radius = ivf_residual(state->v, state->centroid, n, state->scratch);
	if (radius > head.radius)
		ivf_row_raise_radius(index, run, *row, view->node, radius);
}

/*
 * Encodes and inserts a row with a place.
 */
static void
insert_entry(Relation index, InsertState *state, const float4 *x, ItemPointer tid)
{
	IvfView		view;
	IvfRun		run = {0};
	int			row = -1;
	int			i;

	memset(&view, 0, sizeof(view));
	view.node = state->meta.root;
	view.level = state->meta.height - 1;
	for (i = 0; i < state->space->n; i++)
		state->centroid[i] = 0;
	if (view.level > 0)
	{
		ivf_query_set(&state->query, x);
		while (view.level > 0)
			descend(state, &view, &run, &row);
	}
	ivf_encode(state->space, state->v, state->centroid, tid, state->scratch,
			   state->entry);
	ivf_entry_put(index, view.node, state->space->n, state->entry);
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
		ivf_tids_add(index, state->meta.nulls, tid);
		return false;
	}

	old = MemoryContextSwitchTo(state->context);
	{
		const float4 *x = ivf_elements(index, state->space->opclass,
									   state->space->dim, values[0]);

		if (ivf_place(state->space, x, state->v))
			insert_entry(index, state, x, tid);
		else
			ivf_tids_add(index, state->meta.nans, tid);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->context);
	return false;
}
