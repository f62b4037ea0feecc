/*
 * test_panels.c
 *	  Vectors in panels: packed and taken out, multiplied with rows at every
 *	  level to the same bits, and the nearest of them found.
 */
#include <float.h>

#include "ground/kernel.h"
#include "ground/panels.h"
#include "ground/prng.h"
#include "tap.h"

#define MOST	53				/* vectors: full panels, and one of each width */

static void
fill(Prng *prng, float *v, size_t count)
{
	size_t		i;

	for (i = 0; i < count; i++)
		v[i] = (float) (2 * prng_double(prng) - 1);
}

/*
 * Panels hold what was packed, whichever way, and no more floats than that.
 */
static void
test_packing(int n)
{
	Prng		prng = {71};
	float	   *row = need(sizeof(float) * n);
	float	   *scratch = need(sizeof(float) * VEC_LANES * n);
	int			wrong = 0;
	int			k;
	int			i;
	int			j;

	for (k = 1; k <= MOST; k++)
	{
		size_t		bytes = sizeof(float) * k * n;
		float	   *rows = need(bytes);
		float	   *panels = need(bytes);
		float	   *others = need(bytes);

		fill(&prng, rows, (size_t) k * n);
		panels_pack(rows, k, n, panels);
		for (i = 0; i < k; i++)
		{
			int			first = i / VEC_LANES * VEC_LANES;
			int			width = k - first < VEC_LANES ? k - first : VEC_LANES;

			for (j = 0; j < n; j++)
				wrong += panels[first * n + j * width + i - first] != rows[i * n + j];
			panels_get(panels, k, n, i, row);
			wrong += memcmp(row, rows + (size_t) i * n, sizeof(float) * n) != 0;
			panels_set(others, k, n, k - 1 - i, rows + (size_t) (k - 1 - i) * n);
		}
		wrong += memcmp(panels, others, bytes) != 0;
		panels_pack_here(rows, k, n, scratch);
		wrong += memcmp(panels, rows, bytes) != 0;
		free(rows);
		free(panels);
		free(others);
	}
	ok(wrong == 0, "%d dimensions, up to %d vectors: packed and taken out", n, MOST);
	free(row);
	free(scratch);
}

/*
 * Products have the bits of multiplying and adding in order, whatever else is in
 * the call and however the memory behind the panels looks.
 */
static void
test_products(const VecKernels *kernels, int n)
{
	Prng		prng = {72};
	int			wrong = 0;
	int			overwritten = 0;
	int			k;

	for (k = 1; k <= MOST; k += k < 34 ? 1 : 6)
	{
		int			nrows = 1 + k * 7 % 23;
		size_t		values = (size_t) k * n;
		size_t		results = nrows * PANEL_WIDTH(k);
		float	   *vectors = need(sizeof(float) * values);
		float	   *panels = need(sizeof(float) * (values + PANEL_SLACK));
		float	   *rows = need(sizeof(float) * nrows * n);
		float	   *out = need(sizeof(float) * (results + 1));
		const float *row[32];
		int			i;
		int			j;
		int			r;

		fill(&prng, vectors, values);
		fill(&prng, rows, (size_t) nrows * n);
		panels_pack(vectors, k, n, panels);
		for (i = 0; i < PANEL_SLACK; i++)
			panels[values + i] = i % 2 ? NAN : INFINITY;
		for (r = 0; r < nrows; r++)
			row[r] = rows + (size_t) (nrows - 1 - r) * n;
		out[results] = 42;
		kernels->products(row, nrows, panels, k, n, out);
		for (r = 0; r < nrows; r++)
		{
			for (i = 0; i < k; i++)
			{
				float		sum = 0;

				for (j = 0; j < n; j++)
					sum += row[r][j] * vectors[(size_t) i * n + j];
				wrong += memcmp(&sum, &out[r * PANEL_WIDTH(k) + i], sizeof(sum)) != 0;
			}
		}
		overwritten += out[results] != 42;
		free(vectors);
		free(panels);
		free(rows);
		free(out);
	}
	ok(wrong == 0 && overwritten == 0, "%s products, %d dimensions: %d wrong",
	   kernels->name, n, wrong);
}

/*
 * The least score, of equal ones the first; what is not a number is never it.
 */
static void
test_least(const VecKernels *kernels)
{
	Prng		prng = {73};
	int			wrong = 0;
	int			ties = 0;
	int			round;

	for (round = 0; round < 20000; round++)
	{
		int			k = 1 + round % MOST;
		float	   *norms = need(sizeof(float) * k);
		float	   *product = need(sizeof(float) * k);
		float		best = INFINITY;
		float		score;
		int			where = 0;
		int			found;
		int			i;

		for (i = 0; i < k; i++)
		{
			int			special = (int) (prng_double(&prng) * (round % 3 ? 400 : 6));

			norms[i] = (float) (int) (prng_double(&prng) * 7);
			product[i] = special == 0 ? NAN : special == 1 ? INFINITY :
				special == 2 ? -INFINITY : special == 3 ? FLT_MAX :
				(float) (int) (prng_double(&prng) * 4);
			if (round % 100 == 0)
				product[i] = NAN;
			ties += norms[i] - 2 * product[i] == best;
			if (norms[i] - 2 * product[i] < best)
			{
				best = norms[i] - 2 * product[i];
				where = i;
			}
		}
		found = kernels->least(product, norms, k, &score);
		wrong += found != where || score != best;
		free(norms);
		free(product);
	}
	ok(wrong == 0 && ties > 1000, "%s least: %d wrong", kernels->name, wrong);
}

/*
 * The nearest vectors by their distances, on whole numbers, where float4 is
 * exact; more rows than are multiplied together.
 */
static void
test_nearest(void)
{
	enum
	{
		N = 16, ROWS = 2 * PANEL_ROWS + 5
	};
	Prng		prng = {74};
	float		rows[ROWS * N];
	const float *row[ROWS];
	int			label[ROWS];
	float		score[ROWS];
	int			wrong = 0;
	int			k;
	int			i;
	int			j;
	int			c;

	for (k = 1; k <= MOST; k++)
	{
		float	   *vectors = need(sizeof(float) * k * N);
		float	   *panels = need(sizeof(float) * (k * N + PANEL_SLACK));
		float	   *norms = need(sizeof(float) * k);
		float	   *products = need(sizeof(float) * PANEL_ROWS * PANEL_WIDTH(k));
		int			nrows = ROWS - k % 9;

		memset(panels, 0, sizeof(float) * (k * N + PANEL_SLACK));
		memset(norms, 0, sizeof(float) * k);
		for (i = 0; i < k * N; i++)
		{
			vectors[i] = (float) (int) (prng_double(&prng) * 4);
			norms[i / N] += vectors[i] * vectors[i];
		}
		for (i = 0; i < ROWS * N; i++)
		{
			rows[i] = (float) (int) (prng_double(&prng) * 4);
			row[i / N] = rows + i / N * N;
		}
		panels_pack(vectors, k, N, panels);
		panels_nearest(row, nrows, panels, norms, k, N, products, label, score);
		for (i = 0; i < nrows; i++)
		{
			float		least = INFINITY;
			float		square = 0;
			int			where = 0;

			for (j = 0; j < N; j++)
				square += row[i][j] * row[i][j];
			for (c = 0; c < k; c++)
			{
				float		d = 0;

				for (j = 0; j < N; j++)
					d += (row[i][j] - vectors[c * N + j]) * (row[i][j] - vectors[c * N + j]);
				if (d < least)
				{
					least = d;
					where = c;
				}
			}
			wrong += label[i] != where || score[i] != least - square;
		}
		free(vectors);
		free(panels);
		free(norms);
		free(products);
	}
	ok(wrong == 0, "the nearest vectors, of equal ones the first: %d wrong", wrong);
}

int
main(void)
{
	int			level;

	test_packing(16);
	test_packing(48);
	for (level = 0; level < VEC_LEVELS; level++)
	{
		const VecKernels *kernels = vec_kernels_of(level);

		if (kernels == NULL)
			continue;
		test_products(kernels, 16);
		test_products(kernels, 64);
		test_products(kernels, 400);
		test_least(kernels);
		vec_kernels = kernels;
		test_nearest();
	}
	return tap_done();
}
