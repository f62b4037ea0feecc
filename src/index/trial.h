/*
 * trial.h
 *	  Searches of an index for entries of its own, to learn from.
 */
#ifndef VECFEAT_TRIAL_H
#define VECFEAT_TRIAL_H

#include "compat.h"

#include "ground/bound.h"
#include "utils/rel.h"

/* what a search knows when it has read so many lists */
typedef struct IvfMoment
{
	uint32		lists;
	double		unread;			/* distance of the nearest list of the others */
	double		nearest;		/* the KTH least estimate */
	uint32		improved;		/* list, from 1, at which that last changed; 0:
								 * there are not so many yet */
} IvfMoment;

/* an entry that was found */
typedef struct IvfFound
{
	double		distance;
	uint32		list;			/* in which it is, from 1 */
} IvfFound;

typedef struct IvfTrial
{
	Metric		metric;
	double		first;			/* distance of the nearest list */
	double		scored;			/* entries */
	IvfMoment  *moment;			/* in order of lists */
	int			moments;
	IvfFound   *found;			/* nearest first */
	int			count;
} IvfTrial;

typedef struct IvfTrials IvfTrials;

extern IvfTrials *ivf_trials_begin(Relation index, uint64 seed,
								   MemoryContext context);
extern IvfTrial *ivf_trial_run(IvfTrials *trials, int number, int k);

#endif							/* VECFEAT_TRIAL_H */
