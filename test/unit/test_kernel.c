/*
 * test_kernel.c
 *	  The kernels against their documented arithmetic: long double oracles for
 *	  the values, a plain implementation of the lane order for the bits.
 */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ground/kernel.h"
#include "kinds.h"
#include "tap.h"

#define LONGEST		16000

typedef enum Function
{
	L2_SQUARED,
	INNER_PRODUCT,
	L1,
	COSINE_SUMS,
	NFUNCTIONS
} Function;

static const char *const function_name[] =
{"l2_squared", "inner_product", "l1", "cosine_sums"};

/* the lanes from first on, every step-th, as the tree of kernel.h adds them */
static double
add_tree(const double *lane, int first, int step)
{
	if (step == VEC_LANES)
		return lane[first];
	return add_tree(lane, first, step * 2) +
		add_tree(lane, first + step, step * 2);
}

static double
term(Function function, double x, double y)
{
	double		d = x - y;

	switch (function)
	{
		case L2_SQUARED:
			return d * d;
		case L1:
			return d < 0 ? -d : d;
		default:
			return x * y;
	}
}

/* the bits that kernel.h documents */
static double
by_lanes(Function function, const float *a, const float *b, int n)
{
	double		lane[VEC_LANES] = {0};
	int			i;

	for (i = 0; i < n; i++)
		lane[i % VEC_LANES] += term(function, a[i], b[i]);
	return add_tree(lane, 0, 1);
}

/*
 * The true value; *size becomes the sum of the terms' magnitudes.
 */
static long double
exactly(Function function, const float *a, const float *b, int n,
		long double *size)
{
	long double sum = 0;
	int			i;

	*size = 0;
	for (i = 0; i < n; i++)
	{
		long double x = a[i];
		long double y = b[i];
		long double t = function == L2_SQUARED ? (x - y) * (x - y) :
			function == L1 ? fabsl(x - y) : x * y;

		sum += t;
		*size += fabsl(t);
	}
	return sum;
}

/* each float8 operation within half a unit: in a term, a lane, the tree */
static double
off_by(double value, Function function, const float *a, const float *b, int n)
{
	long double size;
	long double exact = exactly(function, a, b, n, &size);
	long double allowed = (3 + n / VEC_LANES + 1 + 4) * 0x1p-53L * size;

	if (value == exact)
		return 0;
	return (double) (fabsl(value - exact) / allowed);
}

static int
same_bits(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/*
 * One distance: what a kernel makes of it, in buffers that end where the
 * vectors end, and start at no more than a float's alignment.
 */
static void
test_distance(const VecKernels *kernels, Function function)
{
	Prng		prng = {21};
	double		worst = 0;
	int			bits = 0;
	int			cases = 0;
	int			size;
	int			kind;

	for (size = 1; size <= 72; size++)
	{
		int			n = size == 71 ? 1000 : size == 72 ? LONGEST : size;

		for (kind = 0; kind < NKINDS * NKINDS; kind++)
		{
			int			shift = below(&prng, 4);
			float	   *space_a = need(sizeof(float) * (n + shift));
			float	   *space_b = need(sizeof(float) * (n + 3 - shift));
			float	   *a = space_a + shift;
			float	   *b = space_b + 3 - shift;
			double		value;

			fill(&prng, a, n, kind % NKINDS);
			fill(&prng, b, n, kind / NKINDS);
			switch (function)
			{
				case L2_SQUARED:
					value = kernels->l2_squared(a, b, n);
					break;
				case INNER_PRODUCT:
					value = kernels->inner_product(a, b, n);
					break;
				case L1:
					value = kernels->l1(a, b, n);
					break;
				default:
					{
						double		aa;
						double		bb;

						kernels->cosine_sums(a, b, n, &value, &aa, &bb);
						bits += !same_bits(aa, by_lanes(function, a, a, n));
						bits += !same_bits(bb, by_lanes(function, b, b, n));
						worst = worse(worst, off_by(aa, function, a, a, n));
						worst = worse(worst, off_by(bb, function, b, b, n));
						break;
					}
			}
			bits += !same_bits(value, by_lanes(function, a, b, n));
			worst = worse(worst, off_by(value, function, a, b, n));
			cases++;
			free(space_a);
			free(space_b);
		}
	}
	ok(bits == 0, "%s %s: the bits of the documented order (%d cases)",
	   kernels->name, function_name[function], cases);
	ok(worst <= 1, "%s %s: off by %.2f of what float8 may be", kernels->name,
	   function_name[function], worst);
}

/*
 * What is no number must not get lost: the type refuses it, but a sum that a
 * comparison has dropped it from would hide that it came in.
 */
static void
test_special(const VecKernels *kernels)
{
	static const float special[] = {NAN, INFINITY, -INFINITY};
	float		a[70];
	float		b[70];
	int			lost = 0;
	int			n;
	int			i;
	int			s;

	for (n = 1; n <= 70; n++)
	{
		for (i = 0; i < n; i++)
			a[i] = b[i] = 1;
		for (i = 0; i < n; i++)
		{
			for (s = 0; s < 3; s++)
			{
				a[i] = special[s];
				lost += isfinite(kernels->l2_squared(a, b, n)) ||
					isfinite(kernels->inner_product(a, b, n)) ||
					isfinite(kernels->l1(a, b, n)) ||
					isfinite(kernels->l1(b, a, n));
			}
			a[i] = 1;
		}
	}
	ok(lost == 0, "%s: NaN and infinity come through", kernels->name);
}

/*
 * Expression indexes and standbys hold these bits; made without libm.
 */
static void
test_golden(const VecKernels *kernels)
{
	float		a[1003];
	float		b[1003];
	int8_t		u[1003];
	Prng		prng = {22};
	uint64_t	sum = 0;
	double		value[3];
	int			i;

	for (i = 0; i < 1003; i++)
	{
		a[i] = (float) (prng_double(&prng) - 0.5);
		b[i] = (float) (prng_double(&prng) - 0.5);
		u[i] = (int8_t) (i * 37);
	}
	for (i = 16; i <= 1003; i += 16)
		sum = digest_float8(sum, kernels->byte_dot(u, a, i));
	for (i = 1; i <= 1003; i++)
	{
		sum = digest_float8(sum, kernels->l2_squared(a, b, i));
		sum = digest_float8(sum, kernels->inner_product(a, b, i));
		sum = digest_float8(sum, kernels->l1(a, b, i));
		kernels->cosine_sums(a, b, i, &value[0], &value[1], &value[2]);
		sum = digest_float8(sum, value[0]);
		sum = digest_float8(sum, value[1]);
		sum = digest_float8(sum, value[2]);
	}
	ok(sum == UINT64_C(0xc9b3d1d1ecb68fb6), "%s: golden bits (%016" PRIx64 ")",
	   kernels->name, sum);
}

/*
 * byte_dot() has the portable one's bits: calibration stores what follows from
 * them.  It is within its documented error where no product is denormal; the
 * others get what a denormal loses on top, which bound.c's TINY pays for.
 */
static void
test_byte_dot(const VecKernels *kernels)
{
	Prng		prng = {23};
	double		worst = 0;
	double		worst_denormal = 0;
	int			other_bits = 0;
	int			n;
	int			kind;
	int			j;

	for (n = 64; n <= LONGEST; n += n < 2048 ? 16 : LONGEST - 2048)
	{
		float	   *w = need(sizeof(float) * n);
		int8_t	   *u = need(n);

		for (kind = 0; kind < 3 * 5; kind++)
		{
			long double sum = 0;
			long double size = 0;
			double		error;
			double		allowed;
			int			denormal = kind / 3 == 4;

			fill(&prng, w, n, denormal ? 5 : kind / 3);
			for (j = 0; j < n; j++)
			{
				if (kind / 3 == 3)
				{
					/* the products must neither overflow nor underflow */
					w[j] = (float) ldexp(1 + prng_double(&prng),
										 below(&prng, 200) - 100);
				}
				switch (kind % 3)
				{
					case 0:
						u[j] = (int8_t) (below(&prng, 256) - 128);
						break;
					case 1:
						u[j] = w[j] >= 0 ? 127 : -128;
						break;
					default:
						u[j] = (int8_t) -below(&prng, 2);
						break;
				}
				sum += (u[j] + 0.5L) * w[j];
				size += fabsl((u[j] + 0.5L) * w[j]);
			}
			other_bits += kernels->byte_dot(u, w, n) != vec_portable_kernels.byte_dot(u, w, n);
			error = (double) fabsl(kernels->byte_dot(u, w, n) - sum);
			allowed = (n / VEC_LANES + 1) * 0x1p-24 * (double) size;
			if (denormal)
				worst_denormal = worse(worst_denormal,
									   error / (allowed + n * 0x1p-150));
			else
				worst = worse(worst, error / allowed);
		}
		free(w);
		free(u);
	}
	ok(other_bits == 0, "%s byte_dot: %d sums with other bits", kernels->name, other_bits);
	ok(worst <= 1, "%s byte_dot: off by %.2f of what it may be", kernels->name,
	   worst);
	ok(worst_denormal <= 1, "%s byte_dot: denormals are off by %.2f",
	   kernels->name, worst_denormal);
}

/*
 * rank_l2() has the portable one's bits, and is as near to the truth as float4
 * sums of n / 64 squares and some more are.
 */
static void
test_rank_l2(const VecKernels *kernels)
{
	Prng		prng = {29};
	double		worst = 0;
	int			other_bits = 0;
	int			n;
	int			kind;
	int			j;

	for (n = 16; n <= LONGEST; n += n < 2048 ? 16 : LONGEST - 2048)
	{
		float	   *a = need(sizeof(float) * n);
		float	   *b = need(sizeof(float) * n);

		for (kind = 0; kind < NKINDS; kind++)
		{
			long double sum = 0;
			double		found;

			fill(&prng, a, n, kind);
			fill(&prng, b, n, kind);
			for (j = 0; j < n; j++)
				sum += ((long double) a[j] - b[j]) * ((long double) a[j] - b[j]);
			found = kernels->rank_l2(a, b, n);
			other_bits += found != vec_portable_kernels.rank_l2(a, b, n);
			/* others overflow, or are denormal */
			if (kind < 3 && sum > 0)
				worst = worse(worst, fabs((double) (found / sum - 1)) /
							  ((n / 64 + 6) * 0x1p-24));
		}
		free(a);
		free(b);
	}
	ok(other_bits == 0, "%s rank_l2: the same bits as portable", kernels->name);
	ok(worst <= 1, "%s rank_l2: off by %.2f of what it may be", kernels->name, worst);
}

/*
 * subtract() does what is done one by one, with the bits of inner_product().
 */
static void
test_subtract(const VecKernels *kernels)
{
	Prng		prng = {31};
	int			other_bits = 0;
	int			n;
	int			kind;
	int			j;

	for (n = 16; n <= LONGEST; n += n < 2048 ? 16 : LONGEST - 2048)
	{
		double	   *v = need(sizeof(double) * n);
		float	   *c = need(sizeof(float) * n);
		float	   *w = need(sizeof(float) * n);

		for (kind = 0; kind < NKINDS; kind++)
		{
			double		ww;
			double		cc;

			fill(&prng, w, n, kind);
			fill(&prng, c, n, kind);
			for (j = 0; j < n; j++)
				v[j] = w[j] * 1.1;
			kernels->subtract(v, c, n, w, &ww, &cc);
			for (j = 0; j < n; j++)
				other_bits += w[j] != (float) (v[j] - c[j]);
			other_bits += cc != vec_portable_kernels.inner_product(c, c, n);
			other_bits += ww != vec_portable_kernels.inner_product(w, w, n);
		}
		free(v);
		free(c);
		free(w);
	}
	ok(other_bits == 0, "%s subtract: the bits of its parts", kernels->name);
}

/*
 * centre(), add(), narrow() and residual() do what is done one by one; what is summed is
 * not rounded before.
 */
static void
test_centre_residual(const VecKernels *kernels)
{
	Prng		prng = {33};
	int			other_bits[4] = {0};
	int			n;
	int			kind;
	int			j;

	for (n = 1; n <= LONGEST; n += n < 512 ? 1 : n < 2048 ? 16 : LONGEST - 2048)
	{
		double	   *v = need(sizeof(double) * n);
		float	   *c = need(sizeof(float) * n);
		float	   *r = need(sizeof(float) * n);

		for (kind = 0; kind < NKINDS; kind++)
		{
			double		norm = kind % 2 ? 1 : 0.3;
			double		lane[VEC_LANES] = {0};

			fill(&prng, r, n, kind);
			fill(&prng, c, n, kind);
			kernels->centre(r, c, norm, n, v);
			for (j = 0; j < n; j++)
				other_bits[0] += v[j] != r[j] / norm - c[j];
			kernels->add(c, n, v);
			for (j = 0; j < n; j++)
				other_bits[3] += v[j] != (r[j] / norm - c[j]) + c[j];
			if (n % 16 != 0)
				continue;
			v[0] = kind % 2 ? 1e39 : -1e39;
			kernels->narrow(v, n, r);
			for (j = 0; j < n; j++)
				other_bits[2] += r[j] != (float) fmax(fmin(v[j], FLT_MAX), -FLT_MAX);
			v[0] = 1;
			for (j = 0; j < n; j++)
				lane[j % VEC_LANES] += (v[j] - c[j]) * (v[j] - c[j]);
			other_bits[1] += kernels->residual(v, c, n, r) != add_tree(lane, 0, 1);
			for (j = 0; j < n; j++)
				other_bits[1] += r[j] != (float) (v[j] - c[j]);
		}
		free(v);
		free(c);
		free(r);
	}
	ok(other_bits[0] == 0, "%s centre: quotient minus mean", kernels->name);
	ok(other_bits[3] == 0, "%s add: sums", kernels->name);
	ok(other_bits[2] == 0, "%s narrow: rounded, and kept finite", kernels->name);
	ok(other_bits[1] == 0, "%s residual: differences and their squares", kernels->name);
}

/*
 * quantise() against a plain loop.
 */
static void
test_quantise(const VecKernels *kernels)
{
	Prng		prng = {34};
	int			wrong = 0;
	int			n;
	int			kind;
	int			j;

	for (n = 16; n <= LONGEST; n += n < 2048 ? 16 : LONGEST - 2048)
	{
		double	   *q = need(sizeof(double) * n);
		float	   *x = need(sizeof(float) * n);
		uint8_t    *weight = need(n);
		uint8_t    *flip = need(n / 4);

		for (kind = 0; kind < NKINDS; kind++)
		{
			double		lane[VEC_LANES] = {0};
			double		widest = 0;
			double		unit;
			double		error;
			uint32_t	sum;
			uint32_t	plain_sum = 0;

			fill(&prng, x, n, kind);
			for (j = 0; j < n; j++)
			{
				q[j] = x[j] * 1.1;
				widest = fabs(q[j]) > widest ? fabs(q[j]) : widest;
			}
			unit = widest > 0 ? widest / 63 : 1;
			kernels->quantise(q, n, unit, weight, flip, &sum, &error);
			for (j = 0; j < n; j++)
			{
				int			whole = (int) (fabs(q[j]) / unit + 0.5);

				wrong += weight[j] != whole;
				wrong += (flip[j / 4] >> j % 4 & 1) != (q[j] < 0) || flip[j / 4] > 15;
				plain_sum += whole;
				lane[j % VEC_LANES] += fabs(fabs(q[j]) - unit * whole);
			}
			wrong += sum != plain_sum || error != add_tree(lane, 0, 1);
		}
		free(q);
		free(x);
		free(weight);
		free(flip);
	}
	ok(wrong == 0, "%s quantise: weights, signs, and what is lost", kernels->name);
}

/* does /proc/cpuinfo list a flag?  Not asked where an emulator shows another's */
static int
has_flag(const char *flag)
{
#ifdef __x86_64__
	FILE	   *file = fopen("/proc/cpuinfo", "r");
	char		line[16384];
	int			found = 0;

	while (file && fgets(line, sizeof(line), file))
	{
		char	   *word;

		if (strncmp(line, "flags", 5) != 0)
			continue;
		for (word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n"))
			found |= strcmp(word, flag) == 0;
	}
	if (file)
		fclose(file);
	return found;
#else
	return flag == NULL;
#endif
}

static void
test_kernels(const VecKernels *kernels)
{
	int			function;

	for (function = 0; function < NFUNCTIONS; function++)
		test_distance(kernels, function);
	test_special(kernels);
	test_golden(kernels);
	test_rank_l2(kernels);
	test_subtract(kernels);
	test_centre_residual(kernels);
	test_quantise(kernels);
	test_byte_dot(kernels);
}

/*
 * The levels, by what the processor says of itself: a level that is silently
 * passed over would leave everything right, and slow.
 */
static void
test_levels(void)
{
	const VecKernels *best = vec_kernels_of(vec_best_level());
#if defined(__aarch64__) && !defined(__AARCH64EB__)
	int			neon = 1;
#else
	int			neon = 0;
#endif
	int			avx2 = has_flag("avx2") && has_flag("fma");
	int			avx512 = avx2 && has_flag("avx512f") && has_flag("avx512bw") &&
		has_flag("avx512dq") && has_flag("avx512vl") && has_flag("popcnt");
	int			vnni = avx512 && has_flag("avx512vbmi") && has_flag("avx512_vnni");

	ok(vec_kernels_of(VEC_PORTABLE) != NULL, "portable kernels run anywhere");
	ok((vec_kernels_of(VEC_AVX2) != NULL) == avx2, "avx2 kernels %s",
	   avx2 ? "run" : "do not run");
	ok((vec_kernels_of(VEC_AVX512) != NULL) == avx512, "avx512 kernels %s",
	   avx512 ? "run" : "do not run");
	ok((vec_kernels_of(VEC_VNNI) != NULL) == vnni, "avx512vnni kernels %s",
	   vnni ? "run" : "do not run");
	ok((vec_kernels_of(VEC_NEON) != NULL) == neon, "neon kernels %s",
	   neon ? "run" : "do not run");
	ok(strcmp(best->name, vnni ? "avx512vnni" : avx512 ? "avx512" : avx2 ? "avx2" :
			  neon ? "neon" : "portable") == 0,
	   "the best level is %s", best->name);
}

int
main(void)
{
	int			level;

	test_levels();
	for (level = 0; level < VEC_LEVELS; level++)
	{
		if (vec_kernels_of(level))
			test_kernels(vec_kernels_of(level));
	}
	return tap_done();
}
