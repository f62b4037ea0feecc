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
#include "storage/dsm.h"

/* what a build is of, for its workers */
typedef struct IvfTarget
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
} IvfTarget;

/* shared memory of a parallel context and of each of its workers, with some to spare */
#define IVF_CONTEXT_BYTES	((Size) 1024 * 1024)
#define IVF_WORKER_BYTES	((Size) 64 * 1024)

/* workers.c */
extern int	ivf_build_workers(Relation heap, Relation index);
extern void ivf_worker_estimate(ParallelContext *context);
extern void ivf_worker_share(ParallelContext *context, const IvfBuild *build,
							 IvfTarget *target);
extern void ivf_worker_open(shm_toc *toc, const IvfTarget *target, Relation *heap,
							Relation *index);
extern void ivf_worker_close(const IvfTarget *target, Relation heap, Relation index);

/* segment.c */
extern dsm_segment *ivf_segment_create(Size size, Size besides, const char *otherwise);

/* parallel.c */
extern bool ivf_parallel_assign(IvfBuild *build);
extern void ivf_parallel_search(IvfBuild *build);
extern bool ivf_parallel_calibrate(IvfBuild *build, IvfCalibrateProgress progress,
								   IvfCalibration *calibration);
extern void ivf_parallel_end(IvfBuild *build);

#endif							/* VECFEAT_PARALLEL_H */
