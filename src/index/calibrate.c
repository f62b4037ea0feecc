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
 */
#include "compat.h"

#include "index/calibrate.h"

#include <math.h>

#include "index/trial.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* fewer queries than that tell nothing */
#define LEAST_QUERIES		50

/*
 * So many entries are scored at most, if the least number of queries is done: some
 * seconds.
 */
#define MOST_SCORED			400000000.0

/*
 * One of so many queries looks for the 1,000 nearest, too, and one for 10,000: of
 * these each query has enough to learn from.
 */
#define DEEP_QUERIES		5
#define DEEPEST_QUERIES		30
#define LEAST_DEEP			8

#define CALIBRATION_SEED	0x76656332

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
} KnotKind;

static const KnotKind knots[STOP_KNOTS] = {
	[STOP_NEAR_10] = {10, 0, false},
	[STOP_NEAR_100] = {100, 50, false},
	[STOP_FAR_1000] = {1000, 750, true},
	[STOP_FAR_10000] = {10000, 7500, true},
};

/* and what is known for them */
typedef struct Knot
{
	KnotKind	kind;
	StopSample *sample;
	int			count;
	int			room;
	int		   *first;			/* of each query */
	int			queries;
} Knot;

static void
knot_begin(Knot *knot, int number)
{
	knot->kind = knots[number];
	knot->room = 1024;
	knot->sample = palloc(sizeof(StopSample) * knot->room);
	knot->count = 0;
	knot->first = palloc(sizeof(int) * (IVF_CALIBRATION_QUERIES + 1));
	knot->queries = 0;
}

/* memory for another sample */
static StopSample *
knot_room(Knot *knot)
{
	if (knot->count == knot->room)
	{
		knot->room *= 2;
		knot->sample = repalloc_huge(knot->sample,
									 sizeof(StopSample) * (Size) knot->room);
	}
	return &knot->sample[knot->count++];
}

/*
 * Adds what a query knew at a moment, unless a scan could not ask the rule then.
 */
static void
knot_add(Knot *knot, const IvfTrial *trial, const IvfMoment *moment)
{
	const KnotKind *kind = &knot->kind;
	double		nearest = moment->nearest;
	uint32		improved = moment->improved;
	int			found = 0;
	int			wanted = 0;
	StopSample *sample;
	int			i;

	for (i = 0; i < trial->count; i++)
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
	if (trial->count <= kind->k || moment->improved == 0 ||
		(kind->far && found < kind->k))
		return;

	sample = knot_room(knot);
	stop_features(trial->metric, trial->first, moment->unread, nearest, moment->lists,
				  improved, sample->feature);
	sample->recall = (float) wanted / (kind->k - kind->from);
	sample->lists = moment->lists;
}

/* all samples of a query */
static void
knot_add_trial(Knot *knot, const IvfTrial *trial)
{
	int			before = knot->count;
	int			i;

	for (i = 0; i < trial->moments; i++)
		knot_add(knot, trial, &trial->moment[i]);
	if (knot->count > before)
		knot->first[knot->queries++] = before;
}

/* the fit to a knot's samples; false if there are too few */
static bool
knot_fit(Knot *knot, StopFit *fit)
{
	float	   *score;

	if (knot->queries < (knot->kind.k <= 1000 ? LEAST_QUERIES : LEAST_DEEP))
		return false;
	knot->first[knot->queries] = knot->count;
	score = MemoryContextAllocHuge(CurrentMemoryContext,
								   sizeof(float) * (Size) knot->count);
	stop_fit(knot->sample, knot->first, knot->queries, score, fit);
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
 * Sampled queries, until there are enough.  Returns how many.
 */
static int
run_trials(IvfTrials *trials, Knot *knot, Size memory,
		   IvfCalibrateProgress progress)
{
	double		scored = 0;
	int			done = 0;

	while (done < IVF_CALIBRATION_QUERIES)
	{
		int			k = done % DEEPEST_QUERIES == 0 ? 10000 :
		done % DEEP_QUERIES == 0 ? 1000 : 100;
		IvfTrial   *trial;
		Size		used = 0;
		int			i;

		CHECK_FOR_INTERRUPTS();
		progress(done);
		trial = ivf_trial_run(trials, k);
		if (trial == NULL)
			break;
		for (i = 0; i < STOP_KNOTS; i++)
		{
			if (knots[i].k <= k)
				knot_add_trial(&knot[i], trial);
			used += sizeof(StopSample) * (Size) knot[i].room;
		}
		scored += trial->scored;
		done++;
		if ((done >= LEAST_QUERIES * DEEP_QUERIES && scored > MOST_SCORED) ||
			(done >= LEAST_QUERIES && 4 * used > memory))
			break;
	}
	return done;
}

/*
 * Calibrates the rule of an index: the caller stores what is found.  False if
 * the index has too few entries or lists to learn from, or none that can be
 * read.  memory: bytes, as far as there are queries enough within.
 */
bool
ivf_calibrate(Relation index, Size memory, IvfCalibrateProgress progress,
			  IvfCalibration *calibration)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ivf calibration",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfTrials  *trials = ivf_trials_begin(index, CALIBRATION_SEED, context);
	StopRule	rule = stop_default;
	Knot		knot[STOP_KNOTS];
	bool		made = false;
	int			queries = 0;
	int			i;

	if (trials != NULL)
	{
		for (i = 0; i < STOP_KNOTS; i++)
			knot_begin(&knot[i], i);
		queries = run_trials(trials, knot, memory, progress);
		made = knot_fit(&knot[STOP_NEAR_10], &rule.fit[STOP_NEAR_10]);

		for (i = STOP_NEAR_10 + 1; made && i < STOP_KNOTS; i++)
		{
			if (!knot_fit(&knot[i], &rule.fit[i]))
				extrapolate(&rule.fit[i - 1], (double) knots[i].k / knots[i - 1].k,
							&rule.fit[i]);
		}
	}
	if (made)
	{
		calibration->rule = rule;
		calibration->queries = queries;
		calibration->blocks = RelationGetNumberOfBlocks(index);
		calibration->removed = 0;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return made;
}
