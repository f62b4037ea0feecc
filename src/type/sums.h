/*
 * sums.h
 *	  The state of sum and avg over any dense type.
 */
#ifndef VECFEAT_SUMS_H
#define VECFEAT_SUMS_H

#include "compat.h"

/*
 * The sum of count vectors.  Element i's sum is high[i] + low[i], where high[i]
 * is that sum rounded to float8 and low[i] the rest: some 106 bits.
 *
 * As long as exact is set, no addition has lost a bit.  The state is then a
 * function of the set of vectors alone, whatever the order in which they were
 * added, combined from parallel workers, or taken out again by a moving
 * window; the bits that it needs are the span from the smallest digit to the
 * largest sum, which real data hardly ever exceeds.
 *
 * When dim is 0 no vector is in the state and the arrays may be NULL.
 */
typedef struct VectorSums
{
	int64		count;
	int			dim;
	bool		exact;
	MemoryContext context;		/* what the arrays are allocated in */
	float8	   *high;
	float8	   *low;
} VectorSums;

extern VectorSums *sums_of_aggregate(FunctionCallInfo fcinfo);
extern void sums_begin(VectorSums *sums, int dim);
extern void sums_forget(VectorSums *sums);

/*
 * a + b rounded, and in *rest exactly what the rounding dropped (Knuth's
 * TwoSum).  No operation may be reordered or contracted.
 */
static inline float8
two_sum(float8 a, float8 b, float8 *rest)
{
	float8		sum = a + b;
	float8		b_part = sum - a;
	float8		a_part = sum - b_part;

	*rest = (a - a_part) + (b - b_part);
	return sum;
}

/*
 * Adds x to element i's sum, and returns what was lost: 0 when nothing.
 */
static inline float8
sums_add(VectorSums *sums, int i, float8 x)
{
	float8		dropped;
	float8		lost;
	float8		high = two_sum(sums->high[i], x, &dropped);
	float8		low = two_sum(sums->low[i], dropped, &lost);

	sums->high[i] = two_sum(high, low, &sums->low[i]);
	return lost;
}

#endif							/* VECFEAT_SUMS_H */
