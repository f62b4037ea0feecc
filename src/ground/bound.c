/*
 * bound.c
 *	  Lower bounds of distances: from the byte code of an entry, and of all that
 *	  is in a list.
 *
 * Of single entries, by the formulas that kernels have for blocks of them.  The
 * derivation of every constant stands in src/README.md, "Error analysis".
 */
#include "ground/bound_terms.h"

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
	return bound_of_bytes(query, query->metric, factors->t, factors->norm,
						  factors->code_norm, factors->error, factors->g, dot);
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
		return bound_of_result(query, query->metric,
							   -query->q_dot_c - query->q_norm * radius, radius);

	/* w was rounded to float4, and added up in a few steps */
	return result_of_distance(query->metric, query->w_norm * (1 - 4 * U24) - radius
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
	return result_of_distance(query->metric, difference / (2 * apart));
}
