/*
 * test_blocks.c
 *	  The kernels that score a block of sign codes, against plain loops.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ground/codec.h"
#include "ground/kernel.h"
#include "kinds.h"
#include "tap.h"

#define LONGEST		16000

/*
 * Weights of a column that add up to most: anything, one alone, all alike,
 * with 255 in sum in the latter two.
 */
static void
fill_weights(Prng *prng, uint8_t *weight, int most, int kind)
{
	int			left = most;
	int			k;

	memset(weight, 0, 4);
	if (kind == 1)
		weight[below(prng, 4)] = (uint8_t) most;
	for (k = 0; k < 4 && kind != 1; k++)
	{
		weight[k] = (uint8_t) (kind == 0 ? below(prng, left + 1) :
							   k < 3 ? most / 4 : left);
		left -= weight[k];
	}
}

/* a block's bytes: anything, all ones, what the query is, all but the query */
static void
fill_columns(Prng *prng, uint8_t *columns, const uint8_t *flip, int n, int kind)
{
	int			m;
	int			i;

	for (m = 0; m < n / 4; m++)
	{
		uint8_t		alike = (uint8_t) (~flip[m] & 0x0f);

		for (i = 0; i < 16; i++)
			columns[16 * m + i] = (uint8_t)
				(kind == 0 ? below(prng, 256) : kind == 1 ? 0xff :
				 kind == 2 ? alike * 0x11 : flip[m] * 0x11);
	}
}

/* by kernel.h's words: entry i's bit k of column m against the query's */
static uint32_t
naive_score(const uint8_t *columns, const uint8_t *weight,
			const uint8_t *flip, int n, int i)
{
	uint32_t	sum = 0;
	int			j;

	for (j = 0; j < n; j++)
	{
		int			byte = columns[16 * (j / 4) + i % 16];
		int			nibble = i < 16 ? byte & 0x0f : byte >> 4;
		int			bit = nibble >> (j % 4) & 1;
		int			query = !(flip[j / 4] >> (j % 4) & 1);

		if (bit == query)
			sum += weight[j];
	}
	return sum;
}

/*
 * Adds a block's columns to its sums in parts, few or many of them at a time, and
 * none as well; each has memory of its own, so that nothing behind it may be read.
 */
static void
add_parts(Prng *prng, const VecKernels *kernels, const uint8_t *columns,
		  const void *table, int ncolumns, uint32_t *sums)
{
	int			from;
	int			count;

	for (from = 0; from < ncolumns; from += count)
	{
		int			left = ncolumns - from;
		uint8_t    *part;

		count = below(prng, 2) ? below(prng, 10) : 1 + below(prng, left);
		count = count < left ? count : left;
		part = need(16 * count + 1);
		memcpy(part + 1, columns + 16 * from, 16 * count);
		kernels->add_columns(part + 1, table, from, count, part, sums);
		free(part);
	}
}

static void
test_add_columns(const VecKernels *kernels)
{
	Prng		prng = {25};
	int			wrong = 0;
	int			wrong_parts = 0;
	int			cases = 0;
	uint32_t	greatest = 0;
	int			n;
	int			kind;
	int			i;

	for (n = 64; n <= LONGEST; n += n < 2048 ? 16 : LONGEST - 2048)
	{
		uint8_t    *weight = need(n);
		uint8_t    *flip = need(n / 4);
		uint8_t    *space = need(4 * n + 1);
		void	   *table = need(kernels->table_size(n));

		for (kind = 0; kind < 3 * 4 * 2; kind++)
		{
			/* pages promise no alignment */
			uint8_t    *columns = space + kind % 2;
			uint32_t	before[VEC_BLOCK];
			uint32_t	sums[VEC_BLOCK];
			uint32_t	parts[VEC_BLOCK];

			for (i = 0; i < VEC_BLOCK; i++)
				before[i] = sums[i] = parts[i] = below(&prng, 1 << 30);
			for (i = 0; i < n / 4; i++)
			{
				flip[i] = (uint8_t) below(&prng, 16);
				if (kind % 3 == 2 && kind % 4 == 1)
					flip[i] = 0;
				fill_weights(&prng, weight + 4 * i, 255, kind % 3);
			}
			fill_columns(&prng, columns, flip, n, kind % 4);
			kernels->make_table(weight, flip, n, table);
			kernels->add_columns(columns, table, 0, n / 4, columns, sums);
			add_parts(&prng, kernels, columns, table, n / 4, parts);
			for (i = 0; i < VEC_BLOCK; i++)
			{
				uint32_t	sum = sums[i] - before[i];

				wrong += sum != naive_score(columns, weight, flip, n, i);
				wrong_parts += parts[i] != sums[i];
				if (sum > greatest)
					greatest = sum;
			}
			cases++;
		}
		free(weight);
		free(flip);
		free(space);
		free(table);
	}
	ok(wrong == 0, "%s add_columns: the sums of plain loops (%d blocks)",
	   kernels->name, cases);
	ok(wrong_parts == 0, "%s add_columns: the same in parts", kernels->name);
	ok(greatest == LONGEST / 4 * 255, "%s add_columns: up to %" PRIu32,
	   kernels->name, greatest);
}

/*
 * Corrections: the bits of the documented operations, over ordinary values and
 * such as overflow, are no numbers or mark a dead slot.
 */
static void
test_correct(const VecKernels *kernels)
{
	static const float special[] = {INFINITY, -FLT_MAX, FLT_MAX, NAN, -INFINITY, 0, -0.0f};
	Prng		prng = {26};
	int			wrong = 0;
	int			dead = 0;
	int			round;
	int			i;

	for (round = 0; round < 5000; round++)
	{
		VecCorrection c;
		uint32_t	sums[VEC_BLOCK];
		float		factors[3][VEC_BLOCK];
		float		numbers[4];
		float		estimate[VEC_BLOCK];

		fill(&prng, numbers, 4, round % 4);
		c.unit = numbers[0];
		c.offset = numbers[1];
		c.base = numbers[2];
		c.err_weight = numbers[3];
		for (i = 0; i < 3; i++)
			fill(&prng, factors[i], VEC_BLOCK, (round / 4) % 5);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			sums[i] = (uint32_t) below(&prng, 1 << (1 + i % 20));
			if (below(&prng, 4) == 0)
				factors[below(&prng, 3)][i] = special[below(&prng, 7)];
		}
		kernels->correct(sums, &c, factors[0], factors[1], factors[2], estimate);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			/* volatile: each operation is rounded by itself */
			volatile float product = c.unit * (float) sums[i];
			volatile float e = c.base + factors[0][i];
			volatile float part;

			product = product - c.offset;
			part = factors[1][i] * product;
			e = e + part;
			part = c.err_weight * factors[2][i];
			e = e - part;
			if (e > FLT_MAX)
				e = FLT_MAX;
			if (!(e >= -FLT_MAX))
				e = -FLT_MAX;
			if (factors[0][i] == INFINITY)
			{
				e = INFINITY;
				dead++;
			}
			wrong += memcmp(&estimate[i], (float *) &e, sizeof(float)) != 0;
		}
	}
	ok(wrong == 0 && dead > 1000, "%s correct: the bits of plain operations, %d dead slots",
	   kernels->name, dead);
}

/*
 * Splits at a value that is among the estimates, at one that is not, and beyond
 * all of them.
 */
static void
test_split(const VecKernels *kernels)
{
	static const float special[] = {INFINITY, -FLT_MAX, FLT_MAX, 0, -0.0f};
	Prng		prng = {27};
	int			wrong = 0;
	int			none = 0;
	int			round;
	int			i;

	for (round = 0; round < 20000; round++)
	{
		float		estimate[VEC_BLOCK];
		float		limit;
		float		least = -1;
		float		expected = INFINITY;
		uint32_t	bits = 0;

		fill(&prng, estimate, VEC_BLOCK, round % NKINDS);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			if (below(&prng, 16) == 0)
				estimate[i] = special[below(&prng, 5)];
		}
		fill(&prng, &limit, 1, round % NKINDS);
		if (below(&prng, 4) == 0)
			limit = estimate[below(&prng, VEC_BLOCK)];
		if (below(&prng, 8) == 0)
			limit = below(&prng, 2) ? -INFINITY : FLT_MAX;
		for (i = 0; i < VEC_BLOCK; i++)
		{
			if (estimate[i] <= limit)
				bits |= UINT32_C(1) << i;
			else if (estimate[i] < expected)
				expected = estimate[i];
		}
		none += expected == INFINITY;
		wrong += kernels->split(estimate, limit, &least) != bits || least != expected;
	}
	ok(wrong == 0 && none > 100, "%s split: what plain loops find, %d times no rest",
	   kernels->name, none);
}

/* the float that a bound becomes, one by one */
static float
rounded(double bound, double least)
{
	float		down = float_down(bound > least ? bound : least);

	if (down > FLT_MAX)
		return FLT_MAX;
	return down >= -FLT_MAX ? down : -FLT_MAX;
}

static void
test_round_down(const VecKernels *kernels)
{
	static const double special[] = {INFINITY, -INFINITY, NAN, 0, -0.0, 1e39, -1e39,
	DBL_MAX, -DBL_MAX, 1e-60, -1e-60, FLT_MAX, -FLT_MAX};
	Prng		prng = {28};
	int			wrong = 0;
	int			round;
	int			i;

	for (round = 0; round < 20000; round++)
	{
		double		bound[VEC_BLOCK];
		float		down[VEC_BLOCK];
		float		add[VEC_BLOCK];
		double		least = round % 4 == 0 ? -INFINITY : round % 4 == 1 ? NAN :
			round % 4 == 2 ? 0 : ldexp(prng_double(&prng) - 0.5, below(&prng, 300) - 160);

		for (i = 0; i < VEC_BLOCK; i++)
		{
			bound[i] = ldexp(prng_double(&prng) - 0.5, below(&prng, 300) - 160);
			if (below(&prng, 3) == 0)
				bound[i] = (float) bound[i];
			if (below(&prng, 16) == 0)
				bound[i] = special[below(&prng, 13)];
			add[i] = below(&prng, 16) == 0 ? INFINITY : below(&prng, 16) == 0 ? NAN : 1;
		}
		kernels->round_down(bound, least, add, down);
		for (i = 0; i < VEC_BLOCK; i++)
			wrong += !(down[i] == (isinf(add[i]) ? INFINITY : rounded(bound[i], least)));
	}
	ok(wrong == 0, "%s round_down: what float_down makes of bounds one by one",
	   kernels->name);
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
		test_add_columns(kernels);
		test_correct(kernels);
		test_split(kernels);
		test_round_down(kernels);
	}
	return tap_done();
}
