/*
 * test_kmeans.c
 *	  K-means finds what there is to find, fills what runs empty, and is the
 *	  same every time.
 */
#include <float.h>

#include "ground/kernel.h"
#include "ground/kmeans.h"
#include "ground/panels.h"
#include "kmeans_run.h"
#include "tap.h"

static int
run(const float *rows, size_t nrows, int n, int k, int iterations,
	uint64_t seed, float *centroids)
{
	return run_among(rows, NULL, nrows, n, k, 0, iterations, seed, 0, centroids);
}

static double
squared_distance(const float *a, const float *b, int n)
{
	double		sum = 0;
	int			i;

	for (i = 0; i < n; i++)
		sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	return sum;
}

/* what k-means makes small */
static double
cost(const float *rows, int nrows, int n, const float *centroids, int k)
{
	double		sum = 0;
	int			i;
	int			c;

	for (i = 0; i < nrows; i++)
	{
		double		least = INFINITY;

		for (c = 0; c < k; c++)
		{
			double		d = squared_distance(rows + (size_t) i * n,
											 centroids + (size_t) c * n, n);

			if (d < least)
				least = d;
		}
		sum += least;
	}
	return sum;
}

static void
fill_uniform(Prng *prng, float *v, size_t count, double offset)
{
	size_t		i;

	for (i = 0; i < count; i++)
		v[i] = (float) (offset + 2 * prng_double(prng) - 1);
}

static int
all_finite(const float *v, size_t count)
{
	size_t		i;

	for (i = 0; i < count; i++)
	{
		if (!isfinite(v[i]))
			return 0;
	}
	return 1;
}

/* in each dimension between the least and the greatest of the rows */
static int
all_in_range(const float *rows, int nrows, int n, const float *centroids, int k)
{
	int			j;
	int			c;
	int			i;

	for (j = 0; j < n; j++)
	{
		float		least = rows[j];
		float		greatest = rows[j];

		for (i = 1; i < nrows; i++)
		{
			float		v = rows[(size_t) i * n + j];

			least = v < least ? v : least;
			greatest = v > greatest ? v : greatest;
		}
		for (c = 0; c < k; c++)
		{
			float		v = centroids[(size_t) c * n + j];

			if (!(v >= least && v <= greatest))
				return 0;
		}
	}
	return 1;
}

/*
 * nrows rows of small whole numbers with so many distinct values.
 */
static void
test_distinct(int nrows, int n, int k, int distinct)
{
	float	   *values = need(sizeof(float) * distinct * n);
	float	   *rows = need(sizeof(float) * nrows * n);
	float	   *centroids = need(sizeof(float) * k * n);
	Prng		prng = {51 + distinct};
	int			wanted = distinct < k ? distinct : k;
	int			bad = 0;
	int			seed;
	int			i;
	int			c;

	for (i = 0; i < distinct * n; i++)
		values[i] = (float) (below(&prng, 256) + (i % n == 0 ? i : 0));
	for (i = 0; i < nrows; i++)
	{
		int			value = i < distinct ? i : below(&prng, distinct);

		memcpy(rows + (size_t) i * n, values + (size_t) value * n,
			   sizeof(float) * n);
	}
	for (seed = 0; seed < 20; seed++)
	{
		int			found = run(rows, nrows, n, k, 5, seed, centroids);

		bad += found != wanted;

		/* with a centroid for each value, the values are the centroids */
		for (i = 0; i < distinct && distinct <= k; i++)
		{
			for (c = 0; c < found; c++)
			{
				if (memcmp(centroids + (size_t) c * n, values + (size_t) i * n,
						   sizeof(float) * n) == 0)
					break;
			}
			bad += c == found;
		}
	}
	ok(bad == 0, "%d rows with %d values, k = %d: %d centroids", nrows,
	   distinct, k, wanted);
	free(centroids);
	free(rows);
	free(values);
}

/*
 * Values that hardly any row has: seeds are not drawn from all rows, unless the
 * others have too few values.
 */
static void
test_rare(int nrows, int n, int k, int rare)
{
	float	   *rows = need(sizeof(float) * nrows * n);
	float	   *centroids = need(sizeof(float) * k * n);
	int			wanted = rare + 1 < k ? rare + 1 : k;
	int			bad = 0;
	int			seed;
	int			i;

	memset(rows, 0, sizeof(float) * nrows * n);
	for (i = 1; i <= rare; i++)
		rows[(size_t) i * n] = (float) i;
	for (seed = 0; seed < 20; seed++)
		bad += run_among(rows, NULL, nrows, n, k, 32, 5, seed, 0, centroids) != wanted;
	ok(bad == 0, "%d rows of which %d are unlike the others, k = %d: %d centroids", nrows,
	   rare, k, wanted);
	free(centroids);
	free(rows);
}

/*
 * What one iteration makes of the seeds, by the words of kmeans.c: a cluster
 * with rows gets their mean, an empty one the row of the biggest one that is
 * farthest from its centroid, which no longer counts there.  Returns how many
 * were empty, or -1 if it is not so.
 */
static int
check_iteration(const float *rows, int nrows, int n, int k, uint64_t seed)
{
	float	   *seeds = need(sizeof(float) * k * n);
	float	   *after = need(sizeof(float) * k * n);
	float	   *norms = need(sizeof(float) * k);
	float	   *panels = need(sizeof(float) * (k * n + PANEL_SLACK));
	float	   *products = need(sizeof(float) * PANEL_ROWS * PANEL_WIDTH(k));
	float	   *distance = need(sizeof(float) * nrows);
	int		   *label = need(sizeof(int) * nrows);
	int		   *count = need(sizeof(int) * k);
	double	   *sum = need(sizeof(double) * n);
	int			empty = 0;
	int			good;
	int			i;
	int			j;
	int			c;

	good = run(rows, nrows, n, k, 0, seed, seeds) == k &&
		run(rows, nrows, n, k, 1, seed, after) == k;
	centroid_norms(seeds, k, n, norms);
	panels_pack(seeds, k, n, panels);
	memset(count, 0, sizeof(int) * k);
	for (i = 0; i < nrows; i++)
	{
		const float *row = rows + (size_t) i * n;
		float		score;
		float		norm;

		panels_nearest(&row, 1, panels, norms, k, n, products, &label[i], &score);
		centroid_norms(rows + (size_t) i * n, 1, n, &norm);
		distance[i] = score + norm;
		count[label[i]]++;
	}
	for (c = 0; c < k; c++)
	{
		int			biggest = 0;
		int			farthest = -1;

		if (count[c] > 0)
			continue;
		empty++;
		for (i = 0; i < k; i++)
		{
			if (count[i] > count[biggest])
				biggest = i;
		}
		for (i = 0; i < nrows; i++)
		{
			if (label[i] == biggest &&
				(farthest < 0 || distance[i] > distance[farthest]))
				farthest = i;
		}
		label[farthest] = c;
		count[c]++;
		count[biggest]--;
	}
	for (c = 0; c < k && good; c++)
	{
		memset(sum, 0, sizeof(double) * n);
		for (i = 0; i < nrows; i++)
		{
			for (j = 0; j < n && label[i] == c; j++)
				sum[j] += rows[(size_t) i * n + j];
		}
		for (j = 0; j < n; j++)
			good = good && after[(size_t) c * n + j] ==
				(float) (sum[j] / count[c]);
	}
	free(seeds);
	free(after);
	free(norms);
	free(panels);
	free(products);
	free(distance);
	free(label);
	free(count);
	free(sum);
	return good ? empty : -1;
}

/*
 * At a large common offset float4 can't tell the centroids apart, so most
 * clusters run empty in every iteration.
 */
static void
test_empty(double offset, int must_run_empty)
{
	enum
	{
		N = 16, ROWS = 256, K = 16
	};
	float	   *rows = need(sizeof(float) * ROWS * N);
	float	   *centroids = need(sizeof(float) * K * N);
	Prng		prng = {52};
	int			empty = 0;
	int			bad = 0;
	int			outside = 0;
	int			alike = 0;
	int			seed;
	int			iterations;
	int			i;
	int			c;

	for (seed = 0; seed < 20; seed++)
	{
		int			found;

		fill_uniform(&prng, rows, ROWS * N, offset);
		found = check_iteration(rows, ROWS, N, K, seed);
		if (found < 0)
			bad++;
		else
			empty += found;
		for (iterations = 1; iterations <= 10; iterations += 3)
		{
			found = run(rows, ROWS, N, K, iterations, seed, centroids);
			outside += found != K ||
				!all_in_range(rows, ROWS, N, centroids, K);
			for (c = 0; c < K; c++)
			{
				for (i = 0; i < c; i++)
					alike += memcmp(centroids + i * N, centroids + c * N,
									sizeof(float) * N) == 0;
			}
		}
	}
	ok(bad == 0, "offset %g: means of clusters, rows in the empty ones",
	   offset);
	ok(empty > 0 || !must_run_empty, "offset %g: %d clusters were empty",
	   offset, empty);
	ok(outside == 0, "offset %g: centroids are within the rows' range", offset);
	ok(alike == 0, "offset %g: no two centroids are the same", offset);
	free(centroids);
	free(rows);
}

/*
 * Clusters far from each other are found, each by one centroid.
 */
static void
test_finds(int n, int k, int each)
{
	float	   *centres = need(sizeof(float) * k * n);
	float	   *rows = need(sizeof(float) * k * each * n);
	float	   *centroids = need(sizeof(float) * k * n);
	Prng		prng = {53};
	int			missed = 0;
	int			i;
	int			j;
	int			c;

	fill_uniform(&prng, centres, (size_t) k * n, 0);
	fill_uniform(&prng, rows, (size_t) k * each * n, 0);
	for (i = 0; i < k * each; i++)
	{
		for (j = 0; j < n; j++)
			rows[(size_t) i * n + j] = 0.001f * rows[(size_t) i * n + j] +
				centres[(size_t) (i % k) * n + j];
	}
	ticks = 0;
	ok(run(rows, (size_t) k * each, n, k, 5, 1, centroids) == k,
	   "%d clusters of %d in %d dimensions", k, each, n);
	ok(ticks >= k * each * 5 / 256, "k-means ticked %d times", ticks);
	for (i = 0; i < k; i++)
	{
		for (c = 0; c < k; c++)
		{
			if (squared_distance(centroids + (size_t) c * n,
								 centres + (size_t) i * n, n) < 1e-6 * n)
				break;
		}
		missed += c == k;
	}
	ok(missed == 0, "%d clusters of %d in %d dimensions are all found", k,
	   each, n);
	free(centroids);
	free(rows);
	free(centres);
}

static void
test_improves(int n)
{
	enum
	{
		ROWS = 600, K = 20
	};
	float	   *rows = need(sizeof(float) * ROWS * n);
	float	   *centroids = need(sizeof(float) * K * n);
	Prng		prng = {54};
	double		before = INFINITY;
	int			worsened = 0;
	double		first = 0;
	int			iterations;

	fill_uniform(&prng, rows, (size_t) ROWS * n, 0);
	for (iterations = 0; iterations <= 10; iterations++)
	{
		double		now;

		run(rows, ROWS, n, K, iterations, 2, centroids);
		now = cost(rows, ROWS, n, centroids, K);
		if (iterations == 0)
			first = now;
		worsened += now > before * (1 + 1e-6);
		before = now;
	}
	ok(worsened == 0 && before < 0.9 * first,
	   "%d dimensions: every iteration improves (to %.0f %% of the seeds')", n,
	   100 * before / first);
	free(centroids);
	free(rows);
}

static void
test_deterministic(int n)
{
	enum
	{
		ROWS = 1000, K = 37
	};
	size_t		size = sizeof(float) * K * n;
	float	   *rows = need(sizeof(float) * ROWS * n);
	float	   *a = need(size);
	float	   *b = need(size);
	Prng		prng = {55};
	int			found;

	fill_uniform(&prng, rows, (size_t) ROWS * n, 0);
	memset(a, 0, size);
	memset(b, 0xff, size);
	found = run(rows, ROWS, n, K, 7, 3, a);
	(void) rand();

	ok(run(rows, ROWS, n, K, 7, 3 + 256, b) > 0 && memcmp(a, b, size) != 0,
	   "%d dimensions: the generator's state counts", n);
	ok(run(rows, ROWS, n, K, 7, 3, b) == found && memcmp(a, b, size) == 0,
	   "%d dimensions: the same from the same seed", n);
	ok(run_among(rows, NULL, ROWS, n, K, 0, 7, 3, 1, b) == found && memcmp(a, b, size) == 0,
	   "%d dimensions: the same from pieces in any order", n);

	/* the rows backwards, told to be taken from the end */
	{
		float	   *reverse = need(sizeof(float) * ROWS * n);
		int		   *place = need(sizeof(int) * ROWS);
		int			i;

		for (i = 0; i < ROWS; i++)
		{
			memcpy(reverse + (size_t) i * n, rows + (size_t) (ROWS - 1 - i) * n, sizeof(float) * n);
			place[i] = ROWS - 1 - i;
		}
		ok(run_among(reverse, place, ROWS, n, K, 0, 7, 3, 0, b) == found && memcmp(a, b, size) == 0,
		   "%d dimensions: the same from rows in another place", n);
		free(place);
		free(reverse);
	}
	free(b);
	free(a);
	free(rows);
}

/*
 * Rows at the ends of float4: products overflow or vanish, the centroids must
 * not.
 */
static void
test_scale(double scale)
{
	enum
	{
		N = 64, ROWS = 300, K = 12
	};
	float	   *rows = need(sizeof(float) * ROWS * N);
	float	   *centroids = need(sizeof(float) * K * N);
	Prng		prng = {56};
	int			bad = 0;
	int			found = 0;
	int			seed;
	int			i;

	for (seed = 0; seed < 10; seed++)
	{
		for (i = 0; i < ROWS * N; i++)
		{
			if (seed % 2)
				rows[i] = (float) (scale * (below(&prng, 2) ? 1 : -1));
			else
				rows[i] = (float) (scale * (2 * prng_double(&prng) - 1));
		}
		found = run(rows, ROWS, N, K, 1 + seed, seed, centroids);
		bad += found < 1 || found > K ||
			!all_finite(centroids, (size_t) found * N) ||
			!all_in_range(rows, ROWS, N, centroids, found);
		bad += scale > 1e-20 && found != K;
	}
	ok(bad == 0, "rows of %g: centroids are finite and within range", scale);
	free(centroids);
	free(rows);
}

/* some ordinary rows, and one of FLT_MAX */
static void
test_outlier(void)
{
	enum
	{
		N = 64, ROWS = 300, K = 12
	};
	float	   *rows = need(sizeof(float) * ROWS * N);
	float	   *centroids = need(sizeof(float) * K * N);
	Prng		prng = {57};
	int			bad = 0;
	int			seed;
	int			i;

	fill_uniform(&prng, rows, ROWS * N, 0);
	for (i = 0; i < N; i++)
		rows[100 * N + i] = i % 3 ? FLT_MAX : -FLT_MAX;
	for (seed = 0; seed < 20; seed++)
	{
		int			found = run(rows, ROWS, N, K, 5, seed, centroids);

		bad += found < 1 || !all_finite(centroids, (size_t) found * N) ||
			!all_in_range(rows, ROWS, N, centroids, found);
	}
	ok(bad == 0, "one row of FLT_MAX: centroids are finite");
	free(centroids);
	free(rows);
}

int
main(void)
{
	test_distinct(100, 16, 10, 1);
	test_distinct(100, 16, 10, 2);
	test_distinct(100, 64, 10, 9);
	test_distinct(100, 64, 10, 10);
	test_distinct(100, 64, 10, 11);
	test_distinct(7, 64, 10, 7);
	test_distinct(1, 64, 10, 1);
	test_distinct(1, 16, 1, 1);
	test_distinct(400, 128, 100, 99);
	test_rare(4000, 16, 10, 3);
	test_rare(4000, 16, 10, 9);
	test_rare(4000, 16, 10, 30);
	test_empty(0, 0);
	test_empty(1e4, 1);
	test_finds(64, 30, 50);
	test_finds(16, 7, 300);
	test_improves(16);
	test_improves(64);
	test_deterministic(16);
	test_deterministic(128);
	test_scale(1e-30);
	test_scale(1e-15);
	test_scale(1e15);
	test_scale(1e30);
	test_scale(FLT_MAX);
	test_outlier();
	return tap_done();
}
