/*
 * codec.c
 *	  Encoding of a residual: sign code and byte code with their factors.
 *
 * The sign code and its estimator are those of Gao and Long, "RaBitQ:
 * quantizing high-dimensional vectors with a theoretical error bound for
 * approximate nearest neighbor search" (SIGMOD 2024), with the centroid's part
 * of the inner product folded into a factor, so that a query needs one table
 * for all lists.  The byte code is a uniform quantiser whose scale is fitted
 * by least squares; its error vector is orthogonal to what it decodes to, up
 * to the rounding of the scale, and bound.c makes use of that.
 */
#include "ground/codec.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "ground/kernel.h"

/*
 * Below this step the products of a byte code would meet float4's denormals,
 * where relative error bounds no longer hold.
 */
#define MIN_STEP	(4 * (double) FLT_MIN)

/*
 * What rounding may take from the norm of n differences, all in float8: (n + 6)
 * / 2 units of 2^-53 at most, less than a half of this for n up to 16,384
 * (src/README.md, "Error analysis").
 */
#define NORM_MARGIN	0x1p-39

/*
 * The least float4 >= value (infinity where there is none).
 */
float
float_up(double value)
{
	float		f = (float) value;

	return (double) f < value ? nextafterf(f, INFINITY) : f;
}

/*
 * The greatest float4 <= value.
 */
float
float_down(double value)
{
	float		f = (float) value;

	return (double) f > value ? nextafterf(f, -INFINITY) : f;
}

/*
 * Sign code of the residual r of n float4 values against centroid c, both
 * rotated and centred.  nibbles[m] gets the signs of dimensions 4m .. 4m + 3
 * in its low four bits (1 is >= 0, for zeros too: the query's table must agree
 * with the factors).  g is <c,r> in the true origin, used if inner_product.
 *
 * A residual of zero has no direction: its estimate is the exact value.
 * Factors that are no finite numbers are replaced such that any query takes a
 * closer look at the entry.
 */
void
encode_signs(const float *r, const float *c, int n, double g,
			 int inner_product, uint8_t *nibbles, SignFactors *factors)
{
	double		squares;
	double		sign_r;			/* <s,r> */
	double		sign_c;			/* <s,c> */
	double		scale;
	double		add;
	double		err;
	double		half = inner_product ? 0.5 : 1.0;

	vec_kernels->sign_code(r, c, n, nibbles, &squares, &sign_r, &sign_c);
	if (sign_r > 0)
	{
		/* tan^2 of the angle between r and s is n R^2 / <s,r>^2 - 1 */
		double		tan2 = n * squares / (sign_r * sign_r) - 1;

		scale = -2 * squares / sign_r * half;
		err = 2 * sqrt(squares * (tan2 > 0 ? tan2 : 0) / (n - 1)) * half;
	}
	else
	{
		scale = 0;
		err = 0;
	}
	add = (inner_product ? -g : squares) - scale * sign_c;

	if (fabs(add) < FLT_MAX && fabs(scale) < FLT_MAX && err < FLT_MAX)
	{
		factors->add = (float) add;
		factors->scale = (float) scale;
		factors->err = (float) err;
	}
	else
	{
		factors->add = -FLT_MAX;
		factors->scale = 0;
		factors->err = 0;
	}
}

/*
 * Byte code u of the residual r of n float4 values, and its factors; g as in
 * encode_signs(), 0 where it is not wanted.
 *
 * A residual too short to be scaled is all error: ry = 0.  One that is not
 * finite, or whose norm is not, has an infinite error, so that its bound says
 * nothing and the heap row is always looked at.
 */
void
encode_bytes(const float *r, int n, double g, int8_t *u, ByteFactors *factors)
{
	const VecKernels *kernels = vec_kernels;
	double		largest;
	double		squares = kernels->norm_and_largest(r, n, &largest);
	double		step;
	double		ry;				/* <r,y> */
	double		yy;				/* <y,y> */
	double		errors;

	memset(u, 0, n);
	memset(factors, 0, sizeof(*factors));
	factors->norm = (float) sqrt(squares);
	factors->g = (float) g;

	if (!(factors->norm < FLT_MAX) || !(fabs(g) < FLT_MAX))
	{
		memset(factors, 0, sizeof(*factors));
		factors->error = INFINITY;
		return;
	}
	step = largest / 127.5;
	if (step < MIN_STEP)
	{
		factors->error = float_up(sqrt(squares) * (1 + NORM_MARGIN));
		return;
	}

	kernels->byte_code(r, n, step, u, &ry, &yy);
	factors->t = (float) (ry / yy);
	factors->code_norm = (float) (factors->t * sqrt(yy));

	/* the error of the code as stored, so after the rounding of t */
	errors = kernels->byte_errors(r, u, n, factors->t);
	factors->error = float_up(sqrt(errors) * (1 + NORM_MARGIN));
}
