/*
 * queue.c
 *	  The entries of scored nodes, in order of their bounds.
 *
 * Of many thousands of entries a query looks closer at a few hundred.  So an
 * entry is a float4 at first, and only those with the smallest bounds become
 * candidates in a heap, a chunk at a time: all up to a mark.  When the heap's
 * least key passes the mark, the next chunk is taken, by another pass over the
 * floats.
 *
 * Where the floats take too much memory they are dropped, and made again from
 * the index for each pass.  That yields the same bounds for every entry that
 * the snapshot can see, for such an entry does not change; so "above the mark"
 * is still "not taken yet", and nothing is lost or taken twice.  Ties are told
 * apart by place, a slot's number in the queue, for the same reason.
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
 * bytes, and candidates within as many again, one chunk of them at least.  The
 * first pass takes chunk candidates: about as many as a short query will need.
 */
IvfQueue *
ivf_queue_make(IvfQuery *query, bool certain, int chunk, Size memory)
{
	IvfQueue   *queue = palloc0(sizeof(IvfQueue));

	queue->query = query;
	queue->certain = certain;
	queue->context = CurrentMemoryContext;
	queue->room = 64;
	queue->nodes = palloc(sizeof(IvfScored) * queue->room);
	queue->heap = pairingheap_allocate(compare_candidates, NULL);
	queue->drained = true;
	queue->mark_distance = INFINITY;
	queue->memory_limit = memory;

	/* a pass needs room for twice its chunk, and a candidate for each */
	queue->largest_chunk = (int) Min(memory / (sizeof(IvfCandidate) + 2 * sizeof(TopKItem)),
									 INT_MAX / 4);
	queue->largest_chunk = Max(queue->largest_chunk, chunk);
	queue->first_chunk = chunk;
	queue->chunk = chunk;
	return queue;
}

/* collects the bounds of a node */
static void
keep_bounds(const float4 *bounds, const IvfRun *run, void *arg)
{
	IvfScored  *node = arg;

	if (node->blocks == node->room)
	{
		node->room = node->room * 2;
		node->bounds = repalloc_huge(node->bounds,
									 sizeof(float4) * VEC_BLOCK * (Size) node->room);
		node->runs = repalloc_huge(node->runs, sizeof(IvfRun) * (Size) node->room);
	}
	memcpy(node->bounds + (Size) node->blocks * VEC_BLOCK, bounds,
		   sizeof(float4) * VEC_BLOCK);
	node->runs[node->blocks++] = *run;
}

static void
score(IvfQueue *queue, IvfScored *node, const float4 *w)
{
	node->blocks = 0;
	node->room = 32;
	node->bounds = palloc(sizeof(float4) * VEC_BLOCK * node->room);
	node->runs = palloc(sizeof(IvfRun) * node->room);
	ivf_score_node(queue->query, &node->view, w, queue->certain, keep_bounds, node);
}

static Size
bounds_size(const IvfScored *node)
{
	return (sizeof(float4) * VEC_BLOCK + sizeof(IvfRun)) * (Size) node->room;
}

static void
drop_bounds(IvfScored *node)
{
	pfree(node->bounds);
	pfree(node->runs);
	node->bounds = NULL;
	node->runs = NULL;
}

/*
 * The query minus the node's centroid.  Where it was dropped it is made again,
 * and is valid until the next call for a dropped one.
 */
const float4 *
ivf_queue_w(IvfQueue *queue, IvfScored *node)
{
	int			n = queue->query->space->n;
	IvfView		view;

	if (node->w)
		return node->w;
	if (queue->query->w_node != node->view.node)
	{
		if (node->parent_row < 0)
			ivf_view(queue->query, node->view.node, node->view.level, NULL,
					 &view, queue->query->w);
		else
		{
			IvfChildHead head;
			float4	   *centroid = palloc(sizeof(float4) * n);

			ivf_row_read(queue->query->index, &node->parent, node->parent_row,
						 &head, centroid);
			ivf_view(queue->query, node->view.node, node->view.level, centroid,
					 &view, queue->query->w);
			pfree(centroid);
		}
		queue->query->w_node = node->view.node;
	}
	return queue->query->w;
}

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

static void
push(IvfQueue *queue, TopKItem item, uint32 number)
{
	const IvfScored *node = &queue->nodes[number];
	uint32		slot = topk_place(item) - node->base;
	IvfCandidate *candidate = queue->spare;

	if (candidate)
		queue->spare = (IvfCandidate *) candidate->link.next_sibling;
	else
		candidate = MemoryContextAlloc(queue->context, sizeof(IvfCandidate));
	candidate->key = ivf_bound_distance(queue->query, topk_key(item), queue->certain);
	candidate->stage = queue->certain ? IVF_STAGE_BOUND : IVF_STAGE_ESTIMATE;
	candidate->node = number;
	candidate->row = slot % VEC_BLOCK;
	candidate->run = node->runs[slot / VEC_BLOCK];
	ItemPointerSetInvalid(&candidate->tid);
	candidate->seen = NULL;
	pairingheap_add(queue->heap, &candidate->link);
}

/*
 * Takes the entries of a new node that are not beyond the mark.
 */
static void
take_marked(IvfQueue *queue, uint32 number)
{
	const IvfScored *node = &queue->nodes[number];
	int			slot;

	for (slot = 0; slot < node->blocks * VEC_BLOCK; slot++)
	{
		TopKItem	item = topk_item(node->bounds[slot], node->base + slot);

		if (item <= queue->mark && node->bounds[slot] < INFINITY)
			push(queue, item, number);
	}
}

/*
 * Scores a node and adds its entries.  view and w are how the query sees it;
 * parent_row is -1 for the root.
 */
void
ivf_queue_add(IvfQueue *queue, const IvfView *view, const float4 *w,
			  const IvfRun *parent, int parent_row)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	Size		w_size = sizeof(float4) * queue->query->space->n;
	IvfScored  *node;

	/* nodes that have been taken whole are done with, but for candidates */
	if (queue->drained && pairingheap_is_empty(queue->heap))
	{
		int			i;

		for (i = 0; i < queue->count; i++)
		{
			if (queue->nodes[i].bounds)
				drop_bounds(&queue->nodes[i]);
			if (queue->nodes[i].w)
				pfree(queue->nodes[i].w);
		}
		queue->count = 0;
		queue->memory = 0;
		queue->marked = false;
		queue->dropped = false;
		queue->chunk = queue->first_chunk;
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
	if (queue->count > 0)
		node->base = node[-1].base + node[-1].blocks * VEC_BLOCK;
	score(queue, node, w);
	if (node->base + (uint64) node->blocks * VEC_BLOCK > PG_UINT32_MAX)
		elog(ERROR, "too many entries in the lists of one scan");
	if (queue->marked)
		take_marked(queue, queue->count);
	queue->count++;
	queue->drained = false;
	queue->mark_distance = queue->marked ?
		ivf_bound_distance(queue->query, topk_key(queue->mark), queue->certain) : -INFINITY;

	if (queue->memory + bounds_size(node) + w_size > queue->memory_limit)
	{
		drop_bounds(node);
		queue->dropped = true;
	}
	else
	{
		queue->memory += bounds_size(node);
		if (!queue->certain && view->level == 0)
		{
			queue->memory += w_size;
			node->w = palloc(w_size);
			memcpy(node->w, w, w_size);
		}
	}
	MemoryContextSwitchTo(old);
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
	int			count = node->blocks * VEC_BLOCK;
	int			first;
	int			slot;

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

/*
 * Scores a node whose bounds were dropped, for this moment.
 *
 * Blocks that were appended since the first time are left out.  Their places
 * would be those of the next node, whose rows would then come out twice; and
 * their entries came after the snapshot.
 */
static bool
restore_bounds(IvfQueue *queue, IvfScored *node)
{
	int			blocks = node->blocks;

	if (node->bounds)
		return false;
	score(queue, node, ivf_queue_w(queue, node));
	node->blocks = Min(node->blocks, blocks);
	return true;
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
			drop_bounds(restored);
			restored = NULL;
		}
		if (restore_bounds(queue, node))
			restored = node;
		push(queue, top->items[i], number);
	}
	if (restored)
		drop_bounds(restored);
}

/*
 * Takes the next chunk and moves the mark.
 */
static void
take_chunk(IvfQueue *queue)
{
	MemoryContext old = MemoryContextSwitchTo(queue->context);
	TopK		top;
	TopKItem	mark;
	int			i;

	topk_init(&top, queue->chunk,
			  palloc_extended(2 * sizeof(TopKItem) * (Size) queue->chunk,
							  MCXT_ALLOC_HUGE));
	for (i = 0; i < queue->count; i++)
	{
		IvfScored  *node = &queue->nodes[i];
		bool		restored;

		CHECK_FOR_INTERRUPTS();
		restored = restore_bounds(queue, node);
		offer(queue, node, &top);
		if (restored)
			drop_bounds(node);
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
	queue->chunk = Min(queue->chunk * CHUNK_GROWTH, queue->largest_chunk);
	MemoryContextSwitchTo(old);
}

/*
 * The candidate with the least key, which is also at most that of any entry
 * beyond the mark; NULL when there is none left.
 */
IvfCandidate *
ivf_queue_first(IvfQueue *queue)
{
	for (;;)
	{
		if (!pairingheap_is_empty(queue->heap))
		{
			IvfCandidate *first = pairingheap_container(IvfCandidate, link,
														pairingheap_first(queue->heap));

			if (first->key <= queue->mark_distance)
				return first;
		}
		else if (queue->drained)
			return NULL;
		take_chunk(queue);
	}
}

/*
 * Gives the first candidate another key.
 */
void
ivf_queue_update(IvfQueue *queue, IvfCandidate *candidate, IvfStage stage,
				 double key)
{
	(void) pairingheap_remove_first(queue->heap);
	candidate->stage = stage;
	candidate->key = key;
	pairingheap_add(queue->heap, &candidate->link);
}

static Size
seen_size(const IvfQueue *queue)
{
	return offsetof(IvfSeen, w) + sizeof(float4) * queue->query->space->n;
}

/*
 * Keeps what was learnt of a child from its row, to spare a second reading.
 */
void
ivf_queue_keep(IvfQueue *queue, IvfCandidate *candidate, const IvfView *view,
			   const float4 *w)
{
	Size		size = seen_size(queue);

	if (queue->memory + size > queue->memory_limit)
		return;
	queue->memory += size;
	candidate->seen = MemoryContextAlloc(queue->context, size);
	candidate->seen->view = *view;
	memcpy(candidate->seen->w, w, sizeof(float4) * queue->query->space->n);
}

/*
 * Removes the first candidate.
 */
void
ivf_queue_remove(IvfQueue *queue, IvfCandidate *candidate)
{
	(void) pairingheap_remove_first(queue->heap);
	if (candidate->seen)
	{
		pfree(candidate->seen);
		queue->memory -= seen_size(queue);
	}
	candidate->link.next_sibling = (pairingheap_node *) queue->spare;
	queue->spare = candidate;
}
