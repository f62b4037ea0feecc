/*
 * signscore.c
 *	  Estimates of distances from sign codes, a block at a time.
 */
#include "ground/signscore.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "ground/kernel.h"

/* any four weights of a column, rounded, must fit a byte: 255 - 4 * 1/2 */
#define MAX_COLUMN_WEIGHT	253

/*
 * Bytes of the space that sign_query_init() wants for n dimensions, whichever
 * kernels are in use when it is called.
 */
size_t
sign_query_size(int n)
{
	size_t		most = 0;
	int			level;

	for (level = 0; level < VEC_LEVELS; level++)
	{
		const VecKernels *kernels = vec_kernels_of(level);

		if (kernels && kernels->table_size(n) > most)
			most = kernels->table_size(n);
	}
	return most + (size_t) n + n / 4;
}

/*
 * Quantises the n float8 values of q.  |q_j| becomes an 8-bit weight, one unit
 * for all dimensions, so that the table is additive and a kernel may look up
 * four bits at once or test them one by one, with the same integers as result.
 *
 * The weights' rounding errors, uniform within half a unit and with the signs
 * of the code, add up to a standard deviation of unit sqrt(n / 12); SIGN_EPSILON
 * of them widen every estimate.  space stays in use with the query.
 */
void
sign_query_init(SignQuery *query, const double *q, int n, void *space)
{
	const VecKernels *kernels = vec_kernels;
	uint8_t    *weight = (uint8_t *) space + kernels->table_size(n);
	uint8_t    *flip = weight + n;
	double		widest = 0;
	double		unit;
	double		error;
	uint32_t	sum;
	int			i;

	for (i = 0; i < n; i += 4)
	{
		double		width = fabs(q[i]) + fabs(q[i + 1]) +
			fabs(q[i + 2]) + fabs(q[i + 3]);

		if (width > widest)
			widest = width;
	}
	unit = widest / MAX_COLUMN_WEIGHT;

	/* where there is no unit all are so small that their weight is 0 anyway */
	kernels->quantise(q, n, unit > 0 ? unit : 1, weight, flip, &sum, &error);

	query->kernels = kernels;
	query->n = n;
	query->unit = (float) (2 * unit);
	query->offset = (float) (unit * sum - SIGN_EPSILON * unit * sqrt(n / 12.0));
	query->table = space;
	query->exact_unit = 2 * unit;
	query->exact_offset = unit * sum;
	query->error = error * (1 + 0x1p-40) + DBL_MIN;
	kernels->make_table(weight, flip, n, query->table);
}

/*
 * The sums of a block's codes, of which all columns are at hand.
 */
void
sign_sums(const SignQuery *query, const uint8_t *columns, uint32_t *sums)
{
	memset(sums, 0, sizeof(uint32_t) * VEC_BLOCK);
	query->kernels->add_columns(columns, query->table, 0, query->n / 4, columns, sums);
}

/*
 * Lowered estimates of the VEC_BLOCK entries of a block: base + add +
 * scale <s,q> - err_weight err.  An entry whose add is infinite (a dead slot)
 * gets infinity, and no other does: what overflows becomes FLT_MAX, and what
 * is not a number -FLT_MAX, so that it is looked at first.
 */
void
sign_estimates(const SignQuery *query, const uint32_t *sums, const float *add,
			   const float *scale, const float *err, float base,
			   float err_weight, float *estimate)
{
	VecCorrection correction = {query->unit, query->offset, base, err_weight};

	query->kernels->correct(sums, &correction, add, scale, err, estimate);
}

/*
 * Both at once.
 */
void
sign_score_block(const SignQuery *query, const uint8_t *columns,
				 const float *add, const float *scale, const float *err,
				 float base, float err_weight, float *estimate)
{
	uint32_t	sums[VEC_BLOCK];

	sign_sums(query, columns, sums);
	sign_estimates(query, sums, add, scale, err, base, err_weight, estimate);
}

/*
 * Squared residual norms of VEC_BLOCK entries, recovered from their factors:
 * (scale^2 n - err^2 (n - 1)) / 4.  They take the place of add where a list has
 * a table of its own, made from the query minus its centroid: there <s,c> must
 * not be counted a second time.  Special values of add are kept; a square
 * beyond float4 says nothing, and must not pass for a dead slot.
 *
 * Not for inner products, whose add holds a part that no factor tells.
 */
void
sign_residual_add(const float *add, const float *scale, const float *err,
				  int n, float *squares)
{
	int			i;

	for (i = 0; i < VEC_BLOCK; i++)
	{
		double		s = ((double) scale[i] * scale[i] * n -
						 (double) err[i] * err[i] * (n - 1)) / 4;

		if (fabsf(add[i]) >= FLT_MAX)
			squares[i] = add[i];
		else
			squares[i] = s < FLT_MAX ? (float) s : -FLT_MAX;
	}
}
