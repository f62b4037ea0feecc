/*
 * panels.c
 *	  Vectors in the order in which a register wants them.
 */
#include "ground/panels.h"

#include <string.h>

/* where vector i of k begins, and how far its elements are apart */
static size_t
place(int k, int n, int i, int *width)
{
	int			first = i / VEC_LANES * VEC_LANES;

	*width = k - first < VEC_LANES ? k - first : VEC_LANES;
	return (size_t) first * n + (i - first);
}

void
panels_set(float *panels, int k, int n, int i, const float *row)
{
	int			width;
	float	   *at = panels + place(k, n, i, &width);
	int			j;

	for (j = 0; j < n; j++, at += width)
		*at = row[j];
}

void
panels_get(const float *panels, int k, int n, int i, float *row)
{
	int			width;
	const float *at = panels + place(k, n, i, &width);
	int			j;

	for (j = 0; j < n; j++, at += width)
		row[j] = *at;
}

/*
 * Packs k rows of n floats into as many at panels.
 */
void
panels_pack(const float *rows, int k, int n, float *panels)
{
	int			i;

	for (i = 0; i < k; i++)
		panels_set(panels, k, n, i, rows + (size_t) i * n);
}

/*
 * Packs rows where they are; scratch has room for VEC_LANES of them.
 */
void
panels_pack_here(float *rows, int k, int n, float *scratch)
{
	int			i;

	for (i = 0; i < k; i += VEC_LANES)
	{
		int			width = k - i < VEC_LANES ? k - i : VEC_LANES;
		float	   *panel = rows + (size_t) i * n;

		memcpy(scratch, panel, sizeof(float) * width * n);
		panels_pack(scratch, width, n, panel);
	}
}

/*
 * The vector nearest to each of some rows; ties go to the lower number.  norms
 * are the squared norms of the k vectors; products has room for PANEL_ROWS rows
 * of PANEL_WIDTH(k).  A score is norm - 2 <row,vector>, which differs from the
 * squared distance by the row's squared norm.  A row whose products overflow
 * gets the first vector.
 */
void
panels_nearest(const float *const *rows, int nrows, const float *panels,
			   const float *norms, int k, int n, float *products, int *label,
			   float *score)
{
	const VecKernels *kernels = vec_kernels;
	int			first;
	int			i;

	for (first = 0; first < nrows; first += PANEL_ROWS)
	{
		int			count = nrows - first < PANEL_ROWS ? nrows - first : PANEL_ROWS;

		kernels->products(rows + first, count, panels, k, n, products);
		for (i = 0; i < count; i++)
			label[first + i] = kernels->least(products + i * PANEL_WIDTH(k), norms, k,
											  &score[first + i]);
	}
}
