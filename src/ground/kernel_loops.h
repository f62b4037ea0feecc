/*
 * kernel_loops.h
 *	  Kernels that are the same C for every processor, for a compiler to make
 *	  vector instructions of: independent lanes, no reordered reductions.
 *
 * A template: each kernel_*.c includes it once, with VEC_TARGET the attribute
 * that lets the compiler use more than the baseline's instructions.
 *
 * What includes this must be compiled without contraction (-ffp-contract=off)
 * and without -ffast-math: see kernel.h for why.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ground/kernel.h"

/* how many floats a register has */
#ifndef PANEL_LANES
#define PANEL_LANES	4
#define TILE_ROWS	2
#endif

/* a register; and as it may stand in memory, anywhere among floats */
typedef float Lanes __attribute__((vector_size(PANEL_LANES * sizeof(float))));
typedef float StoredLanes __attribute__((vector_size(PANEL_LANES * sizeof(float)), aligned(4), may_alias));

/* lanes of the sums in float4, and registers for them */
#define SUM_LANES	(4 * VEC_LANES)
#define SUM_PARTS	(SUM_LANES / PANEL_LANES)

/*
 * The lanes of a sum, added in the order that kernel.h promises.
 */
VEC_TARGET static inline double
add_lanes(const double *lane)
{
	double		s[8];
	double		t[4];
	int			i;

	for (i = 0; i < 8; i++)
		s[i] = lane[i] + lane[i + 8];
	for (i = 0; i < 4; i++)
		t[i] = s[i] + s[i + 4];
	return (t[0] + t[2]) + (t[1] + t[3]);
}

/* half a register's floats, and a register of them as float8 */
#define WIDE_LANES	(PANEL_LANES / 2)
#define WIDE_PARTS	(VEC_LANES / WIDE_LANES)

typedef double Wide __attribute__((vector_size(WIDE_LANES * sizeof(double))));
typedef double StoredWide __attribute__((vector_size(WIDE_LANES * sizeof(double)), aligned(8), may_alias));
typedef int64_t WideBits __attribute__((vector_size(WIDE_LANES * sizeof(double))));
typedef float Half __attribute__((vector_size(WIDE_LANES * sizeof(float)), aligned(4), may_alias));

/* gcc takes a register in two halves here, unless a file knows better */
#ifndef to_half
#define to_wide(x)		__builtin_convertvector(x, Wide)
#define to_half(x)		__builtin_convertvector(x, Half)
#endif
#define load_wide(x)	to_wide(*(const Half *) (x))

VEC_TARGET static inline Wide
wide_abs(Wide x)
{
	return (Wide) ((WideBits) x & INT64_MAX);
}

/*
 * One distance function: term(x, y) summed over the elements, a register of lanes
 * at a time, and those that are left one by one.  Written in registers, since
 * compilers that are shown an array of lanes keep each in a register of its own.
 */
#define DEFINE_SUM(name, absolute, last_absolute, term) \
VEC_TARGET static double \
name(const float *a, const float *b, int n) \
{ \
	Wide		part[WIDE_PARTS] = {{0}}; \
	double		lane[VEC_LANES]; \
	int			i = 0; \
	int			l; \
\
	for (; i + VEC_LANES <= n; i += VEC_LANES) \
	{ \
		for (l = 0; l < WIDE_PARTS; l++) \
		{ \
			Wide		x = load_wide(a + i + l * WIDE_LANES); \
			Wide		y = load_wide(b + i + l * WIDE_LANES); \
\
			part[l] += absolute(term); \
		} \
	} \
	memcpy(lane, part, sizeof(lane)); \
	for (l = 0; i < n; i++, l++) \
	{ \
		double		x = a[i]; \
		double		y = b[i]; \
\
		lane[l] += last_absolute(term); \
	} \
	return add_lanes(lane); \
}

DEFINE_SUM(l2_squared, , , (x - y) * (x - y))
DEFINE_SUM(inner_product, , , x * y)
DEFINE_SUM(l1, wide_abs, fabs, x - y)

VEC_TARGET static void
cosine_sums(const float *a, const float *b, int n,
			double *ab, double *aa, double *bb)
{
	Wide		xy[WIDE_PARTS] = {{0}};
	Wide		xx[WIDE_PARTS] = {{0}};
	Wide		yy[WIDE_PARTS] = {{0}};
	double		lane[3][VEC_LANES];
	int			i = 0;
	int			l;

	for (; i + VEC_LANES <= n; i += VEC_LANES)
	{
		for (l = 0; l < WIDE_PARTS; l++)
		{
			Wide		x = load_wide(a + i + l * WIDE_LANES);
			Wide		y = load_wide(b + i + l * WIDE_LANES);

			xy[l] += x * y;
			xx[l] += x * x;
			yy[l] += y * y;
		}
	}
	memcpy(lane[0], xy, sizeof(xy));
	memcpy(lane[1], xx, sizeof(xx));
	memcpy(lane[2], yy, sizeof(yy));
	for (l = 0; i < n; i++, l++)
	{
		double		x = a[i];
		double		y = b[i];

		lane[0][l] += x * y;
		lane[1][l] += x * x;
		lane[2][l] += y * y;
	}
	*ab = add_lanes(lane[0]);
	*aa = add_lanes(lane[1]);
	*bb = add_lanes(lane[2]);
}

VEC_TARGET static void
subtract(const double *v, const float *c, int n, float *w, double *ww, double *cc)
{
	Wide		sum_w[WIDE_PARTS] = {{0}};
	Wide		sum_c[WIDE_PARTS] = {{0}};
	double		lane[2][VEC_LANES];
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		for (l = 0; l < WIDE_PARTS; l++)
		{
			Wide		y = load_wide(c + i + l * WIDE_LANES);
			Half		x = to_half(*(const StoredWide *) (v + i + l * WIDE_LANES) - y);
			Wide		rounded = to_wide(x);

			*(Half *) (w + i + l * WIDE_LANES) = x;
			sum_w[l] += rounded * rounded;
			sum_c[l] += y * y;
		}
	}
	memcpy(lane[0], sum_w, sizeof(sum_w));
	memcpy(lane[1], sum_c, sizeof(sum_c));
	*ww = add_lanes(lane[0]);
	*cc = add_lanes(lane[1]);
}

/*
 * A sum of float4 lanes: folded to VEC_LANES of them, which are added in float8.
 */
VEC_TARGET static inline double
add_floats(const Lanes *part)
{
	Lanes		folded[SUM_PARTS / 4];
	float		value[VEC_LANES];
	double		lane[VEC_LANES];
	int			i;

	for (i = 0; i < SUM_PARTS / 4; i++)
		folded[i] = (part[i] + part[i + SUM_PARTS / 4]) +
			(part[i + SUM_PARTS / 2] + part[i + SUM_PARTS / 4 * 3]);
	memcpy(value, folded, sizeof(value));
	for (i = 0; i < VEC_LANES; i++)
		lane[i] = value[i];
	return add_lanes(lane);
}

/*
 * Sums over n elements, a multiple of VEC_LANES, in SUM_LANES float4 lanes: so
 * many that the processor need not wait for one addition to begin the next.
 */
#define DEFINE_FLOAT_SUM(declaration, term) \
VEC_TARGET static double \
declaration \
{ \
	Lanes		part[SUM_PARTS]; \
	int			i = 0; \
	int			p; \
\
	memset(part, 0, sizeof(part)); \
	for (; i + SUM_LANES <= n; i += SUM_LANES) \
	{ \
		for (p = 0; p < SUM_PARTS; p++) \
			part[p] += term(i + p * PANEL_LANES); \
	} \
	for (; i < n; i += VEC_LANES) \
	{ \
		for (p = 0; p < SUM_PARTS / 4; p++) \
			part[p] += term(i + p * PANEL_LANES); \
	} \
	return add_floats(part); \
}

/*
 * Compilers go the long way from a register's share of int8_t to floats, so each
 * file has a way of its own: load_codes().
 */
#define BYTE_TERM(at) \
	((load_codes(u + (at)) + 0.5f) * \
	 *(const StoredLanes *) (w + (at)))

DEFINE_FLOAT_SUM(byte_dot(const int8_t *u, const float *w, int n), BYTE_TERM)

#define DIFFERENCE(at) \
	(*(const StoredLanes *) (a + (at)) - *(const StoredLanes *) (b + (at)))
#define SQUARE_TERM(at)	(DIFFERENCE(at) * DIFFERENCE(at))

DEFINE_FLOAT_SUM(rank_l2(const float *a, const float *b, int n), SQUARE_TERM)

/*
 * What overflows becomes FLT_MAX, and what is not a number -FLT_MAX.
 */
VEC_TARGET static void
correct(const uint32_t *sums, const VecCorrection *c, const float *add,
		const float *scale, const float *err, float *estimate)
{
	int			i;

	for (i = 0; i < VEC_BLOCK; i++)
	{
		float		product = c->unit * (float) (int32_t) sums[i] - c->offset;
		float		e = c->base + add[i] + scale[i] * product - c->err_weight * err[i];

		e = e > FLT_MAX ? FLT_MAX : e;
		e = e >= -FLT_MAX ? e : -FLT_MAX;
		estimate[i] = add[i] == INFINITY ? INFINITY : e;
	}
}

/*
 * No compiler finds the instruction that makes bits of a comparison: where there
 * is one, OWN_SPLIT is defined and the file has a split of its own.
 */
#ifndef OWN_SPLIT
#define SPLIT_LANES	8

VEC_TARGET static uint32_t
split(const float *estimate, float limit, float *least)
{
	uint32_t	bits[SPLIT_LANES] = {0};
	float		rest[SPLIT_LANES];
	int			i;
	int			l;

	for (l = 0; l < SPLIT_LANES; l++)
		rest[l] = INFINITY;
	for (i = 0; i < VEC_BLOCK; i += SPLIT_LANES)
	{
		for (l = 0; l < SPLIT_LANES; l++)
		{
			float		e = estimate[i + l];
			float		r = e <= limit ? INFINITY : e;

			bits[l] |= e <= limit ? UINT32_C(1) << (i + l) : 0;
			rest[l] = r < rest[l] ? r : rest[l];
		}
	}
	for (i = SPLIT_LANES / 2; i > 0; i /= 2)
	{
		for (l = 0; l < i; l++)
		{
			bits[l] |= bits[l + i];
			rest[l] = rest[l + i] < rest[l] ? rest[l + i] : rest[l];
		}
	}
	*least = rest[0];
	return bits[0];
}
#endif

#include "ground/kernel_bounds.h"
#include "ground/kernel_encode.h"
#include "ground/kernel_products.h"
#include "ground/kernel_select.h"

/* all but what a kernel_*.c has to write itself */
#define COMMON_KERNELS \
	.l2_squared = l2_squared, \
	.inner_product = inner_product, \
	.l1 = l1, \
	.cosine_sums = cosine_sums, \
	.subtract = subtract, \
	.correct = correct, \
	.split = split, \
	.byte_bounds = byte_bounds, \
	.sign_bounds = sign_bounds, \
	.round_down = round_down, \
	.kth_smallest = kth_smallest, \
	.collect = collect, \
	.least_of_blocks = least_of_blocks, \
	.byte_dot = byte_dot, \
	.rank_l2 = rank_l2, \
	.rotate_rounds = rotate_rounds, \
	.quantise = quantise, \
	.add = add, \
	.centre = centre, \
	.narrow = narrow, \
	.residual = residual, \
	.sign_code = sign_code, \
	.norm_and_largest = norm_and_largest, \
	.byte_code = byte_code, \
	.byte_errors = byte_errors, \
	.products = products, \
	.least = least
