/*
 * signbound.c
 *	  Lower bounds of distances from sign codes, a block at a time.
 */
#include "ground/signbound.h"

/*
 * Lower bounds of the operator's results for the VEC_BLOCK entries of a block,
 * never above what it returns for the heap row; 0, or for inner products
 * -infinity, where nothing is known, as of a dead slot, whose add is infinite.
 */
void
sign_bound_block(const SignQuery *query, const ListQuery *list,
				 const uint32_t *sums, const float *add, const float *scale,
				 const float *err, double *bound)
{
	VecProducts products = {query->exact_unit, query->exact_offset, query->error};

	query->kernels->sign_bounds(list, sums, &products, add, scale, err, bound);
}
