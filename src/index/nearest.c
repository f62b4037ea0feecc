/*
 * nearest.c
 *	  The lists nearest to many rows at a time.
 *
 * Each row is compared with all cells, then with the lists of the nearest ones.
 * Where an index promises that a row is in the nearest list of all, it is also
 * compared with those of any other cell that may have a nearer one: whose lists
 * are not all beyond a plane that is farther than the nearest so far.
 * The pairs of row and cell are taken cell by cell, so that a cell's centroids
 * stay in the processor's cache for all rows that want them.  What a row gets
 * depends on the row alone, not on those beside it.
 */
#include "compat.h"

#include "index/build.h"

#include <math.h>

#include "ground/panels.h"
#include "miscadmin.h"

/* cells in which the nearest list is looked for */
#define NEAREST_CELLS	4

/*
 * What float4 may lose of a product, and planes of theirs, relative to the square
 * of the norms involved: 2^-24 for each of some 100 operations, and as much again.
 */
#define PRODUCT_SLACK	0x1p-16

/*
 * What rules cells out.  All lists of cell i are at least at offset / apart on the
 * axis that leads from cell j's centroid to its own; the plane there is at right
 * angles to it.
 */
typedef struct Plane
{
	float4		offset;			/* least <c, C_i - C_j> of its lists */
	float4		apart;			/* ||C_i - C_j|| */
} Plane;

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

	/* where the nearest list of all is looked for, else NULL */
	Plane	   *plane;			/* cells for each cell j */
	double		longest;		/* norm of a list or cell */
	float4	   *cell_products;	/* PANEL_WIDTH(cells) for each row */
	double	   *norm;			/* of each row */
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
ivf_nearest_size(const IvfClusters *clusters, int rows, bool of_all)
{
	Size		cells = clusters->cells;
	Size		size = sizeof(float4) * PANEL_ROWS * PANEL_WIDTH(widest(clusters)) +
	sizeof(int) * (cells + 1) +
	rows * (2 * sizeof(int) * NEAREST_CELLS + sizeof(int) + 2 * sizeof(float4) + sizeof(float4 *));

	if (of_all)
		size += sizeof(Plane) * cells * cells +
			rows * (sizeof(float4) * PANEL_WIDTH(cells) + sizeof(double));
	return size;
}

/*
 * Makes the planes between cells.
 */
static void
make_planes(IvfNearest *nearest)
{
	const IvfClusters *clusters = nearest->clusters;
	int			cells = clusters->cells;
	int			n = clusters->n;
	float4	   *own = palloc(sizeof(float4) * n);
	float4	   *other = palloc(sizeof(float4) * n);
	float4	   *list = palloc(sizeof(float4) * n);
	int			i;
	int			j;
	int			l;

	for (i = 0; i < cells; i++)
	{
		ivf_cell_centroid(clusters, i, own);
		nearest->longest = Max(nearest->longest, sqrt(clusters->cell_norm[i]));
		for (j = 0; j < cells; j++)
		{
			Plane	   *plane = &nearest->plane[(Size) j * cells + i];

			ivf_cell_centroid(clusters, j, other);
			plane->offset = INFINITY;
			plane->apart = (float4) sqrt(vec_kernels->l2_squared(own, other, n));
		}
		for (l = clusters->first[i]; l < clusters->first[i + 1]; l++)
		{
			double		along;

			CHECK_FOR_INTERRUPTS();
			ivf_list_centroid(clusters, l, i, list);
			nearest->longest = Max(nearest->longest, sqrt(clusters->list_norm[l]));
			along = vec_kernels->inner_product(list, own, n);
			for (j = 0; j < cells; j++)
			{
				Plane	   *plane = &nearest->plane[(Size) j * cells + i];

				ivf_cell_centroid(clusters, j, other);
				plane->offset = Min(plane->offset,
									(float4) (along - vec_kernels->inner_product(list, other, n)));
			}
		}
	}
	pfree(own);
	pfree(other);
	pfree(list);
}

/*
 * Prepares to look for the lists of up to so many rows at a time: the nearest of
 * all, or of those in the nearest cells, which are so but for a few rows.
 */
IvfNearest *
ivf_nearest_begin(const IvfClusters *clusters, int rows, bool of_all)
{
	IvfNearest *nearest = palloc0(sizeof(IvfNearest));
	Size		cells = clusters->cells;

	nearest->clusters = clusters;
	nearest->room = rows;
	nearest->widest = widest(clusters);
	nearest->products = palloc_extended(sizeof(float4) * PANEL_ROWS * PANEL_WIDTH(nearest->widest),
										MCXT_ALLOC_HUGE);
	nearest->pair_cell = palloc(sizeof(int) * NEAREST_CELLS * rows);
	nearest->pair_row = palloc(sizeof(int) * NEAREST_CELLS * rows);
	nearest->start = palloc(sizeof(int) * (cells + 1));
	nearest->row = palloc(sizeof(float4 *) * rows);
	nearest->label = palloc(sizeof(int) * rows);
	nearest->score = palloc(sizeof(float4) * rows);
	nearest->best = palloc(sizeof(float4) * rows);
	if (of_all)
	{
		nearest->plane = palloc(sizeof(Plane) * cells * cells);
		nearest->cell_products = palloc_extended(sizeof(float4) * PANEL_WIDTH(cells) * rows,
												 MCXT_ALLOC_HUGE);
		nearest->norm = palloc(sizeof(double) * rows);
		make_planes(nearest);
	}
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
	if (nearest->plane)
	{
		pfree(nearest->plane);
		pfree(nearest->cell_products);
		pfree(nearest->norm);
	}
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
 * Pairs each of count rows with its nearest cells.
 */
static void
pair_nearest(IvfNearest *nearest, const float4 *const *rows, int count)
{
	const IvfClusters *clusters = nearest->clusters;
	Size		width = PANEL_WIDTH(clusters->cells);
	int			i;

	for (i = 0; i < count; i++)
	{
		float4	   *products = nearest->products + i % PANEL_ROWS * width;

		if (i % PANEL_ROWS == 0)
		{
			CHECK_FOR_INTERRUPTS();
			vec_kernels->products(rows + i, Min(PANEL_ROWS, count - i), clusters->cell,
								  clusters->cells, clusters->n, nearest->products);
		}
		choose_cells(clusters, products, nearest->pair_cell + i * NEAREST_CELLS);
		if (nearest->plane)
		{
			memcpy(nearest->cell_products + i * width, products, sizeof(float4) * width);
			nearest->norm[i] = sqrt(vec_kernels->inner_product(rows[i], rows[i], clusters->n));
		}
	}
	group_pairs(nearest, count);
}

/*
 * Compares the given ones of the rows with the lists of a cell.
 */
static void
search_cell(IvfNearest *nearest, int c, const float4 *const *rows,
			const int *pair, int pairs, int *list, int *cell)
{
	const IvfClusters *clusters = nearest->clusters;
	int			first = clusters->first[c];
	int			i;

	for (i = 0; i < pairs; i++)
		nearest->row[i] = rows[pair[i]];
	for (i = 0; i < pairs; i += PANEL_ROWS)
	{
		CHECK_FOR_INTERRUPTS();
		panels_nearest(nearest->row + i, Min(PANEL_ROWS, pairs - i),
					   clusters->list + (Size) first * clusters->n,
					   clusters->list_norm + first, clusters->first[c + 1] - first,
					   clusters->n, nearest->products, nearest->label + i,
					   nearest->score + i);
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

/*
 * Has a cell no list that is nearer to a row than the nearest so far?  Not where
 * it is one of the cells that the row has been compared with; nor where all its
 * lists are beyond a plane, seen from one of these.
 */
static bool
is_ruled_out(const IvfNearest *nearest, int row, int cell)
{
	int			cells = nearest->clusters->cells;
	const float4 *products = nearest->cell_products + row * PANEL_WIDTH(cells);
	double		norm = nearest->norm[row];
	double		slack = PRODUCT_SLACK * (norm + nearest->longest) * (norm + nearest->longest);
	double		limit = nearest->best[row] + norm * norm + slack;
	int			i;

	for (i = 0; i < NEAREST_CELLS; i++)
	{
		int			near = nearest->pair_cell[row * NEAREST_CELLS + i];
		const Plane *plane;
		double		beyond;

		if (near == cell)
			return true;
		if (near < 0)
			break;
		plane = &nearest->plane[(Size) near * cells + cell];
		beyond = plane->offset - ((double) products[cell] - products[near]) - slack;

		/* false where anything has overflowed, or cells are in one place */
		if (beyond > 0 && beyond * beyond > limit * plane->apart * plane->apart)
			return true;
	}
	return false;
}

/*
 * For each of count rows, its nearest list and the cell of that.
 */
void
ivf_nearest_lists(IvfNearest *nearest, const float4 *const *rows, int count,
				  int *list, int *cell)
{
	int			cells = nearest->clusters->cells;
	int			i;
	int			c;

	Assert(count <= nearest->room);
	pair_nearest(nearest, rows, count);
	for (i = 0; i < count; i++)
		list[i] = -1;
	for (c = 0; c < cells; c++)
		search_cell(nearest, c, rows, nearest->pair_row + nearest->start[c],
					nearest->start[c + 1] - nearest->start[c], list, cell);

	for (c = 0; nearest->plane && c < cells; c++)
	{
		int			pairs = 0;

		for (i = 0; i < count; i++)
		{
			if (!is_ruled_out(nearest, i, c))
				nearest->pair_row[pairs++] = i;
		}
		search_cell(nearest, c, rows, nearest->pair_row, pairs, list, cell);
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
