/*
 * signbound.h
 *	  Lower bounds of distances from sign codes, a block at a time.
 */
#ifndef VECFEAT_SIGNBOUND_H
#define VECFEAT_SIGNBOUND_H

#include <stdint.h>

#include "ground/bound.h"
#include "ground/signscore.h"

extern void sign_bound_block(const SignQuery *query, const ListQuery *list,
							 const uint32_t *sums, const float *add,
							 const float *scale, const float *err,
							 double *bound);

#endif							/* VECFEAT_SIGNBOUND_H */
