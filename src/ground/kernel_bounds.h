/*
 * kernel_bounds.h
 *	  Certain bounds of a block's entries, by the formulas of bound_terms.h.
 *
 * A template like kernel_loops.h, which includes it.  The query is copied, so
 * that compilers see that no bound changes it.
 */
#include "ground/bound_terms.h"

#define DEFINE_BY_METRIC(loop) \
	switch (query.metric) \
	{ \
		case METRIC_L2: \
			loop(METRIC_L2) \
			break; \
		case METRIC_INNER_PRODUCT: \
			loop(METRIC_INNER_PRODUCT) \
			break; \
		case METRIC_COSINE: \
			loop(METRIC_COSINE) \
			break; \
	}

#define BYTES_LOOP(metric) \
	for (i = 0; i < VEC_BLOCK; i++) \
		bound[i] = bound_of_bytes(&query, metric, codes->t[i], codes->norm[i], \
								  codes->code_norm[i], codes->error[i], \
								  codes->g[i], codes->dot[i]);

VEC_TARGET static void
byte_bounds(const ListQuery *list, const ByteColumns *codes, double *bound)
{
	const ListQuery query = *list;
	int			i;

	DEFINE_BY_METRIC(BYTES_LOOP)
}

#define SIGNS_LOOP(metric) \
	for (i = 0; i < VEC_BLOCK; i++) \
		bound[i] = bound_of_signs(&query, metric, \
								  unit * (double) (int32_t) sums[i] - offset, \
								  error, add[i], scale[i], err[i]);

VEC_TARGET static void
sign_bounds(const ListQuery *list, const uint32_t *sums, const VecProducts *products,
			const float *add, const float *scale, const float *err, double *bound)
{
	const ListQuery query = *list;
	const double unit = products->unit;
	const double offset = products->offset;
	const double error = products->error;
	int			i;

	DEFINE_BY_METRIC(SIGNS_LOOP)
}

/*
 * The greatest float that is at most the bound is the nearest one, or the one
 * before it, whose bits are a number less by one, or more by one below 0.
 */
VEC_TARGET static void
round_down(const double *bound, double least, const float *add, float *down)
{
	int			i;

	for (i = 0; i < VEC_BLOCK; i++)
	{
		double		b = bound[i] > least ? bound[i] : least;
		float		f = (float) b;
		int32_t		step = b < 0 ? 1 : -1;
		int32_t		bits;

		memcpy(&bits, &f, sizeof(bits));
		bits += (double) f > b ? step : 0;
		memcpy(&f, &bits, sizeof(f));
		f = f > FLT_MAX ? FLT_MAX : f;
		f = f >= -FLT_MAX ? f : -FLT_MAX;
		down[i] = add[i] == INFINITY ? INFINITY : f;
	}
}
