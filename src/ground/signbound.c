/*
 * signbound.c
 *	  Lower bounds of distances from sign codes, a block at a time.
 *
 * With s the code of a residual r, a = <s,r> / (sqrt(n) ||r||), and w the query
 * minus the centroid, r and w each have a part along s, of length
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
 * a look at their byte codes.  src/README.md, "Error analysis", derives the
 * slack.
 */
#include "ground/signbound.h"

#include <float.h>
#include <math.h>

/* what float4 factors and a float4 w have lost, relative, with a large margin */
#define U18			0x1p-18
#define U20			0x1p-20

/* factors below have no relative precision, or are near to that */
#define TINY		0x1p-100

/* what float4 loses of add when it is a denormal */
#define DENORMAL	0x1p-149

/* below, ||r|| can't be told from the factors: they cancel */
#define LEAST_COSINE2	(1.0 / 4)

/*
 * Lower bound of ||w - r||^2, or 0 where the factors can't tell; radius becomes
 * ||r||.  product is <s,q> from the table, error how far that may be off.
 */
static double
squared_bound(const ListQuery *list, double product, double error, double add,
			  double scale, double err, double *radius)
{
	double		n = list->n;
	double		w = list->w_norm;
	double		over = scale * scale * n / 4;	/* (||r|| / a)^2 */
	double		tangent = err * err * (n - 1) / 4;	/* ||r||^2 (1 - a^2) / a^2 */
	double		r2 = over - tangent;
	double		r = sqrt(r2);
	double		along = r2 / sqrt(over);
	double		across = sqrt(tangent) * along / r;
	double		with_centroid = (r2 - add) / scale;	/* <s,c> */
	double		omega = (product - with_centroid) / sqrt(n);
	double		off = (error + U20 * (fabs(product) + (over + fabs(add)) / fabs(scale)) + DENORMAL / fabs(scale)) / sqrt(n) +
	U20 * w;
	double		least = fabs(omega) - off;
	double		rest;

	/* also where anything is no number */
	if (!(r2 > LEAST_COSINE2 * over) || !(scale < -TINY))
		return 0;
	*radius = r;
	rest = w * w - (least > 0 ? least * least : 0);
	return w * w + r2 - 2 * (omega + off) * along -
		2 * sqrt(rest > 0 ? rest : 0) * across - U18 * (w + r) * (w + r);
}

/*
 * Likewise of an inner product's negative, -infinity where nothing is known.
 * What add holds beside <s,c> no factor tells, so that the parts along s can't
 * be told from the others: r + scale s has the length that err says.
 */
static double
product_bound(const ListQuery *list, double product, double error, double add,
			  double scale, double err, double *radius)
{
	double		n = list->n;
	double		w = list->w_norm + TINY;
	double		rest = err * sqrt(n - 1);
	double		length = fabs(scale) * sqrt(n) + TINY;	/* ||r|| / a, so at least ||r|| */

	*radius = length;
	return -list->q_dot_c + add + scale * product - fabs(scale) * error -
		rest * w - U18 * (length + rest) * w - TINY * w -
		U20 * (fabs(add) + fabs(scale * product) + length * (list->c_norm + list->mean_norm));
}

/*
 * Lower bounds of the operator's results for the VEC_BLOCK entries of a block,
 * never above what it returns for the heap row; 0, or for inner products
 * -infinity, where nothing is known.  A dead slot, whose add is infinite, gets
 * infinity.
 */
void
sign_bound_block(const SignQuery *query, const ListQuery *list,
				 const uint8_t *columns, const float *add, const float *scale,
				 const float *err, double *bound)
{
	uint32_t	sums[VEC_BLOCK];
	double		radius = 0;
	int			i;

	query->kernels->score_block(columns, query->table, query->n,
								query->ahead, sums);
	for (i = 0; i < VEC_BLOCK; i++)
	{
		double		product = query->exact_unit * sums[i] - query->exact_offset;

		if (isinf(add[i]) && add[i] > 0)
			bound[i] = INFINITY;
		else if (!(fabsf(add[i]) < FLT_MAX))
			bound[i] = bound_of_result(list, -INFINITY, 0);
		else if (list->metric == METRIC_INNER_PRODUCT)
		{
			double		least = product_bound(list, product, query->error, add[i],
											  scale[i], err[i], &radius);

			bound[i] = bound_of_result(list, least, radius);
		}
		else
		{
			double		least = squared_bound(list, product, query->error, add[i],
											  scale[i], err[i], &radius);

			bound[i] = bound_of_result(list, least, radius);
		}
	}
}
