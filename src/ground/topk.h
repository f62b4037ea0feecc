/*
 * topk.h
 *	  The k smallest of a stream of keys.
 */
#ifndef VECFEAT_TOPK_H
#define VECFEAT_TOPK_H

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
	int			count;
	int			full;			/* has anything been turned away? */
	TopKItem	limit;			/* nothing from here on is among the k */
	TopKItem   *items;			/* room for 2 k */
} TopK;

extern void topk_init(TopK *top, int k, TopKItem *items);
extern void topk_add(TopK *top, TopKItem item);
extern void topk_finish(TopK *top);

#endif							/* VECFEAT_TOPK_H */
