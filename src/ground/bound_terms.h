/*
 * bound_terms.h
 *	  What the codes of one entry bound: the formulas, for functions of single
 *	  entries and for loops over a block of them.
 *
 * The derivation of every constant stands in src/README.md, "Error analysis".
 *
 * Byte codes, in short: with r the entry's residual, ry = t y its decoded form,
 * e = r - ry and w the query minus the centroid,
 *
 *		||w - r||^2 = ||w||^2 + ||r||^2 - 2 <ry,w> - 2 <e,w>,
 *		|<e,w>| <= ||e|| sqrt(||w||^2 - <ry,w>^2 / ||ry||^2),
 *
 * because e is orthogonal to ry, so that only the part of w off ry can meet
 * it.  What float4 rounds away in w, r, the factors and the dot product is
 * subtracted: inside the root, where the radicand cancels when w is parallel
 * to ry, and outside.
 *
 * Sign codes: with s the code of r and a = <s,r> / (sqrt(n) ||r||), r and w each
 * have a part along s, of length
 *
 *		along = a ||r||			and		omega = <s,w> / sqrt(n),
 *
 * and one that is orthogonal to it, so that by Cauchy and Schwarz
 *
 *		<w,r> <= omega along + sqrt(||w||^2 - omega^2) sqrt(||r||^2 - along^2).
 *
 * All of it follows from the factors of the estimate.  Unlike that, the bound
 * holds for every entry; it is about half as tight as the estimate lowered by
 * its standard errors, but tells most entries of far lists from near ones without
 * a look at their byte codes.
 *
 * Nothing here branches but by the metric, which kernels make known to the
 * compiler, so that it can make loops that take several entries at once.  Products
 * are not fused, so the bits are the same however many that are.
 */
#ifndef VECFEAT_BOUND_TERMS_H
#define VECFEAT_BOUND_TERMS_H

#include <float.h>
#include <math.h>

#include "ground/bound.h"

#define BOUND_TERM	static inline __attribute__((always_inline))

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

/* what float4 factors of a sign code and a float4 w have lost, with a large margin */
#define U18			0x1p-18
#define U20			0x1p-20

/* factors of a sign code below have no relative precision, or are near to that */
#define SIGN_TINY	0x1p-100

/* what float4 loses of add when it is a denormal */
#define DENORMAL	0x1p-149

/* below, ||r|| can't be told from the factors of a sign code: they cancel */
#define LEAST_COSINE2	(1.0 / 4)

/* x, or 0 for what is less or no number */
BOUND_TERM double
at_least_0(double x)
{
	return x > 0 ? x : 0;
}

/* the operator's result for unit vectors at least so far from each other */
BOUND_TERM double
cosine_bound(double distance)
{
	/* normalising them, and the operator, err on a scale of 1 */
	distance = at_least_0(distance - U45);
	return distance * distance / 2 - U42;
}

/* the operator's result from a lower bound of the true distance, not for inner products */
BOUND_TERM double
result_of_distance(Metric metric, double bound)
{
	return at_least_0(metric == METRIC_COSINE ? cosine_bound(bound) : bound);
}

/* what centring and the operator lose of an inner product with a row */
BOUND_TERM double
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
BOUND_TERM double
bound_of_result(const ListQuery *query, Metric metric, double bound, double norm)
{
	if (metric == METRIC_INNER_PRODUCT)
	{
		bound -= product_slack(query, norm);

		/* the operator's sum overflows to -infinity beyond float4's range */
		return bound >= -FLT_MAX ? bound : -INFINITY;
	}
	return result_of_distance(metric, sqrt(at_least_0(bound)) * (1 - 0x1p-50) -
							  U45 * (query->reach + norm) - FLT_MIN);
}

/* where nothing is known */
BOUND_TERM double
no_bound(Metric metric)
{
	return metric == METRIC_INNER_PRODUCT ? -INFINITY : 0;
}

/*
 * byte_bound() for a query of this metric, the factors as ByteFactors has them.
 */
BOUND_TERM double
bound_of_bytes(const ListQuery *query, Metric metric, double t, double r,
			   double code_norm, double error, double g, double dot)
{
	double		w = query->w_norm + TINY;
	double		norm = r + TINY;
	double		steps = (double) query->n / VEC_LANES;
	double		p = t * dot;
	double		along = p / (code_norm > 0 ? code_norm : INFINITY);
	double		off = at_least_0(w * w - along * along);
	double		bound;

	off = error * sqrt(off + (2 * steps + 16) * U24 * w * w);
	if (metric == METRIC_INNER_PRODUCT)
		bound = -query->q_dot_c - g - p - off
			- (steps + 32) * U24 * w * norm
			- 2 * U24 * fabs(g);
	else
		bound = query->w_norm * query->w_norm + r * r - 2 * p - 2 * off
			- (steps + 32) * U24 * (w + norm) * (w + norm);
	bound = bound_of_result(query, metric, bound, norm);

	/* float4 products of an element beyond 2^120 or so overflow */
	return fabs(dot) <= DBL_MAX ? bound : no_bound(metric);
}

/*
 * Lower bound of an inner product's negative.  What add holds beside <s,c> no
 * factor tells, so that the parts along s can't be told from the others: r + scale s
 * has the length that err says.
 */
BOUND_TERM double
product_of_signs(const ListQuery *query, double product, double error, double add,
				 double scale, double err)
{
	double		n = query->n;
	double		w = query->w_norm + SIGN_TINY;
	double		rest = err * sqrt(n - 1);
	double		length = fabs(scale) * sqrt(n) + SIGN_TINY; /* ||r|| / a, so at least ||r|| */
	double		bound;

	bound = -query->q_dot_c + add + scale * product - fabs(scale) * error -
		rest * w - U18 * (length + rest) * w - SIGN_TINY * w -
		U20 * (fabs(add) + fabs(scale * product) +
			   length * (query->c_norm + query->mean_norm));
	return bound_of_result(query, METRIC_INNER_PRODUCT, bound, length);
}

/*
 * Likewise of L2 and cosine distances.
 */
BOUND_TERM double
distance_of_signs(const ListQuery *query, Metric metric, double product,
				  double error, double add, double scale, double err)
{
	double		n = query->n;
	double		w = query->w_norm;
	double		root = sqrt(n);
	double		over = fabs(scale) * root / 2;	/* ||r|| / a */
	double		tangent = fabs(err) * sqrt(n - 1) / 2;	/* ||r|| sqrt(1 - a^2) / a */
	double		r2 = over * over - tangent * tangent;
	double		r = sqrt(at_least_0(r2));
	double		part = 1 / over;
	double		along = r2 * part;
	double		across = tangent * r * part;
	double		with_centroid = (add - r2) * part * root / 2;	/* <s,c>, as scale is less than 0 */
	double		omega = (product - with_centroid) / root;
	double		off = (error + U20 * (fabs(product) + (over * over + fabs(add)) * part * root / 2) +
					   DENORMAL * part * root / 2) / root + U20 * w;
	double		least = at_least_0(fabs(omega) - off);
	double		rest = at_least_0(w * w - least * least);
	double		bound;

	bound = w * w + r2 - 2 * (omega + off) * along -
		2 * sqrt(rest) * across - U18 * (w + r) * (w + r);
	bound = bound_of_result(query, metric, bound, r);

	/* also where anything is no number */
	bound = r2 > LEAST_COSINE2 * over * over ? bound : 0;
	return scale < -SIGN_TINY ? bound : 0;
}

/*
 * Lower bound of the operator's result, from a sign code's factors and a product
 * with the query that is at most error off; nothing is known of a dead slot, whose
 * add is infinite.
 */
BOUND_TERM double
bound_of_signs(const ListQuery *query, Metric metric, double product,
			   double error, double add, double scale, double err)
{
	double		bound;

	if (metric == METRIC_INNER_PRODUCT)
		bound = product_of_signs(query, product, error, add, scale, err);
	else
		bound = distance_of_signs(query, metric, product, error, add, scale, err);
	return fabs(add) < FLT_MAX ? bound : no_bound(metric);
}

#endif							/* VECFEAT_BOUND_TERMS_H */
