/*
 * score.c
 *	  A query, and how it sees the nodes of an index.
 *
 * A node's blocks are scored one after the other, each entry becoming one
 * float4 bound.  There are two kinds of bounds.  An estimate comes from the
 * sign code, on the scale of squared distances (or negative inner products),
 * lowered so that it is below the truth for nearly all entries.  A certain
 * bound comes from it too, less tight, or from the byte code, on the scale of the
 * operator, and is below the truth always.  Dead slots are +infinity in both, and
 * nothing else is; what says nothing is -FLT_MAX, and is looked at first.
 */
#include "compat.h"

#include "index/score.h"

#include <float.h>
#include <math.h>

#include "ground/signbound.h"
#include "page/pause.h"
#include "port/pg_bitutils.h"

/*
 * A list farther from the mean than that many times the query is from the list
 * gets a table of its own: an 8-bit table of the whole query is too coarse for
 * the small difference that matters there.
 */
#define OWN_TABLE_RATIO		16

/*
 * A reason in words, as users see it; NULL if no lists were read in order.
 */
const char *
ivf_stopped_name(IvfStopped stopped)
{
	static const char *const names[] = {
		[IVF_STOPPED_NOT] = NULL,
		[IVF_STOPPED_ALL] = "all lists read",
		[IVF_STOPPED_RECALL] = "recall reached",
		[IVF_STOPPED_PROBES] = "probes read",
		[IVF_STOPPED_EXACT] = "nothing nearer",
	};

	return names[stopped];
}

/*
 * Prepares for queries to an index, by a scan with its snapshot or, without
 * one, by an insert; allocates in the current context.
 */
void
ivf_query_init(IvfQuery *query, Relation index, Snapshot snapshot,
			   IvfFrozen *frozen)
{
	int			n = frozen->space->n;

	memset(query, 0, sizeof(*query));
	query->context = CurrentMemoryContext;
	query->index = index;
	query->snapshot = snapshot;
	query->frozen = frozen;
	query->space = frozen->space;
	query->epsilon = SIGN_EPSILON;
	query->counters.lists = frozen->meta.leaves;
	query->v = palloc(sizeof(double) * n);
	query->target = palloc(sizeof(float4) * n);
	query->signs.table = palloc(sign_query_size(n));
	query->own_space = palloc(sign_query_size(n));
	query->row = palloc(IVF_ROW_HEAD(0) + IVF_ROW_BODY(0, n));
	query->near = -INFINITY;
	query->w = palloc(sizeof(float4) * n);
	query->w_node = InvalidBlockNumber;
	query->follows = InvalidBlockNumber;
	ivf_blocks_begin(&query->reader, index, snapshot, n);
}

/*
 * Sets the vector, of as many dimensions as the index has.  False if it has no
 * place: its distance to every row is NaN.
 */
bool
ivf_query_set(IvfQuery *query, const float4 *elements)
{
	query->elements = elements;
	if (!ivf_place(query->space, elements, query->v))
		return false;
	ivf_query_placed(query);
	return true;
}

/*
 * The vector is in query->v already, in the index's space; it has no elements as
 * an operator sees them, so that no heap row can be compared with it.
 */
void
ivf_query_placed(IvfQuery *query)
{
	const IvfSpace *space = query->space;
	double		v_squares = 0;
	double		true_squares = 0;
	double		mean_squares = 0;
	double		mean_dot = 0;
	bool		inner_product = (space->metric == METRIC_INNER_PRODUCT);
	int			i;

	query->w_node = InvalidBlockNumber;
	for (i = 0; i < space->n; i++)
	{
		double		t = query->v[i] + space->origin[i];

		v_squares += query->v[i] * query->v[i];
		true_squares += t * t;
		mean_squares += space->origin[i] * space->origin[i];
		mean_dot += t * space->origin[i];
		query->target[i] = (float4) Max(Min(inner_product ? t : query->v[i], FLT_MAX), -FLT_MAX);
	}
	query->target_dot_mean = mean_dot;
	query->v_norm = sqrt(v_squares);
	query->true_norm = sqrt(true_squares);
	query->mean_norm = sqrt(mean_squares);
	sign_query_init(&query->signs, query->v, space->n, query->signs.table);
}

/*
 * The key that a view of a node with this centroid has, but for rounding: one
 * pass over it, to tell which nodes are worth a view.
 */
double
ivf_centroid_key(const IvfQuery *query, const float4 *centroid)
{
	int			n = query->space->n;

	if (query->space->metric == METRIC_INNER_PRODUCT)
		return -(vec_kernels->inner_product(query->target, centroid, n) +
				 query->target_dot_mean);
	return vec_kernels->rank_l2(query->target, centroid, n);
}

/* what a view holds for inner products alone */
static void
view_product(const IvfQuery *query, const float4 *centroid, IvfView *view)
{
	const IvfSpace *space = query->space;
	double		squares = 0;
	double		dot = 0;
	int			i;

	for (i = 0; i < space->n; i++)
	{
		double		c = (centroid ? centroid[i] : 0) + space->origin[i];

		squares += c * c;
		dot += (query->v[i] + space->origin[i]) * c;
	}
	view->list.q_dot_c = dot;
	view->list.q_norm = query->true_norm;
	view->list.c_norm = sqrt(squares);
	view->list.mean_norm = query->mean_norm;
	view->key = -dot;
}

/*
 * How the query sees a node with this centroid (NULL: zeros); w becomes the
 * query minus the centroid, rounded to float4.
 */
void
ivf_view(const IvfQuery *query, BlockNumber node, int level,
		 const float4 *centroid, IvfView *view, float4 *w)
{
	const IvfSpace *space = query->space;
	double		w_squares;
	double		c_squares = 0;

	if (centroid)
		vec_kernels->subtract(query->v, centroid, space->n, w, &w_squares, &c_squares);
	else
	{
		int			i;

		for (i = 0; i < space->n; i++)
			w[i] = (float4) query->v[i];
		w_squares = vec_kernels->inner_product(w, w, space->n);
	}

	view->node = node;
	view->level = level;
	view->key = w_squares;
	view->norm = sqrt(w_squares);
	view->complete = true;
	view->list.metric = space->metric;
	view->list.n = space->n;
	view->list.w_norm = view->norm;
	view->least = -INFINITY;
	view->near = query->near;
	view->list.reach = query->v_norm + sqrt(c_squares);
	if (space->metric == METRIC_INNER_PRODUCT)
		view_product(query, centroid, view);
}

static bool
needs_own_table(const IvfQuery *query, const IvfView *view)
{
	return query->space->metric != METRIC_INNER_PRODUCT &&
		query->v_norm > OWN_TABLE_RATIO * view->norm;
}

/*
 * How the query sees a leaf at this distance, as it was ranked: enough to score
 * its sign codes, and without a look at the centroid.  False where that would
 * not be enough: where a list has a table of its own, for inner products, which
 * tell no distance, and where the distance is no number.
 *
 * The distance was computed from the query rounded to float4.  That errs by
 * 2^-24 of the query's distance from the mean, which is at most OWN_TABLE_RATIO
 * times the one from the list here: less than an estimate can tell.
 */
bool
ivf_view_from_afar(const IvfQuery *query, BlockNumber node, double distance,
				   IvfView *view)
{
	Metric		metric = query->space->metric;

	view->node = node;
	view->level = 0;
	view->key = metric == METRIC_L2 ? distance * distance : 2 * distance;
	view->norm = sqrt(view->key);
	view->least = -INFINITY;
	view->near = query->near;
	view->complete = false;
	return metric != METRIC_INNER_PRODUCT && view->key <= FLT_MAX &&
		!needs_own_table(query, view);
}

static ByteFactors
factors_of(const IvfRowHead *row)
{
	ByteFactors factors = {row->t, row->norm, row->code_norm, row->error, row->g};

	return factors;
}

/*
 * The certain bound of an entry of a leaf.
 */
double
ivf_row_bound(const IvfQuery *query, const IvfView *view, const float4 *w,
			  const IvfRowHead *row, const int8 *code)
{
	ByteFactors factors = factors_of(row);

	/* bounds that are made again must be the same, whatever ivf.simd is by then */
	return byte_bound(&view->list, &factors,
					  query->signs.kernels->byte_dot(code, w, query->space->n));
}

/*
 * Its distance, as nearly as the byte code tells.  What is learned from it is
 * stored in the index, so it has the same bits on every machine: byte_dot() has.
 */
double
ivf_row_distance(const IvfQuery *query, const IvfView *view, const float4 *w,
				 const IvfRowHead *row, const int8 *code)
{
	ByteFactors factors = factors_of(row);

	return byte_distance(&view->list, &factors,
						 query->signs.kernels->byte_dot(code, w, query->space->n));
}

/*
 * The operator's result that an entry with this bound has at least, if the
 * bound holds.  A bound that is no number, as that of a damaged centroid is,
 * says nothing; as a key it would compare with none.
 */
double
ivf_bound_distance(const IvfQuery *query, float4 bound, bool certain)
{
	if (!(bound > -FLT_MAX))
		return -INFINITY;
	if (certain || query->space->metric == METRIC_INNER_PRODUCT)
		return bound;
	if (!(bound > 0))
		return 0;
	return query->space->metric == METRIC_L2 ? sqrt(bound) : bound / 2.0;
}

static void
add_columns(const SignQuery *signs, const IvfColumns *part, uint32 *sums)
{
	signs->kernels->add_columns(part->bytes, signs->table, part->from, part->count,
								part->ahead, sums);
}

/*
 * The sums of the codes of the reader's block, page by page where it runs on:
 * they are integers, so it does not matter where they are cut.
 */
static void
sum_codes(IvfQuery *query, const SignQuery *signs, IvfColumns *part, uint32 *sums)
{
	memset(sums, 0, sizeof(uint32) * VEC_BLOCK);
	add_columns(signs, part, sums);
	while (query->reader.left > 0)
	{
		ivf_blocks_follow(&query->reader, part);
		add_columns(signs, part, sums);
	}
}

/* bounds that say nothing: all that is there is going to be looked at */
static void
no_bounds(const float4 *add, float4 *bounds)
{
	int			i;

	for (i = 0; i < VEC_BLOCK; i++)
		bounds[i] = add[i] == INFINITY ? INFINITY : -FLT_MAX;
}

/* a block's entries whose byte codes are read, and what they are compared with */
typedef struct Codes
{
	const IvfQuery *query;
	const float4 *w;
	ByteColumns *columns;
} Codes;

/* IvfRowFunction */
static void
take_code(int row, const void *head, const void *body, void *arg)
{
	const Codes *codes = arg;
	const IvfQuery *query = codes->query;
	ByteColumns *columns = codes->columns;
	ByteFactors factors = factors_of(head);

	columns->t[row] = factors.t;
	columns->norm[row] = factors.norm;
	columns->code_norm[row] = factors.code_norm;
	columns->error[row] = factors.error;
	columns->g[row] = factors.g;
	columns->dot[row] = query->signs.kernels->byte_dot(body, codes->w, query->space->n);
}

/*
 * Raises the bounds of the entries that are wanted to those from their byte
 * codes, which are much tighter, and several times as dear.
 */
static void
code_bounds(IvfQuery *query, const IvfView *view, const float4 *w,
			const float4 *add, const IvfRun *run, uint32 wanted, float4 *bounds)
{
	Codes		codes = {query, w, NULL};
	double		closer[VEC_BLOCK];
	float4		rounded[VEC_BLOCK];

	if (query->codes == NULL)
		query->codes = MemoryContextAllocZero(query->context, sizeof(ByteColumns));
	codes.columns = query->codes;
	ivf_run_visit(query->index, query->snapshot, run, wanted, query->row,
				  take_code, &codes);
	query->signs.kernels->byte_bounds(&view->list, codes.columns, closer);
	query->signs.kernels->round_down(closer, view->least, add, rounded);
	for (; wanted != 0; wanted &= wanted - 1)
	{
		int			i = pg_rightmost_one_pos32(wanted);

		bounds[i] = Max(bounds[i], rounded[i]);
		query->counters.byte_codes++;
	}
}

/*
 * Certain bounds of a block of entries: from their sign codes, and where those
 * allow for what is near, from their byte codes as well.
 */
static void
entry_bounds(IvfQuery *query, const IvfView *view, const float4 *w,
			 IvfColumns *columns, const float4 *add, const IvfRun *run,
			 float4 *bounds)
{
	const VecKernels *kernels = query->signs.kernels;
	float4		rest;
	uint32		wanted;

	/* beyond, dead slots would be wanted */
	Assert(view->near <= FLT_MAX);
	if (view->near == FLT_MAX)
		no_bounds(add, bounds);
	else
	{
		uint32		sums[VEC_BLOCK];
		double		bound[VEC_BLOCK];

		sum_codes(query, &query->signs, columns, sums);
		sign_bound_block(&query->signs, &view->list, sums, add,
						 query->reader.head->scale, query->reader.head->err, bound);
		kernels->round_down(bound, view->least, add, bounds);
	}
	wanted = kernels->split(bounds, view->near, &rest);
	if (wanted == 0)
		return;

	/* rows are read while the page is let go: never code and refine */
	ivf_blocks_pause(&query->reader);
	IVF_PAUSE("score rows");
	code_bounds(query, view, w, add, run, wanted, bounds);
}

/*
 * Certain bounds of a block's children: of whatever is below them.  The radii are
 * those of now, so they hold for all that our snapshot can see.
 */
static void
child_bounds(IvfQuery *query, int level, const float4 *add, const IvfRun *run,
			 float4 *bounds)
{
	Size		size = run->head + run->body;
	double		bound[VEC_BLOCK] = {0};
	int			i;

	ivf_blocks_pause(&query->reader);
	IVF_PAUSE("score rows");
	if (query->children == NULL)
		query->children = MemoryContextAlloc(query->context, VEC_BLOCK * size);
	ivf_run_read(query->index, query->snapshot, run, query->children);
	for (i = 0; i < VEC_BLOCK; i++)
	{
		const char *row = query->children + i * size;
		IvfChildHead head;
		IvfView		view;

		if (add[i] == INFINITY)
			continue;
		memcpy(&head, row, sizeof(head));
		ivf_view(query, InvalidBlockNumber, level - 1,
				 (const float4 *) (row + sizeof(head)), &view, query->w);
		bound[i] = list_bound(&view.list, head.radius);
	}
	query->signs.kernels->round_down(bound, -INFINITY, add, bounds);
	query->w_node = InvalidBlockNumber;
}

/* the query's sign table for a node, its base and the weight of err */
typedef struct Table
{
	SignQuery  *signs;
	bool		own;
	float4		base;
	float4		err_weight;
} Table;

static Table
choose_table(IvfQuery *query, const IvfView *view, const float4 *w)
{
	Table		table;

	table.base = (float4) view->key;
	table.err_weight = (float4) (query->epsilon * view->norm);
	table.signs = &query->signs;
	table.own = needs_own_table(query, view);
	if (table.own)
	{
		double	   *difference = palloc(sizeof(double) * query->space->n);
		int			i;

		for (i = 0; i < query->space->n; i++)
			difference[i] = w[i];
		sign_query_init(&query->own_signs, difference, query->space->n,
						query->own_space);
		pfree(difference);
		table.signs = &query->own_signs;
	}
	return table;
}

/*
 * Estimates of the reader's block of entries.
 */
static void
estimates(IvfQuery *query, const Table *table, IvfColumns *columns, float4 *bounds)
{
	uint32		sums[VEC_BLOCK];
	const IvfBlockHead *head;
	const float4 *add;
	float4		own[VEC_BLOCK];

	sum_codes(query, table->signs, columns, sums);
	head = query->reader.head;
	add = head->add;
	if (table->own)
	{
		sign_residual_add(add, head->scale, head->err, query->space->n, own);
		add = own;
	}
	sign_estimates(table->signs, sums, add, head->scale, head->err, table->base,
				   table->err_weight, bounds);
}

/*
 * Scores all entries of a node and hands the bounds to function, a block at a
 * time; a page may be locked meanwhile.  certain asks for certain bounds: of entries,
 * and in an inner node of all that is below a child.
 */
void
ivf_score_node(IvfQuery *query, const IvfView *view, const float4 *w,
			   bool certain, IvfBlockFunction function, void *arg)
{
	IvfBlockReader *reader = &query->reader;
	IvfColumns	columns;
	Table		table = {0};

	if (!certain)
		table = choose_table(query, view, w);
	ivf_blocks_open(reader, view->node, view->level, query->follows);
	while (ivf_blocks_next(reader, &columns))
	{
		IvfRun		run = ivf_run_of(reader->head, view->level, query->space->n);
		float4		bounds[VEC_BLOCK];

		query->counters.entries += VEC_BLOCK;
		if (!certain)
			estimates(query, &table, &columns, bounds);
		else
		{
			float4		add[VEC_BLOCK];

			/* the page is going to be let go */
			memcpy(add, reader->head->add, sizeof(add));
			if (view->level == 0)
				entry_bounds(query, view, w, &columns, add, &run, bounds);
			else
				child_bounds(query, view->level, add, &run, bounds);
		}
		function(bounds, &run, arg);
	}
}
