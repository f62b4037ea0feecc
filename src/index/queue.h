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
 * Finds out a candidate's distance, and sets key and tid; false if there is
 * nothing behind it that the query may see.
 */
typedef bool (*IvfResolve) (IvfCandidate *candidate, void *arg);

/*
 * Told of a candidate that is likely to be resolved soon.
 */
typedef void (*IvfTouch) (const IvfCandidate *candidate, void *arg);

/* so many entries are told of before they are looked at */
#define IVF_TAKEN_AHEAD		16

/*
 * Entries with a bound up to the mark have been taken: they are candidates, in
 * the heap or in the spill, or wait in order to become such.  Of the others there
 * is a float4 each, and the least of each block.
 */
typedef struct IvfQueue
{
	IvfQuery   *query;
	bool		certain;
	MemoryContext context;
	int			count;			/* scored nodes */
	uint32		added;			/* nodes, with those that are done with */
	int			room;
	IvfScored  *nodes;
	pairingheap *heap;
	int			candidates;		/* in the heap */
	IvfCandidate *spare;		/* freed candidates, by link.next_sibling */
	IvfSpill   *spill;
	IvfResolve	resolve;
	IvfTouch	touch;
	void	   *resolve_arg;
	Kth		   *kth;			/* the caller's, told of all bounds, or NULL */
	bool		improved;		/* has the last node changed it? */
	Kth			nearest;		/* the least bounds, until there is a mark */
	TopKItem   *taken;			/* in order; room for four chunks */
	int			taken_room;
	int			taken_count;
	int			taken_next;		/* those before it have become candidates, */
	int			taken_told;		/* those before it are in ahead */
	IvfCandidate ahead[IVF_TAKEN_AHEAD];	/* a ring */
	TopKItem	looked_at;		/* the last entry of which more has been asked */
	TopKItem	mark;			/* 0: none, and nothing has been taken */
	double		mark_distance;	/* what is beyond the mark is at least so far */
	double		ceiling;		/* the caller's: what is not nearer need not be
								 * taken yet, as a node may come that is; only
								 * with certain bounds, else infinite */
	bool		drained;		/* is nothing beyond the mark? */
	bool		stale;			/* do blocks' least bounds include taken ones? */
	bool		dropped;		/* have bounds of any node been dropped? */
	int			kept;			/* candidates that could not be given back, of those
								 * in the heap */
	int			chunk;			/* candidates to take next, */
	int			first_chunk;	/* at first, */
	int			largest_heap;	/* candidates that a chunk may make it grow to */
	Size		memory;			/* of bounds, runs and w */
	Size		memory_limit;
} IvfQueue;

extern IvfQueue *ivf_queue_make(IvfQuery *query, bool certain, int chunk,
								Size memory, IvfResolve resolve, IvfTouch touch,
								void *arg);
extern void ivf_queue_add(IvfQueue *queue, const IvfView *view, const float4 *w,
						  const IvfRun *parent, int parent_row);
extern IvfCandidate *ivf_queue_first(IvfQueue *queue);
extern void ivf_queue_update(IvfQueue *queue, IvfCandidate *candidate,
							 IvfStage stage, double key);
extern void ivf_queue_remove(IvfQueue *queue, IvfCandidate *candidate);
extern const float4 *ivf_queue_w(IvfQueue *queue, IvfScored *node);
extern void ivf_queue_end(IvfQueue *queue);

/* take.c */
extern void ivf_take_begin(IvfQueue *queue);
extern uint32 ivf_node_of(const IvfQueue *queue, uint32 place);
extern void ivf_take_next(IvfQueue *queue);
extern IvfCandidate *ivf_candidate_new(IvfQueue *queue);
extern void ivf_take_marked(IvfQueue *queue, uint32 number);
extern void ivf_take_chunk(IvfQueue *queue, int count);
extern void ivf_take_sorted(IvfQueue *queue);

/* giveback.c */
extern void ivf_give_back(IvfQueue *queue);

/* has the heap more candidates than memory allows? */
static inline bool
ivf_queue_full(const IvfQueue *queue)
{
	return queue->candidates > queue->largest_heap;
}

/* the first of the entries that wait in order, or NULL */
static inline IvfCandidate *
ivf_taken_first(IvfQueue *queue)
{
	return queue->taken_next < queue->taken_count ?
		&queue->ahead[queue->taken_next % IVF_TAKEN_AHEAD] : NULL;
}

static inline IvfCandidate *
ivf_heap_first(IvfQueue *queue)
{
	return pairingheap_container(IvfCandidate, link,
								 pairingheap_first(queue->heap));
}

#endif							/* VECFEAT_QUEUE_H */
