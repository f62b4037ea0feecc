/*
 * kmeans.c
 *	  K-means over rows of float4: seeding by D^2 sampling (Arthur and
 *	  Vassilvitskii, "k-means++", 2007), then Lloyd's iterations.
 *
 * Sums are kept in float8: a mean of many float4 rows must not overflow or
 * lose the small ones.  The result depends on the rows, their order and the
 * generator's state alone.
 */
#include "ground/kmeans.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "ground/kernel.h"
#include "ground/panels.h"

typedef struct Run
{
	const float *rows;
	size_t		nrows;
	int			n;
	int			k;
	float	   *centroids;
	double	   *sums;			/* k rows of n */
	float	   *norms;			/* k: squared norms of the centroids */
	float	   *panels;			/* the centroids once more, and PANEL_SLACK */
	float	   *products;		/* PANEL_ROWS by PANEL_WIDTH(k) */
	float	   *distance;		/* nrows: squared, to the nearest seed; then less
								 * the row's squared norm, to its centroid */
	int		   *label;			/* nrows */
	uint32_t   *count;			/* k */
	KmeansTick	tick;
	void	   *tick_arg;
} Run;

/* rows between two calls of tick */
#define TICK_ROWS	256

size_t
kmeans_space(size_t rows, int k, int n)
{
	return sizeof(double) * k * n +
		sizeof(float) * ((size_t) k * n + PANEL_SLACK + PANEL_ROWS * PANEL_WIDTH(k)) +
		(sizeof(float) + sizeof(uint32_t)) * k +
		(sizeof(float) + sizeof(int)) * rows;
}

static float
squared_norm(const float *row, int n)
{
	return (float) vec_kernels->inner_product(row, row, n);
}

/*
 * norms[i] = ||c_i||^2 for k centroids of n values.
 */
void
centroid_norms(const float *centroids, int k, int n, float *norms)
{
	int			i;

	for (i = 0; i < k; i++)
		norms[i] = squared_norm(centroids + (size_t) i * n, n);
}

static void
tick(Run *run, size_t row)
{
	if (row % TICK_ROWS == 0 && run->tick)
		run->tick(run->tick_arg);
}

/*
 * Squared distance of two rows, exactly 0 for equal ones: seeding counts on it
 * to tell rows apart.
 */
static float
squared_distance(const Run *run, const float *a, const float *b)
{
	double		d = vec_kernels->rank_l2(a, b, run->n);

	return d < FLT_MAX ? (float) d : FLT_MAX;
}

/*
 * Chooses seeds, each with a probability proportional to its squared distance
 * from those chosen before.  Returns how many there are: fewer than k when the
 * rows have fewer distinct values.
 */
static int
choose_seeds(Run *run, Prng *prng)
{
	size_t		chosen = (size_t) (prng_double(prng) * run->nrows);
	size_t		i;
	int			seeds = 0;

	for (i = 0; i < run->nrows; i++)
		run->distance[i] = FLT_MAX;

	for (;;)
	{
		const float *seed = run->rows + chosen * run->n;
		double		total = 0;
		double		target;
		size_t		last = 0;

		memcpy(run->centroids + (size_t) seeds * run->n, seed,
			   sizeof(float) * run->n);
		seeds++;
		if (seeds == run->k)
			return seeds;

		for (i = 0; i < run->nrows; i++)
		{
			float		d = squared_distance(run, run->rows + i * run->n, seed);

			tick(run, i);
			if (d < run->distance[i])
				run->distance[i] = d;
			total += run->distance[i];
		}
		if (!(total > 0))
			return seeds;

		target = prng_double(prng) * total;
		for (i = 0; i < run->nrows; i++)
		{
			if (run->distance[i] == 0)
				continue;
			last = i;
			target -= run->distance[i];
			if (target < 0)
				break;
		}
		chosen = last;
	}
}

static void
assign_rows(Run *run)
{
	size_t		first;
	size_t		i;

	centroid_norms(run->centroids, run->k, run->n, run->norms);
	panels_pack(run->centroids, run->k, run->n, run->panels);
	memset(run->count, 0, sizeof(uint32_t) * run->k);
	for (first = 0; first < run->nrows; first += TICK_ROWS)
	{
		size_t		end = first + TICK_ROWS < run->nrows ? first + TICK_ROWS : run->nrows;
		const float *row[TICK_ROWS];

		tick(run, first);
		for (i = first; i < end; i++)
			row[i - first] = run->rows + i * run->n;
		panels_nearest(row, (int) (end - first), run->panels, run->norms, run->k,
					   run->n, run->products, run->label + first,
					   run->distance + first);
		for (i = first; i < end; i++)
			run->count[run->label[i]]++;
	}
}

static void
average_rows(Run *run)
{
	size_t		i;
	int			c;
	int			j;

	memset(run->sums, 0, sizeof(double) * run->k * run->n);
	for (i = 0; i < run->nrows; i++)
	{
		const float *row = run->rows + i * run->n;
		double	   *sum = run->sums + (size_t) run->label[i] * run->n;

		tick(run, i);
		for (j = 0; j < run->n; j++)
			sum[j] += row[j];
	}
	for (c = 0; c < run->k; c++)
	{
		if (run->count[c] == 0)
			continue;
		for (j = 0; j < run->n; j++)
			run->centroids[(size_t) c * run->n + j] =
				(float) (run->sums[(size_t) c * run->n + j] / run->count[c]);
	}
}

/*
 * Gives every empty cluster the row of the biggest one that is farthest from
 * its centroid, so that the next iteration splits that cluster.
 */
static void
fill_empty(Run *run)
{
	int			c;

	for (c = 0; c < run->k; c++)
	{
		int			biggest = 0;
		size_t		farthest = run->nrows;
		float		far = 0;
		size_t		i;

		if (run->count[c] > 0)
			continue;
		for (i = 1; i < (size_t) run->k; i++)
		{
			if (run->count[i] > run->count[biggest])
				biggest = (int) i;
		}
		for (i = 0; i < run->nrows; i++)
		{
			float		d;

			tick(run, i);
			if (run->label[i] != biggest)
				continue;
			d = run->distance[i] + squared_norm(run->rows + i * run->n, run->n);
			if (farthest == run->nrows || d > far)
			{
				farthest = i;
				far = d;
			}
		}
		memcpy(run->centroids + (size_t) c * run->n,
			   run->rows + farthest * run->n, sizeof(float) * run->n);
		run->label[farthest] = c;
		run->count[c] = 1;
		run->count[biggest]--;
	}
}

/*
 * Clusters nrows rows of n float4 values (a multiple of 16) into at most k
 * clusters and writes their centroids; returns their number, which is smaller
 * than k when there are fewer distinct rows.  nrows and k are at least 1.
 */
int
kmeans(const float *rows, size_t nrows, int n, int k, int iterations,
	   Prng *prng, void *space, KmeansTick tick_function, void *tick_arg,
	   float *centroids)
{
	Run			run = {
		.rows = rows,
		.nrows = nrows,
		.n = n,
		.k = k,
		.centroids = centroids,
		.tick = tick_function,
		.tick_arg = tick_arg,
	};
	int			i;

	run.sums = space;
	run.norms = (float *) (run.sums + (size_t) k * n);
	run.panels = run.norms + k;
	run.products = run.panels + (size_t) k * n + PANEL_SLACK;
	run.count = (uint32_t *) (run.products + PANEL_ROWS * PANEL_WIDTH(k));
	run.distance = (float *) (run.count + k);
	run.label = (int *) (run.distance + nrows);

	run.k = choose_seeds(&run, prng);
	for (i = 0; i < iterations; i++)
	{
		assign_rows(&run);
		fill_empty(&run);
		average_rows(&run);
	}
	return run.k;
}
