/*
 * kth.h
 *	  The k-th smallest of a stream of keys.
 */
#ifndef VECFEAT_KTH_H
#define VECFEAT_KTH_H

#include <float.h>
#include <math.h>

#include "ground/kernel.h"

/* of so many estimates of a search the greatest is asked for */
#define KTH					100

/*
 * Keys among which are the k smallest so far.  A key is compared with what the
 * k-th smallest was when it was last asked for, and put at the end if it is less:
 * that costs nothing that the processor has to guess, as a heap would, and to
 * find the k-th of some hundreds anew is a few passes over them.
 */
typedef struct Kth
{
	int			k;
	int			room;			/* a multiple of VEC_BLOCK */
	int			count;
	int			settled;		/* of so many keys limit is the k-th smallest; */
	float		limit;			/* infinity while there are fewer */
	float	   *key;
} Kth;

/* so many keys there is room for at least: k and one block, in whole blocks */
#define KTH_ROOM(k)	(((k) + 2 * VEC_BLOCK - 1) / VEC_BLOCK * VEC_BLOCK)

extern void kth_init(Kth *kth, int k, int room, float *key);
extern void kth_settle(Kth *kth);

/*
 * The k-th smallest; while there are fewer, more than any key.
 */
static inline float
kth_limit(Kth *kth)
{
	if (kth->settled < kth->count)
		kth_settle(kth);
	return kth->count < kth->k ? FLT_MAX : kth->limit;
}

/*
 * Adds those of a block's keys that are less than the k-th smallest was when that
 * was last asked for; returns how many.  None is NaN; infinite ones are none.
 */
static inline int
kth_add(Kth *kth, const float *block)
{
	int			added;

	if (kth->count > kth->room - VEC_BLOCK)
		kth_settle(kth);
	added = vec_kernels->collect(block, kth->limit, kth->key + kth->count);
	kth->count += added;
	return added;
}

#endif							/* VECFEAT_KTH_H */
