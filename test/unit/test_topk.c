/*
 * test_topk.c
 *	  The k smallest of a stream, against sorting it.
 */
#include "ground/topk.h"
#include "tap.h"

#include <float.h>

static int
compare(const void *a, const void *b)
{
	TopKItem	x = *(const TopKItem *) a;
	TopKItem	y = *(const TopKItem *) b;

	return x < y ? -1 : x > y;
}

/*
 * Streams of n items in some order, with few or many different keys; returns
 * how many had another set of k than the sorted one.
 */
static int
test_streams(Prng *prng, int n, int k, int order)
{
	int			room = k * (2 + (int) below(prng, 3));
	TopKItem   *all = need(sizeof(TopKItem) * n);
	TopKItem   *items = need(sizeof(TopKItem) * room);
	TopKItem   *scratch;
	TopK		top;
	int			wrong = 0;
	int			keys = 1 + below(prng, order % 2 ? 5 : 1000);
	int			i;

	for (i = 0; i < n; i++)
	{
		float		key = (float) below(prng, keys);

		if (below(prng, 10) == 0)
			key = below(prng, 2) ? INFINITY : -INFINITY;
		all[i] = topk_item(key, (uint32_t) i);
	}
	if (order / 2 > 0)
		qsort(all, n, sizeof(TopKItem), compare);
	for (i = 0; order / 2 == 2 && i < n / 2; i++)
	{
		TopKItem	t = all[i];

		all[i] = all[n - 1 - i];
		all[n - 1 - i] = t;
	}

	topk_init(&top, k, room, items);
	for (i = 0; i < n; i++)
		topk_add(&top, all[i]);
	topk_finish(&top);
	qsort(all, n, sizeof(TopKItem), compare);
	scratch = need(sizeof(TopKItem) * (top.count + 1));
	topk_sort(items, top.count, scratch);
	free(scratch);
	wrong += top.count != (n < k ? n : k);
	for (i = 0; i < top.count; i++)
		wrong += compare(&items[i], &all[i]) != 0;

	/* callers pass over what is not below the limit */
	if (top.full)
		wrong += top.count != k || items[k - 1] >= top.limit;
	else
		wrong += n > k;
	free(items);
	free(all);
	return wrong > 0;
}

/*
 * Items compare as keys, then places, and give both back; -0 is 0.
 */
static int
test_items(void)
{
	static const float keys[] = {-INFINITY, -FLT_MAX, -1.5f, -1, -1e-45f, 0,
	1e-45f, FLT_MIN, 1, 1.5f, FLT_MAX, INFINITY};
	int			n = sizeof(keys) / sizeof(keys[0]);
	int			wrong = topk_item(-0.0f, 7) != topk_item(0.0f, 7);
	int			i;
	int			j;

	for (i = 0; i < n; i++)
	{
		TopKItem	item = topk_item(keys[i], UINT32_MAX);

		wrong += topk_key(item) != keys[i] || topk_place(item) != UINT32_MAX;
		wrong += topk_item(keys[i], 1) >= topk_item(keys[i], 2);
		for (j = 0; j < i; j++)
			wrong += topk_item(keys[j], UINT32_MAX) >= topk_item(keys[i], 0);
	}
	return wrong;
}

int
main(void)
{
	static const char *const name[] = {"random", "random, few keys", "sorted",
	"sorted, few keys", "reversed", "reversed, few keys"};
	Prng		prng = {61};
	int			order;
	int			k;
	int			n;

	ok(test_items() == 0, "items compare as their keys and places");
	for (order = 0; order < 6; order++)
	{
		int			wrong = 0;

		for (k = 1; k <= 40; k++)
		{
			for (n = 0; n <= 5 * k; n++)
				wrong += test_streams(&prng, n, k, order);
			wrong += test_streams(&prng, 5000, k, order);
		}
		wrong += test_streams(&prng, 100000, 1000, order);
		ok(wrong == 0, "the k smallest, %s", name[order]);
	}
	return tap_done();
}
