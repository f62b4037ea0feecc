/*
 * queue.h
 *	  The entries of scored nodes, in order of their bounds.
 */
#ifndef VECFEAT_QUEUE_H
#define VECFEAT_QUEUE_H

#include "compat.h"

#include "lib/pairingheap.h"

#include "ground/topk.h"
#include "index/score.h"

/*
 * A node whose entries are in the queue.
 */
typedef struct IvfScored
{
	IvfView		view;
	uint32		base;			/* place of its first slot in the queue */
	IvfRun		parent;			/* where the row with its centroid lies; */
	int			parent_row;		/* -1: the root, which has none */
	float4	   *w;				/* n, or NULL: made again when needed */
	int			blocks;
	int			room;			/* blocks that there is memory for */
	float4	   *bounds;			/* 32 a block, or NULL: likewise */
	IvfRun	   *runs;			/* one a block, or NULL with bounds */
} IvfScored;

/* how much is known of a candidate */
typedef enum IvfStage
{
	IVF_STAGE_ESTIMATE,			/* a lowered estimate from the sign code */
	IVF_STAGE_BOUND,			/* a certain bound from the byte code */
	IVF_STAGE_EXACT				/* the distance itself */
} IvfStage;

typedef struct IvfCandidate
{
	pairingheap_node link;
	double		key;			/* at most its distance */
	IvfStage	stage;
	uint32		node;			/* number of the scored node */
	int			row;			/* in the run */
	IvfRun		run;
	ItemPointerData tid;		/* invalid until its row has been read */
	struct IvfSeen *seen;		/* a child whose row has been read, or NULL */
} IvfCandidate;

/*
 * How the query sees a child, kept until its turn comes if memory allows.
 */
typedef struct IvfSeen
{
	IvfView		view;
	float4		w[FLEXIBLE_ARRAY_MEMBER];
} IvfSeen;

/*
 * Entries with a bound up to the mark are in the heap as candidates; of the
 * others there is a float4 each.
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
	IvfCandidate *spare;		/* freed candidates, by link.next_sibling */
	bool		marked;			/* is there a mark? else nothing is in the heap */
	TopKItem	mark;
	double		mark_distance;	/* what is beyond the mark is at least so far */
	bool		drained;		/* is nothing beyond the mark? */
	int			chunk;			/* candidates to take next, */
	int			first_chunk;	/* at first, */
	int			largest_chunk;	/* at most */
	bool		dropped;		/* are there nodes without bounds? */
	Size		memory;			/* of bounds, runs and w */
	Size		memory_limit;
} IvfQueue;

extern IvfQueue *ivf_queue_make(IvfQuery *query, bool certain, int chunk,
								Size memory);
extern void ivf_queue_add(IvfQueue *queue, const IvfView *view, const float4 *w,
						  const IvfRun *parent, int parent_row);
extern IvfCandidate *ivf_queue_first(IvfQueue *queue);
extern void ivf_queue_update(IvfQueue *queue, IvfCandidate *candidate,
							 IvfStage stage, double key);
extern void ivf_queue_keep(IvfQueue *queue, IvfCandidate *candidate,
						   const IvfView *view, const float4 *w);
extern void ivf_queue_remove(IvfQueue *queue, IvfCandidate *candidate);
extern const float4 *ivf_queue_w(IvfQueue *queue, IvfScored *node);

#endif							/* VECFEAT_QUEUE_H */
