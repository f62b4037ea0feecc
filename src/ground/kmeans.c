/*
 * kmeans.c
 *	  K-means over rows of float4: seeding by D^2 sampling (Arthur and
 *	  Vassilvitskii, "k-means++", 2007), then Lloyd's iterations.
 *
 * Sums are kept in float8: a mean of many float4 rows must not overflow or
 * lose the small ones.  The result depends on the rows, their order and the
 * generator's state alone, not on who does which piece: a cluster's rows are
 * added up by one process, in their order.
 */
#include "ground/kmeans.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "ground/kernel.h"
#include "ground/panels.h"

/* rows between two calls of tick, and of a piece */
#define TICK_ROWS	256

size_t
kmeans_space(size_t rows, int k, int n)
{
	return sizeof(float) * ((size_t) k * n + PANEL_SLACK + k) +
		sizeof(int) * ((size_t) k + 1) + (sizeof(float) + 2 * sizeof(int)) * rows;
}

size_t
kmeans_own_space(int k, int n)
{
	return sizeof(double) * n + sizeof(float) * PANEL_ROWS * PANEL_WIDTH(k);
}

/*
 * Points a run, whose rows and numbers are set, into its room.
 */
void
kmeans_place(Kmeans *run, void *space, void *own)
{
	run->panels = space;
	run->norms = run->panels + (size_t) run->k * run->n + PANEL_SLACK;
	run->distance = run->norms + run->k;
	run->label = (int *) (run->distance + run->nrows);
	run->order = run->label + run->nrows;
	run->start = run->order + run->nrows;
	run->sum = own;
	run->products = (float *) (run->sum + run->n);
}

static const float *
row_at(const Kmeans *run, size_t i)
{
	return run->rows + (size_t) (run->place ? (size_t) run->place[i] : i) * run->n;
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
tick(const Kmeans *run, size_t row)
{
	if (row % TICK_ROWS == 0 && run->tick)
		run->tick(run->tick_arg);
}

/*
 * Squared distance of two rows, exactly 0 for equal ones: seeding counts on it
 * to tell rows apart.
 */
static float
squared_distance(const Kmeans *run, const float *a, const float *b)
{
	double		d = vec_kernels->rank_l2(a, b, run->n);

	return d < FLT_MAX ? (float) d : FLT_MAX;
}

/*
 * Lowers the distances of the first so many rows in order to those from a seed;
 * returns their sum.
 */
static double
lower_distances(Kmeans *run, size_t rows, const float *seed)
{
	double		total = 0;
	size_t		i;

	for (i = 0; i < rows; i++)
	{
		float		d = squared_distance(run, row_at(run, run->order[i]), seed);

		tick(run, i);
		if (d < run->distance[i])
			run->distance[i] = d;
		total += run->distance[i];
	}
	return total;
}

/*
 * Puts into order rows from which seeds are drawn: one of every so many, any of
 * them, as rows may come in turns.
 */
static size_t
draw_rows(Kmeans *run, size_t stride, Prng *prng)
{
	size_t		rows = 0;
	size_t		i;

	for (i = 0; i < run->nrows; i += stride)
	{
		size_t		others = run->nrows - i < stride ? run->nrows - i : stride;

		run->order[rows] = (int) (i + (others > 1 ? (size_t) (prng_double(prng) * others) : 0));
		run->distance[rows++] = FLT_MAX;
	}
	return rows;
}

/*
 * The same with all rows, of which some are seeds; returns the sum of distances.
 */
static double
take_all_rows(Kmeans *run, int seeds)
{
	double		total = 0;
	size_t		i;
	int			c;

	for (i = 0; i < run->nrows; i++)
	{
		run->order[i] = (int) i;
		run->distance[i] = FLT_MAX;
	}
	for (c = 0; c < seeds; c++)
		total = lower_distances(run, run->nrows, run->centroids + (size_t) c * run->n);
	return total;
}

/*
 * Draws one of the first so many rows in order with a probability proportional to
 * its distance; total is their sum.
 */
static int
draw_seed(const Kmeans *run, size_t rows, double total, Prng *prng)
{
	double		target = prng_double(prng) * total;
	size_t		last = 0;
	size_t		i;

	for (i = 0; i < rows; i++)
	{
		if (run->distance[i] == 0)
			continue;
		last = i;
		target -= run->distance[i];
		if (target < 0)
			break;
	}
	return run->order[last];
}

/*
 * Chooses seeds, each with a probability proportional to its squared distance
 * from those chosen before.  Returns how many there are: fewer than k when the
 * rows have fewer distinct values.
 *
 * Where the caller says how many rows are enough, all are looked at only if those
 * have fewer distinct values than there are to be seeds.
 */
static int
choose_seeds(Kmeans *run, Prng *prng)
{
	size_t		enough = run->seed_rows > 0 ? (size_t) run->k * run->seed_rows : run->nrows;
	size_t		stride = run->nrows / enough;
	size_t		rows = draw_rows(run, stride > 1 ? stride : 1, prng);
	int			chosen = run->order[(size_t) (prng_double(prng) * rows)];
	int			seeds = 0;

	for (;;)
	{
		float	   *seed = run->centroids + (size_t) seeds * run->n;
		double		total;

		memcpy(seed, row_at(run, chosen), sizeof(float) * run->n);
		seeds++;
		if (seeds == run->k)
			return seeds;

		total = lower_distances(run, rows, seed);
		if (!(total > 0) && rows < run->nrows)
		{
			rows = run->nrows;
			total = take_all_rows(run, seeds);
		}
		if (!(total > 0))
			return seeds;
		chosen = draw_seed(run, rows, total, prng);
	}
}

/*
 * Finds the nearest centroids of some rows.
 */
static void
assign_piece(Kmeans *run, int piece)
{
	size_t		first = (size_t) piece * TICK_ROWS;
	size_t		count = run->nrows - first < TICK_ROWS ? run->nrows - first : TICK_ROWS;
	const float *row[TICK_ROWS];
	size_t		i;

	for (i = 0; i < count; i++)
		row[i] = row_at(run, first + i);
	panels_nearest(row, (int) count, run->panels, run->norms, run->k, run->n,
				   run->products, run->label + first, run->distance + first);
}

/*
 * Moves a centroid to the mean of its rows.
 */
static void
average_piece(Kmeans *run, int c)
{
	float	   *centroid = run->centroids + (size_t) c * run->n;
	int			count = run->start[c + 1] - run->start[c];
	int			i;
	int			j;

	if (count == 0)
		return;
	memset(run->sum, 0, sizeof(double) * run->n);
	for (i = run->start[c]; i < run->start[c + 1]; i++)
		vec_kernels->add(row_at(run, run->order[i]), run->n, run->sum);
	for (j = 0; j < run->n; j++)
		centroid[j] = (float) (run->sum[j] / count);
}

/*
 * Does a piece of a step.
 */
void
kmeans_piece(Kmeans *run, KmeansStep step, int piece)
{
	if (run->tick)
		run->tick(run->tick_arg);
	if (step == KMEANS_ASSIGN)
		assign_piece(run, piece);
	else
		average_piece(run, piece);
}

static void
all_pieces(Kmeans *run, KmeansStep step, int pieces)
{
	if (run->together)
		run->together(step, pieces, run->together_arg);
	else
	{
		int			i;

		for (i = 0; i < pieces; i++)
			kmeans_piece(run, step, i);
	}
}

/*
 * Counts the rows of each of so many labels, at start[label + 1].
 */
void
labels_count(const int *label, size_t rows, int labels, int *start)
{
	size_t		i;

	memset(start, 0, sizeof(int) * ((size_t) labels + 1));
	for (i = 0; i < rows; i++)
		start[label[i] + 1]++;
}

/*
 * Gives every empty cluster the row of the biggest one that is farthest from
 * its centroid, so that the next iteration splits that cluster.
 */
static void
fill_empty(Kmeans *run)
{
	int		   *count = run->start + 1;
	int			c;

	for (c = 0; c < run->k; c++)
	{
		int			biggest = 0;
		size_t		farthest = run->nrows;
		float		far = 0;
		size_t		i;

		if (count[c] > 0)
			continue;
		for (i = 1; i < (size_t) run->k; i++)
		{
			if (count[i] > count[biggest])
				biggest = (int) i;
		}
		for (i = 0; i < run->nrows; i++)
		{
			float		d;

			tick(run, i);
			if (run->label[i] != biggest)
				continue;
			d = run->distance[i] + squared_norm(row_at(run, i), run->n);
			if (farthest == run->nrows || d > far)
			{
				farthest = i;
				far = d;
			}
		}
		run->label[farthest] = c;
		count[c] = 1;
		count[biggest]--;
	}
}

/*
 * Puts the numbers of rows into order by their labels, which are counted; those of
 * a label keep theirs.  A label's rows begin at its start then.
 */
void
labels_sort(const int *label, size_t rows, int labels, int *start, int *order)
{
	size_t		i;
	int			l;

	/* each label's start moves to the next one's while its rows are put */
	for (l = 0; l < labels; l++)
		start[l + 1] += start[l];
	for (i = 0; i < rows; i++)
		order[start[label[i]]++] = (int) i;
	memmove(start + 1, start, sizeof(int) * labels);
	start[0] = 0;
}

/*
 * Clusters the rows into at most k clusters and writes their centroids; returns
 * their number, which is smaller than k when there are fewer distinct rows.
 * There are at least one row and one cluster, and rows can be counted in int.
 */
int
kmeans(Kmeans *run, int iterations, Prng *prng)
{
	int			i;

	run->k = choose_seeds(run, prng);
	if (run->seeded)
		*run->seeded = run->k;
	for (i = 0; i < iterations; i++)
	{
		centroid_norms(run->centroids, run->k, run->n, run->norms);
		panels_pack(run->centroids, run->k, run->n, run->panels);
		all_pieces(run, KMEANS_ASSIGN, (int) ((run->nrows + TICK_ROWS - 1) / TICK_ROWS));
		labels_count(run->label, run->nrows, run->k, run->start);
		fill_empty(run);
		labels_sort(run->label, run->nrows, run->k, run->start, run->order);
		all_pieces(run, KMEANS_AVERAGE, run->k);
	}
	return run->k;
}
