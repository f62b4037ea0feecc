/*
 * queue.h
 *	  The entries of scored nodes, in order of their bounds.
 */
#ifndef VECFEAT_QUEUE_H
#define VECFEAT_QUEUE_H

#include "compat.h"

#include "ground/topk.h"
#include "index/scored.h"
#include "index/spill.h"

/*
 * How the query sees a child, kept until its turn comes if memory allows.
 */
typedef struct IvfSeen
{
	IvfView		view;
	float4		w[FLEXIBLE_ARRAY_MEMBER];
} IvfSeen;

/*
 * Finds out a candidate's distance, and sets key and tid; false if there is
 * nothing behind it that the query may see.
 */
typedef bool (*IvfResolve) (IvfCandidate *candidate, void *arg);

/*
 * Entries with a bound up to the mark are candidates, in the heap or in the
 * spill; of the others there is a float4 each.
 */
typedef struct IvfQueue
{
	IvfQuery   *query;
	bool		certain;
	MemoryContext context;
	int			count;			/* scored nodes */
	int			room;
	IvfScored  *nodes;
	pairingheap *heap;
	int			candidates;		/* in the heap */
	IvfCandidate *spare;		/* freed candidates, by link.next_sibling */
	IvfSpill   *spill;
	IvfResolve	resolve;
	void	   *resolve_arg;
	bool		marked;			/* is there a mark? else nothing is in the heap */
	TopKItem	mark;
	double		mark_distance;	/* what is beyond the mark is at least so far */
	bool		drained;		/* is nothing beyond the mark? */
	int			chunk;			/* candidates to take next, */
	int			first_chunk;	/* at first, */
	int			largest_heap;	/* candidates that a chunk may make it grow to */
	bool		dropped;		/* are there nodes without bounds? */
	Size		memory;			/* of bounds, runs and w */
	Size		memory_limit;
} IvfQueue;

extern IvfQueue *ivf_queue_make(IvfQuery *query, bool certain, int chunk,
								Size memory, IvfResolve resolve, void *arg);
extern void ivf_queue_add(IvfQueue *queue, const IvfView *view, const float4 *w,
						  const IvfRun *parent, int parent_row);
extern IvfCandidate *ivf_queue_first(IvfQueue *queue);
extern void ivf_queue_update(IvfQueue *queue, IvfCandidate *candidate,
							 IvfStage stage, double key);
extern void ivf_queue_keep(IvfQueue *queue, IvfCandidate *candidate,
						   const IvfView *view, const float4 *w);
extern void ivf_queue_remove(IvfQueue *queue, IvfCandidate *candidate);
extern void ivf_queue_end(IvfQueue *queue);

/* take.c */
extern void ivf_take_marked(IvfQueue *queue, uint32 number);
extern void ivf_take_chunk(IvfQueue *queue, int count);
extern void ivf_take_sorted(IvfQueue *queue);

static inline IvfCandidate *
ivf_heap_first(IvfQueue *queue)
{
	return pairingheap_container(IvfCandidate, link,
								 pairingheap_first(queue->heap));
}

#endif							/* VECFEAT_QUEUE_H */
