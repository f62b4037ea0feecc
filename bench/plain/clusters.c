/*
 * clusters.c
 *	  Lists of a sample, as a build of the index makes them: cells by k-means,
 *	  lists in each cell, then means over the cells' borders.
 */
#include "plain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ground/kmeans.h"
#include "ground/panels.h"

#define MIN_LISTS_FOR_CELLS	128
#define CELL_ITERATIONS		10
#define LIST_ITERATIONS		8
#define ROWS_PER_CELL		256
#define BORDER_PASSES		2
#define NEAREST_CELLS		4

static int
cluster_rows(const float *rows, size_t count, int n, int k, int iterations,
			 Prng *prng, float *centroids)
{
	void	   *space = need(kmeans_space(count, k, n));
	void	   *own = need(kmeans_own_space(k, n));
	Kmeans		run = {.rows = rows,.nrows = count,.n = n,.k = k,.centroids = centroids};

	kmeans_place(&run, space, own);
	k = kmeans(&run, iterations, prng);
	free(space);
	free(own);
	return k;
}

/* cells from a part of the sample */
static void
make_cells(Clusters *clusters, const float *sample, size_t rows, int cells,
		   Prng *prng)
{
	int			n = clusters->n;
	size_t		part = (size_t) cells * ROWS_PER_CELL;
	float	   *copy;
	size_t		i;

	if (part > rows)
		part = rows;
	copy = need(sizeof(float) * part * n);
	for (i = 0; i < part; i++)
		memcpy(copy + i * n, sample + i * rows / part * n, sizeof(float) * n);
	clusters->cells = cluster_rows(copy, part, n, cells, CELL_ITERATIONS, prng,
								   clusters->cell);
	centroid_norms(clusters->cell, clusters->cells, n, clusters->cell_norm);
	panels_pack(clusters->cell, clusters->cells, n, clusters->cell_panels);
	free(copy);
}

static int
nearest(const Clusters *clusters, const float *row, const float *panels,
		const float *norms, int k, float *score)
{
	int			label;

	panels_nearest(&row, 1, panels, norms, k, clusters->n, clusters->scratch,
				   &label, score);
	return label;
}

static void
lists_moved(Clusters *clusters)
{
	int			n = clusters->n;
	int			i;

	centroid_norms(clusters->list, clusters->lists, n, clusters->list_norm);
	for (i = 0; i < clusters->cells; i++)
	{
		size_t		at = (size_t) clusters->first[i] * n;

		panels_pack(clusters->list + at, clusters->first[i + 1] - clusters->first[i], n,
					clusters->list_panels + at);
	}
}

/* lists in each cell, in proportion to its rows of the sample */
static void
make_lists(Clusters *clusters, const float *sample, size_t rows, int lists,
		   Prng *prng)
{
	int			n = clusters->n;
	int		   *cell = need(sizeof(int) * rows);
	float	   *buffer = need(sizeof(float) * rows * n);
	size_t		i;
	int			c;

	for (i = 0; i < rows; i++)
	{
		float		score;

		cell[i] = nearest(clusters, sample + i * n, clusters->cell_panels,
						  clusters->cell_norm, clusters->cells, &score);
	}
	clusters->lists = 0;
	for (c = 0; c < clusters->cells; c++)
	{
		size_t		count = 0;
		int			share;

		for (i = 0; i < rows; i++)
		{
			if (cell[i] == c)
				memcpy(buffer + count++ * n, sample + i * n, sizeof(float) * n);
		}
		clusters->first[c] = clusters->lists;
		share = (int) ((double) lists * count / rows + 0.5);
		if (share < 1)
			share = 1;
		if (count > 0 && clusters->lists + share <= lists + clusters->cells)
			clusters->lists += cluster_rows(buffer, count, n, share, LIST_ITERATIONS,
											prng, clusters->list +
											(size_t) clusters->lists * n);
	}
	clusters->first[c] = clusters->lists;
	free(buffer);
	free(cell);
}

/* every centroid moves to the mean of the rows nearest to it */
static void
mend_borders(Clusters *clusters, const float *sample, size_t rows)
{
	int			n = clusters->n;
	size_t		values = (size_t) clusters->lists * n;
	double	   *sum = need(sizeof(double) * values);
	uint32_t   *count = need(sizeof(uint32_t) * clusters->lists);
	size_t		i;
	int			j;

	memset(sum, 0, sizeof(double) * values);
	memset(count, 0, sizeof(uint32_t) * clusters->lists);
	for (i = 0; i < rows; i++)
	{
		int			list = clusters_nearest(clusters, sample + i * n);

		count[list]++;
		for (j = 0; j < n; j++)
			sum[(size_t) list * n + j] += sample[i * n + j];
	}
	for (i = 0; i < values; i++)
	{
		if (count[i / n] > 0)
			clusters->list[i] = (float) (sum[i] / count[i / n]);
	}
	lists_moved(clusters);
	free(sum);
	free(count);
}

/*
 * About so many lists of the rows of a sample.
 */
void
clusters_make(Clusters *clusters, const float *sample, size_t rows, int n,
			  int lists)
{
	int			cells = lists < MIN_LISTS_FOR_CELLS ? 1 : (int) lrint(sqrt(lists));
	int			most = lists + cells;
	Prng		prng = {1};
	int			pass;

	clusters->n = n;
	clusters->cell = need(sizeof(float) * cells * n);
	clusters->cell_norm = need(sizeof(float) * cells);
	clusters->first = need(sizeof(int) * (cells + 1));
	clusters->list = need(sizeof(float) * most * n);
	clusters->list_norm = need(sizeof(float) * most);
	clusters->cell_panels = need(sizeof(float) * (cells * n + PANEL_SLACK));
	clusters->list_panels = need(sizeof(float) * ((size_t) most * n + PANEL_SLACK));
	clusters->scratch = need(sizeof(float) * PANEL_WIDTH(most));

	make_cells(clusters, sample, rows, cells, &prng);
	make_lists(clusters, sample, rows, lists, &prng);
	lists_moved(clusters);
	for (pass = 0; pass < BORDER_PASSES && clusters->cells > 1; pass++)
		mend_borders(clusters, sample, rows);
}

/*
 * The list nearest to a row among those of the nearest cells.
 */
int
clusters_nearest(const Clusters *clusters, const float *row)
{
	int			near[NEAREST_CELLS];
	float		near_score[NEAREST_CELLS];
	int			count = 0;
	int			best = 0;
	float		best_score = INFINITY;
	int			i;
	int			j;

	vec_kernels->products(&row, 1, clusters->cell_panels, clusters->cells,
						  clusters->n, clusters->scratch);
	for (i = 0; i < clusters->cells; i++)
	{
		float		score = clusters->cell_norm[i] - 2 * clusters->scratch[i];

		if (clusters->first[i] == clusters->first[i + 1] ||
			(count == NEAREST_CELLS && !(score < near_score[count - 1])))
			continue;
		if (count < NEAREST_CELLS)
			count++;
		for (j = count - 1; j > 0 && score < near_score[j - 1]; j--)
		{
			near[j] = near[j - 1];
			near_score[j] = near_score[j - 1];
		}
		near[j] = i;
		near_score[j] = score;
	}
	for (j = 0; j < count; j++)
	{
		int			first = clusters->first[near[j]];
		float		score;
		int			list = first +
			nearest(clusters, row, clusters->list_panels + (size_t) first * clusters->n,
					clusters->list_norm + first,
					clusters->first[near[j] + 1] - first, &score);

		if (score < best_score)
		{
			best = list;
			best_score = score;
		}
	}
	return best;
}
