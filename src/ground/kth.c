/*
 * kth.c
 *	  The k-th smallest of a stream of keys.
 */
#include "ground/kth.h"

/*
 * Starts an empty set; key has room for so many.
 */
void
kth_init(Kth *kth, int k, int room, float *key)
{
	kth->k = k;
	kth->room = room;
	kth->count = kth->settled = 0;
	kth->limit = INFINITY;
	kth->key = key;
}

/*
 * Keeps the k smallest keys alone, now that the greatest of them is known.
 */
static void
drop_others(Kth *kth)
{
	int			count = 0;
	int			i;

	for (i = 0; i < kth->count; i += VEC_BLOCK)
		count += vec_kernels->collect(kth->key + i, kth->limit, kth->key + count);
	while (count < kth->k)
		kth->key[count++] = kth->limit;
	kth->count = count;
}

/*
 * Finds the k-th smallest key, if there are so many, and makes room when there
 * is not enough for another block.
 */
void
kth_settle(Kth *kth)
{
	int			n = kth->count;

	if (n >= kth->k)
	{
		for (; n % VEC_BLOCK != 0; n++)
			kth->key[n] = INFINITY;
		kth->limit = vec_kernels->kth_smallest(kth->key, n, kth->k, kth->limit);
		if (kth->count > kth->room - VEC_BLOCK)
			drop_others(kth);
	}
	kth->settled = kth->count;
}
