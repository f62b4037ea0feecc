/*
 * kernel_products.h
 *	  Products of rows with a panel of vectors: the small matrix product behind
 *	  k-means and assignment.
 *
 * A template like kernel_loops.h, which includes it.  Panels hold VEC_LANES
 * vectors, one dimension after the other (panels.h), so that a register holds
 * one dimension of several vectors, each lane is a sum of its own, and nothing
 * has to be added across lanes.  A tile of rows shares what is loaded.
 *
 * TILE_ROWS is how many rows' sums the registers hold.
 */
#define PANEL_PARTS	(VEC_LANES / PANEL_LANES)

/*
 * Products of a tile of rows with one panel of vectors, of which there are
 * width.  Multiplied and added, not fused: so they have the same bits at all
 * levels, and builds make the same choices.
 */
VEC_TARGET static inline __attribute__((always_inline)) void
multiply_tile(const float *const *x, int rows, const float *panel, int width,
			  int n, float *out, size_t stride)
{
	Lanes		sum[TILE_ROWS][PANEL_PARTS];
	int			j;
	int			r;
	int			p;

	memset(sum, 0, sizeof(sum));
	for (j = 0; j < n; j++)
	{
		const StoredLanes *c = (const StoredLanes *) (panel + (size_t) j * width);

		for (r = 0; r < rows; r++)
		{
			for (p = 0; p < PANEL_PARTS; p++)
				sum[r][p] += x[r][j] * c[p];
		}
	}
	for (r = 0; r < rows; r++)
	{
		for (p = 0; p < PANEL_PARTS; p++)
			((StoredLanes *) (out + r * stride))[p] = sum[r][p];
	}
}

VEC_TARGET static void
products(const float *const *x, int rows, const float *panels, int k, int n,
		 float *out)
{
	size_t		stride = (size_t) (k + VEC_LANES - 1) / VEC_LANES * VEC_LANES;
	int			i;
	int			r;

	for (r = 0; r < rows; r += TILE_ROWS)
	{
		for (i = 0; i < k; i += VEC_LANES)
		{
			const float *panel = panels + (size_t) i * n;
			int			width = k - i < VEC_LANES ? k - i : VEC_LANES;
			int			row = r;

			/* with a constant number of rows their sums stay in registers */
			if (row + TILE_ROWS <= rows)
			{
				multiply_tile(x + row, TILE_ROWS, panel, width, n,
							  out + row * stride + i, stride);
				continue;
			}
			for (; row + TILE_ROWS / 2 <= rows; row += TILE_ROWS / 2)
				multiply_tile(x + row, TILE_ROWS / 2, panel, width, n,
							  out + row * stride + i, stride);
			for (; row < rows; row++)
				multiply_tile(x + row, 1, panel, width, n,
							  out + row * stride + i, stride);
		}
	}
}

/*
 * Lanes look for the least of their own, and the least of those is it.
 */
VEC_TARGET static int
least(const float *product, const float *norms, int k, float *score)
{
	float		best[VEC_LANES];
	int32_t		where[VEC_LANES];
	int			found = 0;
	int			i = 0;
	int			l;

	for (l = 0; l < VEC_LANES; l++)
	{
		best[l] = INFINITY;
		where[l] = 0;
	}
	for (; i + VEC_LANES <= k; i += VEC_LANES)
	{
		for (l = 0; l < VEC_LANES; l++)
		{
			float		s = norms[i + l] - 2 * product[i + l];

			where[l] = s < best[l] ? i + l : where[l];
			best[l] = s < best[l] ? s : best[l];
		}
	}
	for (l = 0; i < k; i++, l++)
	{
		float		s = norms[i] - 2 * product[i];

		if (s < best[l])
		{
			best[l] = s;
			where[l] = i;
		}
	}
	for (l = 1; l < VEC_LANES; l++)
	{
		if (best[l] < best[found] ||
			(best[l] == best[found] && where[l] < where[found]))
			found = l;
	}
	*score = best[found];
	return where[found];
}
