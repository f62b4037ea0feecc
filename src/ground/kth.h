/*
 * kth.h
 *	  The k-th smallest of a stream of keys.
 */
#ifndef VECFEAT_KTH_H
#define VECFEAT_KTH_H

#include <float.h>

/* of so many keys the greatest is asked for */
#define KTH					100

/*
 * The KTH smallest keys so far, as a heap whose first is the greatest.  Most keys
 * of a stream are not among them: those cost one comparison.
 */
typedef struct Kth
{
	int			count;
	float		key[KTH];
} Kth;

/*
 * The k-th smallest; while there are fewer, more than any key.
 */
static inline float
kth_limit(const Kth *kth)
{
	return kth->count == KTH ? kth->key[0] : FLT_MAX;
}

extern void kth_insert(Kth *kth, float key);

/*
 * Adds a key, which is not NaN.  Returns whether it is among the smallest.
 */
static inline int
kth_add(Kth *kth, float key)
{
	if (kth->count == KTH && !(key < kth->key[0]))
		return 0;
	kth_insert(kth, key);
	return 1;
}

#endif							/* VECFEAT_KTH_H */
