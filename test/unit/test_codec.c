/*
 * test_codec.c
 *	  The codes of an entry: the stored error is never below the true one, the
 *	  factors are what codec.h says, and the bytes on disk stay the same.
 */
#include <float.h>
#include <inttypes.h>

#include "ground/kernel.h"
#include "ground/codec.h"
#include "tap.h"

#define LONGEST		16000

static const int sizes[] = {64, 80, 128, 1008, 2000, 16000};
#define NSIZES	((int) (sizeof(sizes) / sizeof(sizes[0])))

/*
 * Residuals: Gaussian on a scale, one large element among small ones, equal
 * magnitudes, whole numbers, denormals, each element on its own scale, zeros,
 * and about as long as float4 can say.
 */
#define NKINDS	8

static void
fill(Prng *prng, float *r, int n, int kind)
{
	double		scale = ldexp(1, below(prng, 200) - 100);
	int			hot = below(prng, n);
	int			i;

	for (i = 0; i < n; i++)
	{
		double		sign = below(prng, 2) ? 1 : -1;

		switch (kind)
		{
			case 0:
				r[i] = (float) (scale * gauss(prng));
				break;
			case 1:
				r[i] = (float) (scale * gauss(prng) * (i == hot ? 1 : 1e-4));
				break;
			case 2:
				r[i] = (float) (scale * sign);
				break;
			case 3:
				r[i] = (float) (below(prng, 511) - 255);
				break;
			case 4:
				r[i] = (float) (sign * ldexp(below(prng, 1 << 23), -149));
				break;
			case 5:
				r[i] = (float) (sign * ldexp(1 + prng_double(prng),
											 below(prng, 260) - 149));
				break;
			case 6:
				r[i] = (float) (sign * 0.0);
				break;
			default:
				r[i] = (float) (FLT_MAX / sqrt(n) * sign * prng_double(prng));
				break;
		}
	}
}

/* the nearest float4, but for what a float8 sum may be off by */
static double
float4_error(float stored, long double exact)
{
	long double allowed = fabsl(exact) * 0x1.0001p-24L;

	if (allowed < 0x1p-150L)
		allowed = 0x1p-150L;
	return (double) (fabsl(stored - exact) / allowed);
}

typedef struct Worst
{
	double		below;			/* true error over stored error */
	double		above;			/* stored error over true error */
	double		norm;			/* of the other factors, see float4_error() */
	double		code_norm;
	double		t;
	double		step;			/* of an element, in steps */
} Worst;

static void
check_bytes(const float *r, int n, Worst *worst)
{
	int8_t	   *u = need(n);
	ByteFactors factors;
	long double squares = 0;
	long double yy = 0;
	long double ry = 0;
	long double errors = 0;
	double		largest = 0;
	int			i;

	encode_bytes(r, n, 0, u, &factors);
	for (i = 0; i < n; i++)
	{
		long double y = u[i] + 0.5L;
		long double e = r[i] - factors.t * y;

		squares += (long double) r[i] * r[i];
		yy += y * y;
		ry += r[i] * y;
		errors += e * e;
		if (fabs(r[i]) > largest)
			largest = fabs(r[i]);
	}
	if (errors > 0)
		worst->below = worse(worst->below,
							 (double) (sqrtl(errors) / factors.error));
	if (errors > 0 && factors.error > FLT_MIN)
		worst->above = worse(worst->above,
							 (double) (factors.error / sqrtl(errors)));
	worst->norm = worse(worst->norm,
						float4_error(factors.norm, sqrtl(squares)));
	if (factors.t == 0)
	{
		/* all error: only where a step would be near the denormals */
		worst->step = worse(worst->step,
							largest > 128 * 4 * FLT_MIN ? INFINITY : 0);
		worst->code_norm = worse(worst->code_norm,
								 factors.code_norm != 0 ? INFINITY : 0);
	}
	else
	{
		/* products with the query must not meet denormals */
		worst->step = worse(worst->step,
							factors.t < FLT_MIN ? INFINITY : 0);
		worst->t = worse(worst->t, float4_error(factors.t, ry / yy));
		worst->code_norm = worse(worst->code_norm,
								 float4_error(factors.code_norm,
											  factors.t * sqrtl(yy)));
		for (i = 0; i < n; i++)
			worst->step = worse(worst->step,
								fabs(r[i] / (largest / 127.5) - (u[i] + 0.5)) /
								(0.5 + 0x1p-40));
	}
	free(u);
}

static void
test_bytes(void)
{
	Prng		prng = {31};
	Worst		worst = {0};
	int			cases = 0;
	int			s;
	int			i;

	for (s = 0; s < NSIZES; s++)
	{
		int			n = sizes[s];
		float	   *r = need(sizeof(float) * n);

		for (i = 0; i < 400000 / n + NKINDS; i++)
		{
			fill(&prng, r, n, i % NKINDS);
			check_bytes(r, n, &worst);
			cases++;
		}
		free(r);
	}
	ok(worst.below <= 1, "byte code: the true error is at most %.9f of the "
	   "stored one (%d residuals)", worst.below, cases);
	ok(worst.above <= 1 + 0x1p-22, "byte code: the stored error is at most "
	   "%.9f of the true one", worst.above);
	ok(worst.step <= 1, "byte code: elements are within half a step");
	ok(worst.norm <= 1, "byte code: norm is ||r||");
	ok(worst.code_norm <= 1, "byte code: code_norm is ||ry|| as stored");
	ok(worst.t <= 1, "byte code: t is that of least squares");
}

static int
says_nothing(const float *r, int n, double g)
{
	int8_t	   *u = need(n);
	ByteFactors factors;
	int			good;
	int			i;

	memset(u, 42, n);
	encode_bytes(r, n, g, u, &factors);
	good = factors.error == INFINITY && factors.t == 0 && factors.norm == 0 &&
		factors.code_norm == 0 && factors.g == 0;
	for (i = 0; i < n; i++)
		good = good && u[i] == 0;
	free(u);
	return good;
}

/* add keeps the entry alive and in front, whatever the query */
static int
comes_first(const float *r, const float *c, int n, double g, int inner_product)
{
	uint8_t		nibbles[64 / 4];
	SignFactors factors;

	encode_signs(r, c, n, g, inner_product, nibbles, &factors);
	return factors.add == -FLT_MAX && factors.scale == 0 && factors.err == 0;
}

static void
test_special(void)
{
	static const float special[] = {NAN, INFINITY, -INFINITY};
	float		r[64];
	float		c[64] = {0};
	int			bytes = 0;
	int			signs = 0;
	int			i;
	int			s;

	for (i = 0; i < 64; i++)
		r[i] = (float) (i - 20);
	for (i = 0; i < 64; i++)
	{
		for (s = 0; s < 3; s++)
		{
			float		kept = r[i];

			r[i] = special[s];
			bytes += !says_nothing(r, 64, 0);
			signs += !comes_first(r, c, 64, 0, 0);
			r[i] = kept;
			c[i] = special[s];
			signs += !comes_first(r, c, 64, 0, 0);
			c[i] = 0;
		}
	}
	for (s = 0; s < 3; s++)
	{
		bytes += !says_nothing(r, 64, special[s]);
		signs += !comes_first(r, c, 64, special[s], 1);
	}
	bytes += !says_nothing(r, 64, -1e39);
	signs += !comes_first(r, c, 64, -1e39, 1);
	ok(bytes == 0, "byte code: no number gets an infinite error");
	ok(signs == 0, "sign code: no number gets the least add");

	for (i = 0; i < 64; i++)
		r[i] = FLT_MAX;
	ok(says_nothing(r, 64, 0), "byte code: a norm beyond float4 says nothing");
	ok(comes_first(r, c, 64, 0, 0), "sign code: nor does a square");
}

static void
test_zero(void)
{
	float		r[64];
	float		c[64];
	int8_t		u[64];
	uint8_t		nibbles[16];
	ByteFactors factors;
	SignFactors signs;
	int			positive = 0;
	int			i;

	for (i = 0; i < 64; i++)
	{
		r[i] = i % 2 ? 0.0f : -0.0f;
		c[i] = (float) i;
	}
	encode_bytes(r, 64, 7, u, &factors);
	ok(factors.t == 0 && factors.norm == 0 && factors.code_norm == 0 &&
	   factors.error == 0 && factors.g == 7, "byte code: zero has no error");
	encode_signs(r, c, 64, 0, 0, nibbles, &signs);
	for (i = 0; i < 16; i++)
		positive += nibbles[i] == 0x0f;
	ok(positive == 16, "sign code: zeros of both signs count as positive");
	ok(signs.add == 0 && signs.scale == 0 && signs.err == 0,
	   "sign code: of zero the estimate is exact");
	encode_signs(r, c, 64, 7, 1, nibbles, &signs);
	ok(signs.add == -7 && signs.scale == 0 && signs.err == 0,
	   "sign code: for inner products too");
}

/*
 * Factors by the formulas of DESIGN.md 2.1, the bits by those of codec.h.
 */
static void
test_sign_codes(int inner_product)
{
	Prng		prng = {32 + inner_product};
	double		worst = 0;
	int			wrong_bits = 0;
	int			infinite = 0;
	int			s;
	int			k;
	int			i;

	for (s = 0; s < NSIZES; s++)
	{
		int			n = sizes[s];
		float	   *r = need(sizeof(float) * n);
		float	   *c = need(sizeof(float) * n);
		uint8_t    *nibbles = need(n / 4);

		for (k = 0; k < 5 * NKINDS; k++)
		{
			SignFactors factors;
			long double squares = 0;
			long double sr = 0;
			long double sc = 0;
			long double size = 0;
			long double a;
			long double add;
			double		g = gauss(&prng);

			fill(&prng, r, n, k % NKINDS);
			fill(&prng, c, n, k / NKINDS);
			memset(nibbles, 0xff, n / 4);
			encode_signs(r, c, n, g, inner_product, nibbles, &factors);
			infinite += !isfinite(factors.add) || !isfinite(factors.scale) ||
				!isfinite(factors.err);
			for (i = 0; i < n; i++)
			{
				wrong_bits += (nibbles[i / 4] >> (i % 4) & 1) != (r[i] >= 0) ||
					nibbles[i / 4] >> 4 != 0;
				squares += (long double) r[i] * r[i];
				sr += fabsl(r[i]);
				sc += r[i] >= 0 ? c[i] : -c[i];
				size += fabsf(c[i]);
			}
			if (sr == 0 || factors.add == -FLT_MAX)
				continue;

			/* for inner products, g takes the place of R^2, the rest is half */
			add = 2 * squares / sr * (inner_product ? 0.5 : 1);
			size = (inner_product ? fabs(g) : squares) + add * size;
			a = sr / sqrtl(n * squares);
			worst = worse(worst, float4_error(factors.scale, -add));
			add = (inner_product ? -g : squares) + add * sc;
			worst = worse(worst, (double)
						  (fabsl(factors.add - add) /
						   (fabsl(add) * 0x1.001p-24L + n * 0x1p-50L * size +
							0x1p-149L)));
			/* the root cancels where all magnitudes are equal */
			add = 2 * sqrtl(squares / (n - 1) * fabsl((1 - a * a) / (a * a)));
			if (inner_product)
				add /= 2;
			worst = worse(worst, (double)
						  (fabsl(factors.err - add) /
						   (add * 0x1.001p-24L + sqrtl(squares) * 0x1p-20L +
							0x1p-149L)));
		}
		free(r);
		free(c);
		free(nibbles);
	}
	ok(wrong_bits == 0, "sign code: the bits are the signs, low nibbles only");
	ok(infinite == 0, "sign code: a live entry's factors are finite");
	ok(worst <= 1, "sign code: factors as designed (%s)",
	   inner_product ? "inner product" : "L2");
}

static void
test_rounding(void)
{
	Prng		prng = {34};
	int			wrong = 0;
	int			i;

	for (i = 0; i < 100000; i++)
	{
		double		value = ldexp(prng_double(&prng) - 0.5,
								  below(&prng, 300) - 160);
		float		up = float_up(value);
		float		down = float_down(value);

		if (i % 3 == 0)
			value = (float) value;
		up = float_up(value);
		down = float_down(value);
		wrong += !(up >= value) || !(down <= value);
		wrong += (float) value == value ? up != down :
			nextafterf(up, -INFINITY) != down;
	}
	ok(wrong == 0, "float_up and float_down: the neighbours");
	ok(float_up(1e39) == INFINITY && float_down(1e39) == FLT_MAX &&
	   float_up(-1e39) == -FLT_MAX && float_down(-1e39) == -INFINITY &&
	   float_up(1e-60) > 0 && float_down(-1e-60) < 0,
	   "float_up and float_down: at the ends of float4");
}

/*
 * What an index holds on disk.  Computed by a separate implementation in
 * rational arithmetic; no libm function is in the input.
 */
static void
test_golden(int n, ByteFactors bytes, SignFactors l2, SignFactors ip,
			uint64_t digest_u, uint64_t digest_nibbles)
{
	float	   *r = need(sizeof(float) * n);
	float	   *c = need(sizeof(float) * n);
	int8_t	   *u = need(n);
	uint8_t    *nibbles = need(n / 4);
	ByteFactors b;
	SignFactors s;
	uint64_t	sum = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		r[i] = (float) ((i * 37 % 101 - 50) / 8.0);
		c[i] = (float) ((i * 53 % 127 - 60) / 4.0);
	}
	encode_bytes(r, n, 12.25, u, &b);
	for (i = 0; i < n; i++)
		sum = digest(sum, (uint8_t) u[i]);
	ok(sum == digest_u, "golden byte code of %d (%016" PRIx64 ")", n, sum);
	ok(b.t == bytes.t && b.norm == bytes.norm &&
	   b.code_norm == bytes.code_norm && b.error == bytes.error &&
	   b.g == bytes.g, "golden byte factors of %d (%a, %a, %a, %a)", n, b.t,
	   b.norm, b.code_norm, b.error);

	encode_signs(r, c, n, 12.25, 0, nibbles, &s);
	sum = 0;
	for (i = 0; i < n / 4; i++)
		sum = digest(sum, nibbles[i]);
	ok(sum == digest_nibbles, "golden sign code of %d (%016" PRIx64 ")", n,
	   sum);
	ok(s.add == l2.add && s.scale == l2.scale && s.err == l2.err,
	   "golden sign factors of %d (%a, %a, %a)", n, s.add, s.scale, s.err);
	encode_signs(r, c, n, 12.25, 1, nibbles, &s);
	ok(s.add == ip.add && s.scale == ip.scale && s.err == ip.err,
	   "golden sign factors of %d, inner product (%a, %a, %a)", n, s.add,
	   s.scale, s.err);
	free(r);
	free(c);
	free(u);
	free(nibbles);
}

/*
 * Codes and factors have the same bits at all levels of instructions: of
 * ordinary values, of zeros with either sign, of steps that fall on codes, and
 * of what is not finite.
 */
static void
test_levels(int n)
{
	float	   *r = need(sizeof(float) * n);
	float	   *c = need(sizeof(float) * n);
	struct
	{
		SignFactors signs;
		ByteFactors bytes;
		uint8_t		nibbles[500];
		int8_t		u[2000];
	}		   *code = need(sizeof(*code) * VEC_LEVELS);
	Prng		prng = {36};
	int			differ = 0;
	int			levels = 0;
	int			round;
	int			level;
	int			i;

	for (round = 0; round < 200; round++)
	{
		for (i = 0; i < n; i++)
		{
			int			special = below(&prng, 12);

			c[i] = (float) gauss(&prng);
			r[i] = (float) gauss(&prng);
			if (round % 4 == 1)
				r[i] = (float) (below(&prng, 256) - 128);
			if (round % 4 == 2 && special < 3)
				r[i] = special == 0 ? 0.0f : special == 1 ? -0.0f : 1e-42f;
			if (round % 20 == 3 && i == round % n)
				r[i] = special < 6 ? INFINITY : -FLT_MAX;
		}
		memset(code, 0, sizeof(*code) * VEC_LEVELS);
		for (level = 0; level < VEC_LEVELS; level++)
		{
			if (vec_kernels_of(level) == NULL)
				continue;
			levels++;
			vec_kernels = vec_kernels_of(level);
			encode_signs(r, c, n, 0.5, round % 2, code[level].nibbles, &code[level].signs);
			encode_bytes(r, n, 0.5, code[level].u, &code[level].bytes);
			differ += memcmp(&code[level], &code[VEC_PORTABLE], sizeof(*code)) != 0;
		}
	}
	ok(differ == 0 && levels >= 200, "%d dimensions: the same codes at all levels, %d differ",
	   n, differ);
	vec_kernels = &vec_portable_kernels;
	free(r);
	free(c);
	free(code);
}

/*
 * A sign code is >= 0 or not, a byte code floor(r / step) within int8_t.
 */
static void
test_definition(const VecKernels *kernels)
{
	enum
	{
		N = 64
	};
	float		r[N];
	float		c[N];
	int8_t		u[N];
	uint8_t		nibbles[N / 4];
	Prng		prng = {37};
	int			wrong = 0;
	int			round;
	int			i;

	for (round = 0; round < 2000; round++)
	{
		double		step = 1.0 / 64 * (1 + below(&prng, 3));
		double		sums[3];
		double		sign_c = 0;

		for (i = 0; i < N; i++)
		{
			c[i] = (float) below(&prng, 100);
			r[i] = i % 9 == 0 ? -0.0f : (float) ((below(&prng, 2000) - 1000) / (below(&prng, 2) ? 256.0 : 240.0));
			sign_c += r[i] >= 0 ? c[i] : -c[i];
		}
		kernels->sign_code(r, c, N, nibbles, &sums[0], &sums[1], &sums[2]);
		wrong += sums[2] != sign_c;
		kernels->byte_code(r, N, step, u, &sums[0], &sums[1]);
		for (i = 0; i < N; i++)
		{
			double		code = floor(r[i] / step);

			wrong += u[i] != (code > 127 ? 127 : code < -128 ? -128 : code);
			wrong += (nibbles[i / 4] >> i % 4 & 1) != (r[i] >= 0);
		}
	}
	ok(wrong == 0, "%s: codes by their definition, %d wrong", kernels->name, wrong);
}

int
main(void)
{
	int			level;

	test_levels(64);
	test_levels(176);
	test_levels(2000);
	for (level = 0; level < VEC_LEVELS; level++)
	{
		if (vec_kernels_of(level))
			test_definition(vec_kernels_of(level));
	}
	test_bytes();
	test_special();
	test_zero();
	test_sign_codes(0);
	test_sign_codes(1);
	test_rounding();
	test_golden(64, (ByteFactors)
				{0x1.919dfap-5, 0x1.d8b95ap+4, 0x1.d8b87p+4,
				0x1.d76748p-4, 12.25},
				(SignFactors) {0x1.2b9e3ap+10, -0x1.105b1ap+3,
				0x1.10c61p+2},
				(SignFactors) {0x1.2d0ce6p+7, -0x1.105b1ap+2,
				0x1.10c61p+1},
				UINT64_C(0x86f0406b2fcc528a), UINT64_C(0x3ef9856543f0ec93));
	test_golden(2000, (ByteFactors)
				{0x1.91a41cp-5, 0x1.460966p+7, 0x1.4608c6p+7,
				0x1.42f6cap-1, 12.25},
				(SignFactors) {0x1.9b521ep+14, -0x1.0d656ap+3,
				0x1.0d8076p+2},
				(SignFactors) {-0x1.12f44ap+7, -0x1.0d656ap+2,
				0x1.0d8076p+1},
				UINT64_C(0x529b0f999dc18700), UINT64_C(0x76559d4f76411d52));
	test_golden(16000, (ByteFactors)
				{0x1.91a3eap-5, 0x1.cd0148p+8, 0x1.cd0066p+8,
				0x1.c8994cp+0, 12.25},
				(SignFactors) {0x1.a09b0ep+17, -0x1.0d5948p+3,
				0x1.0d64eep+2},
				(SignFactors) {0x1.77fdbp+8, -0x1.0d5948p+2,
				0x1.0d64eep+1},
				UINT64_C(0xef077c7b5d167362), UINT64_C(0x20aa9fac90a6816a));
	return tap_done();
}
