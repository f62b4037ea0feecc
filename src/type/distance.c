/*
 * distance.c
 *	  What the distance operators of vector compute.
 */
#include "type/distance.h"

#include <math.h>

#include "ground/kernel.h"
#include "type/dense.h"
#include "utils/float.h"

/*
 * The sum, or infinity of its sign when it is beyond float4.
 */
static inline double
overflow_as_float4(double sum)
{
	return isinf((float4) sum) ? copysign(get_float8_infinity(), sum) : sum;
}

double
vector_l2_distance(const float4 *a, const float4 *b, int dim)
{
	return sqrt(overflow_as_float4(vec_kernels->l2_squared(a, b, dim)));
}

double
vector_inner_product(const float4 *a, const float4 *b, int dim)
{
	return overflow_as_float4(vec_kernels->inner_product(a, b, dim));
}

/*
 * Subtracting from zero, not negating: orthogonal vectors are at 0, not -0.
 */
double
vector_negative_inner_product(const float4 *a, const float4 *b, int dim)
{
	return 0.0 - vector_inner_product(a, b, dim);
}

/*
 * Squared norms of vectors lie between 2^-298 and 2^271, so their product is
 * an ordinary float8 unless a vector is zero.  Zero divided by zero would be a
 * NaN too, but of a sign that depends on the processor.
 */
double
vector_cosine_distance(const float4 *a, const float4 *b, int dim)
{
	double		ab;
	double		aa;
	double		bb;
	double		similarity;

	vec_kernels->cosine_sums(a, b, dim, &ab, &aa, &bb);
	if (aa == 0 || bb == 0)
		return get_float8_nan();
	similarity = ab / sqrt(aa * bb);
	if (similarity > 1)
		similarity = 1;
	else if (similarity < -1)
		similarity = -1;
	return 1 - similarity;
}

double
vector_l1_distance(const float4 *a, const float4 *b, int dim)
{
	return overflow_as_float4(vec_kernels->l1(a, b, dim));
}

double
vector_norm(const float4 *a, int dim)
{
	return sqrt(vec_kernels->inner_product(a, a, dim));
}

void
vector_check_dims(const Vector *a, const Vector *b)
{
	dense_check_same_dim(a->dim, b->dim);
}
