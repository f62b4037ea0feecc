/*
 * distance.h
 *	  What the distance operators of vector compute.
 *
 * The operators return exactly what these functions return, so an index that
 * calls them agrees with a sequential scan to the last bit.  Both arguments
 * have dim >= 1 finite elements; the caller has compared the dimensions.
 */
#ifndef VECFEAT_DISTANCE_H
#define VECFEAT_DISTANCE_H

#include "type/vector.h"

/*
 * All sums are float8 sums of float4 elements (kernel.h).  A sum that a float4
 * could not hold counts as infinite: clients know these operators from an
 * implementation that accumulates in float4, and sort by what it returns.
 *
 * l2: [0, inf].  l1: [0, inf].  inner_product and its negative: [-inf, inf],
 * zero is always positive zero.
 *
 * cosine: 1 - cosine similarity, in [0, 2], NaN when a vector is zero.  Its
 * sums can neither overflow nor underflow, so it is right for huge and tiny
 * vectors as well.
 */
extern double vector_l2_distance(const float4 *a, const float4 *b, int dim);
extern double vector_inner_product(const float4 *a, const float4 *b, int dim);
extern double vector_negative_inner_product(const float4 *a, const float4 *b,
											int dim);
extern double vector_cosine_distance(const float4 *a, const float4 *b,
									 int dim);
extern double vector_l1_distance(const float4 *a, const float4 *b, int dim);

/*
 * The Euclidean norm, always finite.  Zero for a vector of zeros only: it is
 * then that the cosine distance is NaN.
 */
extern double vector_norm(const float4 *a, int dim);

/* Throws "different vector dimensions" unless the dimensions agree. */
extern void vector_check_dims(const Vector *a, const Vector *b);

#endif							/* VECFEAT_DISTANCE_H */
