/*
 * topk.h
 *	  The k smallest of a stream of keys.
 */
#ifndef VECFEAT_TOPK_H
#define VECFEAT_TOPK_H

#include <float.h>
#include <stdint.h>
#include <string.h>

/*
 * An item is its key and where it stands, in one number that compares as the
 * key does, and as the place among equal keys: so a set of the smallest is
 * well defined, and an item costs one comparison.
 */
typedef uint64_t TopKItem;

/* key is not NaN */
static inline TopKItem
topk_item(float key, uint32_t place)
{
	uint32_t	bits;

	/* floats order like their bits, negative ones the other way round */
	key += 0.0f;				/* -0 is 0 */
	memcpy(&bits, &key, sizeof(bits));
	bits = (bits & 0x80000000) ? ~bits : bits | 0x80000000;
	return (uint64_t) bits << 32 | place;
}

static inline float
topk_key(TopKItem item)
{
	uint32_t	bits = (uint32_t) (item >> 32);
	float		key;

	bits = (bits & 0x80000000) ? bits & 0x7FFFFFFF : ~bits;
	memcpy(&key, &bits, sizeof(key));
	return key;
}

static inline uint32_t
topk_place(TopKItem item)
{
	return (uint32_t) item;
}

typedef struct TopK
{
	int			k;
	int			room;
	int			count;
	int			full;			/* has anything been turned away? */
	TopKItem	limit;			/* nothing from here on is among the k */
	TopKItem   *items;
} TopK;

/*
 * A key above which nothing is among the k.
 */
static inline float
topk_limit(const TopK *top)
{
	return top->full ? topk_key(top->limit) : FLT_MAX;
}

extern void topk_init(TopK *top, int k, int room, TopKItem *items);
extern void topk_keep_smallest(TopK *top);
extern void topk_finish(TopK *top);
extern void topk_sort(TopKItem *items, int count, TopKItem *scratch);

/*
 * Adds an item.
 */
static inline void
topk_add(TopK *top, TopKItem item)
{
	if (item >= top->limit)
		return;
	top->items[top->count++] = item;
	if (top->count == top->room)
		topk_keep_smallest(top);
}

#endif							/* VECFEAT_TOPK_H */
