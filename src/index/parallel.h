/*
 * parallel.h
 *	  Several processes assign a table's rows, and calibrate the index.
 */
#ifndef VECFEAT_PARALLEL_H
#define VECFEAT_PARALLEL_H

#include "compat.h"

#include "index/build.h"
#include "index/calibrate.h"

extern int	ivf_build_workers(Relation heap, Relation index);
extern bool ivf_parallel_assign(IvfBuild *build);
extern bool ivf_parallel_calibrate(IvfBuild *build, IvfCalibrateProgress progress,
								   IvfCalibration *calibration);
extern void ivf_parallel_end(IvfBuild *build);

#endif							/* VECFEAT_PARALLEL_H */
