/*
 * rangecost.h
 *	  What a search within a radius costs.
 */
#ifndef VECFEAT_RANGECOST_H
#define VECFEAT_RANGECOST_H

#include "compat.h"

#include "nodes/pathnodes.h"

extern bool ivf_range_cost(PlannerInfo *root, const IndexPath *path, double rows,
						   Cost *startup_cost, Cost *total_cost);

#endif							/* VECFEAT_RANGECOST_H */
