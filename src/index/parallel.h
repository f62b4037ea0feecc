/*
 * parallel.h
 *	  Several processes assign a table's rows, and calibrate the index.
 */
#ifndef VECFEAT_PARALLEL_H
#define VECFEAT_PARALLEL_H

#include "compat.h"

#include "access/parallel.h"
#include "index/build.h"
#include "index/calibrate.h"

/* what a build is of, for its workers */
typedef struct IvfTarget
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
} IvfTarget;

/* workers.c */
extern int	ivf_build_workers(Relation heap, Relation index);
extern void ivf_worker_estimate(ParallelContext *context);
extern void ivf_worker_share(ParallelContext *context, const IvfBuild *build,
							 IvfTarget *target);
extern void ivf_worker_open(shm_toc *toc, const IvfTarget *target, Relation *heap,
							Relation *index);
extern void ivf_worker_close(const IvfTarget *target, Relation heap, Relation index);

/* parallel.c */
extern bool ivf_parallel_assign(IvfBuild *build);
extern void ivf_parallel_search(IvfBuild *build);
extern bool ivf_parallel_calibrate(IvfBuild *build, IvfCalibrateProgress progress,
								   IvfCalibration *calibration);
extern void ivf_parallel_end(IvfBuild *build);

#endif							/* VECFEAT_PARALLEL_H */
