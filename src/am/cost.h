/*
 * cost.h
 *	  What a scan costs.
 */
#ifndef VECFEAT_COST_H
#define VECFEAT_COST_H

#include "compat.h"

#include "nodes/pathnodes.h"
#include "page/format.h"

extern void ivf_read_shape(const IndexOptInfo *info, IvfMetaData *meta);
extern void ivf_cost_estimate(PlannerInfo *root, IndexPath *path,
							  double loop_count, Cost *startup_cost,
							  Cost *total_cost, Selectivity *selectivity,
							  double *correlation, double *pages);

#endif							/* VECFEAT_COST_H */
