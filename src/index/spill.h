/*
 * spill.h
 *	  Candidates with known distances that memory has no room for.
 */
#ifndef VECFEAT_SPILL_H
#define VECFEAT_SPILL_H

#include "compat.h"

#include "lib/pairingheap.h"

#include "ground/topk.h"
#include "index/score.h"
#include "index/sorter.h"

/* how much is known of a candidate */
typedef enum IvfStage
{
	IVF_STAGE_ESTIMATE,			/* a lowered estimate, or a bound, from the sign code */
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
	TopKItem	item;			/* its bound and place in the queue; not set once it
								 * has been in the spill */
	ItemPointerData tid;		/* invalid until its row has been read */
} IvfCandidate;

/*
 * Candidates in order of their distances, the first of them in memory.
 */
typedef struct IvfSpill
{
	int			memory;			/* kilobytes */
	IvfSorter  *sorter;			/* what comes after the first; NULL: nothing */
	IvfSorter  *next;			/* being filled */
	int64		count;			/* candidates, the first among them */
	IvfCandidate first;			/* if there is one */
} IvfSpill;

extern IvfSpill *ivf_spill_make(int memory);
extern void ivf_spill_begin(IvfSpill *spill);
extern void ivf_spill_add(IvfSpill *spill, const IvfCandidate *candidate);
extern void ivf_spill_sort(IvfSpill *spill);
extern void ivf_spill_remove_first(IvfSpill *spill);
extern void ivf_spill_end(IvfSpill *spill);

#endif							/* VECFEAT_SPILL_H */
