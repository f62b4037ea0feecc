/*
 * stoprule.c
 *	  When has a search read enough lists?
 *
 * Lists are read nearest first.  How many a query needs for a recall differs
 * tenfold between queries, so a rule looks at three things: how much farther the
 * nearest list not read is than the first, compared with the k nearest found; how
 * many lists ago these last changed; and how many lists have been read.  The first
 * is what geometry has to say, the second is known as relative patience, and which
 * of them counts for how much differs from data to data.  So the odds that
 * something is missing are fitted to what sampled queries have found (logistic
 * regression), and the odds at which to stop are those that gave the wanted
 * recall there.
 *
 * src/README.md compares that with the rules it came from.
 */
#include "ground/stoprule.h"

#include <math.h>

const double stop_targets[STOP_TARGETS] =
{0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999};

/* features are kept within, so that a distance of 0 is no infinity */
#define LARGEST_FEATURE		5.0

/* the k of each knot */
static const double knot_k[STOP_KNOTS] = {10, 100, 1000, 10000};

/* how far from its limit a knot counts: a factor of e in the odds */
#define MOST_MARGIN			1.0

/* keeps weights finite where a feature tells all, or is always the same */
#define RIDGE				1e-3

#define MOST_STEPS			25
#define BISECTIONS			40

/*
 * For an index that was not calibrated: SIFT descriptors of photographs took
 * these.
 */
const StopRule stop_default = {{
	[STOP_NEAR_10] = {
		.weight = {-1.9f, -1.4f, -0.7f, -0.55f},
		.limit = {0.5f, -1.5f, -2.4f, -3.0f, -3.5f, -3.9f, -4.2f, -4.6f},
		.lists = {3, 9, 17, 28, 45, 61, 80, 110},
	},
	[STOP_NEAR_100] = {
		.weight = {-1.2f, -1.5f, -1.1f, -0.5f},
		.limit = {0.2f, -1.6f, -2.3f, -2.8f, -3.3f, -3.7f, -3.9f, -4.6f},
		.lists = {6, 20, 35, 53, 83, 110, 140, 220},
	},
	[STOP_FAR_1000] = {
		.weight = {-0.6f, -1.7f, -1.1f, -0.6f},
		.limit = {0, -1.7f, -2.4f, -2.9f, -3.3f, -3.7f, -3.9f, -4.5f},
		.lists = {14, 44, 75, 110, 160, 210, 250, 340},
	},
	[STOP_FAR_10000] = {
		.weight = {1.1f, -2.2f, -0.4f, -0.85f},
		.limit = {1.7f, -1.8f, -2.4f, -2.9f, -3.3f, -3.7f, -4.0f, -4.6f},
		.lists = {60, 140, 210, 280, 360, 440, 520, 750},
	},
}};

/*
 * What a search knows that has read so many lists (at least 1): the distances of
 * the centroids of the first list and of the nearest that is not read (infinity:
 * there is none), and that of the k-th nearest found, all as the operator has
 * them.  improved is the number, from 1, of the list at which the k nearest last
 * changed.
 *
 * A border between two lists' cells is as far from the query as the squares of
 * the centroids' distances differ, over twice what lies between them.  So that
 * difference counts, beside the square of the k-th nearest one's distance.  Inner
 * products have no borders: what a row's part beyond its centroid would have to
 * add is compared with what both are.  Of either kind it is the less, the farther
 * the k-th nearest found is.
 */
void
stop_features(Metric metric, double first, double unread, double nearest,
			  uint32_t lists, uint32_t improved, float *feature)
{
	double		x;

	if (metric == METRIC_INNER_PRODUCT)
		x = LARGEST_FEATURE * (unread - nearest) / (fabs(unread) + fabs(nearest));
	else if (!(nearest > 0))
		x = LARGEST_FEATURE;
	else if (metric == METRIC_L2)
		x = log((unread * unread - first * first) / (nearest * nearest));
	else
		x = log((unread - first) / nearest);
	if (!(x >= -LARGEST_FEATURE))
		x = -LARGEST_FEATURE;
	feature[0] = x <= LARGEST_FEATURE ? x : LARGEST_FEATURE;
	feature[1] = log((double) lists / improved);
	feature[2] = log((double) lists);
}

/*
 * The logarithm of the odds that something is missing.
 */
double
stop_score(const double *weight, const float *feature)
{
	double		sum = weight[0];
	int			i;

	for (i = 0; i < STOP_FEATURES; i++)
		sum += weight[1 + i] * feature[i];
	return sum;
}

static double
logit(double p)
{
	return log(p / (1 - p));
}

/*
 * Where a recall stands among stop_targets: the target before it, and how far on
 * the way to the next, beyond which the last two go on.
 */
static int
find_target(double recall, double *fraction)
{
	int			i = 0;

	if (recall > 0.9999)
		recall = 0.9999;
	while (i < STOP_TARGETS - 2 && recall >= stop_targets[i + 1])
		i++;
	*fraction = (logit(recall) - logit(stop_targets[i])) /
		(logit(stop_targets[i + 1]) - logit(stop_targets[i]));
	return i;
}

/*
 * Likewise for the knots of a rule; k may be before or beyond all.
 */
static int
find_knot(double k, double *fraction)
{
	int			i = 0;
	double		x;

	while (i < STOP_KNOTS - 2 && k > knot_k[i + 1])
		i++;
	x = log(k / knot_k[i]) / log(knot_k[i + 1] / knot_k[i]);
	x = x < 0 ? 0 : x > 1 ? 1 : x;

	/* what is between is in few lists or in many: mostly the rule for 100 decides */
	*fraction = i == STOP_NEAR_10 ? x * (2 - x) : x;
	return i;
}

/*
 * The rule for the k-th row of a search, and a recall from 0.5 to below 1.
 *
 * Beyond the last knot a row needs at most as many times as many lists as it is
 * beyond that.
 */
void
stop_line(const StopRule *rule, double k, double recall, StopLine *line)
{
	double		last = knot_k[STOP_KNOTS - 1];
	double		beyond;
	int			target = find_target(recall, &beyond);
	int			i;
	int			j;

	line->knot = find_knot(k, &line->share);
	for (j = 0; j < 2; j++)
	{
		const StopFit *fit = &rule->fit[line->knot + j];
		double	   *weight = line->weight[j];

		for (i = 0; i <= STOP_FEATURES; i++)
			weight[i] = fit->weight[i];
		weight[0] -= (1 - beyond) * fit->limit[target] + beyond * fit->limit[target + 1];
		if (k > last)
			weight[0] -= weight[STOP_FEATURES] * log(k / last);
	}
}

static double
clamped(double margin)
{
	return margin < -MOST_MARGIN ? -MOST_MARGIN : margin > MOST_MARGIN ? MOST_MARGIN : margin;
}

/*
 * At most 0 where a search is to stop: first and second are its features as the
 * line's two knots want them.  Not a number where a rule is damaged.
 *
 * A knot that is sure must not outweigh the other by how sure it is: where one
 * list has all of ten rows, odds say nothing of the list that has the hundredth.
 */
double
stop_margin(const StopLine *line, const float *first, const float *second)
{
	return (1 - line->share) * clamped(stop_score(line->weight[0], first)) +
		line->share * clamped(stop_score(line->weight[1], second));
}

/*
 * Lists that the rule reads on average until k rows are out.
 */
double
stop_lists(const StopRule *rule, double k, double recall)
{
	double		between;
	double		beyond;
	int			knot = find_knot(k, &between);
	int			target = find_target(recall, &beyond);
	double		lists = 0;
	int			j;

	for (j = 0; j < 2; j++)
	{
		const StopFit *fit = &rule->fit[knot + j];

		/* as a power of the odds, and of k */
		lists += (j == 0 ? 1 - between : between) *
			((1 - beyond) * log(fit->lists[target]) + beyond * log(fit->lists[target + 1]));
	}
	return exp(lists);
}

/*
 * The rule is looked at when so many lists have been read: the next number
 * after this one at which it is.  Between two of them the odds hardly change.
 */
uint32_t
stop_next(uint32_t lists)
{
	return lists + 1 + lists / 32;
}

/*
 * Is this a rule?  Whatever finite numbers it holds, a search by it ends.
 */
int
stop_rule_valid(const StopRule *rule)
{
	int			knot;
	int			i;

	for (knot = 0; knot < STOP_KNOTS; knot++)
	{
		const StopFit *fit = &rule->fit[knot];

		for (i = 0; i <= STOP_FEATURES; i++)
		{
			if (!isfinite(fit->weight[i]))
				return 0;
		}
		for (i = 0; i < STOP_TARGETS; i++)
		{
			if (!isfinite(fit->limit[i]) || !isfinite(fit->lists[i]) ||
				fit->lists[i] < 1)
				return 0;
		}
	}
	return 1;
}

/*
 * Solves a x = b for a symmetric and positive definite a, both of which are
 * overwritten; x is in b then.
 */
static void
solve(double a[1 + STOP_FEATURES][1 + STOP_FEATURES], double *b)
{
	int			n = 1 + STOP_FEATURES;
	int			i;
	int			j;
	int			k;

	for (i = 0; i < n; i++)
	{
		for (j = i + 1; j < n; j++)
		{
			double		factor = a[j][i] / a[i][i];

			for (k = i; k < n; k++)
				a[j][k] -= factor * a[i][k];
			b[j] -= factor * b[i];
		}
	}
	for (i = n - 1; i >= 0; i--)
	{
		for (k = i + 1; k < n; k++)
			b[i] -= a[i][k] * b[k];
		b[i] /= a[i][i];
	}
}

/*
 * A step of Newton's method for the weights; returns how far it went.
 */
static double
step(const StopSample *samples, int count, double *weight)
{
	double		hessian[1 + STOP_FEATURES][1 + STOP_FEATURES] = {{0}};
	double		gradient[1 + STOP_FEATURES] = {0};
	double		moved = 0;
	int			s;
	int			i;
	int			j;

	for (s = 0; s < count; s++)
	{
		double		x[1 + STOP_FEATURES] = {1};
		double		p = 1 / (1 + exp(-stop_score(weight, samples[s].feature)));
		double		off = p - (1 - samples[s].recall);

		for (i = 0; i < STOP_FEATURES; i++)
			x[1 + i] = samples[s].feature[i];
		for (i = 0; i <= STOP_FEATURES; i++)
		{
			gradient[i] += off * x[i];
			for (j = 0; j <= i; j++)
				hessian[i][j] += p * (1 - p) * x[i] * x[j];
		}
	}
	for (i = 0; i <= STOP_FEATURES; i++)
	{
		gradient[i] = gradient[i] / count + RIDGE * (i > 0 ? weight[i] : 0);
		for (j = 0; j <= i; j++)
			hessian[i][j] = hessian[j][i] = hessian[i][j] / count;
		hessian[i][i] += i > 0 ? RIDGE : RIDGE / 1000;
	}
	solve(hessian, gradient);
	for (i = 0; i <= STOP_FEATURES; i++)
	{
		/* far from the optimum a full step may lead farther away */
		double		change = fmax(-10, fmin(gradient[i], 10));

		weight[i] -= change;
		moved += fabs(change);
	}
	return moved;
}

/*
 * Mean recall of the sampled queries less its standard error, and lists they
 * read, if they stop at a limit.
 */
static double
recall_at(const StopSample *samples, const float *score, const int *first,
		  int queries, double limit, double *lists)
{
	double		recall = 0;
	double		square = 0;
	double		sum = 0;
	int			q;

	for (q = 0; q < queries; q++)
	{
		int			s = first[q];

		while (s < first[q + 1] - 1 && !(score[s] <= limit))
			s++;
		recall += samples[s].recall;
		square += (double) samples[s].recall * samples[s].recall;
		sum += samples[s].lists;
	}
	*lists = sum / queries;
	recall /= queries;
	square = fmax(square / queries - recall * recall, 0);
	return recall - sqrt(square / queries);
}

/* numbers a little below and above all scores */
static void
score_range(const float *score, int count, double *low, double *high)
{
	float		least = score[0];
	float		most = score[0];
	int			s;

	/* gcc 12 for ARM breaks down on fmin() and fmax() here */
	for (s = 1; s < count; s++)
	{
		least = score[s] < least ? score[s] : least;
		most = score[s] > most ? score[s] : most;
	}
	*low = least - 0.001 * (1 + fabs(least));
	*high = most + 0.001 * (1 + fabs(most));
}

/*
 * Fits a rule to a sample of queries, at least one: those of query q are
 * samples[first[q]] .. samples[first[q + 1] - 1], at least one, in the order of
 * lists read.  What is aimed at is a target, the share higher of what it leaves
 * to 1, and a standard error of the sample's mean.  score is room for as many
 * floats as there are samples.
 */
void
stop_fit(const StopSample *samples, const int *first, int queries, double higher,
		 float *score, StopFit *fit)
{
	double		weight[1 + STOP_FEATURES] = {0};
	int			count = first[queries];
	int			i;

	for (i = 0; i < MOST_STEPS; i++)
	{
		if (step(samples, count, weight) < 1e-4)
			break;
	}
	for (i = 0; i <= STOP_FEATURES; i++)
		fit->weight[i] = (float) weight[i];
	for (i = 0; i < count; i++)
		score[i] = (float) stop_score(weight, samples[i].feature);

	for (i = 0; i < STOP_TARGETS; i++)
	{
		double		aim = stop_targets[i] + higher * (1 - stop_targets[i]);
		double		low;
		double		high;
		double		lists;
		int			n;

		/* what never stops, and what stops at once; between lies every score */
		score_range(score, count, &low, &high);
		if (recall_at(samples, score, first, queries, high, &lists) >= aim)
			low = high;
		for (n = 0; n < BISECTIONS && low < high; n++)
		{
			double		middle = (low + high) / 2;

			if (recall_at(samples, score, first, queries, middle, &lists) < aim)
				high = middle;
			else
				low = middle;
		}
		(void) recall_at(samples, score, first, queries, low, &lists);
		fit->limit[i] = (float) low;
		fit->lists[i] = (float) lists;
	}
}
