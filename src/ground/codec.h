/*
 * codec.h
 *	  The two codes of an entry: a bit a dimension to look for candidates, a
 *	  byte a dimension with a hard bound on what it leaves out.
 */
#ifndef VECFEAT_CODEC_H
#define VECFEAT_CODEC_H

#include <stdint.h>

/*
 * Of a sign code, with r the entry's vector minus its list's centroid c and
 * s the signs of r: the squared distance of a query q is about
 * ||q - c||^2 + add + scale <s,q>, its standard error err ||q - c|| (for inner
 * products: -<q,c> + add + scale <s,q>).
 */
typedef struct SignFactors
{
	float		add;
	float		scale;
	float		err;
} SignFactors;

/*
 * Of a byte code u, y = u + 1/2.  Norms, not squares: a square overflows
 * float4 from 2^64 on and is lost below 2^-75.
 */
typedef struct ByteFactors
{
	float		t;				/* ry = t y is the decoded residual */
	float		norm;			/* ||r|| */
	float		code_norm;		/* ||ry|| */
	float		error;			/* ||r - ry||, rounded up */
	float		g;				/* inner product only: <c,r> from the true origin */
} ByteFactors;

extern void encode_signs(const float *r, const float *c, int n, double g,
						 int inner_product, uint8_t *nibbles,
						 SignFactors *factors);
extern void encode_bytes(const float *r, int n, double g, int8_t *u,
						 ByteFactors *factors);
extern float float_up(double value);
extern float float_down(double value);

#endif							/* VECFEAT_CODEC_H */
