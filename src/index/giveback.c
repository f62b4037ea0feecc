/*
 * giveback.c
 *	  Makes mere entries of candidates again.
 *
 * The mark is set by the entries of the lists that had been read by then.  Where
 * those were few, or far, it is far beyond what a query needs, and of each list
 * that comes later hundreds of entries are not beyond it: they would fill the
 * heap, and a scan whose heap is full reads no further lists.  Most are never
 * looked at.  So the mark is moved back, and what is beyond it then is given
 * back.
 *
 * That loses nothing, and brings nothing twice, as long as everything that has
 * been looked at, come out, or is in the spill stays on this side of the mark:
 * "beyond the mark" is "not taken yet" all the time.
 */
#include "compat.h"

#include "index/queue.h"

/*
 * Of so many times the entries that a pass takes, all but as many as a pass takes
 * are given back.
 */
#define TOO_MANY	4

/*
 * The heap's candidates in no order, as an array; the heap is empty then.
 */
static IvfCandidate **
empty_heap(IvfQueue *queue)
{
	IvfCandidate **list = MemoryContextAllocHuge(queue->context,
												 sizeof(IvfCandidate *) *
												 (Size) queue->candidates);
	int			count = 0;
	int			i;

	list[count++] = ivf_heap_first(queue);
	for (i = 0; i < count; i++)
	{
		pairingheap_node *child = list[i]->link.first_child;

		for (; child != NULL; child = child->next_sibling)
			list[count++] = pairingheap_container(IvfCandidate, link, child);
	}
	Assert(count == queue->candidates);
	pairingheap_reset(queue->heap);
	queue->candidates = 0;
	return list;
}

/*
 * Where the mark would be if a pass had taken only so many of the candidates; but
 * not before anything that has been looked at.
 */
static TopKItem
earlier_mark(IvfQueue *queue, IvfCandidate *const *list, int count)
{
	int			room = TOO_MANY * queue->chunk;
	TopKItem   *items = palloc(sizeof(TopKItem) * (Size) room);
	TopKItem	mark = queue->looked_at;
	TopK		top;
	int			i;

	topk_init(&top, queue->chunk, room, items);
	for (i = 0; i < count; i++)
		topk_add(&top, list[i]->item);
	topk_finish(&top);
	for (i = 0; i < top.count; i++)
		mark = Max(mark, top.items[i]);
	pfree(items);
	return mark;
}

/* the entry of a node is one that waits to be taken */
static void
give(IvfScored *node, TopKItem item)
{
	float4	   *least = &node->least[(topk_place(item) - node->base) / VEC_BLOCK];

	*least = Min(*least, topk_key(item));
}

/*
 * After a node has been added: gives entries back if the heap has too many of
 * them.  Only for estimates: lists that are read for certain bounds come in an
 * order that brings nothing below the mark, but for a few.
 */
void
ivf_give_back(IvfQueue *queue)
{
	IvfCandidate **list;
	TopKItem	mark;
	int			count = queue->candidates;
	int			i;

	if (queue->certain ||
		count < Min(queue->largest_heap, queue->kept + TOO_MANY * queue->chunk))
		return;

	list = empty_heap(queue);
	mark = earlier_mark(queue, list, count);
	for (i = 0; i < count; i++)
	{
		IvfCandidate *candidate = list[i];

		if (candidate->item <= mark)
		{
			pairingheap_add(queue->heap, &candidate->link);
			queue->candidates++;
			continue;
		}
		give(&queue->nodes[candidate->node], candidate->item);
		candidate->link.next_sibling = (pairingheap_node *) queue->spare;
		queue->spare = candidate;
	}
	pfree(list);
	queue->kept = queue->candidates;

	/* those that wait are in order */
	while (queue->taken_count > queue->taken_next &&
		   queue->taken[queue->taken_count - 1] > mark)
	{
		TopKItem	item = queue->taken[--queue->taken_count];

		give(&queue->nodes[ivf_node_of(queue, topk_place(item))], item);
	}
	if (mark < queue->mark)
	{
		queue->mark = mark;
		queue->drained = false;
		queue->chunk = Max(queue->first_chunk, queue->chunk / 3 * 2);
	}
}
