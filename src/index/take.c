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
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

/* entries that are looked at to find where the n-th is in order */
#define SPILL_SAMPLE	1024

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
	queue->touch(candidate, queue->resolve_arg);
}

/* finds out the distance of an entry, and sorts it */
static void
spill(IvfQueue *queue, TopKItem item, uint32 number)
{
	IvfCandidate candidate;

	CHECK_FOR_INTERRUPTS();
	fill_candidate(queue, item, number, &candidate);
	if (queue->resolve(&candidate, queue->resolve_arg))
		ivf_spill_add(queue->spill, &candidate);
}

/*
 * Takes the entries of a node that are beyond one item and up to another, and
 * returns the last of them, or 0.  Only blocks that have such entries are
 * looked at, and what is left of these has its least bound found anew.
 */
static TopKItem
take_node(IvfQueue *queue, uint32 number, TopKItem beyond, TopKItem mark,
		  void (*take) (IvfQueue *queue, TopKItem item, uint32 number))
{
	IvfScored  *node = &queue->nodes[number];
	float4		limit = mark == UINT64_MAX ? FLT_MAX : topk_key(mark);
	bool		restored = false;
	TopKItem	last = 0;
	int			block;

	for (block = 0; block < node->blocks; block++)
	{
		uint32		place = node->base + block * VEC_BLOCK;
		float4		least;
		const float4 *bounds;
		uint32		bits;

		if (node->least[block] > limit)
			continue;
		restored |= ivf_scored_restore(node, queue->query, queue->certain);
		/* less may be there than before, if the list was damaged meanwhile */
		if (block >= node->blocks)
			break;
		bounds = node->bounds + (Size) block * VEC_BLOCK;
		bits = vec_kernels->split(bounds, limit, &least);
		for (; bits != 0; bits &= bits - 1)
		{
			int			i = pg_rightmost_one_pos32(bits);
			TopKItem	item = topk_item(bounds[i], place + i);

			if (item <= beyond)
				continue;
			if (item > mark)
				least = Min(least, bounds[i]);
			else
			{
				last = Max(last, item);
				take(queue, item, number);
			}
		}
		node->least[block] = least;
	}
	if (restored)
		ivf_scored_drop(node);
	return last;
}

/*
 * Takes the entries of a new node that are not beyond the mark.
 */
void
ivf_take_marked(IvfQueue *queue, uint32 number)
{
	(void) take_node(queue, number, 0, queue->mark, push);
}

static int
compare_items(const void *a, const void *b)
{
	TopKItem	x = *(const TopKItem *) a;
	TopKItem	y = *(const TopKItem *) b;

	return x < y ? -1 : x > y;
}

/* does any entry wait to be taken? */
static bool
anything_left(const IvfQueue *queue)
{
	int			i;
	int			block;

	for (i = 0; i < queue->count; i++)
	{
		for (block = 0; block < queue->nodes[i].blocks; block++)
		{
			if (queue->nodes[i].least[block] < INFINITY)
				return true;
		}
	}
	return false;
}

/*
 * A bound up to which there are so many entries at least, if there are so many:
 * the greatest of that many blocks' least bounds.
 */
static float4
bound_of(const IvfQueue *queue, TopK *top)
{
	uint32		number = 0;
	float4		bound = -FLT_MAX;
	int			i;
	int			block;

	for (i = 0; i < queue->count; i++)
	{
		const IvfScored *node = &queue->nodes[i];

		for (block = 0; block < node->blocks; block++)
		{
			if (node->least[block] < INFINITY)
				topk_add(top, topk_item(node->least[block], number++));
		}
	}
	topk_finish(top);
	for (i = 0; i < top->count && top->full; i++)
		bound = Max(bound, topk_key(top->items[i]));
	return top->full ? bound : FLT_MAX;
}

/*
 * Offers the entries of a node that are beyond the mark and up to limit.
 */
static void
offer(IvfQueue *queue, IvfScored *node, float4 limit, TopK *top)
{
	bool		restored = false;
	int			block;

	for (block = 0; block < node->blocks; block++)
	{
		const float4 *bounds;
		float4		rest;
		uint32		bits;

		if (node->least[block] > limit)
			continue;
		restored |= ivf_scored_restore(node, queue->query, queue->certain);
		/* less may be there than before, if the list was damaged meanwhile */
		if (block >= node->blocks)
			break;
		bounds = node->bounds + (Size) block * VEC_BLOCK;
		bits = vec_kernels->split(bounds, limit, &rest);
		for (; bits != 0; bits &= bits - 1)
		{
			int			i = pg_rightmost_one_pos32(bits);
			TopKItem	item = topk_item(bounds[i], node->base + block * VEC_BLOCK + i);

			if (item > queue->mark)
				topk_add(top, item);
		}
	}
	if (restored)
		ivf_scored_drop(node);
}

/*
 * The last entry of the next chunk, if that takes so many at most.  There may be
 * none: blocks whose bounds were dropped promise what VACUUM has taken out since.
 * Then it is what has been looked at in vain, so that those blocks are told.
 */
static TopKItem
find_mark(IvfQueue *queue, int count)
{
	TopKItem   *items = palloc_extended(2 * sizeof(TopKItem) * (Size) count,
										MCXT_ALLOC_HUGE);
	TopKItem	mark = 0;
	float4		limit;
	TopK		top;
	int			i;

	topk_init(&top, Max(count / 2, 1), items);
	limit = bound_of(queue, &top);
	topk_init(&top, count, items);
	for (i = 0; i < queue->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		offer(queue, &queue->nodes[i], limit, &top);
	}
	topk_finish(&top);
	for (i = 0; i < top.count; i++)
		mark = Max(mark, top.items[i]);
	pfree(items);
	return mark > 0 ? mark : topk_item(limit, PG_UINT32_MAX);
}

/* the mark is there now, and the next chunk is to be larger */
static void
move_mark(IvfQueue *queue, TopKItem mark)
{
	queue->mark = Max(queue->mark, mark);
	queue->drained = !anything_left(queue);
	queue->mark_distance = queue->drained ? INFINITY :
		ivf_bound_distance(queue->query, topk_key(queue->mark), queue->certain);
	if (queue->chunk < INT_MAX / 4)
		queue->chunk += queue->chunk / 2 + 1;
}

/*
 * Makes candidates of the next entries, so many of them, and moves the mark.
 */
void
ivf_take_chunk(IvfQueue *queue, int count)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	TopKItem	mark = find_mark(queue, count);
	TopKItem	last = 0;
	int			i;

	for (i = 0; i < queue->count; i++)
	{
		TopKItem	item;

		CHECK_FOR_INTERRUPTS();
		item = take_node(queue, i, queue->mark, mark, push);
		last = Max(last, item);
	}
	move_mark(queue, last);
	MemoryContextSwitchTo(old);
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
			TopKItem	item = topk_item(node->bounds[slot], node->base + slot);

			if (node->bounds[slot] < INFINITY && item > queue->mark &&
				seen++ % stride == 0)
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
	TopKItem	last = 0;
	int			i;

	ivf_spill_begin(queue->spill);
	spill_heap(queue);
	for (i = 0; i < queue->count; i++)
	{
		TopKItem	item = take_node(queue, i, queue->mark, limit, spill);

		last = Max(last, item);
	}
	ivf_spill_sort(queue->spill);
	move_mark(queue, last);
	MemoryContextSwitchTo(old);
}
