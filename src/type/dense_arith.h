/*
 * dense_arith.h
 *	  Template: + - * element by element, by a number, negation, ||.
 *
 * Results are computed in float8 and rounded once to the element; as float8
 * holds more than twice an element's digits, that is what computing in the
 * element's own precision would give.  Too large a result is an error, and so
 * is a product that is zero although no factor was, as with real.
 */

/*
 * x op y for every pair of elements of two vectors of the same dimensions.
 */
#define DENSE_ELEMENTWISE(name, op, check) \
VECFEAT_FUNCTION(DENSE_FUNCTION(name)) \
{ \
	DENSE_TYPE *a = DENSE_ARG(0); \
	DENSE_TYPE *b = DENSE_ARG(1); \
	DENSE_TYPE *result; \
	int			i; \
\
	dense_check_same_dim(a->dim, b->dim); \
	result = DENSE_LOCAL(make)(a->dim); \
	for (i = 0; i < a->dim; i++) \
	{ \
		double		x = DENSE_GET(a->x[i]); \
		double		y = DENSE_GET(b->x[i]); \
\
		result->x[i] = DENSE_LOCAL(round)(x op y); \
		check(x, y, result->x[i]); \
	} \
	PG_RETURN_POINTER(result); \
}

#define DENSE_CHECK_NOTHING(x, y, product)	((void) 0)
#define DENSE_CHECK_UNDERFLOW(x, y, product) \
	do { \
		if (unlikely(DENSE_GET(product) == 0 && (x) != 0 && (y) != 0)) \
			float_underflow_error(); \
	} while (0)

DENSE_ELEMENTWISE(add, +, DENSE_CHECK_NOTHING)
DENSE_ELEMENTWISE(sub, -, DENSE_CHECK_NOTHING)
DENSE_ELEMENTWISE(mul, *, DENSE_CHECK_UNDERFLOW)

/*
 * v times a finite number.
 */
static DENSE_TYPE *
DENSE_LOCAL(scale)(const DENSE_TYPE *v, float8 factor)
{
	DENSE_TYPE *result = DENSE_LOCAL(make)(v->dim);
	int			i;

	dense_check_finite(factor, DENSE_STRING, NULL);
	for (i = 0; i < v->dim; i++)
	{
		double		x = DENSE_GET(v->x[i]);

		result->x[i] = DENSE_LOCAL(round)(x * factor);
		DENSE_CHECK_UNDERFLOW(x, factor, result->x[i]);
	}
	return result;
}

/*
 * vector * float8
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(mul_float8))
{
	PG_RETURN_POINTER(DENSE_LOCAL(scale)(DENSE_ARG(0), PG_GETARG_FLOAT8(1)));
}

/*
 * float8 * vector
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(float8_mul))
{
	PG_RETURN_POINTER(DENSE_LOCAL(scale)(DENSE_ARG(1), PG_GETARG_FLOAT8(0)));
}

/*
 * - vector.  The negative of a zero is a negative zero, which equals it.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(neg))
{
	DENSE_TYPE *v = DENSE_ARG(0);
	DENSE_TYPE *result = DENSE_LOCAL(make)(v->dim);
	int			i;

	for (i = 0; i < v->dim; i++)
		result->x[i] = DENSE_PUT(-DENSE_GET(v->x[i]));
	PG_RETURN_POINTER(result);
}

/*
 * The elements of one vector after those of another; together they must not
 * be more than a value can have.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(concat))
{
	DENSE_TYPE *a = DENSE_ARG(0);
	DENSE_TYPE *b = DENSE_ARG(1);
	int			dim = a->dim + b->dim;
	DENSE_TYPE *result;

	dense_check_dim(dim, DENSE_MAX_DIM, DENSE_STRING, NULL);
	result = DENSE_LOCAL(make)(dim);
	memcpy(result->x, a->x, sizeof(DENSE_ELEMENT) * a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(DENSE_ELEMENT) * b->dim);
	PG_RETURN_POINTER(result);
}
