/*
 * kmeans_run.h
 *	  A run of k-means, with all that it wants.
 */
#ifndef VECFEAT_KMEANS_RUN_H
#define VECFEAT_KMEANS_RUN_H

#include "ground/kmeans.h"
#include "tap.h"

static int	ticks;

static void
count_tick(void *arg)
{
	ticks += arg == &ticks;
}

/* what others would do, the last piece first, each with memory of its own */
typedef struct Others
{
	Kmeans	   *run;
	void	   *space;
	int			k;
} Others;

static void
backwards(KmeansStep step, int pieces, void *arg)
{
	const Others *others = arg;
	size_t		size = kmeans_own_space(others->k, others->run->n);

	while (--pieces >= 0)
	{
		Kmeans		other = *others->run;
		void	   *own = need(size);

		memset(own, 0xff, size);
		other.k = others->k;
		kmeans_place(&other, others->space, own);
		other.k = others->run->k;
		kmeans_piece(&other, step, pieces);
		free(own);
	}
}

/*
 * A run in memory of no more than it asks for, dirty before.
 */
static int
run_among(const float *rows, const int *place, size_t nrows, int n, int k, int seed_rows,
		  int iterations, uint64_t seed, int together, float *centroids)
{
	Prng		prng = {seed};
	size_t		size = kmeans_space(nrows, k, n);
	size_t		own_size = kmeans_own_space(k, n);
	void	   *space = need(size);
	void	   *own = need(own_size);
	int			seeded = -1;
	int			found;
	Kmeans		kmeans_run = {
		.rows = rows,
		.place = place,
		.nrows = nrows,
		.n = n,
		.k = k,
		.seed_rows = seed_rows,
		.centroids = centroids,
		.tick = count_tick,
		.tick_arg = &ticks,
		.seeded = &seeded,
	};
	Others		others = {&kmeans_run, space, k};

	if (together)
	{
		kmeans_run.tick = NULL;
		kmeans_run.together = backwards;
		kmeans_run.together_arg = &others;
	}
	memset(space, (int) (seed % 256), size);
	memset(own, (int) (seed % 256), own_size);
	kmeans_place(&kmeans_run, space, own);
	found = kmeans(&kmeans_run, iterations, &prng);
	if (seeded != found)
		found = -1;
	free(own);
	free(space);
	return found;
}

#endif							/* VECFEAT_KMEANS_RUN_H */
