/*
 * kernel.c
 *	  Portable kernels, written so that a compiler vectorises them for the
 *	  baseline of its target: independent lanes, no reordered reductions.
 *
 * This file must be compiled without contraction (-ffp-contract=off) and
 * without -ffast-math: see kernel.h for why.
 */
#include "ground/kernel.h"

#include <math.h>
#include <string.h>

/*
 * The lanes of a sum, added in the order that kernel.h promises.
 */
static double
add_lanes(const double *lane)
{
	double		s[VEC_LANES];
	int			width;

	memcpy(s, lane, sizeof(s));
	for (width = VEC_LANES / 2; width > 0; width /= 2)
	{
		int			i;

		for (i = 0; i < width; i++)
			s[i] += s[i + width];
	}
	return s[0];
}

/*
 * One distance function: term(x, y) summed over the elements.  The body is a
 * macro, not a function with a callback, because the loop must be inlined to
 * be vectorised.
 */
#define DEFINE_SUM(name, term) \
static double \
name(const float *a, const float *b, int n) \
{ \
	double		lane[VEC_LANES] = {0}; \
	int			i = 0; \
	int			l; \
\
	for (; i + VEC_LANES <= n; i += VEC_LANES) \
	{ \
		for (l = 0; l < VEC_LANES; l++) \
		{ \
			double		x = a[i + l]; \
			double		y = b[i + l]; \
\
			lane[l] += (term); \
		} \
	} \
	for (l = 0; i < n; i++, l++) \
	{ \
		double		x = a[i]; \
		double		y = b[i]; \
\
		lane[l] += (term); \
	} \
	return add_lanes(lane); \
}

DEFINE_SUM(l2_squared, (x - y) * (x - y))
DEFINE_SUM(inner_product, x * y)
DEFINE_SUM(l1, fabs(x - y))

static void
cosine_sums(const float *a, const float *b, int n,
			double *ab, double *aa, double *bb)
{
	*ab = inner_product(a, b, n);
	*aa = inner_product(a, a, n);
	*bb = inner_product(b, b, n);
}

/* columns that may be added in 16 bits: 257 * 255 = 65535 */
#define COLUMNS_PER_PASS	256

/* sixteen bytes at once, in the registers that every target of gcc has */
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint16_t Shorts __attribute__((vector_size(16)));

/*
 * Five rows of 16 equal bytes a column: the query's complement, then the
 * weights of its four dimensions.  Broadcasting them while scoring would cost
 * more than the scoring.
 */
#define TABLE_ROWS	5

static size_t
table_size(int n)
{
	return (size_t) n / 4 * TABLE_ROWS * sizeof(Bytes);
}

static void
make_table(const uint8_t *weight, const uint8_t *flip, int n, void *table)
{
	uint8_t    *row = table;
	int			m;
	int			k;

	for (m = 0; m < n / 4; m++)
	{
		memset(row, flip[m] * 0x11, sizeof(Bytes));
		row += sizeof(Bytes);
		for (k = 0; k < 4; k++)
		{
			memset(row, weight[4 * m + k], sizeof(Bytes));
			row += sizeof(Bytes);
		}
	}
}

/* the row of weights in the bytes of match that have the bit, 0 in the others */
static inline Bytes
weigh(Bytes match, uint8_t bit, Bytes weights)
{
	Bytes		mask = (Bytes) {} + bit;

	return (Bytes) ((match & mask) == mask) & weights;
}

/*
 * Without a byte shuffle a table lookup would be a scalar load per entry and
 * column.  Since the table is additive (weight of the matching bits), the bits
 * are tested instead, sixteen entries at a time.
 *
 * The 16-bit sums are kept by even and odd bytes, which two shifts separate;
 * they are put in order once a pass.
 */
static void
score_block(const uint8_t *columns, const void *table, int n, uint32_t *sums)
{
	const uint8_t *row = table;
	int			ncolumns = n / 4;
	int			first;

	memset(sums, 0, sizeof(uint32_t) * VEC_BLOCK);

	for (first = 0; first < ncolumns; first += COLUMNS_PER_PASS)
	{
		Shorts		even[2] = {};
		Shorts		odd[2] = {};
		int			last = first + COLUMNS_PER_PASS;
		int			m;
		int			half;
		int			i;

		if (last > ncolumns)
			last = ncolumns;
		for (m = first; m < last; m++)
		{
			Bytes		w[TABLE_ROWS];
			Bytes		match;
			Bytes		low;
			Bytes		high;

			memcpy(&match, columns + 16 * m, sizeof(match));
			memcpy(w, row + m * sizeof(w), sizeof(w));
			match ^= w[0];
			low = weigh(match, 0x01, w[1]) + weigh(match, 0x02, w[2]) +
				weigh(match, 0x04, w[3]) + weigh(match, 0x08, w[4]);
			high = weigh(match, 0x10, w[1]) + weigh(match, 0x20, w[2]) +
				weigh(match, 0x40, w[3]) + weigh(match, 0x80, w[4]);
			even[0] += (Shorts) low & 0xff;
			odd[0] += (Shorts) low >> 8;
			even[1] += (Shorts) high & 0xff;
			odd[1] += (Shorts) high >> 8;
		}
		for (half = 0; half < 2; half++)
		{
			for (i = 0; i < 8; i++)
			{
				/* which of a pair of bytes the low half is, the machine says */
				uint16_t	pair = 1;
				int			low_first = *(uint8_t *) &pair;

				sums[16 * half + 2 * i] += low_first ? even[half][i] : odd[half][i];
				sums[16 * half + 2 * i + 1] += low_first ? odd[half][i] : even[half][i];
			}
		}
	}
}

static double
byte_dot(const int8_t *u, const float *w, int n)
{
	float		lane[VEC_LANES] = {0};
	double		sum[VEC_LANES];
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		for (l = 0; l < VEC_LANES; l++)
			lane[l] += ((float) u[i + l] + 0.5f) * w[i + l];
	}
	for (l = 0; l < VEC_LANES; l++)
		sum[l] = lane[l];
	return add_lanes(sum);
}

#define DOT_LANES	8

/*
 * Four rows at a time: x is loaded once for them, and eight independent
 * accumulators hide the latency of the addition.
 */
static void
dots(const float *x, const float *c, int k, int n, float *out)
{
	int			row = 0;
	int			i;
	int			l;

	for (; row + 4 <= k; row += 4)
	{
		const float *c0 = c + (size_t) row * n;
		const float *c1 = c0 + n;
		const float *c2 = c1 + n;
		const float *c3 = c2 + n;
		float		s0[DOT_LANES] = {0};
		float		s1[DOT_LANES] = {0};
		float		s2[DOT_LANES] = {0};
		float		s3[DOT_LANES] = {0};

		for (i = 0; i < n; i += DOT_LANES)
		{
			for (l = 0; l < DOT_LANES; l++)
			{
				float		v = x[i + l];

				s0[l] += v * c0[i + l];
				s1[l] += v * c1[i + l];
				s2[l] += v * c2[i + l];
				s3[l] += v * c3[i + l];
			}
		}
		for (l = 1; l < DOT_LANES; l++)
		{
			s0[0] += s0[l];
			s1[0] += s1[l];
			s2[0] += s2[l];
			s3[0] += s3[l];
		}
		out[row] = s0[0];
		out[row + 1] = s1[0];
		out[row + 2] = s2[0];
		out[row + 3] = s3[0];
	}
	for (; row < k; row++)
	{
		const float *c0 = c + (size_t) row * n;
		float		s0[DOT_LANES] = {0};

		for (i = 0; i < n; i += DOT_LANES)
		{
			for (l = 0; l < DOT_LANES; l++)
				s0[l] += x[i + l] * c0[i + l];
		}
		for (l = 1; l < DOT_LANES; l++)
			s0[0] += s0[l];
		out[row] = s0[0];
	}
}

static const VecKernels portable_kernels = {
	.name = "portable",
	.l2_squared = l2_squared,
	.inner_product = inner_product,
	.l1 = l1,
	.cosine_sums = cosine_sums,
	.table_size = table_size,
	.make_table = make_table,
	.score_block = score_block,
	.byte_dot = byte_dot,
	.dots = dots,
};

const VecKernels *vec_kernels = &portable_kernels;
