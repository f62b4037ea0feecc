/*
 * signscore.h
 *	  Estimates of distances from sign codes, a block at a time.
 */
#ifndef VECFEAT_SIGNSCORE_H
#define VECFEAT_SIGNSCORE_H

#include <stddef.h>
#include <stdint.h>

#include "ground/kernel.h"

/* how many standard errors a sign estimate is lowered by (DESIGN 2.1) */
#define SIGN_EPSILON	1.9

/*
 * A query vector quantised for add_columns() of some kernels.  <s,q> of a code s
 * is about unit * sum - offset; raised by the quantisation's own error, since
 * estimates are to err on the low side and grow with -<s,q>.
 */
typedef struct SignQuery
{
	const VecKernels *kernels;	/* in use when it was made */
	int			n;
	float		unit;
	float		offset;
	void	   *table;

	/* <s,q> is exact_unit * sum - exact_offset, and at most error off */
	double		exact_unit;
	double		exact_offset;
	double		error;
} SignQuery;

extern size_t sign_query_size(int n);
extern void sign_query_init(SignQuery *query, const double *q, int n,
							void *space);
extern void sign_sums(const SignQuery *query, const uint8_t *columns,
					  uint32_t *sums);
extern void sign_estimates(const SignQuery *query, const uint32_t *sums,
						   const float *add, const float *scale,
						   const float *err, float base, float err_weight,
						   float *estimate);
extern void sign_score_block(const SignQuery *query, const uint8_t *columns,
							 const float *add, const float *scale,
							 const float *err, float base, float err_weight,
							 float *estimate);
extern void sign_residual_add(const float *add, const float *scale,
							  const float *err, int n, float *squares);

#endif							/* VECFEAT_SIGNSCORE_H */
