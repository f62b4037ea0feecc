/*
 * test_select.c
 *	  The kernels that find the least of many floats, against sorts and plain
 *	  loops.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ground/kernel.h"
#include "kinds.h"
#include "tap.h"

static int
compare_floats(const void *a, const void *b)
{
	float		x = *(const float *) a;
	float		y = *(const float *) b;

	return x < y ? -1 : x > y;
}

/*
 * kth_smallest() against a sort: of keys of all sizes and signs, of few different
 * ones, and with infinite ones behind.
 */
static void
test_kth_smallest(const VecKernels *kernels)
{
	Prng		prng = {32};
	int			wrong = 0;
	int			round;
	int			i;

	for (round = 0; round < 20000; round++)
	{
		float		x[512];
		float		sorted[512];
		int			n = VEC_BLOCK * (1 + prng_next(&prng) % 16);
		int			finite = 1 + prng_next(&prng) % n;
		int			k = 1 + prng_next(&prng) % finite;
		float		high;

		fill(&prng, x, n, round % NKINDS);
		for (i = 0; i < n; i++)
		{
			if (round % 3 == 0)
				x[i] = (float) (prng_next(&prng) % 5) - 2;
			if (prng_next(&prng) % 64 == 0)
				x[i] = prng_next(&prng) % 2 ? FLT_MAX : -FLT_MAX;
			if (i >= finite)
				x[i] = INFINITY;
		}
		memcpy(sorted, x, sizeof(float) * n);
		qsort(sorted, n, sizeof(float), compare_floats);
		high = prng_next(&prng) % 2 ? INFINITY : sorted[k - 1 + prng_next(&prng) % (n - k + 1)];
		wrong += kernels->kth_smallest(x, n, k, high) != sorted[k - 1];
	}
	ok(wrong == 0, "%s kth_smallest: what a sort finds", kernels->name);
}

/*
 * collect() against a plain loop, also where what it finds takes the place of what
 * it looks at.
 */
static void
test_collect(const VecKernels *kernels)
{
	Prng		prng = {33};
	int			wrong = 0;
	int			round;
	int			i;

	for (round = 0; round < 20000; round++)
	{
		float		room[2 * VEC_BLOCK];
		float		expected[VEC_BLOCK];
		float		limit;
		int			before = round % 4 == 0 ? prng_next(&prng) % VEC_BLOCK : 0;
		float	   *x = room + before;
		int			count = 0;
		int			found;

		fill(&prng, x, VEC_BLOCK, round % NKINDS);
		fill(&prng, &limit, 1, round % NKINDS);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			if (prng_next(&prng) % 16 == 0)
				x[i] = INFINITY;
		}
		if (prng_next(&prng) % 4 == 0)
			limit = x[prng_next(&prng) % VEC_BLOCK];
		for (i = 0; i < VEC_BLOCK; i++)
		{
			if (x[i] < limit)
				expected[count++] = x[i];
		}
		found = kernels->collect(x, limit, room);
		wrong += found != count || memcmp(room, expected, sizeof(float) * count) != 0;
	}
	ok(wrong == 0, "%s collect: what a plain loop finds", kernels->name);
}

static void
test_least_of_blocks(const VecKernels *kernels)
{
	Prng		prng = {34};
	int			wrong = 0;
	int			round;
	int			i;

	for (round = 0; round < 2000; round++)
	{
		float		x[8 * VEC_BLOCK];
		float		least[9];
		int			blocks = round % 9;

		fill(&prng, x, 8 * VEC_BLOCK, round % NKINDS);
		for (i = 0; i < 8 * VEC_BLOCK; i++)
		{
			if (prng_next(&prng) % 4 == 0 || round % 16 == 0)
				x[i] = INFINITY;
		}
		least[blocks] = 7;
		kernels->least_of_blocks(x, blocks, least);
		for (i = 0; i < blocks; i++)
		{
			qsort(x + i * VEC_BLOCK, VEC_BLOCK, sizeof(float), compare_floats);
			wrong += least[i] != x[i * VEC_BLOCK];
		}
		wrong += least[blocks] != 7;
	}
	ok(wrong == 0, "%s least_of_blocks: what a sort finds", kernels->name);
}

int
main(void)
{
	int			level;

	for (level = 0; level < VEC_LEVELS; level++)
	{
		const VecKernels *kernels = vec_kernels_of(level);

		if (kernels == NULL)
			continue;
		test_kth_smallest(kernels);
		test_collect(kernels);
		test_least_of_blocks(kernels);
	}
	return tap_done();
}
