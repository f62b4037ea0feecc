/*
 * calibrate.h
 *	  Finds out how many lists searches of an index have to read.
 */
#ifndef VECFEAT_CALIBRATE_H
#define VECFEAT_CALIBRATE_H

#include "compat.h"

#include "page/format.h"
#include "utils/rel.h"

/* told before each query of how many are done, by all; may raise errors */
typedef void (*IvfCalibrateProgress) (int done);

typedef struct IvfFindings IvfFindings;

/* queries that are sampled, if there are so many entries */
#define IVF_CALIBRATION_QUERIES	320

/* the steps, where several processes do the second */
extern Size ivf_findings_size(uint32 lists, Size memory);
extern IvfFindings *ivf_findings_init(void *at, uint32 lists, Size memory);
extern void ivf_calibrate_share(Relation index, IvfFindings *findings,
								IvfCalibrateProgress progress);
extern bool ivf_calibrate_fit(Relation index, IvfFindings *findings,
							  IvfCalibration *calibration);

/* and all of them */
extern bool ivf_calibrate(Relation index, Size memory,
						  IvfCalibrateProgress progress,
						  IvfCalibration *calibration);

#endif							/* VECFEAT_CALIBRATE_H */
