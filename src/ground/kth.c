/*
 * kth.c
 *	  The k-th smallest of a stream of keys.
 */
#include "ground/kth.h"

/*
 * Puts a key where the greatest was, which goes, or at the end while there is
 * room.
 */
void
kth_insert(Kth *kth, float key)
{
	int			i;

	if (kth->count < KTH)
	{
		for (i = kth->count++; i > 0 && kth->key[(i - 1) / 2] < key; i = (i - 1) / 2)
			kth->key[i] = kth->key[(i - 1) / 2];
		kth->key[i] = key;
		return;
	}
	for (i = 0;;)
	{
		int			child = 2 * i + 1;

		if (child + 1 < KTH && kth->key[child + 1] > kth->key[child])
			child++;
		if (child >= KTH || kth->key[child] <= key)
			break;
		kth->key[i] = kth->key[child];
		i = child;
	}
	kth->key[i] = key;
}
