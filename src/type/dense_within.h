/*
 * dense_within.h
 *	  Template: what lies within a radius, as functions and as operators.
 *
 * It is what the distance operators return that is compared.  A NaN on either
 * side is never within: not the distance from a zero vector, by cosine, and
 * not a radius, though SQL takes NaN for the greatest number.
 */
#include "type/range.h"

#define DENSE_COMPARE_DISTANCE(distance, center, radius) \
	do { \
		DENSE_TYPE *v_ = DENSE_ARG(0); \
		DENSE_TYPE *center_ = (DENSE_TYPE *) PG_DETOAST_DATUM(center); \
\
		dense_check_same_dim(v_->dim, center_->dim); \
		PG_RETURN_BOOL(DENSE_LOCAL(distance)(v_->x, center_->x, v_->dim) <= (radius)); \
	} while (0)

/*
 * (v, center, radius), and the operator's (v, range).  The operator's parts may
 * be NULL, and then so is what it returns, as if they were the function's
 * arguments.
 */
#define DENSE_WITHIN(metric, distance, least, most) \
VECFEAT_FUNCTION(DENSE_FUNCTION(metric##_within)) \
{ \
	DENSE_COMPARE_DISTANCE(distance, PG_GETARG_DATUM(1), PG_GETARG_FLOAT8(2)); \
} \
\
VECFEAT_FUNCTION(DENSE_FUNCTION(metric##_in_range)) \
{ \
	Datum		center; \
	double		radius; \
\
	if (!range_read(PG_GETARG_DATUM(1), get_fn_expr_argtype(fcinfo->flinfo, 0), \
					&center, &radius)) \
		PG_RETURN_NULL(); \
	DENSE_COMPARE_DISTANCE(distance, center, radius); \
}

RANGE_METRICS(DENSE_WITHIN)
