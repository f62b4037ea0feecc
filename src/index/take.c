/*
 * take.c
 *	  Makes candidates of entries, in order of their bounds.
 */
#include "compat.h"

#include "index/queue.h"

#include <float.h>
#include <limits.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

/* how many times more candidates each pass takes than the one before */
#define CHUNK_GROWTH	4

/* entries that are looked at to find where the n-th is in order */
#define SPILL_SAMPLE	1024

/* the scored node in which a place is */
static uint32
node_of(const IvfQueue *queue, uint32 place)
{
	uint32		low = 0;
	uint32		high = queue->count;

	while (high - low > 1)
	{
		uint32		middle = low + (high - low) / 2;

		if (queue->nodes[middle].base <= place)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* the candidate that an entry of a node with bounds becomes */
static void
fill_candidate(const IvfQueue *queue, TopKItem item, uint32 number,
			   IvfCandidate *candidate)
{
	const IvfScored *node = &queue->nodes[number];
	uint32		slot = topk_place(item) - node->base;

	candidate->key = ivf_bound_distance(queue->query, topk_key(item), queue->certain);
	candidate->stage = queue->certain ? IVF_STAGE_BOUND : IVF_STAGE_ESTIMATE;
	candidate->node = number;
	candidate->row = slot % VEC_BLOCK;
	candidate->run = node->runs[slot / VEC_BLOCK];
	ItemPointerSetInvalid(&candidate->tid);
	candidate->seen = NULL;
}

static void
push(IvfQueue *queue, TopKItem item, uint32 number)
{
	IvfCandidate *candidate = queue->spare;

	if (candidate)
		queue->spare = (IvfCandidate *) candidate->link.next_sibling;
	else
		candidate = MemoryContextAlloc(queue->context, sizeof(IvfCandidate));
	fill_candidate(queue, item, number, candidate);
	pairingheap_add(queue->heap, &candidate->link);
	queue->candidates++;
}

/*
 * Takes the entries of a new node that are not beyond the mark.
 */
void
ivf_take_marked(IvfQueue *queue, uint32 number)
{
	const IvfScored *node = &queue->nodes[number];
	uint32		slot;

	for (slot = 0; slot < ivf_scored_slots(node); slot++)
	{
		TopKItem	item = topk_item(node->bounds[slot], node->base + slot);

		if (item <= queue->mark && node->bounds[slot] < INFINITY)
			push(queue, item, number);
	}
}

static void
next_chunk(IvfQueue *queue)
{
	if (queue->chunk < INT_MAX / 2 / CHUNK_GROWTH)
		queue->chunk *= CHUNK_GROWTH;
}

/* the least of eight */
static inline float4
least_of(const float4 *b)
{
	float4		m[4];
	int			i;

	for (i = 0; i < 4; i++)
		m[i] = b[i] < b[i + 4] ? b[i] : b[i + 4];
	m[0] = m[0] < m[2] ? m[0] : m[2];
	m[1] = m[1] < m[3] ? m[1] : m[3];
	return m[0] < m[1] ? m[0] : m[1];
}

/*
 * Offers the entries of a node that are beyond the mark.  Nearly all are turned
 * away by a float comparison, eight at a time.
 */
static void
offer(const IvfQueue *queue, const IvfScored *node, TopK *top)
{
	const float4 *bounds = node->bounds;
	float4		limit = top->full ? topk_key(top->limit) : FLT_MAX;
	uint32		count = ivf_scored_slots(node);
	uint32		first;
	uint32		slot;

	for (first = 0; first < count; first += 8)
	{
		if (least_of(bounds + first) > limit)
			continue;
		for (slot = first; slot < first + 8; slot++)
		{
			TopKItem	item;

			if (bounds[slot] > limit)
				continue;
			item = topk_item(bounds[slot], node->base + slot);
			if (queue->marked && item <= queue->mark)
				continue;
			topk_add(top, item);
			if (top->full)
				limit = topk_key(top->limit);
		}
	}
}

static int
compare_items(const void *a, const void *b)
{
	TopKItem	x = *(const TopKItem *) a;
	TopKItem	y = *(const TopKItem *) b;

	return x < y ? -1 : x > y;
}

static int
compare_places(const void *a, const void *b)
{
	uint32		x = topk_place(*(const TopKItem *) a);
	uint32		y = topk_place(*(const TopKItem *) b);

	return x < y ? -1 : x > y;
}

/*
 * Makes candidates of the items.  A node whose bounds were dropped has to be
 * scored again for where its rows lie: once, if its items come together.
 */
static void
push_items(IvfQueue *queue, TopK *top)
{
	IvfScored  *restored = NULL;
	int			i;

	if (queue->dropped)
		qsort(top->items, top->count, sizeof(TopKItem), compare_places);
	for (i = 0; i < top->count; i++)
	{
		uint32		number = node_of(queue, topk_place(top->items[i]));
		IvfScored  *node = &queue->nodes[number];

		if (restored && restored != node)
		{
			ivf_scored_drop(restored);
			restored = NULL;
		}
		if (ivf_scored_restore(node, queue->query, queue->certain))
			restored = node;
		push(queue, top->items[i], number);
	}
	if (restored)
		ivf_scored_drop(restored);
}

/*
 * Makes candidates of the next entries, so many of them, and moves the mark.
 */
void
ivf_take_chunk(IvfQueue *queue, int count)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	TopK		top;
	TopKItem	mark;
	int			i;

	topk_init(&top, count,
			  palloc_extended(2 * sizeof(TopKItem) * (Size) count,
							  MCXT_ALLOC_HUGE));
	for (i = 0; i < queue->count; i++)
	{
		IvfScored  *node = &queue->nodes[i];
		bool		restored;

		CHECK_FOR_INTERRUPTS();
		restored = ivf_scored_restore(node, queue->query, queue->certain);
		offer(queue, node, &top);
		if (restored)
			ivf_scored_drop(node);
	}
	topk_finish(&top);

	mark = queue->mark;
	for (i = 0; i < top.count; i++)
	{
		if (i == 0 || top.items[i] > mark)
			mark = top.items[i];
	}
	if (top.count > 0)
	{
		queue->marked = true;
		queue->mark = mark;
	}
	queue->drained = !top.full;
	queue->mark_distance = queue->drained ? INFINITY :
		ivf_bound_distance(queue->query, topk_key(mark), queue->certain);

	push_items(queue, &top);
	pfree(top.items);
	next_chunk(queue);
	MemoryContextSwitchTo(old);
}

/* is an entry of a node not taken yet, and alive? */
static inline bool
is_beyond(const IvfQueue *queue, const IvfScored *node, uint32 slot,
		  TopKItem *item)
{
	*item = topk_item(node->bounds[slot], node->base + slot);
	return node->bounds[slot] < INFINITY &&
		!(queue->marked && *item <= queue->mark);
}

/*
 * An item such that about as many as wanted beyond the mark, one at least, are
 * up to it: from a sample, evenly spread.
 */
static TopKItem
nth_beyond(IvfQueue *queue, uint64 wanted)
{
	const IvfScored *last = &queue->nodes[queue->count - 1];
	uint64		stride = ((uint64) last->base + ivf_scored_slots(last)) / SPILL_SAMPLE + 1;
	TopKItem	sample[SPILL_SAMPLE];
	uint64		seen = 0;
	int			count = 0;
	int			i;
	uint32		slot;

	for (i = 0; i < queue->count; i++)
	{
		IvfScored  *node = &queue->nodes[i];
		bool		restored = ivf_scored_restore(node, queue->query, queue->certain);

		CHECK_FOR_INTERRUPTS();
		for (slot = 0; slot < ivf_scored_slots(node); slot++)
		{
			TopKItem	item;

			if (is_beyond(queue, node, slot, &item) && seen++ % stride == 0)
				sample[count++] = item;
		}
		if (restored)
			ivf_scored_drop(node);
	}
	if (seen <= wanted)
		return UINT64_MAX;
	qsort(sample, count, sizeof(TopKItem), compare_items);
	return sample[Min(wanted / stride, (uint64) count - 1)];
}

/* sorts the heap's candidates, their distances found out */
static void
spill_heap(IvfQueue *queue)
{
	while (queue->candidates > 0)
	{
		IvfCandidate *candidate = ivf_heap_first(queue);

		CHECK_FOR_INTERRUPTS();
		if (candidate->stage == IVF_STAGE_EXACT ||
			queue->resolve(candidate, queue->resolve_arg))
			ivf_spill_add(queue->spill, candidate);
		ivf_queue_remove(queue, candidate);
	}
}

/*
 * Sorts the entries of a node that are beyond the mark and up to limit;
 * returns the last of them, if that is greater than last.
 */
static TopKItem
spill_node(IvfQueue *queue, uint32 number, TopKItem limit, TopKItem last)
{
	IvfScored  *node = &queue->nodes[number];
	bool		restored = ivf_scored_restore(node, queue->query, queue->certain);
	uint32		slot;

	for (slot = 0; slot < ivf_scored_slots(node); slot++)
	{
		TopKItem	item;
		IvfCandidate candidate;

		if (!is_beyond(queue, node, slot, &item) || item > limit)
			continue;
		CHECK_FOR_INTERRUPTS();
		last = Max(last, item);
		fill_candidate(queue, item, number, &candidate);
		if (queue->resolve(&candidate, queue->resolve_arg))
			ivf_spill_add(queue->spill, &candidate);
	}
	if (restored)
		ivf_scored_drop(node);
	return last;
}

/*
 * Does what ivf_take_chunk() does where the heap has no room: the candidates
 * leave it for the spill, and the next chunk, which is no smaller than they and
 * what is left there, goes there at once.
 */
void
ivf_take_sorted(IvfQueue *queue)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	uint64		chunk = Max((uint64) queue->chunk,
							(uint64) queue->candidates + queue->spill->count);
	TopKItem	limit = nth_beyond(queue, chunk);
	TopKItem	last = queue->marked ? queue->mark : 0;
	int			i;

	ivf_spill_begin(queue->spill);
	spill_heap(queue);
	for (i = 0; i < queue->count; i++)
		last = spill_node(queue, i, limit, last);
	ivf_spill_sort(queue->spill);

	queue->marked = true;
	queue->mark = last;
	queue->drained = (limit == UINT64_MAX);
	queue->mark_distance = queue->drained ? INFINITY :
		ivf_bound_distance(queue->query, topk_key(last), queue->certain);
	next_chunk(queue);
	MemoryContextSwitchTo(old);
}

