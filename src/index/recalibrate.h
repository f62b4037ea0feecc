/*
 * recalibrate.h
 *	  Calibrates an index anew, in place.
 */
#ifndef VECFEAT_RECALIBRATE_H
#define VECFEAT_RECALIBRATE_H

#include "compat.h"

#include "index/calibrate.h"

extern bool ivf_calibration_due(const IvfMetaData *meta, BlockNumber blocks,
								double entries);
extern int	ivf_recalibrate(Relation index, double entries,
							IvfCalibrateProgress progress);

#endif							/* VECFEAT_RECALIBRATE_H */
