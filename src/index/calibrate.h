/*
 * calibrate.h
 *	  Finds out how many lists searches of an index have to read.
 */
#ifndef VECFEAT_CALIBRATE_H
#define VECFEAT_CALIBRATE_H

#include "compat.h"

#include "page/format.h"
#include "utils/rel.h"

/* told after each query of how many are done; may raise errors */
typedef void (*IvfCalibrateProgress) (int done);

/* queries that are sampled, if there are so many entries */
#define IVF_CALIBRATION_QUERIES	320

extern bool ivf_calibrate(Relation index, Size memory,
						  IvfCalibrateProgress progress,
						  IvfCalibration *calibration);

#endif							/* VECFEAT_CALIBRATE_H */
