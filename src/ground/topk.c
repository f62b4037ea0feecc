/*
 * topk.c
 *	  The k smallest of a stream of keys.
 *
 * Twice as many items are let in as are wanted; when the room is used up, a
 * selection (Hoare's "Find", 1961) keeps the smaller half.  So an item costs a
 * comparison with the limit, and rarely more: a heap would pay log k for each
 * item that gets in.
 */
#include "ground/topk.h"

/*
 * Starts an empty set; items has room for 2 k.
 */
void
topk_init(TopK *top, int k, TopKItem *items)
{
	top->k = k;
	top->count = 0;
	top->full = 0;
	top->limit = UINT64_MAX;
	top->items = items;
}

static TopKItem
median(TopKItem a, TopKItem b, TopKItem c)
{
	TopKItem	low = a < b ? a : b;
	TopKItem	high = a < b ? b : a;

	return c < low ? low : c > high ? high : c;
}

/*
 * Moves the k smallest items to the front.  The median of three keeps sorted
 * input, which a list often is, from being the worst case.
 */
static void
keep_smallest(TopK *top)
{
	int			low = 0;
	int			high = top->count - 1;

	while (low < high)
	{
		TopKItem	pivot = median(top->items[low],
								   top->items[low + (high - low) / 2],
								   top->items[high]);
		int			i = low;
		int			j = high;

		while (i <= j)
		{
			while (top->items[i] < pivot)
				i++;
			while (pivot < top->items[j])
				j--;
			if (i <= j)
			{
				TopKItem	t = top->items[i];

				top->items[i++] = top->items[j];
				top->items[j--] = t;
			}
		}
		if (top->k <= j)
			high = j;
		else if (top->k >= i)
			low = i;
		else
			break;
	}
	top->limit = top->items[top->k];
	top->full = 1;
	top->count = top->k;
}

/*
 * Adds an item.  Callers save the call where they see that the item is not
 * below the limit.
 */
void
topk_add(TopK *top, TopKItem item)
{
	if (item >= top->limit)
		return;
	top->items[top->count++] = item;
	if (top->count == 2 * top->k)
		keep_smallest(top);
}

/*
 * Leaves the k smallest items, or all if there are fewer, in no order.
 */
void
topk_finish(TopK *top)
{
	if (top->count > top->k)
		keep_smallest(top);
}
