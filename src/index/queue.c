/*
 * queue.c
 *	  The entries of scored nodes, in order of their bounds.
 *
 * Of many thousands of entries a query looks closer at a few hundred.  So an
 * entry is a float4 at first, and only those with the smallest bounds are taken,
 * a chunk at a time: all up to a mark.  They wait in order, and become candidates
 * in a heap when something more is known of them.  When the least key passes the
 * mark, the next chunk is taken, by another pass over the floats; the first is
 * collected while they are made.
 * Where the mark turns out to be too far, it moves back (giveback.c).
 *
 * Where the floats take too much memory they are dropped, and made again from
 * the index for each pass.  That yields the same bounds for every entry that
 * the snapshot can see, for such an entry does not change; so "above the mark"
 * is still "not taken yet", and nothing is lost or taken twice.  Ties are told
 * apart by place, a slot's number in the queue, for the same reason.
 *
 * Where the heap would take too much memory, because bounds do not tell many
 * entries apart, a great number of entries has its distances found out at once
 * and sorted, together with those in the heap (spill.c).
 */
#include "compat.h"

#include "index/queue.h"

#include <float.h>
#include <limits.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

/* bounds that are collected for each one that is wanted of the first chunk */
#define NEAREST_ROOM	4

/* however little memory there is, the heap has room for so many candidates */
#define SMALLEST_HEAP	1024

static int
compare_candidates(const pairingheap_node *a, const pairingheap_node *b,
				   void *arg)
{
	const IvfCandidate *x = pairingheap_const_container(IvfCandidate, link, a);
	const IvfCandidate *y = pairingheap_const_container(IvfCandidate, link, b);

	/* the heap's first is its greatest; of equals, what is known best */
	if (x->key != y->key)
		return x->key < y->key ? 1 : -1;
	return (int) x->stage - (int) y->stage;
}

/*
 * An empty queue in the current context, which keeps its floats within so many
 * bytes, candidates within as many again, and sorts within as many once more;
 * but some room candidates and sorts need.  The first pass takes chunk
 * candidates: about as many as a short query will need.
 */
IvfQueue *
ivf_queue_make(IvfQuery *query, bool certain, int chunk, Size memory,
			   IvfResolve resolve, IvfTouch touch, void *arg)
{
	IvfQueue   *queue = palloc0(sizeof(IvfQueue));
	int			nearest_room;

	queue->query = query;
	queue->certain = certain;
	queue->context = CurrentMemoryContext;
	queue->room = 64;
	queue->nodes = palloc(sizeof(IvfScored) * queue->room);
	queue->heap = pairingheap_allocate(compare_candidates, NULL);
	queue->memory_limit = memory;
	queue->ceiling = INFINITY;

	/* a pass needs room for four times its chunk, and a candidate for each */
	queue->largest_heap = (int) Min(memory / (sizeof(IvfCandidate) + 4 * sizeof(TopKItem)),
									INT_MAX / 8);
	queue->largest_heap = Max(queue->largest_heap, SMALLEST_HEAP);
	queue->first_chunk = Min(chunk, SMALLEST_HEAP);
	queue->spill = ivf_spill_make((int) Min(memory / 1024, INT_MAX));
	queue->resolve = resolve;
	queue->touch = touch;
	queue->resolve_arg = arg;
	nearest_room = KTH_ROOM(NEAREST_ROOM * queue->first_chunk);
	kth_init(&queue->nearest, queue->first_chunk, nearest_room,
			 palloc(sizeof(float4) * nearest_room));
	ivf_take_begin(queue);
	return queue;
}

/*
 * Scores a node and adds its entries.  view and w are how the query sees it, w
 * NULL where the view is not complete; parent_row is -1 for the root.
 */
void
ivf_queue_add(IvfQueue *queue, const IvfView *view, const float4 *w,
			  const IvfRun *parent, int parent_row)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	IvfScored  *node;

	/* nodes that have been taken whole are done with, but for candidates */
	if (queue->drained && queue->candidates == 0 && queue->spill->count == 0 &&
		ivf_taken_first(queue) == NULL)
	{
		int			i;

		for (i = 0; i < queue->count; i++)
			ivf_scored_free(&queue->nodes[i]);
		queue->count = 0;
		queue->memory = 0;
		ivf_take_begin(queue);
	}

	if (queue->count == queue->room)
	{
		queue->room *= 2;
		queue->nodes = repalloc_huge(queue->nodes,
									 sizeof(IvfScored) * (Size) queue->room);
	}
	node = &queue->nodes[queue->count];
	memset(node, 0, sizeof(*node));
	node->view = *view;
	node->parent_row = parent_row;
	if (parent)
		node->parent = *parent;
	node->number = ++queue->added;
	if (queue->count > 0)
		node->base = node[-1].base + ivf_scored_slots(&node[-1]);
	queue->improved = ivf_scored_make(node, queue->query, queue->certain, w,
									  queue->mark > 0 ? NULL : &queue->nearest,
									  queue->kth);
	if ((uint64) node->base + ivf_scored_slots(node) > PG_UINT32_MAX)
		elog(ERROR, "too many entries in the lists of one scan");
	if (queue->mark > 0)
		ivf_take_marked(queue, queue->count);
	queue->count++;
	queue->drained = false;
	if (queue->mark > 0)
		ivf_give_back(queue);
	if (queue->mark == 0)
		queue->mark_distance = -INFINITY;
	else if (isinf(queue->ceiling))
		queue->mark_distance = ivf_bound_distance(queue->query, topk_key(queue->mark),
												  queue->certain);
	else
		queue->mark_distance = Min(queue->mark_distance, queue->ceiling);

	/*
	 * Certain bounds of children come from radii, which inserts may raise: made
	 * again they would be lower, and a list that was not taken would pass for
	 * one that was.  So those stay; they are five bytes a child.
	 */
	if (queue->memory + ivf_scored_size(node) > queue->memory_limit &&
		!(queue->certain && view->level > 0))
	{
		ivf_scored_drop(node);
		queue->dropped = true;
	}
	else
		queue->memory += ivf_scored_size(node);
	MemoryContextSwitchTo(old);
}

/*
 * The query minus a leaf's centroid, valid until the next call; completes the
 * node's view.  Few leaves have entries that are looked at so closely.
 */
const float4 *
ivf_queue_w(IvfQueue *queue, IvfScored *node)
{
	Size		size = sizeof(float4) * queue->query->space->n;

	if (node->w == NULL && queue->memory + size <= queue->memory_limit)
	{
		node->w = MemoryContextAlloc(queue->context, size);
		queue->memory += size;
		ivf_scored_view(node, queue->query, node->w);
	}
	return ivf_scored_w(node, queue->query);
}

/*
 * The candidate with the least key, which is also at most that of any entry
 * beyond the mark; NULL when there is none left below the ceiling.
 */
IvfCandidate *
ivf_queue_first(IvfQueue *queue)
{
	for (;;)
	{
		IvfCandidate *first = queue->candidates > 0 ? ivf_heap_first(queue) : NULL;
		IvfCandidate *taken = ivf_taken_first(queue);
		int			room;

		/* of equals, what is known best */
		if (queue->spill->count > 0 &&
			(first == NULL || queue->spill->first.key <= first->key))
			first = &queue->spill->first;
		if (taken && (first == NULL || taken->key < first->key))
			first = taken;

		if (first && first->key <= queue->mark_distance)
			return first;
		if ((first == NULL && queue->drained) ||
			queue->mark_distance >= queue->ceiling)
			return NULL;

		/* what has been taken is not beyond the mark, so it has come first */
		Assert(taken == NULL);

		/*
		 * A few passes that fill the heap are cheaper than a sort; many are
		 * not.
		 */
		room = queue->largest_heap - queue->candidates;
		if (room < queue->largest_heap / 2 ||
			queue->chunk / 4 > queue->largest_heap)
			ivf_take_sorted(queue);
		else
			ivf_take_chunk(queue, Min(queue->chunk, room));
	}
}

/*
 * Gives the first candidate another key; it may stand elsewhere then.  Its
 * distance is not known yet, so it is not in the spill.
 */
void
ivf_queue_update(IvfQueue *queue, IvfCandidate *candidate, IvfStage stage,
				 double key)
{
	queue->looked_at = Max(queue->looked_at, candidate->item);
	if (candidate == ivf_taken_first(queue))
	{
		IvfCandidate *own = ivf_candidate_new(queue);

		*own = *candidate;
		ivf_take_next(queue);
		candidate = own;
	}
	else
		(void) pairingheap_remove_first(queue->heap);
	candidate->stage = stage;
	candidate->key = key;
	pairingheap_add(queue->heap, &candidate->link);
}

/*
 * Removes the first candidate.
 */
void
ivf_queue_remove(IvfQueue *queue, IvfCandidate *candidate)
{
	if (candidate == &queue->spill->first)
	{
		ivf_spill_remove_first(queue->spill);
		return;
	}
	queue->looked_at = Max(queue->looked_at, candidate->item);
	if (candidate == ivf_taken_first(queue))
	{
		ivf_take_next(queue);
		return;
	}
	queue->candidates--;
	queue->kept = Min(queue->kept, queue->candidates);
	(void) pairingheap_remove_first(queue->heap);
	candidate->link.next_sibling = (pairingheap_node *) queue->spare;
	queue->spare = candidate;
}

/*
 * Lets go of what is not memory.
 */
void
ivf_queue_end(IvfQueue *queue)
{
	ivf_spill_end(queue->spill);
}
