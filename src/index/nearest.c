/*
 * nearest.c
 *	  The lists nearest to many rows at a time.
 *
 * Each row is compared with all cells, then with the lists of the nearest ones.
 * The pairs of row and cell are taken cell by cell, so that a cell's centroids
 * stay in the processor's cache for all rows that want them.  What a row gets
 * depends on the row alone, not on those beside it.
 */
#include "compat.h"

#include "index/build.h"

#include "ground/panels.h"
#include "miscadmin.h"

/* cells in which the nearest list is looked for */
#define NEAREST_CELLS	4

struct IvfNearest
{
	const IvfClusters *clusters;
	int			room;			/* rows at a time */
	int			widest;			/* centroids that are compared at once, at most */
	float4	   *products;
	int		   *pair_cell;		/* NEAREST_CELLS for each row, or -1 */
	int		   *pair_row;		/* rows of the pairs, by cell */
	int		   *start;			/* cells + 1: where a cell's pairs begin */
	const float4 **row;			/* of the pairs of a cell */
	int		   *label;
	float4	   *score;
	float4	   *best;			/* score of each row's list so far */
};

static int
widest(const IvfClusters *clusters)
{
	int			most = clusters->cells;
	int			i;

	for (i = 0; i < clusters->cells; i++)
		most = Max(most, clusters->first[i + 1] - clusters->first[i]);
	return most;
}

/*
 * Bytes that ivf_nearest_begin() takes.
 */
Size
ivf_nearest_size(const IvfClusters *clusters, int rows)
{
	return sizeof(float4) * PANEL_ROWS * PANEL_WIDTH(widest(clusters)) +
		sizeof(int) * (clusters->cells + 1) +
		rows * (2 * sizeof(int) * NEAREST_CELLS + sizeof(int) + 2 * sizeof(float4) + sizeof(float4 *));
}

/*
 * Prepares to look for the lists of up to so many rows at a time.
 */
IvfNearest *
ivf_nearest_begin(const IvfClusters *clusters, int rows)
{
	IvfNearest *nearest = palloc(sizeof(IvfNearest));

	nearest->clusters = clusters;
	nearest->room = rows;
	nearest->widest = widest(clusters);
	nearest->products = palloc_extended(sizeof(float4) * PANEL_ROWS * PANEL_WIDTH(nearest->widest),
										MCXT_ALLOC_HUGE);
	nearest->pair_cell = palloc(sizeof(int) * NEAREST_CELLS * rows);
	nearest->pair_row = palloc(sizeof(int) * NEAREST_CELLS * rows);
	nearest->start = palloc(sizeof(int) * (clusters->cells + 1));
	nearest->row = palloc(sizeof(float4 *) * rows);
	nearest->label = palloc(sizeof(int) * rows);
	nearest->score = palloc(sizeof(float4) * rows);
	nearest->best = palloc(sizeof(float4) * rows);
	return nearest;
}

void
ivf_nearest_end(IvfNearest *nearest)
{
	pfree(nearest->products);
	pfree(nearest->pair_cell);
	pfree(nearest->pair_row);
	pfree(nearest->start);
	pfree(nearest->row);
	pfree(nearest->label);
	pfree(nearest->score);
	pfree(nearest->best);
	pfree(nearest);
}

/*
 * The nearest cells of a row of which these are the products.
 */
static void
choose_cells(const IvfClusters *clusters, const float4 *products, int *near)
{
	float4		near_score[NEAREST_CELLS];
	int			count = 0;
	int			i;
	int			j;

	for (i = 0; i < clusters->cells; i++)
	{
		float4		score = clusters->cell_norm[i] - 2 * products[i];

		if (count == NEAREST_CELLS && !(score < near_score[count - 1]))
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
	for (; count < NEAREST_CELLS; count++)
		near[count] = -1;
}

/*
 * Sorts the pairs of the rows by cell.
 */
static void
group_pairs(IvfNearest *nearest, int count)
{
	int			cells = nearest->clusters->cells;
	int		   *start = nearest->start;
	int			i;

	memset(start, 0, sizeof(int) * (cells + 1));
	for (i = 0; i < count * NEAREST_CELLS; i++)
	{
		if (nearest->pair_cell[i] >= 0)
			start[nearest->pair_cell[i] + 1]++;
	}
	for (i = 0; i < cells; i++)
		start[i + 1] += start[i];
	/* each cell's start moves to the next one's while its pairs are put */
	for (i = 0; i < count * NEAREST_CELLS; i++)
	{
		if (nearest->pair_cell[i] >= 0)
			nearest->pair_row[start[nearest->pair_cell[i]]++] = i / NEAREST_CELLS;
	}
	memmove(start + 1, start, sizeof(int) * cells);
	start[0] = 0;
}

/*
 * For each of count rows, its nearest list among those of its nearest cells,
 * and the cell of that.
 */
void
ivf_nearest_lists(IvfNearest *nearest, const float4 *const *rows, int count,
				  int *list, int *cell)
{
	const IvfClusters *clusters = nearest->clusters;
	int			n = clusters->n;
	int			i;
	int			c;

	Assert(count <= nearest->room);
	for (i = 0; i < count; i++)
	{
		if (i % PANEL_ROWS == 0)
		{
			CHECK_FOR_INTERRUPTS();
			vec_kernels->products(rows + i, Min(PANEL_ROWS, count - i), clusters->cell,
								  clusters->cells, n, nearest->products);
		}
		choose_cells(clusters,
					 nearest->products + i % PANEL_ROWS * PANEL_WIDTH(clusters->cells),
					 nearest->pair_cell + i * NEAREST_CELLS);
		list[i] = -1;
	}
	group_pairs(nearest, count);

	for (c = 0; c < clusters->cells; c++)
	{
		const int  *pair = nearest->pair_row + nearest->start[c];
		int			pairs = nearest->start[c + 1] - nearest->start[c];
		int			first = clusters->first[c];

		for (i = 0; i < pairs; i++)
			nearest->row[i] = rows[pair[i]];
		for (i = 0; i < pairs; i += PANEL_ROWS)
		{
			CHECK_FOR_INTERRUPTS();
			panels_nearest(nearest->row + i, Min(PANEL_ROWS, pairs - i),
						   clusters->list + (Size) first * n, clusters->list_norm + first,
						   clusters->first[c + 1] - first, n, nearest->products,
						   nearest->label + i, nearest->score + i);
		}
		for (i = 0; i < pairs; i++)
		{
			int			row = pair[i];

			if (list[row] >= 0 && !(nearest->score[i] < nearest->best[row]))
				continue;
			list[row] = first + nearest->label[i];
			cell[row] = c;
			nearest->best[row] = nearest->score[i];
		}
	}
}

/*
 * Copies the centroid of a list, or of a cell, to n values.
 */
void
ivf_list_centroid(const IvfClusters *clusters, int list, int cell, float4 *centroid)
{
	int			first = clusters->first[cell];

	panels_get(clusters->list + (Size) first * clusters->n,
			   clusters->first[cell + 1] - first, clusters->n, list - first, centroid);
}

void
ivf_cell_centroid(const IvfClusters *clusters, int cell, float4 *centroid)
{
	panels_get(clusters->cell, clusters->cells, clusters->n, cell, centroid);
}
