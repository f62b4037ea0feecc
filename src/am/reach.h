/*
 * reach.h
 *	  What the planner may know from an index of how far a radius reaches.
 */
#ifndef VECFEAT_REACH_H
#define VECFEAT_REACH_H

#include "compat.h"

#include "index/estimate.h"
#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"

extern bool ivf_reach_of(PlannerInfo *root, const IndexOptInfo *info,
						 const Const *center, double radius, IvfReach *reach);

#endif							/* VECFEAT_REACH_H */
