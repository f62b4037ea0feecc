/*
 * bound.h
 *	  Lower bounds of a distance from the codes of an entry.
 */
#ifndef VECFEAT_BOUND_H
#define VECFEAT_BOUND_H

#include <stdint.h>

#include "ground/codec.h"
#include "ground/kernel.h"

typedef enum Metric
{
	METRIC_L2 = 1,
	METRIC_INNER_PRODUCT = 2,
	METRIC_COSINE = 3
} Metric;

/*
 * A query seen from one list.  All norms in float8.
 */
struct ListQuery
{
	Metric		metric;
	int			n;				/* padded dimensions */
	double		w_norm;			/* ||w||, w = q - c rounded to float4 */
	double		reach;			/* ||q - mean|| + ||c - mean|| */
	double		q_dot_c;		/* inner product: <q,c> from the true origin */
	double		q_norm;			/* inner product: ||q|| from the true origin */
	double		c_norm;			/* inner product: ||c|| from the true origin */
	double		mean_norm;		/* inner product: the norm of the mean */
};

/*
 * The factors of a block's byte codes, as ByteFactors has them for one, and the
 * codes' products with w by byte_dot().
 */
struct ByteColumns
{
	float		t[VEC_BLOCK];
	float		norm[VEC_BLOCK];
	float		code_norm[VEC_BLOCK];
	float		error[VEC_BLOCK];
	float		g[VEC_BLOCK];
	double		dot[VEC_BLOCK];
};

extern double byte_bound(const ListQuery *query, const ByteFactors *factors,
						 double dot);
extern double byte_distance(const ListQuery *query, const ByteFactors *factors,
							double dot);
extern double list_bound(const ListQuery *query, double radius);
extern double bisector_bound(const ListQuery *query, double pivot_distance,
							 double pivot_norm, double apart);

#endif							/* VECFEAT_BOUND_H */
