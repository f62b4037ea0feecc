/*
 * dense_distance.h
 *	  Template: the distance operators and their functions.
 *
 * Each is a function of the element arrays from the type's distance header,
 * under the same name, after a check that the dimensions agree.  An index scan
 * may know the result already, but then they did.
 */
#include "type/known.h"

#define DENSE_DISTANCE(name) \
VECFEAT_FUNCTION(DENSE_FUNCTION(name)) \
{ \
	DENSE_TYPE *a; \
	DENSE_TYPE *b; \
	double		known; \
\
	if (known_distance((KnownFunction) DENSE_LOCAL(name), PG_GETARG_DATUM(0), \
					   PG_GETARG_DATUM(1), &known)) \
		PG_RETURN_FLOAT8(known); \
	a = DENSE_ARG(0); \
	b = DENSE_ARG(1); \
	dense_check_same_dim(a->dim, b->dim); \
	PG_RETURN_FLOAT8(DENSE_LOCAL(name)(a->x, b->x, a->dim)); \
}

DENSE_DISTANCE(l2_distance)
DENSE_DISTANCE(inner_product)
DENSE_DISTANCE(negative_inner_product)
DENSE_DISTANCE(cosine_distance)
DENSE_DISTANCE(l1_distance)
