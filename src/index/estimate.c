/*
 * estimate.c
 *	  How much of an index lies within a radius.
 *
 * The planner asks, so it must not take long.  Lists are looked at nearest first,
 * as the next one is likely to hold less than the last; after some lists only
 * one of a growing number is scored, and stands for those beside it.
 *
 * A sign code is too coarse to tell whether an entry is within the radius: where
 * many are a little beyond it, as in most data, those that it takes to be within
 * would be several times too many.  But its lowered estimate lets nearly all pass
 * that are.  Of what passes a sample is judged by its byte codes.
 */
#include "compat.h"

#include "index/estimate.h"

#include <math.h>

#include "index/leaves.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* so many lists are all scored, */
#define FIRST_LISTS		24
/* then one of a number that grows by this factor, up to so many; */
#define STRIDE_GROWTH	1.2
#define MOST_LISTS		64
/* no more when so many in a row hold nothing */
#define BARREN_LISTS	4

/* so many lists are passed over and asked for their radius; others are as the last */
#define MOST_ASKED		4096
#define LAST_ASKED		64

/* so many entries that pass are kept, and so many of them judged */
#define MOST_PASSED		2048
#define MOST_JUDGED		160

typedef struct ScoredList
{
	IvfView		view;
	float4	   *w;				/* NULL: the view is not complete */
	IvfRun		parent;
	int			parent_row;		/* -1: the root */
} ScoredList;

/* an entry that may be within the radius */
typedef struct Passed
{
	float4		bound;
	float4		weight;			/* entries that it stands for */
	IvfRun		run;
	int			row;
	int			list;
} Passed;

typedef struct Survey
{
	IvfQuery	query;
	IvfLeaves  *leaves;			/* NULL: the root is the only leaf */
	IvfPivots  *pivots;			/* the first lists asked, or NULL */
	float4	   *room;			/* for a centroid */
	double		radius;
	double		limit;			/* the radius on the scale of estimates */

	int			lists_count;
	ScoredList	lists[MOST_LISTS];
	double		list_weight;	/* lists that the last one stands for */
	double		entries;		/* live ones, weighted */

	Passed	   *passed;
	int			passed_count;
	int64		passed_total;	/* with those that were not kept: */
	int			thinning;		/* all but one of so many: a power of two */

	uint32		asked;			/* lists asked for their radius, */
	uint32		reached;		/* that could hold something, */
	bool		last[LAST_ASKED];	/* the last ones: a ring */
} Survey;

/* half of what was kept goes; the others stand for it */
static void
thin_out(Survey *survey)
{
	int			i;

	for (i = 0; i < MOST_PASSED / 2; i++)
	{
		survey->passed[i] = survey->passed[2 * i];
		survey->passed[i].weight *= 2;
	}
	survey->passed_count = MOST_PASSED / 2;
	survey->thinning *= 2;
}

/* IvfBlockFunction */
static void
note_block(const float4 *bounds, const IvfRun *run, void *arg)
{
	Survey	   *survey = arg;
	int			i;

	for (i = 0; i < VEC_BLOCK; i++)
	{
		Passed	   *passed;

		if (bounds[i] == INFINITY)
			continue;
		survey->entries += survey->list_weight;
		if (!(bounds[i] <= survey->limit) ||
			(survey->passed_total++ & (survey->thinning - 1)) != 0)
			continue;
		if (survey->passed_count == MOST_PASSED)
			thin_out(survey);
		passed = &survey->passed[survey->passed_count++];
		passed->bound = bounds[i];
		passed->weight = survey->list_weight * survey->thinning;
		passed->run = *run;
		passed->row = i;
		passed->list = survey->lists_count;
	}
}

/*
 * Scores a list, which stands for so many; returns whether anything in it may be
 * within the radius.
 */
static bool
score_list(Survey *survey, const IvfView *view, const float4 *w,
		   const IvfLeaf *leaf, double weight)
{
	ScoredList *list = &survey->lists[survey->lists_count];
	int64		before = survey->passed_total;

	list->view = *view;
	list->w = NULL;
	list->parent_row = leaf ? leaf->row : -1;
	if (leaf)
		list->parent = leaf->run;
	survey->list_weight = weight;
	ivf_score_node(&survey->query, view, w, false, note_block, survey);
	survey->lists_count++;
	return survey->passed_total > before;
}

/*
 * Could a list hold anything within the radius?
 */
static void
ask(Survey *survey, const IvfLeaf *leaf)
{
	const IvfQuery *query = &survey->query;
	IvfChild	child = ivf_frozen_child(query->frozen, query->index, &leaf->run,
										 leaf->row, survey->room);
	ListQuery	list;
	double		bound;
	bool		reached;

	memset(&list, 0, sizeof(list));
	list.metric = query->space->metric;
	list.n = query->space->n;
	list.w_norm = query->space->metric == METRIC_COSINE ?
		sqrt(2 * leaf->distance) : leaf->distance;
	list.q_dot_c = -leaf->distance;
	list.q_norm = query->true_norm;
	bound = list_bound(&list, child.radius);
	if (survey->pivots)
	{
		if (survey->pivots->count < IVF_MOST_PIVOTS)
			ivf_pivots_add(survey->pivots, query, child.centroid);
		if (bound <= survey->radius)
			bound = Max(bound, ivf_pivots_bound(survey->pivots, &list, child.centroid));
	}
	reached = bound <= survey->radius;
	survey->last[survey->asked++ % LAST_ASKED] = reached;
	survey->reached += reached;
}

/* the share of the last lists asked that could hold something */
static double
last_share(const Survey *survey)
{
	int			count = (int) Min(survey->asked, LAST_ASKED);
	int			reached = 0;
	int			i;

	for (i = 0; i < count; i++)
		reached += survey->last[i];
	return count > 0 ? (double) reached / count : 0;
}

/*
 * Passes over so many lists, if there are so many and they may be asked.
 */
static void
pass_over(Survey *survey, uint32 count)
{
	IvfLeaf		leaf;

	for (; count > 0 && survey->asked < MOST_ASKED &&
		 ivf_leaves_skip(survey->leaves, &leaf); count--)
		ask(survey, &leaf);
}

/*
 * Scores lists as long as there is something in them.  The last one stands for
 * all the rest.
 *
 * Lists come in the order of their centroids.  For inner products what is within
 * may all be in the sixth: a list of two clusters has its centroid far from both.
 * So the first lists are scored there whatever is in them.  (Ending with the fourth
 * barren one, every tenth estimate of 100 rows among 20,000 was one row.)
 */
static void
score_lists(Survey *survey)
{
	uint32		leaves = survey->query.frozen->meta.leaves;
	int			least = survey->query.space->metric == METRIC_INNER_PRODUCT ? FIRST_LISTS : 0;
	double		stride = 1;
	int			barren = 0;
	bool		last = false;
	IvfLeaf		leaf;
	IvfView		view;
	const float4 *w;

	while (!last && (barren < BARREN_LISTS || survey->lists_count < least))
	{
		uint32		begin = survey->asked;
		uint32		beside = 0;
		uint32		after;

		if (survey->lists_count >= FIRST_LISTS)
		{
			stride *= STRIDE_GROWTH;
			beside = (uint32) stride - 1;
		}

		/* the list in the middle of those that it stands for */
		pass_over(survey, beside / 2);
		if (!ivf_leaves_next(survey->leaves, 1, &leaf, &view, &w))
			return;
		ask(survey, &leaf);
		last = survey->lists_count == MOST_LISTS - 1 || survey->asked >= MOST_ASKED;
		after = leaves - Min(survey->asked, leaves);
		if (!last)
			after = Min(after, beside - beside / 2);
		if (score_list(survey, &view, w, &leaf, survey->asked - begin + after))
			barren = 0;
		else
			barren++;
		pass_over(survey, after);
	}
}

/* the rest of the lists are asked, as long as one of the last could hold anything */
static void
ask_lists(Survey *survey)
{
	uint32		before;

	do
	{
		before = survey->asked;
		pass_over(survey, LAST_ASKED);
	} while (survey->asked > before && last_share(survey) > 0);
}

static int
compare_passed(const void *a, const void *b)
{
	const Passed *x = a;
	const Passed *y = b;

	if (x->bound != y->bound)
		return x->bound < y->bound ? -1 : 1;
	return x->list != y->list ? (x->list < y->list ? -1 : 1) : 0;
}

/* the query minus a scored list's centroid; completes its view */
static const float4 *
list_w(Survey *survey, ScoredList *list)
{
	IvfQuery   *query = &survey->query;
	const float4 *centroid = NULL;

	if (list->w)
		return list->w;
	if (list->parent_row >= 0)
		centroid = ivf_frozen_child(query->frozen, query->index, &list->parent,
									list->parent_row, survey->room).centroid;
	list->w = palloc(sizeof(float4) * query->space->n);
	ivf_view(query, list->view.node, 0, centroid, &list->view, list->w);
	return list->w;
}

/*
 * Is an entry within the radius, as far as its byte code tells?  What that leaves
 * open is less than the square of its error, in most directions; but what is the
 * query itself is farther from it by twice that.
 */
static bool
is_within(Survey *survey, const Passed *passed)
{
	IvfQuery   *query = &survey->query;
	ScoredList *list = &survey->lists[passed->list];
	const float4 *w = list_w(survey, list);
	int8	   *code = (int8 *) query->row;
	IvfRowHead	row;
	double		distance;

	ivf_row_read(query->index, NULL, &passed->run, passed->row, &row, code);
	if (!ItemPointerIsValid(&row.tid) ||
		ivf_row_bound(query, &list->view, w, &row, code) > survey->radius)
		return false;
	distance = ivf_row_distance(query, &list->view, w, &row, code);
	if (query->space->metric == METRIC_INNER_PRODUCT)
		return distance <= survey->radius;
	if (query->space->metric == METRIC_L2)
		distance = distance * distance;
	else
		distance = 2 * distance;
	return distance - 2.0 * row.error * row.error <= survey->limit;
}

/*
 * Divides so many entries into parts, one of each to be judged for all; returns how
 * many, and where they end.  The nearer entries, which are more likely to be within,
 * have smaller parts: a few of many would be missed else.
 */
static int
divide(int count, int *end)
{
	int			i;

	for (i = 0; i < MOST_JUDGED && (i == 0 ? 0 : end[i - 1]) < count; i++)
	{
		double		part = (i + 1.0) / MOST_JUDGED;

		end[i] = count;
		if (i < MOST_JUDGED - 1)
			end[i] = Max((int) (count * part * part), (i == 0 ? 0 : end[i - 1]) + 1);
	}
	return i;
}

static int
middle_of(const int *end, int i)
{
	return ((i == 0 ? 0 : end[i - 1]) + end[i]) / 2;
}

/*
 * How many entries are within the radius.
 */
static double
count_within(Survey *survey)
{
	const Passed *passed = survey->passed;
	int			end[MOST_JUDGED];
	int			judged;
	double		result = 0;
	int			i;
	int			j = 0;

	qsort(survey->passed, survey->passed_count, sizeof(Passed), compare_passed);
	judged = divide(survey->passed_count, end);
	for (i = 0; i < judged; i++)
	{
		const Passed *middle = &passed[middle_of(end, i)];

		ivf_row_touch(survey->query.index, &middle->run, middle->row);
	}
	for (i = 0; i < judged; i++)
	{
		double		weight = 0;

		for (; j < end[i]; j++)
			weight += passed[j].weight;
		if (is_within(survey, &passed[middle_of(end, i)]))
			result += weight;
	}
	return result;
}

static void
run_survey(Survey *survey, double entries, IvfReach *reach)
{
	IvfQuery   *query = &survey->query;
	const IvfMetaData *meta = &query->frozen->meta;
	double		found;

	if (meta->height == 1)
	{
		IvfView		view;

		ivf_view(query, meta->root, 0, NULL, &view, query->w);
		(void) score_list(survey, &view, query->w, NULL, 1);
		reach->lists = 1;
	}
	else
	{
		uint32		others;

		survey->pivots = ivf_pivots_make(query);
		survey->leaves = ivf_leaves_make(query, query->frozen, FIRST_LISTS, false,
										 (Size) work_mem * 1024 / 16);
		score_lists(survey);
		ask_lists(survey);
		others = meta->leaves - Min(survey->asked, meta->leaves);
		reach->lists = (survey->reached + last_share(survey) * others) / meta->leaves;
		ivf_leaves_end(survey->leaves);
	}
	found = count_within(survey);
	entries = Max(Max(entries, survey->entries), 1);
	reach->share = Min(1, Max(found, 0.5) / entries);
}

/*
 * Estimates how much of an index with about so many entries, those without a
 * vector among them, is within a radius of a center, a datum of its column's type;
 * false where that is not known.  The caller holds a lock on the index.
 */
bool
ivf_reach(Relation index, double entries, Datum center, double radius,
		  IvfReach *reach)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ivf estimate",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfFrozen  *frozen = ivf_frozen(index, context);
	const IvfSpace *space = frozen->space;
	const void *value = PG_DETOAST_DATUM(center);
	bool		known = false;

	if (space->opclass->dimensions(value) == space->dim && !isnan(radius))
	{
		Survey	   *survey = palloc0(sizeof(Survey));
		float4	   *converted = palloc(sizeof(float4) * space->dim);

		survey->radius = radius;
		survey->limit = radius;
		if (space->metric == METRIC_L2)
			survey->limit = radius * fabs(radius);
		else if (space->metric == METRIC_COSINE)
			survey->limit = 2 * radius;
		survey->thinning = 1;
		survey->passed = palloc(sizeof(Passed) * MOST_PASSED);
		survey->room = palloc(sizeof(float4) * space->n);
		ivf_query_init(&survey->query, index, NULL, frozen);
		known = ivf_query_set(&survey->query,
							  space->opclass->elements(value, converted));
		if (known)
			run_survey(survey, entries, reach);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return known;
}
