/*
 * test_stoprule.c
 *	  The k-th smallest key, and rules that are fitted to searches.
 */
#include <math.h>
#include <stdlib.h>

#include "ground/kth.h"
#include "ground/prng.h"
#include "ground/stoprule.h"
#include "tap.h"

#define QUERIES		400
#define LISTS		200

static int
compare_floats(const void *a, const void *b)
{
	float		x = *(const float *) a;
	float		y = *(const float *) b;

	return x < y ? -1 : x > y;
}

/*
 * Streams of keys, few of which differ where few is set, in blocks of which the
 * last is not full; the k-th is asked for now and then.  Returns faults.
 */
static int
test_kth(Prng *prng, int few)
{
	int			faults = 0;
	int			round;

	for (round = 0; round < 400; round++)
	{
		float		key[1024];
		float		room[KTH_ROOM(300)];
		int			k = 1 + prng_next(prng) % (round % 2 ? 300 : 40);
		int			n = 1 + prng_next(prng) % 1000;
		int			keys = 0;
		Kth			kth;
		int			i;

		kth_init(&kth, k, KTH_ROOM(k + prng_next(prng) % (301 - k)), room);
		for (i = 0; i < n; i += VEC_BLOCK)
		{
			float		block[VEC_BLOCK];
			float		limit = prng_next(prng) % 2 ? kth_limit(&kth) : kth.limit;
			int			less = 0;
			int			j;

			for (j = 0; j < VEC_BLOCK; j++)
			{
				block[j] = few ? (float) (prng_next(prng) % 7) : (float) prng_double(prng) - 0.5f;
				if (i + j >= n)
					block[j] = INFINITY;
				else
					key[keys++] = block[j];
				less += block[j] < limit;
			}
			/* when room ran out, the limit was found anew */
			j = kth_add(&kth, block);
			faults += j > less || (kth.limit == limit && j != less);
		}
		qsort(key, n, sizeof(float), compare_floats);
		faults += kth_limit(&kth) != (n < k ? FLT_MAX : key[k - 1]);
		faults += kth.count > kth.room;
	}
	return faults;
}

/*
 * Searches that need very different numbers of lists.  Each of a query's 100
 * nearest is in the i-th list with a chance that falls with i; how fast is the
 * query's own.
 */
static int
make_samples(Prng *prng, StopSample *sample, int *first)
{
	int			count = 0;
	int			q;

	for (q = 0; q < QUERIES; q++)
	{
		double		fall = 0.02 + 0.5 * prng_double(prng);
		int			in_list[LISTS + 1] = {0};
		uint32_t	improved = 1;
		double		found = 0;
		uint32_t	next = 1;
		uint32_t	i;

		for (i = 0; i < 100; i++)
		{
			double		list = -log(1 - prng_double(prng)) / fall;

			in_list[list < LISTS ? (int) list + 1 : LISTS]++;
		}
		first[q] = count;
		for (i = 1; i <= LISTS; i++)
		{
			found += in_list[i];
			if (in_list[i] > 0)
				improved = i;
			if (i != next && i != LISTS)
				continue;
			next = stop_next(i);
			stop_features(METRIC_L2, 3, 10 + 0.01 * i, 9, i, improved, sample[count].feature);
			sample[count].recall = found / 100;
			sample[count++].lists = i;
		}
	}
	first[QUERIES] = count;
	return count;
}

/* mean recall of other searches that follow the rule */
static double
follow(Prng *prng, const StopRule *rule, double recall, double *lists)
{
	static StopSample sample[QUERIES * LISTS];
	static int	first[QUERIES + 1];
	StopLine	line;
	double		sum = 0;
	int			q;

	make_samples(prng, sample, first);
	stop_line(rule, 100, recall, &line);
	*lists = 0;
	for (q = 0; q < QUERIES; q++)
	{
		int			s = first[q];

		while (s < first[q + 1] - 1 && !(stop_margin(&line, sample[s].feature, sample[s].feature) <= 0))
			s++;
		sum += sample[s].recall;
		*lists += sample[s].lists;
	}
	*lists /= QUERIES;
	return sum / QUERIES;
}

static void
test_fit(Prng *prng)
{
	static StopSample sample[QUERIES * LISTS];
	static float score[QUERIES * LISTS];
	static int	first[QUERIES + 1];
	StopRule	rule = stop_default;
	double		before = 0;
	int			i;

	ok(stop_rule_valid(&stop_default), "the built-in rule is one");
	make_samples(prng, sample, first);
	stop_fit(sample, first, QUERIES, 0.05, score, &rule.fit[STOP_NEAR_100]);
	ok(stop_rule_valid(&rule), "a fitted rule is one");
	for (i = 1; i < STOP_TARGETS - 1; i++)
	{
		double		lists;
		double		recall = follow(prng, &rule, stop_targets[i], &lists);

		ok(fabs(recall - stop_targets[i]) < 0.02 &&
		   fabs(lists / stop_lists(&rule, 100, stop_targets[i]) - 1) < 0.2 &&
		   lists > before,
		   "recall %g: other searches get %.4f from %.1f lists, expected %.1f",
		   stop_targets[i], recall, lists, stop_lists(&rule, 100, stop_targets[i]));
		before = lists;
	}

	rule.fit[STOP_FAR_1000].weight[1] = NAN;
	ok(!stop_rule_valid(&rule), "a rule with a NaN is none");
}

/* searches of which all find all at once; and such as never do */
static void
test_extremes(void)
{
	StopSample	sample[2 * 60];
	float		score[2 * 60];
	int			first[61];
	StopFit		fit;
	int			recall;
	int			i;

	for (recall = 0; recall <= 1; recall++)
	{
		for (i = 0; i < 2 * 60; i++)
		{
			stop_features(METRIC_L2, 0.5, 1, i % 3 == 0 ? 0 : 1, 1 + i % 2, 1, sample[i].feature);
			sample[i].recall = recall;
			sample[i].lists = 1 + i % 2;
		}
		for (i = 0; i <= 60; i++)
			first[i] = 2 * i;
		stop_fit(sample, first, 60, 0.05, score, &fit);
		ok(fit.lists[0] == 2 - recall && fit.lists[STOP_TARGETS - 1] == 2 - recall &&
		   isfinite(fit.limit[0]) && isfinite(fit.weight[1]),
		   "recall always %d: %g lists", recall, fit.lists[0]);
	}
}

static void
test_features(void)
{
	float		feature[STOP_FEATURES];

	stop_features(METRIC_L2, 3, 5, 2, 8, 2, feature);
	ok(fabs(feature[0] - log(4)) < 1e-6 && fabs(feature[1] - log(4)) < 1e-6 &&
	   fabs(feature[2] - log(8)) < 1e-6, "features of distances");
	stop_features(METRIC_COSINE, 0.5, 1, 0.25, 1, 1, feature);
	ok(fabs(feature[0] - log(2)) < 1e-6, "cosine distances");
	stop_features(METRIC_INNER_PRODUCT, -2, -1, -3, 1, 1, feature);
	ok(feature[0] == 2.5, "inner products");
	stop_features(METRIC_INNER_PRODUCT, -2, -1.5, -0.5, 1, 1, feature);
	ok(feature[0] == -2.5, "inner products that an unread centroid beats");
	stop_features(METRIC_INNER_PRODUCT, 0, 0, 0, 1, 1, feature);
	ok(feature[0] == -5, "inner products of 0: nothing is known");
	stop_features(METRIC_L2, 0, 0, 0, 1, 1, feature);
	ok(feature[0] == 5, "nothing is nearer than 0");
	stop_features(METRIC_L2, 2, 2, 1, 1, 1, feature);
	ok(feature[0] == -5, "two lists as far");
	stop_features(METRIC_L2, 2, 1.9, 1, 1, 1, feature);
	ok(feature[0] == -5, "lists in a wrong order");
	stop_features(METRIC_L2, 1, INFINITY, 1, 1, 1, feature);
	ok(feature[0] == 5, "a list at infinity");
	stop_features(METRIC_L2, INFINITY, INFINITY, 1, 1, 1, feature);
	ok(feature[0] == -5, "all lists at infinity: nothing is known");
}

int
main(void)
{
	Prng		prng = {1};

	ok(test_kth(&prng, 0) == 0, "the k-th smallest of random keys");
	ok(test_kth(&prng, 1) == 0, "the k-th smallest of few different keys");
	test_features();
	test_fit(&prng);
	test_extremes();
	return tap_done();
}
