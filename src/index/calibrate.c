/*
 * calibrate.c
 *	  Finds out how many lists searches of an index have to read.
 *
 * Sampled entries, decoded from their byte codes, are the queries: each is
 * searched for the entries nearest to it but itself, far beyond where a scan
 * would stop.  That tells in which of the lists the nearest ones are, and what a
 * scan would have known after each list; from all queries together follows the
 * rule by which scans stop (ground/stoprule.c).
 *
 * Everything is read from the index: byte codes are to a percent what the heap's
 * rows are, and who is nearest by them is near enough to learn from.  So nothing
 * depends on a snapshot, and no expression of the user's is run.
 *
 * Queries don't depend on each other, so the processes of a build share them
 * (index/parallel.c).
 */
#include "compat.h"

#include "index/calibrate.h"

#include <math.h>

#include "index/frozen.h"
#include "index/trial.h"
#include "miscadmin.h"
#include "page/pause.h"
#include "port/atomics.h"
#include "utils/memutils.h"

/* fewer queries than that tell nothing */
#define LEAST_QUERIES		50

/*
 * So many entries are scored at most, if the least number of queries is done: some
 * seconds.  A build for tests reaches its limit soon.
 */
#ifdef VECFEAT_TEST
#define MOST_SCORED			850000.0
#else
#define MOST_SCORED			400000000.0
#endif

/*
 * One of so many queries looks for the 1,000 nearest, too, and one for 10,000: of
 * these each query has enough to learn from.  The rarer are among the others.
 */
#define DEEP_QUERIES		5
#define DEEPEST_QUERIES		30
#define LEAST_DEEP			8

#define CALIBRATION_SEED	0x76656332

/*
 * What is aimed at beyond a target, as a share of what it leaves to 1.  Sign codes
 * lose some thousandths that the sample does not see.  And of inner products
 * nothing that the rule looks at tells a query that is unlike the rows from one
 * that is like them: with noise in the queries recall would be 0.1 less at 0.80.
 */
#define AIM_HIGHER			0.05
#define AIM_HIGHER_PRODUCTS	0.3

/*
 * What a rule's knots are to know: where a search for k stops that finds as many
 * of the nearest from the from-th, counted from 0, to the k-th as it should.  A
 * row that passes a filter has nothing to do with the nearer ones, so what counts
 * is whether that row is found, not how many of all up to it; and for the first
 * hundred something between, as mostly they are wanted themselves.
 */
typedef struct KnotKind
{
	int			k;
	int			from;
	bool		far;			/* are its features those of rows that came out? */
	int			every;			/* one of so many queries is for it */
} KnotKind;

static const KnotKind knots[STOP_KNOTS] = {
	[STOP_NEAR_10] = {10, 0, false, 1},
	[STOP_NEAR_100] = {100, 50, false, 1},
	[STOP_FAR_1000] = {1000, 750, true, DEEP_QUERIES},
	[STOP_FAR_10000] = {10000, 7500, true, DEEPEST_QUERIES},
};

/*
 * What the queries have found.  Several processes may fill it at the same time,
 * in memory that they share: a query has a number, by which it is drawn, and a
 * place for what it tells each knot.  So what is learned does not depend on who
 * had which query, nor on when.
 *
 * Samples lie by knot, and for each of its queries there is room for as many as a
 * search of all lists yields.
 */
struct IvfFindings
{
	int			queries;		/* that are wanted */
	int			moments;		/* of a query, at most */
	pg_atomic_uint32 next;		/* query to begin */
	pg_atomic_uint32 ended;		/* queries, by all; for the progress report */

	/* by query: one more than the entries it scored, 0 until it has ended */
	pg_atomic_uint64 scored[IVF_CALIBRATION_QUERIES];
	int			count[STOP_KNOTS][IVF_CALIBRATION_QUERIES];
	StopSample	sample[FLEXIBLE_ARRAY_MEMBER];
};

/* moments at which a search of so many lists is looked at */
static int
moments_of(uint32 lists)
{
	int			moments = 0;
	uint64		next;

	for (next = 1; next <= lists; next = stop_next((uint32) next))
		moments++;
	return moments;
}

/* of the queries before this one, how many are for a knot */
static int
knot_queries(int knot, int queries)
{
	return (queries + knots[knot].every - 1) / knots[knot].every;
}

static Size
findings_size(int queries, int moments)
{
	Size		samples = 0;
	int			i;

	for (i = 0; i < STOP_KNOTS; i++)
		samples += (Size) knot_queries(i, queries) * moments;
	return offsetof(IvfFindings, sample) + sizeof(StopSample) * samples;
}

/*
 * As many queries as a quarter of the memory has room for, but the least number
 * always.
 */
static int
queries_within(Size memory, int moments)
{
	int			queries = IVF_CALIBRATION_QUERIES;

	while (queries > LEAST_QUERIES && findings_size(queries, moments) > memory / 4)
		queries--;
	return queries;
}

/*
 * Bytes of the findings for an index with so many lists.
 */
Size
ivf_findings_size(uint32 lists, Size memory)
{
	int			moments = moments_of(lists);

	return findings_size(queries_within(memory, moments), moments);
}

/*
 * Findings of no query yet, where there is room for so many bytes.
 */
IvfFindings *
ivf_findings_init(void *at, uint32 lists, Size memory)
{
	IvfFindings *findings = at;
	int			i;

	findings->moments = moments_of(lists);
	findings->queries = queries_within(memory, findings->moments);
	pg_atomic_init_u32(&findings->next, 0);
	pg_atomic_init_u32(&findings->ended, 0);
	for (i = 0; i < IVF_CALIBRATION_QUERIES; i++)
		pg_atomic_init_u64(&findings->scored[i], 0);
	memset(findings->count, 0, sizeof(findings->count));
	return findings;
}

/* where what a query tells a knot begins */
static StopSample *
samples_of(IvfFindings *findings, int knot, int query)
{
	Size		place = query / knots[knot].every;
	int			i;

	for (i = 0; i < knot; i++)
		place += knot_queries(i, findings->queries);
	return findings->sample + place * findings->moments;
}

/*
 * How many of the entries that a query has found are in the lists that were read by
 * each of so many moments.
 */
static int *
count_found(const IvfTrial *trial, int moments)
{
	uint32		lists = moments > 0 ? trial->moment[moments - 1].lists : 0;
	int		   *of_list = palloc_extended(sizeof(int) * ((Size) lists + 1),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int		   *by_moment = palloc(sizeof(int) * Max(moments, 1));
	uint32		list = 0;
	int			found = 0;
	int			i;

	for (i = 0; i < trial->count; i++)
	{
		if (trial->found[i].list <= lists)
			of_list[trial->found[i].list]++;
	}
	for (i = 0; i < moments; i++)
	{
		for (; list <= trial->moment[i].lists; list++)
			found += of_list[list];
		by_moment[i] = found;
	}
	pfree(of_list);
	return by_moment;
}

/*
 * What a query knew at a moment, when it had found so many; false if a scan could
 * not ask the rule then.
 */
static bool
make_sample(const KnotKind *kind, const IvfTrial *trial, const IvfMoment *moment,
			int found_there, StopSample *sample)
{
	double		nearest = moment->nearest;
	uint32		improved = moment->improved;
	int			found = 0;
	int			wanted = 0;
	int			i;

	if (trial->count <= kind->k || moment->improved == 0 ||
		(kind->far && found_there < kind->k))
		return false;

	for (i = 0; found < found_there; i++)
	{
		if (trial->found[i].list > moment->lists)
			continue;
		if (found < kind->k)
		{
			nearest = kind->far ? trial->found[i].distance :
				Max(nearest, trial->found[i].distance);
			if (kind->far)
				improved = found == 0 ? trial->found[i].list :
					Max(improved, trial->found[i].list);
		}
		found++;
		if (i >= kind->from && i < kind->k)
			wanted++;
		if (found >= kind->k && i >= kind->k)
			break;
	}
	stop_features(trial->metric, trial->first, moment->unread, nearest, moment->lists,
				  improved, sample->feature);
	sample->recall = (float) wanted / (kind->k - kind->from);
	sample->lists = moment->lists;
	return true;
}

/*
 * Keeps what a query has found.  A damaged index may have more lists than it
 * says: the findings are of as many as it says.
 */
static void
keep_trial(IvfFindings *findings, int query, const IvfTrial *trial)
{
	int			moments = Min(trial->moments, findings->moments);
	int		   *found = count_found(trial, moments);
	int			knot;
	int			i;

	for (knot = 0; knot < STOP_KNOTS; knot++)
	{
		StopSample *sample;
		int			count = 0;

		if (query % knots[knot].every != 0)
			continue;
		sample = samples_of(findings, knot, query);
		for (i = 0; i < moments; i++)
		{
			if (make_sample(&knots[knot], trial, &trial->moment[i], found[i],
							&sample[count]))
				count++;
		}
		findings->count[knot][query] = count;
	}
	pfree(found);
	pg_atomic_write_u64(&findings->scored[query], (uint64) trial->scored + 1);
}

/*
 * Is a query one too many, as those before it have scored enough?  Those of them
 * that have not ended are not counted, so the answer may become yes later, and
 * then for those that follow too.
 */
static bool
scored_enough(IvfFindings *findings, int query)
{
	double		scored = 0;
	int			i;

	if (query < LEAST_QUERIES * DEEP_QUERIES)
		return false;
	for (i = 0; i < query; i++)
	{
		uint64		of_one = pg_atomic_read_u64(&findings->scored[i]);

		scored += of_one > 0 ? (double) (of_one - 1) : 0;
	}
	return scored > MOST_SCORED;
}

/* the most that a query is to find */
static int
query_k(int query)
{
	return query % DEEPEST_QUERIES == 0 ? 10000 : query % DEEP_QUERIES == 0 ? 1000 : 100;
}

/*
 * Runs queries until there are enough: all of them, or, beside other processes
 * that do the same, a share.
 */
void
ivf_calibrate_share(Relation index, IvfFindings *findings,
					IvfCalibrateProgress progress)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ivf calibration",
												  ALLOCSET_DEFAULT_SIZES);
	IvfTrials  *trials = ivf_trials_begin(index, CALIBRATION_SEED, context);

	while (trials != NULL)
	{
		uint32		query = pg_atomic_fetch_add_u32(&findings->next, 1);
		IvfTrial   *trial;

		CHECK_FOR_INTERRUPTS();
		if (progress)
			progress((int) pg_atomic_read_u32(&findings->ended));
		if (query >= (uint32) findings->queries || scored_enough(findings, query))
			break;
		IVF_PAUSE("calibrate query");
		trial = ivf_trial_run(trials, query, query_k(query));
		if (trial == NULL)
		{
			/* there are no entries: those that follow would not count */
			pg_atomic_write_u32(&findings->next, findings->queries);
			break;
		}
		keep_trial(findings, query, trial);
		pg_atomic_fetch_add_u32(&findings->ended, 1);
	}
	MemoryContextDelete(context);
}

/*
 * The queries that count, up to the first that is missing or one too many: what
 * was done beyond, one process alone would not have begun.
 */
static int
queries_that_count(IvfFindings *findings)
{
	int			query = 0;

	while (query < findings->queries &&
		   pg_atomic_read_u64(&findings->scored[query]) > 0 &&
		   !scored_enough(findings, query))
		query++;
	return query;
}

/*
 * The fit to a knot's samples of so many queries, which are moved together; false
 * if there are too few.
 */
static bool
knot_fit(IvfFindings *findings, int knot, int queries, double higher, StopFit *fit)
{
	StopSample *sample = samples_of(findings, knot, 0);
	int		   *first = palloc(sizeof(int) * (IVF_CALIBRATION_QUERIES + 1));
	int			told = 0;
	int			count = 0;
	int			query;
	float	   *score;

	for (query = 0; query < queries; query += knots[knot].every)
	{
		int			more = findings->count[knot][query];

		if (more == 0)
			continue;
		memmove(sample + count, samples_of(findings, knot, query),
				sizeof(StopSample) * more);
		first[told++] = count;
		count += more;
	}
	first[told] = count;
	if (told < (knots[knot].k <= 1000 ? LEAST_QUERIES : LEAST_DEEP))
		return false;
	score = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * (Size) count);
	stop_fit(sample, first, told, higher, score, fit);
	pfree(score);
	return true;
}

/*
 * The fit for so many times as many rows, where there are not enough entries to
 * learn it: they need at most as many times as many lists.
 */
static void
extrapolate(const StopFit *from, double times, StopFit *fit)
{
	int			i;

	*fit = *from;
	fit->weight[0] -= from->weight[STOP_FEATURES] * log(times);
	for (i = 0; i < STOP_TARGETS; i++)
		fit->lists[i] *= times;
}

/*
 * Learns the rule from what all processes have found, once: the caller stores it.
 * False if the index has too few entries or lists to learn from, or none that can
 * be read.
 */
bool
ivf_calibrate_fit(Relation index, IvfFindings *findings, IvfCalibration *calibration)
{
	int			queries = queries_that_count(findings);
	StopRule	rule = stop_default;
	IvfMetaData meta;
	double		higher;
	int			i;

	ivf_shape_read(index, &meta);
	higher = meta.metric == METRIC_INNER_PRODUCT ? AIM_HIGHER_PRODUCTS : AIM_HIGHER;
	if (!knot_fit(findings, STOP_NEAR_10, queries, higher, &rule.fit[STOP_NEAR_10]))
		return false;
	for (i = STOP_NEAR_10 + 1; i < STOP_KNOTS; i++)
	{
		if (!knot_fit(findings, i, queries, higher, &rule.fit[i]))
			extrapolate(&rule.fit[i - 1], (double) knots[i].k / knots[i - 1].k,
						&rule.fit[i]);
	}
	calibration->rule = rule;
	calibration->queries = queries;
	calibration->blocks = RelationGetNumberOfBlocks(index);
	calibration->removed = 0;
	return true;
}

/*
 * Calibrates the rule of an index in this process alone; as ivf_calibrate_fit().
 * memory: bytes, as far as there are queries enough within.
 */
bool
ivf_calibrate(Relation index, Size memory, IvfCalibrateProgress progress,
			  IvfCalibration *calibration)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ivf findings",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	uint32		lists = ivf_frozen(index, context)->meta.leaves;
	Size		size = ivf_findings_size(lists, memory);
	IvfFindings *findings = ivf_findings_init(MemoryContextAllocHuge(context, size),
											  lists, memory);
	bool		made;

	ivf_calibrate_share(index, findings, progress);
	made = ivf_calibrate_fit(index, findings, calibration);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return made;
}
