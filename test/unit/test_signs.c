/*
 * test_signs.c
 *	  Estimates from sign codes: near the truth, on the low side, and infinite
 *	  for dead slots alone.
 */
#include <float.h>

#include "ground/codec.h"
#include "ground/kernel.h"
#include "ground/rotate.h"
#include "ground/signscore.h"
#include "tap.h"

/* one list's block and a query, all in the rotated space */
typedef struct Block
{
	int			n;
	double	   *q;				/* n */
	double	   *w;				/* n: q - c as float4 */
	double		w_norm;
	float	   *c;				/* n */
	float	   *r;				/* VEC_BLOCK rows of n */
	uint8_t    *columns;
	float		add[VEC_BLOCK];
	float		scale[VEC_BLOCK];
	float		err[VEC_BLOCK];
	SignQuery	shared;			/* of q */
	SignQuery	own;			/* of w */
} Block;

static void
block_init(Block *block, int n)
{
	block->n = n;
	block->q = need(sizeof(double) * n);
	block->w = need(sizeof(double) * n);
	block->c = need(sizeof(float) * n);
	block->r = need(sizeof(float) * n * VEC_BLOCK);
	block->columns = need((size_t) n / 4 * 16);
	block->shared.table = need(sign_query_size(n));
	block->own.table = need(sign_query_size(n));
}

static void
block_free(Block *block)
{
	free(block->q);
	free(block->w);
	free(block->c);
	free(block->r);
	free(block->columns);
	free(block->shared.table);
	free(block->own.table);
}

/*
 * Encodes the rows and lays out their codes, and quantises the query: what is
 * to be in r, c and q is there.
 */
static void
block_encode(Block *block, int inner_product)
{
	int			n = block->n;
	uint8_t    *nibbles = need(n / 4);
	double		squares = 0;
	int			i;
	int			j;

	memset(block->columns, 0, (size_t) n / 4 * 16);
	for (i = 0; i < VEC_BLOCK; i++)
	{
		const float *r = block->r + (size_t) i * n;
		SignFactors factors;
		double		g = 0;

		for (j = 0; j < n; j++)
			g += (double) r[j] * block->c[j];
		encode_signs(r, block->c, n, g, inner_product, nibbles, &factors);
		for (j = 0; j < n / 4; j++)
			block->columns[16 * j + i % 16] |= nibbles[j] << (i < 16 ? 0 : 4);
		block->add[i] = factors.add;
		block->scale[i] = factors.scale;
		block->err[i] = factors.err;
	}
	free(nibbles);
	for (j = 0; j < n; j++)
	{
		block->w[j] = (float) (block->q[j] - block->c[j]);
		squares += block->w[j] * block->w[j];
	}
	block->w_norm = sqrt(squares);
	sign_query_init(&block->shared, block->q, n, block->shared.table);
	sign_query_init(&block->own, block->w, n, block->own.table);
}

/* what is estimated: ||w - r||^2, or -<q,c + r> */
static double
truth(const Block *block, int i, int inner_product)
{
	const float *r = block->r + (size_t) i * block->n;
	double		sum = 0;
	int			j;

	for (j = 0; j < block->n; j++)
	{
		if (inner_product)
			sum -= block->q[j] * ((double) block->c[j] + r[j]);
		else
			sum += (block->w[j] - r[j]) * (block->w[j] - r[j]);
	}
	return sum;
}

/* what an estimate starts from */
static double
base(const Block *block, int inner_product)
{
	double		sum = 0;
	int			j;

	if (!inner_product)
		return block->w_norm * block->w_norm;
	for (j = 0; j < block->n; j++)
		sum -= block->q[j] * block->c[j];
	return sum;
}

/* one standard deviation of what quantising the query does to <s,q> */
static double
quantised(const SignQuery *query)
{
	return query->unit / 2 * sqrt(query->n / 12.0);
}

typedef enum Kind
{
	GAUSSIAN,
	INNER_PRODUCT,
	CLUSTERED,					/* far from the origin, but not too far */
	ONE_HOT,					/* rotated */
	OWN_TABLE					/* clustered, with the table of w */
} Kind;

static const char *const kind_name[] =
{"Gaussian", "inner product", "clustered", "one-hot", "own table"};

static void
fill(Prng *prng, Block *block, Kind kind, const Rotation *rotation)
{
	int			n = block->n;
	double		offset = kind == CLUSTERED || kind == OWN_TABLE ? 5 : 1;
	double	   *v = need(sizeof(double) * n);
	int			i;
	int			j;

	for (j = 0; j < n; j++)
	{
		block->c[j] = kind == ONE_HOT ? 0 : (float) (offset * gauss(prng));
		block->q[j] = block->c[j] + gauss(prng);
	}
	for (i = 0; i < VEC_BLOCK; i++)
	{
		memset(v, 0, sizeof(double) * n);
		if (kind == ONE_HOT)
		{
			v[below(prng, n)] = sqrt(n);
			rotate(rotation, v);
		}
		for (j = 0; j < n; j++)
			block->r[(size_t) i * n + j] =
				(float) (kind == ONE_HOT ? v[j] : gauss(prng));
	}
	free(v);
}

/*
 * Estimates against true values, both ways of the tolerance, and their mean.
 */
static void
test_estimates(Kind kind, int n)
{
	Rotation   *rotation = need(rotation_size(n));
	Block		block;
	Prng		prng = {41 + 16 * n + kind};
	int			inner_product = kind == INNER_PRODUCT;
	int			count = 0;
	int			above = 0;
	int			below_2 = 0;
	double		bias = 0;
	int			round;
	int			i;

	rotation_init(rotation, n, 42);
	block_init(&block, n);
	for (round = 0; round < (n < 1000 ? 100 : 40); round++)
	{
		float		estimate[VEC_BLOCK];
		float		squares[VEC_BLOCK];
		const SignQuery *query = kind == OWN_TABLE ? &block.own : &block.shared;
		double		weight;

		fill(&prng, &block, kind, rotation);
		block_encode(&block, inner_product);
		weight = SIGN_EPSILON * block.w_norm;
		memcpy(squares, block.add, sizeof(squares));
		if (kind == OWN_TABLE)
			sign_residual_add(block.add, block.scale, block.err, n, squares);
		sign_score_block(query, block.columns, squares, block.scale, block.err,
						 (float) base(&block, inner_product), (float) weight,
						 estimate);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			double		exact = truth(&block, i, inner_product);
			double		lowered = weight * block.err[i] -
				SIGN_EPSILON * block.scale[i] * quantised(query);

			above += estimate[i] > exact;
			below_2 += estimate[i] + 2 * lowered < exact;
			bias += (estimate[i] + lowered - exact) /
				(block.err[i] * block.w_norm);
			count++;
		}
	}
	bias /= count;
	ok(above <= 0.05 * count, "%s, %d dimensions: %.1f %% of the lowered "
	   "estimates are above the truth", kind_name[kind], n,
	   100.0 * above / count);
	ok(below_2 <= 0.05 * count, "%s, %d dimensions: %.1f %% of the raised ones "
	   "are below it", kind_name[kind], n, 100.0 * below_2 / count);
	/* entries share what their query is off by, so samples are few */
	ok(fabs(bias) < 0.15, "%s, %d dimensions: the bias is %.3f standard errors",
	   kind_name[kind], n, bias);
	block_free(&block);
	free(rotation);
}

/*
 * The query's table is quantised to 8 bits: <s,q> of every code within what
 * that may cost, and exact where it costs nothing.
 */
static void
test_quantised(int n)
{
	Block		block;
	Prng		prng = {43};
	double		worst = 0;
	int			round;
	int			i;
	int			j;

	block_init(&block, n);
	for (round = 0; round < 30; round++)
	{
		static const float one[VEC_BLOCK] =
		{[0 ... VEC_BLOCK - 1] = 1};
		static const float zero[VEC_BLOCK];
		float		estimate[VEC_BLOCK];
		double		scale = ldexp(1, below(&prng, 120) - 60);
		double		size = 0;

		fill(&prng, &block, GAUSSIAN, NULL);
		for (j = 0; j < n; j++)
		{
			/* one in five an element of another size, one zero of each sign */
			block.q[j] *= scale * (below(&prng, 5) ? 1 : 1e-3);
			if (j < 2)
				block.q[j] = j ? 0.0 : -0.0;
			size += fabs(block.q[j]);
		}
		block_encode(&block, 0);
		sign_score_block(&block.shared, block.columns, zero, one, zero, 0, 0,
						 estimate);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			const float *r = block.r + (size_t) i * n;
			double		product = 0;

			for (j = 0; j < n; j++)
				product += r[j] >= 0 ? block.q[j] : -block.q[j];
			product += SIGN_EPSILON * quantised(&block.shared);
			worst = worse(worst, fabs(estimate[i] - product) /
						  (6 * quantised(&block.shared) + 0x1p-20 * size));
		}
	}
	ok(worst <= 1, "%d dimensions: <s,q> is within %.2f of six deviations", n,
	   worst);

	/* a query of zero, and one that float4 can't hold */
	for (j = 0; j < n; j++)
		block.q[j] = 0;
	sign_query_init(&block.shared, block.q, n, block.shared.table);
	ok(block.shared.unit == 0 && block.shared.offset == 0,
	   "%d dimensions: a query of zero", n);
	block_free(&block);
}

/*
 * Infinity marks the dead, whatever else there is in factors and query.
 */
static void
test_dead(void)
{
	static const float adds[] = {INFINITY, -INFINITY, NAN, FLT_MAX, -FLT_MAX,
	0, 1, 1e30f, -1e30f};
	static const float values[] = {0, 1, -1, FLT_MAX, -FLT_MAX, INFINITY,
	-INFINITY, NAN, 1e-45f};
	static const double sizes[] = {0, 1e-45, 1, FLT_MAX};
	Block		block;
	Prng		prng = {44};
	long		cases = 0;
	int			dead = 0;
	int			infinite = 0;
	int			wrong = 0;
	int			size;
	int			a;
	int			s;
	int			e;
	int			b;
	int			w;
	int			i;

	block_init(&block, 64);
	fill(&prng, &block, GAUSSIAN, NULL);
	block_encode(&block, 0);
	for (size = 0; size < 4; size++)
	{
		for (i = 0; i < 64; i++)
			block.q[i] = below(&prng, 2) ? sizes[size] : -sizes[size];
		sign_query_init(&block.shared, block.q, 64, block.shared.table);
		for (a = 0; a < 9 * 9 * 9; a += 5)
		{
			for (i = 0; i < VEC_BLOCK; i++)
			{
				s = (a / 9 + i) % 9;
				e = (a / 81 + i) % 9;
				block.add[i] = adds[(a + i) % 9];
				block.scale[i] = values[s];
				block.err[i] = values[e];
			}
			for (b = 0; b < 9; b++)
			{
				for (w = 0; w < 9; w++)
				{
					float		estimate[VEC_BLOCK];

					sign_score_block(&block.shared, block.columns, block.add,
									 block.scale, block.err, values[b],
									 values[w], estimate);
					for (i = 0; i < VEC_BLOCK; i++)
					{
						if (block.add[i] == INFINITY)
							dead += estimate[i] != INFINITY;
						else
							infinite += !isfinite(estimate[i]);
						/* what is no number is looked at first */
						if (isnan(block.add[i]) || isnan(block.scale[i]) ||
							isnan(block.err[i]))
							wrong += block.add[i] != INFINITY &&
								estimate[i] != -FLT_MAX;
						cases++;
					}
				}
			}
		}
	}
	ok(dead == 0, "dead slots get infinity (%ld estimates)", cases);
	ok(infinite == 0, "no other slot does");
	ok(wrong == 0, "what is no number gets -FLT_MAX");

	/* with a query of ordinary size: 0 times infinity is no number */
	for (i = 0; i < 64; i++)
		block.q[i] = 1;
	sign_query_init(&block.shared, block.q, 64, block.shared.table);
	for (i = 0; i < VEC_BLOCK; i++)
	{
		block.add[i] = i == 7 ? INFINITY : i % 2 ? FLT_MAX : -FLT_MAX;
		block.scale[i] = block.err[i] = 0;
	}
	{
		float		estimate[VEC_BLOCK];

		sign_score_block(&block.shared, block.columns, block.add, block.scale,
						 block.err, FLT_MAX, 0, estimate);
		ok(estimate[7] == INFINITY && estimate[9] == FLT_MAX &&
		   estimate[8] == 0, "what overflows gets FLT_MAX");
	}
	block_free(&block);
}

/*
 * Where both tables are any good, they say the same.
 */
static void
test_own_table(int n)
{
	Block		block;
	Prng		prng = {45};
	double		worst = 0;
	double		worst_square = 0;
	int			round;
	int			i;
	int			j;

	block_init(&block, n);
	for (round = 0; round < 20; round++)
	{
		float		shared[VEC_BLOCK];
		float		own[VEC_BLOCK];
		float		squares[VEC_BLOCK];
		float		start;
		float		weight;

		fill(&prng, &block, round % 2 ? GAUSSIAN : CLUSTERED, NULL);
		/* the last entries: no residual, one element, all magnitudes equal */
		for (j = 0; j < n; j++)
		{
			block.r[(size_t) 31 * n + j] = 0;
			block.r[(size_t) 30 * n + j] = j == round;
			block.r[(size_t) 29 * n + j] = below(&prng, 2) ? 3 : -3;
		}
		block_encode(&block, 0);
		start = (float) base(&block, 0);
		weight = (float) (SIGN_EPSILON * block.w_norm);
		sign_residual_add(block.add, block.scale, block.err, n, squares);
		sign_score_block(&block.shared, block.columns, block.add, block.scale,
						 block.err, start, weight, shared);
		sign_score_block(&block.own, block.columns, squares, block.scale,
						 block.err, start, weight, own);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			double		square = 0;
			double		deviation = -block.scale[i] *
				(quantised(&block.shared) + quantised(&block.own));

			for (j = 0; j < n; j++)
				square += (double) block.r[(size_t) i * n + j] *
					block.r[(size_t) i * n + j];
			/* scale^2 n is up to n times as much, and each factor is rounded */
			worst_square = worse(worst_square, fabs(squares[i] - square) /
								 (0x1p-22 * block.scale[i] * block.scale[i] *
								  n / 4 + 0x1p-149));
			worst = worse(worst, fabs((double) shared[i] - own[i]) /
						  ((SIGN_EPSILON + 6) * deviation +
						   0x1p-18 * (fabs(block.add[i]) + start) *
						   (i == 30 ? n : 16)));
		}
	}
	ok(worst_square <= 1, "%d dimensions: squares are recovered from the "
	   "factors (%.2f)", n, worst_square);
	ok(worst <= 1, "%d dimensions: the own table agrees with the shared one "
	   "(%.2f)", n, worst);
	block_free(&block);
}

/*
 * Squares at the end of float4: a live entry stays alive, its square is right
 * or says nothing, and a dead one stays dead.
 */
static void
test_overflow(int n)
{
	Block		block;
	Prng		prng = {46};
	int			infinite = 0;
	int			special = 0;
	int			beyond = 0;
	double		worst = 0;
	int			round;
	int			i;
	int			j;

	block_init(&block, n);
	for (round = 0; round < 40; round++)
	{
		float		squares[VEC_BLOCK];
		float		estimate[VEC_BLOCK];
		double		exact[VEC_BLOCK];
		int			k;

		fill(&prng, &block, GAUSSIAN, NULL);
		for (i = 0; i < VEC_BLOCK; i++)
		{
			float	   *r = block.r + (size_t) i * n;
			double		length = 0;
			int			hot = below(&prng, n);
			double		wanted = sqrt(5e37 * pow(20, (i + 0.5) / VEC_BLOCK));

			for (j = 0; j < n; j++)
			{
				/* some with one element alone, whose scale is the longest */
				if (i % 8 == 1 && j != hot)
					r[j] = 0;
				length += (double) r[j] * r[j];
			}
			exact[i] = 0;
			for (j = 0; j < n; j++)
			{
				r[j] = (float) (r[j] * wanted / sqrt(length));
				exact[i] += (double) r[j] * r[j];
			}
		}
		/* a centroid opposite to one entry's signs lowers its add */
		for (j = 0; j < n; j++)
		{
			block.c[j] *= 1e17f;
			if (round % 2)
				block.c[j] = (block.r[(size_t) 31 * n + j] >= 0 ? -1 : 1) *
					(float) (8e18 / sqrt(n));
			block.q[j] = block.c[j] + 1e17 * gauss(&prng);
		}
		block_encode(&block, 0);
		block.add[0] = INFINITY;
		for (k = 0; k < 2; k++)
		{
			double		weight = SIGN_EPSILON * block.w_norm;

			sign_residual_add(block.add, block.scale, block.err, n, squares);
			sign_score_block(k ? &block.own : &block.shared, block.columns,
							 k ? squares : block.add, block.scale, block.err,
							 (float) base(&block, 0), (float) weight, estimate);
			for (i = 1; i < VEC_BLOCK; i++)
				infinite += estimate[i] == INFINITY || squares[i] == INFINITY;
			special += estimate[0] != INFINITY || squares[0] != INFINITY;
		}
		for (i = 1; i < VEC_BLOCK; i++)
		{
			/* near the end, rounding decides */
			if (fabs(block.add[i]) == FLT_MAX)
				special += squares[i] != block.add[i];
			else if (exact[i] < FLT_MAX * 0.999)
				worst = worse(worst, fabs(squares[i] / exact[i] - 1) /
							  (i % 8 == 1 ? n : 16));
			else if (exact[i] > FLT_MAX * 1.001)
			{
				beyond++;
				special += squares[i] != -FLT_MAX;
			}
		}
	}
	ok(infinite == 0, "%d dimensions: overflowing squares kill no entry", n);
	ok(special == 0, "%d dimensions: special values of add are kept", n);
	ok(beyond > 0, "%d dimensions: %d squares are beyond float4", n, beyond);
	ok(worst < 0x1p-22, "%d dimensions: the others are right (%.1e)", n,
	   worst);

	/* numbers that once made a live entry a dead one */
	for (i = 0; i < VEC_BLOCK; i++)
	{
		block.add[i] = 1.08e38f;
		block.scale[i] = -3.1e18f;
		block.err[i] = 1.8e18f;
	}
	sign_residual_add(block.add, block.scale, block.err, n, block.add);
	ok(block.add[0] == block.add[31] && (block.add[0] == -FLT_MAX ||
										 isnormal(block.add[0])),
	   "%d dimensions: an entry of 1.08e38 lives (%g)", n, block.add[0]);
	block_free(&block);
}

int
main(void)
{
	static const int sizes[] = {64, 128, 256, 1008, 2000};
	int			s;

	for (s = 0; s < 5; s++)
	{
		int			kind;

		for (kind = GAUSSIAN; kind <= OWN_TABLE; kind++)
			test_estimates(kind, sizes[s]);
		test_quantised(sizes[s]);
		test_own_table(sizes[s]);
		test_overflow(sizes[s]);
	}
	test_quantised(16000);
	test_own_table(16000);
	test_overflow(16000);
	test_dead();
	return tap_done();
}
