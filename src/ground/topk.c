/*
 * topk.c
 *	  The k smallest of a stream of keys.
 *
 * More items are let in than are wanted; when the room is used up, a selection
 * keeps the smallest.  So an item costs a comparison with the limit, and rarely
 * more: a heap would pay log k for each item that gets in.
 *
 * Selecting and sorting compare items whose order nobody can foresee, and each
 * wrong guess costs the processor as much as twenty steps.  So both begin by
 * sharing items out among buckets of equal width, without a branch that depends
 * on an item, and compare only what falls into the same bucket.
 */
#include "ground/topk.h"

#include <math.h>
#include <stdlib.h>

#define BUCKETS		256

/* an insertion sort of more is slower than another one */
#define SMALL_BUCKET	32

/*
 * Starts an empty set; items has room for so many items, 2 k at least.
 */
void
topk_init(TopK *top, int k, int room, TopKItem *items)
{
	top->k = k;
	top->room = room;
	top->count = 0;
	top->full = 0;
	top->limit = UINT64_MAX;
	top->items = items;
}

/* buckets over the keys of some items, and how many items are in each */
typedef struct Buckets
{
	float		low;
	float		per_key;
	int			count[BUCKETS];
} Buckets;

/*
 * The bucket of an item: a greater key is never in a lower one.
 */
static inline int
bucket_of(const Buckets *buckets, TopKItem item)
{
	int			bucket = (int) ((topk_key(item) - buckets->low) * buckets->per_key);

	return bucket < BUCKETS - 1 ? bucket : BUCKETS - 1;
}

/*
 * Counts items by bucket; false where keys have no range to divide.
 */
static int
fill_buckets(Buckets *buckets, const TopKItem *items, int count)
{
	TopKItem	low = UINT64_MAX;
	TopKItem	high = 0;
	float		range;
	int			i;

	for (i = 0; i < count; i++)
	{
		low = items[i] < low ? items[i] : low;
		high = items[i] > high ? items[i] : high;
	}
	range = topk_key(high) - topk_key(low);
	buckets->low = topk_key(low);
	buckets->per_key = (BUCKETS - 1) / range;
	if (!(range > 0) || !isfinite(range) || !isfinite(buckets->per_key))
		return 0;

	memset(buckets->count, 0, sizeof(buckets->count));
	for (i = 0; i < count; i++)
		buckets->count[bucket_of(buckets, items[i])]++;
	return 1;
}

/*
 * Moves the items of buckets up to last to the front; returns how many there
 * are.  (Lomuto's partition, every item being exchanged.)
 */
static int
partition(const Buckets *buckets, TopKItem *items, int count, int last)
{
	int			front = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		TopKItem	item = items[i];

		items[i] = items[front];
		items[front] = item;
		front += bucket_of(buckets, item) <= last;
	}
	return front;
}

static TopKItem
median(TopKItem a, TopKItem b, TopKItem c)
{
	TopKItem	low = a < b ? a : b;
	TopKItem	high = a < b ? b : a;

	return c < low ? low : c > high ? high : c;
}

/*
 * Moves the smallest items to the front, so many that items[rank] is where it
 * would be if all were sorted (Hoare's "Find", 1961).  The median of three keeps
 * sorted input, which a list often is, from being the worst case.
 */
static void
find(TopKItem *items, int count, int rank)
{
	int			low = 0;
	int			high = count - 1;

	while (low < high)
	{
		TopKItem	pivot = median(items[low], items[low + (high - low) / 2],
								   items[high]);
		int			i = low;
		int			j = high;

		while (i <= j)
		{
			while (items[i] < pivot)
				i++;
			while (pivot < items[j])
				j--;
			if (i <= j)
			{
				TopKItem	t = items[i];

				items[i++] = items[j];
				items[j--] = t;
			}
		}
		if (rank <= j)
			high = j;
		else if (rank >= i)
			low = i;
		else
			break;
	}
}

/*
 * Keeps the k smallest of more items.
 */
void
topk_keep_smallest(TopK *top)
{
	TopKItem   *items = top->items;
	int			count = top->count;
	int			rank = top->k;
	Buckets		buckets;

	if (count > SMALL_BUCKET && fill_buckets(&buckets, items, count))
	{
		int			bucket = 0;
		int			before = 0;

		/* what the item of that rank shares a bucket with is left */
		while (before + buckets.count[bucket] <= rank)
			before += buckets.count[bucket++];
		count = partition(&buckets, items, count, bucket);
		before = partition(&buckets, items, count, bucket - 1);
		items += before;
		count -= before;
		rank -= before;
	}
	find(items, count, rank);
	top->limit = items[rank];
	top->full = 1;
	top->count = top->k;
}

/*
 * Leaves the k smallest items, or all if there are fewer, in no order.
 */
void
topk_finish(TopK *top)
{
	if (top->count > top->k)
		topk_keep_smallest(top);
}

static int
compare_items(const void *a, const void *b)
{
	TopKItem	x = *(const TopKItem *) a;
	TopKItem	y = *(const TopKItem *) b;

	return x < y ? -1 : x > y;
}

static void
insertion_sort(TopKItem *items, int count)
{
	int			i;

	for (i = 1; i < count; i++)
	{
		TopKItem	item = items[i];
		int			j = i;

		for (; j > 0 && items[j - 1] > item; j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
}

/*
 * Sorts items; scratch has room for as many.
 */
void
topk_sort(TopKItem *items, int count, TopKItem *scratch)
{
	Buckets		buckets;
	int			begin[BUCKETS];
	int			next = 0;
	int			i;

	if (count <= SMALL_BUCKET)
	{
		insertion_sort(items, count);
		return;
	}
	if (!fill_buckets(&buckets, items, count))
	{
		qsort(items, count, sizeof(TopKItem), compare_items);
		return;
	}
	for (i = 0; i < BUCKETS; i++)
	{
		begin[i] = next;
		next += buckets.count[i];
	}
	for (i = 0; i < count; i++)
		scratch[begin[bucket_of(&buckets, items[i])]++] = items[i];
	memcpy(items, scratch, sizeof(TopKItem) * count);
	for (i = 0; i < BUCKETS; i++)
	{
		/*
		 * Each begin has moved to its bucket's end.  The least and the greatest are
		 * in different buckets, which are so much narrower that all floats there
		 * are take some dozens of levels.
		 */
		if (buckets.count[i] > SMALL_BUCKET)
			topk_sort(items + begin[i] - buckets.count[i], buckets.count[i], scratch);
	}
	insertion_sort(items, count);
}
