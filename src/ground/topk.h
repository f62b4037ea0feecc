/*
 * topk.h
 *	  The k smallest of a stream of keys.
 */
#ifndef VECFEAT_TOPK_H
#define VECFEAT_TOPK_H

#include <stdint.h>

/*
 * Items are ordered by key, then node, then slot, so that a set of the
 * smallest is well defined among equal keys.  No key is NaN.
 */
typedef struct TopKItem
{
	float		key;
	uint32_t	node;
	uint32_t	slot;
} TopKItem;

static inline int
topk_less(TopKItem a, TopKItem b)
{
	if (a.key != b.key)
		return a.key < b.key;
	if (a.node != b.node)
		return a.node < b.node;
	return a.slot < b.slot;
}

typedef struct TopK
{
	int			k;
	int			count;
	int			full;			/* has anything been turned away? */
	TopKItem	limit;			/* if so: nothing from here on is among the k */
	TopKItem   *items;			/* room for 2 k */
} TopK;

extern void topk_init(TopK *top, int k, TopKItem *items);
extern void topk_add(TopK *top, TopKItem item);
extern void topk_finish(TopK *top);

#endif							/* VECFEAT_TOPK_H */
