/*
 * test_rotate.c
 *	  The rotation is orthogonal, accurate, and the same for ever.
 */
#include <inttypes.h>

#include "ground/kernel.h"
#include "ground/rotate.h"
#include "tap.h"

/* what callers of float8 arithmetic may count on */
#define ORTHOGONAL	1e-13

/* rotate.c promises this, and bound.c pays for it */
#define ROTATED		0x1p-46

#define ROUNDS		4

static Rotation *
make_rotation(int n, uint64_t seed)
{
	Rotation   *rotation = need(rotation_size(n));

	rotation_init(rotation, n, seed);
	return rotation;
}

static double
product(const double *a, const double *b, int n)
{
	long double sum = 0;
	int			i;

	for (i = 0; i < n; i++)
		sum += (long double) a[i] * b[i];
	return (double) sum;
}

static void
test_padding(void)
{
	int			bad = 0;
	int			dim;

	for (dim = 1; dim <= 16000; dim++)
	{
		int			n = rotation_padded(dim);

		if (n % 16 != 0 || n < 64 || n < dim || (n > 64 && n >= dim + 16))
			bad++;
	}
	ok(bad == 0, "padded: the least multiple of 16 that is 64 or more");
}

/*
 * Every column and every pair of columns of the matrix.
 */
static void
test_matrix(int n)
{
	Rotation   *rotation = make_rotation(n, 11);
	double	   *columns = need(sizeof(double) * n * n);
	double		worst = 0;
	int			i;
	int			j;

	memset(columns, 0, sizeof(double) * n * n);
	for (i = 0; i < n; i++)
	{
		columns[(size_t) i * n + i] = 1;
		rotate(rotation, columns + (size_t) i * n);
	}
	for (i = 0; i < n; i++)
	{
		for (j = 0; j <= i; j++)
		{
			double		off = product(columns + (size_t) i * n,
									  columns + (size_t) j * n, n) - (i == j);

			worst = worse(worst, fabs(off));
		}
	}
	ok(worst <= ORTHOGONAL, "matrix of %d: off orthogonal by %.1e at most", n,
	   worst);
	free(columns);
	free(rotation);
}

/* by turns Gaussian, one element only, an offset, and a mixture of scales */
static void
fill(Prng *prng, double *v, int n, int kind)
{
	int			i;

	memset(v, 0, sizeof(double) * n);
	if (kind % 4 == 1)
		v[below(prng, n)] = 1 + prng_double(prng);
	for (i = 0; i < n && kind % 4 != 1; i++)
	{
		v[i] = gauss(prng);
		if (kind % 4 == 2)
			v[i] += 1e6;
		if (kind % 4 == 3)
			v[i] *= pow(10, below(prng, 60) - 30);
	}
}

/*
 * Norms and inner products of vectors in all multiples of 16 dimensions from
 * first to last.
 */
static void
test_products(int first, int last)
{
	double	   *a = need(sizeof(double) * last);
	double	   *b = need(sizeof(double) * last);
	Prng		prng = {12};
	double		worst_norm = 0;
	double		worst_product = 0;
	int			n;
	int			kind;

	for (n = first; n <= last; n += 16)
	{
		Rotation   *rotation = make_rotation(n, n);

		for (kind = 0; kind < 16; kind++)
		{
			double		aa;
			double		bb;
			double		ab;

			fill(&prng, a, n, kind);
			fill(&prng, b, n, kind / 4);
			aa = product(a, a, n);
			bb = product(b, b, n);
			ab = product(a, b, n);
			rotate(rotation, a);
			rotate(rotation, b);
			worst_norm = worse(worst_norm,
							   fabs(sqrt(product(a, a, n) / aa) - 1));
			worst_product = worse(worst_product,
								  fabs(product(a, b, n) - ab) / sqrt(aa * bb));
		}
		free(rotation);
	}
	ok(worst_norm <= ORTHOGONAL, "%d to %d dimensions: norms kept to %.1e",
	   first, last, worst_norm);
	ok(worst_product <= ORTHOGONAL,
	   "%d to %d dimensions: inner products kept to %.1e of the norms", first,
	   last, worst_product);
	free(a);
	free(b);
}

/* by the definition of the transform, not by its butterflies */
static void
hadamard_oracle(long double *v, int n)
{
	long double x;
	int			i;

	if (n == 1)
		return;
	hadamard_oracle(v, n / 2);
	hadamard_oracle(v + n / 2, n / 2);
	for (i = 0; i < n / 2; i++)
	{
		x = v[i];
		v[i] = (x + v[i + n / 2]) / sqrtl(2);
		v[i + n / 2] = (x - v[i + n / 2]) / sqrtl(2);
	}
}

static void
rotate_oracle(const Rotation *rotation, int block, long double *v)
{
	int			n = rotation->n;
	int			round;
	int			i;

	for (round = 0; round < ROUNDS; round++)
	{
		for (i = 0; i < n; i++)
			v[i] *= rotation->signs[round * n + i];
		hadamard_oracle(round % 2 == 0 ? v : v + n - block, block);
		for (i = 0; i < n / 2 && block < n; i++)
		{
			long double x = v[i];
			long double y = v[i + n / 2];

			v[i] = (x + y) / sqrtl(2);
			v[i + n / 2] = (x - y) / sqrtl(2);
		}
	}
}

/*
 * How far float8 is from the true map.
 */
static void
test_error(int n, int block)
{
	Rotation   *rotation = make_rotation(n, 13);
	double	   *v = need(sizeof(double) * n);
	long double *exact = need(sizeof(long double) * n);
	Prng		prng = {14};
	double		worst = 0;
	int			kind;
	int			i;

	for (kind = 0; kind < 8; kind++)
	{
		long double squares = 0;
		long double errors = 0;

		fill(&prng, v, n, kind);
		for (i = 0; i < n; i++)
			exact[i] = v[i];
		rotate(rotation, v);
		rotate_oracle(rotation, block, exact);
		for (i = 0; i < n; i++)
		{
			squares += exact[i] * exact[i];
			errors += (v[i] - exact[i]) * (v[i] - exact[i]);
		}
		worst = worse(worst, (double) sqrtl(errors / squares));
	}
	ok(worst <= ROTATED, "%d dimensions: float8 is off by %.1e of the norm", n,
	   worst);
	free(exact);
	free(v);
	free(rotation);
}

/*
 * Nothing but n and seed counts, not even what was in the memory before.
 */
static void
test_depends(int n)
{
	size_t		size = rotation_size(n);
	Rotation   *a = need(size);
	Rotation   *b = need(size);
	Prng		prng = {15};
	double	   *v = need(sizeof(double) * n);
	double	   *w = need(sizeof(double) * n);
	int			signs = 0;
	int			differ = 0;
	int			i;

	memset(a, 0x00, size);
	memset(b, 0xff, size);
	rotation_init(a, n, 16);
	(void) rand();
	rotation_init(b, n, 16);
	fill(&prng, v, n, 0);
	memcpy(w, v, sizeof(double) * n);
	rotate(a, v);
	rotate(b, w);
	ok(memcmp(a, b, size) == 0 && memcmp(v, w, sizeof(double) * n) == 0,
	   "%d dimensions: the same for the same seed", n);

	for (i = 0; i < ROUNDS * n; i++)
		signs += fabs(a->signs[i]) != 1;
	rotation_init(b, n, 17);
	for (i = 0; i < ROUNDS * n; i++)
		differ += a->signs[i] != b->signs[i];
	ok(signs == 0 && fabs(differ - ROUNDS * n * 0.5) < 5 * sqrt(n),
	   "%d dimensions: another seed flips other signs (%d of %d)", n, differ,
	   ROUNDS * n);
	free(w);
	free(v);
	free(b);
	free(a);
}

/*
 * What sign codes need: a vector that is one element alone looks Gaussian.
 */
static void
test_spread(int n)
{
	Rotation   *rotation = make_rotation(n, 18);
	double	   *v = need(sizeof(double) * n);
	double		least = 1;
	double		mean = 0;
	int			hot;
	int			i;

	for (hot = 0; hot < n; hot++)
	{
		double		sum = 0;

		memset(v, 0, sizeof(double) * n);
		v[hot] = 1;
		rotate(rotation, v);
		for (i = 0; i < n; i++)
			sum += fabs(v[i]);
		sum /= sqrt(n);
		mean += sum / n;
		if (!(sum >= least))
			least = sum;
	}
	ok(mean > 0.78 && mean < 0.82 && least > 0.6,
	   "one-hot of %d: <s,v> is %.3f of the norm (at least %.3f)", n, mean,
	   least);
	free(v);
	free(rotation);
}

/*
 * An index stores seed and version, and rotates its queries with what this
 * file's next release makes of them.  The values were computed by a separate
 * implementation; no libm function is in them but sqrt, which is exact.
 */
static void
test_golden(void)
{
	static const struct
	{
		int			n;
		double		first;
		double		last;
		uint64_t	digest;
	}			golden[] =
	{
		{64, 0x1.ed48000000000p+1, 0x1.00b0000000000p+0,
		UINT64_C(0x38efca8afd3361c6)},
		{80, 0x1.3e9fffffffffdp-1, -0x1.e278000000003p+2,
		UINT64_C(0x0edbb5c32866ab1f)},
		{2000, 0x1.7988d80000004p+1, -0x1.e9187fffffffdp+0,
		UINT64_C(0xa54bbd8be4a1ad87)},
		{16000, -0x1.d7922d1f8756bp+0, -0x1.6e09ac93064ffp-1,
		UINT64_C(0xe52ffb5895f020f0)}
	};
	int			g;
	int			i;

	for (g = 0; g < (int) (sizeof(golden) / sizeof(golden[0])); g++)
	{
		int			n = golden[g].n;
		Rotation   *rotation = make_rotation(n, 20240229);
		double	   *v = need(sizeof(double) * n);
		uint64_t	sum = 0;

		for (i = 0; i < n; i++)
			v[i] = (i * 37 % 101 - 50) / 8.0;
		rotate(rotation, v);
		for (i = 0; i < n; i++)
			sum = digest_float8(sum, v[i]);
		ok(ROTATION_VERSION == 1 && v[0] == golden[g].first &&
		   v[n - 1] == golden[g].last && sum == golden[g].digest,
		   "%d dimensions: golden values (%a, %a, %016" PRIx64 ")", n, v[0],
		   v[n - 1], sum);
		free(v);
		free(rotation);
	}
}

/*
 * The map has the same bits at all levels of instructions.
 */
static void
test_levels(int n)
{
	Rotation   *rotation = make_rotation(n, 5);
	double	   *portable = need(sizeof(double) * n);
	double	   *v = need(sizeof(double) * n);
	int			level;
	int			i;

	for (level = 0; level < VEC_LEVELS; level++)
	{
		Prng		prng = {29};

		if (vec_kernels_of(level) == NULL)
			continue;
		vec_kernels = vec_kernels_of(level);
		for (i = 0; i < n; i++)
			v[i] = prng_double(&prng) - 0.5;
		rotate(rotation, v);
		if (level == VEC_PORTABLE)
			memcpy(portable, v, sizeof(double) * n);
		ok(memcmp(portable, v, sizeof(double) * n) == 0,
		   "%d dimensions: the same bits with %s", n, vec_kernels->name);
	}
	vec_kernels = &vec_portable_kernels;
	free(rotation);
	free(portable);
	free(v);
}

int
main(void)
{
	test_levels(64);
	test_levels(80);
	test_levels(128);
	test_levels(768);
	test_levels(2000);
	test_padding();
	test_matrix(64);
	test_matrix(80);
	test_matrix(112);
	test_matrix(128);
	test_matrix(240);
	test_products(64, 2000);
	test_products(16000, 16000);
	test_error(64, 64);
	test_error(80, 64);
	test_error(1008, 512);
	test_error(2000, 1024);
	test_error(8192, 8192);
	test_error(16000, 8192);
	test_depends(64);
	test_depends(2000);
	test_spread(64);
	test_spread(80);
	test_spread(128);
	test_spread(2000);
	test_golden();
	return tap_done();
}
