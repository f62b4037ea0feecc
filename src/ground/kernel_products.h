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

/* a register of numbers beside one of floats */
typedef int32_t Numbers __attribute__((vector_size(PANEL_LANES * sizeof(int32_t))));

/*
 * A panel's scores and numbers, kept in each lane where the score is less than
 * what the lane has.
 */
VEC_TARGET static inline __attribute__((always_inline)) void
keep_less(Lanes score, Numbers number, Lanes *best, Numbers *where)
{
	Numbers		less = score < *best;

	*best = (Lanes) ((less & (Numbers) score) | (~less & (Numbers) *best));
	*where = (less & number) | (~less & *where);
}

VEC_TARGET static int
least_of_few(const float *product, const float *norms, int k, float *score)
{
	float		best = INFINITY;
	int			where = 0;
	int			i;

	for (i = 0; i < k; i++)
	{
		float		s = norms[i] - 2 * product[i];

		where = s < best ? i : where;
		best = s < best ? s : best;
	}
	*score = best;
	return where;
}

/*
 * Lanes look for the least of their own, and the least of those is it.  The last
 * panel's worth of products is looked at from the end, some of them for the
 * second time.
 */
VEC_TARGET static int
least(const float *product, const float *norms, int k, float *score)
{
	Lanes		best[PANEL_PARTS];
	Numbers		where[PANEL_PARTS];
	Numbers		lane[PANEL_PARTS];
	float		value[VEC_LANES];
	int32_t		of[VEC_LANES];
	int			i;
	int			l;
	int			p;

	if (k < VEC_LANES)
		return least_of_few(product, norms, k, score);
	for (l = 0; l < VEC_LANES; l++)
	{
		value[l] = INFINITY;
		of[l] = l;
	}
	memcpy(best, value, sizeof(best));
	memcpy(lane, of, sizeof(lane));
	memset(where, 0, sizeof(where));

	for (i = 0;; i += VEC_LANES)
	{
		i = i < k - VEC_LANES ? i : k - VEC_LANES;
		for (p = 0; p < PANEL_PARTS; p++)
			keep_less(((const StoredLanes *) (norms + i))[p] -
					  2 * ((const StoredLanes *) (product + i))[p],
					  lane[p] + i, &best[p], &where[p]);
		if (i == k - VEC_LANES)
			break;
	}
	memcpy(value, best, sizeof(value));
	memcpy(of, where, sizeof(of));
	for (i = VEC_LANES / 2; i > 0; i /= 2)
	{
		for (l = 0; l < i; l++)
		{
			int			other = value[l + i] < value[l] ||
				(value[l + i] == value[l] && of[l + i] < of[l]);

			value[l] = other ? value[l + i] : value[l];
			of[l] = other ? of[l + i] : of[l];
		}
	}
	*score = value[0];
	return of[0];
}
