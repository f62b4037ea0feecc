/*
 * checkcell.c
 *	  Checks that entries are in the list nearest to them, where the index
 *	  promises that (ivf_is_voronoi()).
 *
 * A list is compared with some that are nearest to it, by the entries' byte codes:
 * a row on the wrong side of a plane by more than its code's error is found.
 */
#include "compat.h"

#include "index/check.h"

#include <math.h>

#include "index/leaftable.h"

/* lists with which each is compared */
#define NEIGHBOURS		8

/* as bisector_bound() allows, with room for what is computed here */
#define PLANE_SLACK(n)	((4 * (n) + 64) * 0x1p-24)

struct IvfCheckCells
{
	IvfLeafTable *table;
	int			count;			/* neighbours of the current leaf */
	uint32		near[NEIGHBOURS];
	double		apart[NEIGHBOURS];	/* of the centroids */
	double		squares[NEIGHBOURS];	/* difference of their squared norms */
	double		norm[NEIGHBOURS];	/* sum of their norms */
	double	   *away[NEIGHBOURS];	/* n: the leaf's centroid minus the other */
	float4	   *centroid;		/* n */
};

/*
 * Prepares to check the lists, if there is something to check.
 */
void
ivf_check_cells_begin(IvfCheck *check)
{
	const IvfMetaData *meta = &check->meta;
	IvfCheckCells *cells;
	int			i;

	if (meta->height == 1 ||
		!ivf_is_voronoi(check->space->metric, check->space->dim, meta->leaves))
		return;
	cells = palloc0(sizeof(IvfCheckCells));
	cells->table = ivf_leaf_table_read(check->index, meta, check->n);
	cells->centroid = palloc(sizeof(float4) * check->n);
	for (i = 0; i < NEIGHBOURS; i++)
		cells->away[i] = palloc(sizeof(double) * check->n);
	check->cells = cells;
}

/*
 * Turns to a leaf, by its number in tree order.
 */
void
ivf_check_cell(IvfCheck *check, uint32 leaf, const float4 *centroid)
{
	IvfCheckCells *cells = check->cells;
	int			i;
	int			j;

	cells->count = 0;
	if (leaf >= cells->table->count)
		return;					/* the tree's walk finds too many leaves */
	cells->count = ivf_leaf_table_neighbours(cells->table, leaf, NEIGHBOURS,
											 cells->near);
	for (i = 0; i < cells->count; i++)
	{
		double		apart = 0;
		double		own = 0;
		double		other = 0;

		ivf_leaf_table_centroid(cells->table, cells->near[i], cells->centroid);
		for (j = 0; j < check->n; j++)
		{
			double		away = (double) centroid[j] - cells->centroid[j];

			cells->away[i][j] = away;
			apart += away * away;
			own += (double) centroid[j] * centroid[j];
			other += (double) cells->centroid[j] * cells->centroid[j];
		}
		cells->apart[i] = sqrt(apart);
		cells->squares[i] = own - other;
		cells->norm[i] = sqrt(own) + sqrt(other);
	}
}

/*
 * An entry of the current leaf, by its byte code.
 */
void
ivf_check_in_cell(IvfCheck *check, IvfCheckNode *node, int slot,
				  const IvfRowHead *row, const int8 *code)
{
	IvfCheckCells *cells = check->cells;
	int			i;
	int			j;

	for (i = 0; i < cells->count; i++)
	{
		double		along = 0;
		double		norms = cells->norm[i] + row->norm;
		double		nearer;

		/* comparisons in float4 say nothing of what is so long or short */
		if (isinf(row->error) || !(norms < 0x1p60 && norms > 0x1p-50))
			continue;
		for (j = 0; j < check->n; j++)
			along += cells->away[i][j] *
				((double) node->centroid[j] + row->t * (code[j] + 0.5));
		nearer = cells->squares[i] / 2 - along - row->error * cells->apart[i];
		if (nearer > PLANE_SLACK(check->n) * norms * norms)
			ivf_row_corrupted(check, &node->current, slot,
							  "is in the list of node %u, but nearer to that of node %u",
							  node->node, cells->table->leaf[cells->near[i]].node);
	}
}
