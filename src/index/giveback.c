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
 * Where the mark would be if only so many of the candidates had been taken; but
 * not before anything that has been looked at.
 */
static TopKItem
earlier_mark(IvfQueue *queue, IvfCandidate *const *list, int count, int stay)
{
	int			room = 2 * stay;
	TopKItem   *items = MemoryContextAllocHuge(queue->context,
											   sizeof(TopKItem) * (Size) room);
	TopKItem	mark = queue->looked_at;
	TopK		top;
	int			i;

	topk_init(&top, stay, room, items);
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
 * them, all but about as many as a pass takes, or as are half of what memory
 * allows.  That is when twice as many have come since the last time, or, where the
 * heap is full, half as many: what could not be given back then can't be now, and
 * every list would have the heap taken apart for nothing.
 *
 * Only for estimates: lists that are read for certain bounds come in an order
 * that brings nothing below the mark, but for a few.
 */
void
ivf_give_back(IvfQueue *queue)
{
	IvfCandidate **list;
	TopKItem	mark;
	int			stay = Min(queue->chunk, queue->largest_heap / 2);
	int			count = queue->candidates;
	int			more = count - queue->kept;
	int			i;

	if (queue->certain || queue->looked_at >= queue->mark || more < stay / 2 ||
		(more / 2 < stay && !ivf_queue_full(queue)))
		return;

	list = empty_heap(queue);
	mark = earlier_mark(queue, list, count, stay);
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
		queue->chunk = Max(queue->first_chunk, queue->chunk / 3 * 2);
	}
}
