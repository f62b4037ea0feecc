/*
 * range.h
 *	  What lies within a radius of a center, and the type vector_range.
 */
#ifndef VECFEAT_RANGE_H
#define VECFEAT_RANGE_H

#include "compat.h"

#include <math.h>

/*
 * The metrics that ranges are told in: each with its name in those of the
 * functions, the distance that decides, and the least and the largest that this
 * distance can be.
 */
#define RANGE_METRICS(METRIC) \
	METRIC(l2, l2_distance, 0, HUGE_VAL) \
	METRIC(inner_product, negative_inner_product, -HUGE_VAL, HUGE_VAL) \
	METRIC(cosine, cosine_distance, 0, 2)

/*
 * The functions of a dense type by a metric: dense_within.h defines them.
 */
#define RANGE_DECLARE(type, metric) \
	extern PGDLLEXPORT Datum vecfeat_##type##_##metric##_within(PG_FUNCTION_ARGS); \
	extern PGDLLEXPORT Datum vecfeat_##type##_##metric##_in_range(PG_FUNCTION_ARGS)

#define RANGE_DECLARE_VECTOR(metric, distance, least, most) \
	RANGE_DECLARE(vector, metric);
RANGE_METRICS(RANGE_DECLARE_VECTOR)
#undef RANGE_DECLARE_VECTOR

extern bool range_type_fits(Oid type, Oid center_type);
extern bool range_read(Datum range, Oid center_type, Datum *center,
					   double *radius);

#endif							/* VECFEAT_RANGE_H */
