/*
 * bound.c
 *	  Lower bounds of distances: from the byte code of an entry, and of all that
 *	  is in a list.
 *
 * The derivation of every constant stands in src/README.md, "Error analysis".
 * In short: with r the entry's residual, ry = t y its decoded form, e = r - ry
 * and w the query minus the centroid,
 *
 *		||w - r||^2 = ||w||^2 + ||r||^2 - 2 <ry,w> - 2 <e,w>,
 *		|<e,w>| <= ||e|| sqrt(||w||^2 - <ry,w>^2 / ||ry||^2),
 *
 * because e is orthogonal to ry, so that only the part of w off ry can meet
 * it.  What float4 rounds away in w, r, the factors and the dot product is
 * subtracted: inside the root, where the radicand cancels when w is parallel
 * to ry, and outside.
 */
#include "ground/bound.h"

#include <float.h>
#include <math.h>

#include "ground/kernel.h"

/* half a unit in the last place of float4, relative */
#define U24			0x1p-24

/*
 * What float8 loses in centring, rotating and subtracting centroids, relative
 * to the norms involved (rotate.c: 2^-46 each), and in the operator.
 */
#define U45			0x1p-45
#define U42			0x1p-42

/* below this, float4 has no relative precision */
#define TINY		0x1p-120

/* the operator's result for unit vectors at least so far from each other */
static double
cosine_bound(double distance)
{
	/* normalising them, and the operator, err on a scale of 1 */
	distance -= U45;
	return distance > 0 ? distance * distance / 2 - U42 : 0;
}

/* what centring and the operator lose of an inner product with a row */
static double
product_slack(const ListQuery *query, double norm)
{
	return U42 * query->q_norm * (query->c_norm + norm) +
		U42 * query->mean_norm * (query->q_norm + query->c_norm + norm +
								  U42 * query->mean_norm) +
		FLT_MIN;
}

/*
 * Lower bound of the operator's result from one of a squared distance, or of a
 * negative inner product from which the slack was not taken yet; norm is at
 * least that of the entry's residual.  At least 0, except for inner products.
 */
double
bound_of_result(const ListQuery *query, double bound, double norm)
{
	if (query->metric == METRIC_INNER_PRODUCT)
	{
		bound -= product_slack(query, norm);

		/* the operator's sum overflows to -infinity beyond float4's range */
		return bound >= -FLT_MAX ? bound : -INFINITY;
	}
	if (!(bound > 0))
		return 0;
	bound = sqrt(bound) * (1 - 0x1p-50) - U45 * (query->reach + norm) - FLT_MIN;
	if (query->metric == METRIC_COSINE)
		bound = cosine_bound(bound);
	return bound > 0 ? bound : 0;
}

/*
 * Lower bound of the operator's result (L2 distance, cosine distance or
 * negative inner product) for an entry with these factors, where dot is
 * byte_dot(u, w).  At least 0, except for inner products.  Never above what
 * the operator returns for the heap row; -infinity or 0 where the code can't
 * tell.
 */
double
byte_bound(const ListQuery *query, const ByteFactors *factors, double dot)
{
	double		w = query->w_norm + TINY;
	double		r = factors->norm;
	double		norm = r + TINY;
	double		steps = (double) query->n / VEC_LANES;
	double		p = factors->t * dot;
	double		along = factors->code_norm > 0 ? p / factors->code_norm : 0;
	double		off = w * w - along * along;
	double		bound;

	/* float4 products of an element beyond 2^120 or so overflow */
	if (!isfinite(dot))
		return query->metric == METRIC_INNER_PRODUCT ? -INFINITY : 0;

	if (off < 0)
		off = 0;
	off = factors->error * sqrt(off + (2 * steps + 16) * U24 * w * w);

	if (query->metric == METRIC_INNER_PRODUCT)
		bound = -query->q_dot_c - factors->g - p - off
			- (steps + 32) * U24 * w * norm
			- 2 * U24 * fabs(factors->g);
	else
		bound = query->w_norm * query->w_norm + r * r - 2 * p - 2 * off
			- (steps + 32) * U24 * (w + norm) * (w + norm);
	return bound_of_result(query, bound, norm);
}

/*
 * What byte_bound() is a bound of, but for what the code does not say: errs in
 * both directions, by some thousandths.
 */
double
byte_distance(const ListQuery *query, const ByteFactors *factors, double dot)
{
	double		p = factors->t * dot;
	double		squared;

	if (query->metric == METRIC_INNER_PRODUCT)
		return -query->q_dot_c - factors->g - p;
	squared = query->w_norm * query->w_norm +
		(double) factors->norm * factors->norm - 2 * p;
	if (!(squared > 0))
		return 0;
	return query->metric == METRIC_L2 ? sqrt(squared) : squared / 2;
}

/* the operator's result from a lower bound of the true distance, not for inner products */
static double
result_of_distance(const ListQuery *query, double bound)
{
	if (query->metric == METRIC_COSINE)
		bound = cosine_bound(bound);
	return bound > 0 ? bound : 0;
}

/*
 * Lower bound of the operator's result for every entry of a list, none of which
 * is farther than radius from the centroid.  At least 0, except for inner
 * products; -infinity or 0 where the radius can't tell.
 */
double
list_bound(const ListQuery *query, double radius)
{
	radius += TINY;
	if (query->metric == METRIC_INNER_PRODUCT)
		return bound_of_result(query, -query->q_dot_c - query->q_norm * radius, radius);

	/* w was rounded to float4, and added up in a few steps */
	return result_of_distance(query, query->w_norm * (1 - 4 * U24) - radius
							  - U45 * (query->reach + radius) - FLT_MIN);
}

/*
 * Lower bound of the operator's result for every entry of a list whose rows are
 * not nearer to the centroid of another list, the pivot, than to its own: they
 * lie beyond the plane that bisects the line between both.  pivot_distance is
 * that of the query, computed as w_norm is, pivot_norm the pivot's distance from
 * the mean, apart the one of the centroids, as nearly as rank_l2() tells.  At least
 * 0; not for inner products.
 *
 * Rows were compared in float4, by ||c||^2 - 2 <c,x>, of n products each, so what
 * is nearer by less than some 2n 2^-24 of the square of all norms may lie on the
 * wrong side.  Of an entry's norm nothing is known; but were it nearer than the
 * bound without this allowance, its norm would be no more than that and the
 * query's.  What the distances, the operator and float8 lose is far less.
 */
double
bisector_bound(const ListQuery *query, double pivot_distance, double pivot_norm,
			   double apart)
{
	double		squares = query->w_norm * query->w_norm;
	double		pivot_squares = pivot_distance * pivot_distance;
	double		difference = squares - pivot_squares;
	double		norms;

	/* rank_l2() errs by n 2^-24 at most, where no squares vanish or overflow */
	if (!(difference > 0) || !(apart > 0x1p-50))
		return 0;
	apart *= 1 + query->n * U24;
	norms = query->reach + pivot_norm + difference / (2 * apart);

	/* nor may products that rows were compared by */
	if (!(norms < 0x1p60))
		return 0;
	difference -= (2 * query->n + 32) * U24 * norms * norms;
	return result_of_distance(query, difference / (2 * apart));
}
