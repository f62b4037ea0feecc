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

/* a pass has room for so many times the entries that it takes */
#define ROOM_FACTOR		4

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
	/*
	 * Of what is below a child no more will be known than its bound, nor of a row
	 * than its byte code tells.  (Of entries beyond it is not kept whose byte codes
	 * have been read: those are read once more.)
	 */
	candidate->stage = queue->certain &&
		(node->view.level > 0 || topk_key(item) <= node->view.near) ?
		IVF_STAGE_BOUND : IVF_STAGE_ESTIMATE;
	candidate->node = number;
	candidate->row = slot % VEC_BLOCK;
	candidate->run = node->runs[slot / VEC_BLOCK];
	candidate->item = item;
	ItemPointerSetInvalid(&candidate->tid);
}

/*
 * Memory for a candidate that is going to be in the heap.
 */
IvfCandidate *
ivf_candidate_new(IvfQueue *queue)
{
	IvfCandidate *candidate = queue->spare;

	if (candidate)
		queue->spare = (IvfCandidate *) candidate->link.next_sibling;
	else
		candidate = MemoryContextAlloc(queue->context, sizeof(IvfCandidate));
	queue->candidates++;
	return candidate;
}

static void
push(IvfQueue *queue, TopKItem item, uint32 number)
{
	IvfCandidate *candidate = ivf_candidate_new(queue);

	fill_candidate(queue, item, number, candidate);
	pairingheap_add(queue->heap, &candidate->link);
	queue->touch(candidate, queue->resolve_arg);
}

/* puts an entry where it waits, or, when its node is about to be dropped, on */
static void
take_entry(IvfQueue *queue, TopKItem item, uint32 number)
{
	if (queue->nodes[number].dropped)
		push(queue, item, number);
	else
		queue->taken[queue->taken_count++] = item;
}

/*
 * The number of the node in which a place is.
 */
uint32
ivf_node_of(const IvfQueue *queue, uint32 place)
{
	int			low = 0;
	int			high = queue->count;

	while (high - low > 1)
	{
		int			middle = low + (high - low) / 2;

		if (queue->nodes[middle].base <= place)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* tells of the entries that are looked at next */
static void
tell_ahead(IvfQueue *queue)
{
	int			end = Min(queue->taken_count, queue->taken_next + IVF_TAKEN_AHEAD);

	while (queue->taken_told < end)
	{
		TopKItem	item = queue->taken[queue->taken_told];
		IvfCandidate *candidate = &queue->ahead[queue->taken_told++ % IVF_TAKEN_AHEAD];

		fill_candidate(queue, item, ivf_node_of(queue, topk_place(item)), candidate);
		queue->touch(candidate, queue->resolve_arg);
	}
}

/*
 * Lets go of the first of the entries that wait.
 */
void
ivf_take_next(IvfQueue *queue)
{
	queue->taken_next++;
	tell_ahead(queue);
}

/*
 * Room for a pass that takes so many entries; none is waiting.
 */
static void
make_room(IvfQueue *queue, int count)
{
	if (ROOM_FACTOR * count > queue->taken_room)
	{
		if (queue->taken)
			pfree(queue->taken);
		queue->taken_room = ROOM_FACTOR * count;
		queue->taken = MemoryContextAllocHuge(queue->context, sizeof(TopKItem) *
											  (Size) queue->taken_room);
	}
	queue->taken_count = queue->taken_next = queue->taken_told = 0;
}

/*
 * Nothing has been taken yet of the nodes that are going to be added.
 */
void
ivf_take_begin(IvfQueue *queue)
{
	queue->chunk = queue->first_chunk;
	queue->mark = queue->looked_at = 0;
	queue->kept = 0;
	queue->mark_distance = INFINITY;
	queue->drained = true;
	queue->stale = queue->dropped = false;
	make_room(queue, queue->chunk);
	kth_init(&queue->nearest, queue->nearest.k, queue->nearest.room,
			 queue->nearest.key);
}

/* what has been taken is complete */
static void
sort_taken(IvfQueue *queue)
{
	topk_sort(queue->taken, queue->taken_count,
			  queue->taken + queue->taken_count);
	tell_ahead(queue);
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
	TopKItem	mark = 0;
	float4		limit;
	TopK		top;
	int			i;

	topk_init(&top, Max(count / 2, 1), queue->taken_room, queue->taken);
	limit = bound_of(queue, &top);
	topk_init(&top, count, queue->taken_room, queue->taken);
	for (i = 0; i < queue->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		offer(queue, &queue->nodes[i], limit, &top);
	}
	topk_finish(&top);
	for (i = 0; i < top.count; i++)
		mark = Max(mark, top.items[i]);
	return mark > 0 ? mark : topk_item(limit, PG_UINT32_MAX);
}

/* the mark is there now, and the next chunk is to be larger */
static void
set_mark(IvfQueue *queue, TopKItem mark, bool drained)
{
	queue->mark = Max(queue->mark, mark);
	queue->drained = drained;
	queue->mark_distance = queue->drained ? INFINITY :
		ivf_bound_distance(queue->query, topk_key(queue->mark), queue->certain);
	if (queue->chunk < INT_MAX / 4)
		queue->chunk += queue->chunk / 2 + 1;
}

/*
 * The mark after a pass that took all up to limit, of which last was the last,
 * 0 if there was none.  A pass that the ceiling has cut short says nothing of how
 * many are wanted next.
 */
static void
move_mark(IvfQueue *queue, TopKItem limit, bool capped, TopKItem last)
{
	int			chunk = queue->chunk;

	set_mark(queue, capped ? limit : last, !anything_left(queue));
	if (capped && !queue->drained)
	{
		queue->mark_distance = queue->ceiling;
		queue->chunk = chunk;
	}
}

/*
 * Lowers a mark to just below the ceiling, if that is lower.  Of a node that comes
 * later nothing is below then, so that nothing of it has to be taken at once:
 * else the heap would get whole nodes.
 */
static bool
cap_mark(const IvfQueue *queue, TopKItem *mark)
{
	TopKItem	most;

	if (isinf(queue->ceiling))
		return false;
	most = topk_item((float4) queue->ceiling, 0) - 1;
	if (*mark <= most)
		return false;
	*mark = most;
	return true;
}

/*
 * Takes the entries that are up to a bound which was found while nodes were
 * scored.
 */
static void
take_nearest(IvfQueue *queue)
{
	float4		limit = kth_limit(&queue->nearest);
	TopKItem	last = 0;
	TopK		top;
	int			i;

	topk_init(&top, queue->nearest.k, queue->taken_room, queue->taken);
	for (i = 0; i < queue->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		offer(queue, &queue->nodes[i], limit, &top);
	}
	topk_finish(&top);
	queue->taken_count = top.count;
	for (i = 0; i < queue->taken_count; i++)
		last = Max(last, queue->taken[i]);
	queue->stale = true;
	sort_taken(queue);
	set_mark(queue, last, queue->nearest.count < queue->nearest.k);
}

/* brings the blocks' least bounds up to date: nothing is taken here */
static void
settle(IvfQueue *queue)
{
	int			i;

	if (!queue->stale)
		return;
	for (i = 0; i < queue->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) take_node(queue, i, queue->mark, queue->mark, NULL);
	}
	queue->stale = false;
}

/*
 * Takes the next entries, so many of them, and moves the mark.
 */
void
ivf_take_chunk(IvfQueue *queue, int count)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	TopKItem	mark;
	TopKItem	last = 0;
	bool		capped;
	int			i;

	/* where bounds have been dropped, so has what a candidate is made of */
	if (queue->mark == 0 && !queue->dropped && isinf(queue->ceiling))
	{
		take_nearest(queue);
		MemoryContextSwitchTo(old);
		return;
	}

	settle(queue);
	make_room(queue, count);
	mark = find_mark(queue, count);
	capped = cap_mark(queue, &mark);
	for (i = 0; i < queue->count; i++)
	{
		TopKItem	item;

		CHECK_FOR_INTERRUPTS();
		item = take_node(queue, i, queue->mark, mark, take_entry);
		last = Max(last, item);
	}
	sort_taken(queue);
	move_mark(queue, mark, capped, last);
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
	TopKItem	sample[2 * SPILL_SAMPLE];
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
	topk_sort(sample, count, sample + SPILL_SAMPLE);
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
	TopKItem	limit;
	TopKItem	last = 0;
	bool		capped;
	int			i;

	settle(queue);
	limit = nth_beyond(queue, chunk);
	capped = cap_mark(queue, &limit);
	ivf_spill_begin(queue->spill);
	spill_heap(queue);
	for (i = 0; i < queue->count; i++)
	{
		TopKItem	item = take_node(queue, i, queue->mark, limit, spill);

		last = Max(last, item);
	}
	ivf_spill_sort(queue->spill);
	move_mark(queue, limit, capped, last);
	queue->looked_at = queue->mark;
	MemoryContextSwitchTo(old);
}
