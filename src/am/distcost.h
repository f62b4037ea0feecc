/*
 * distcost.h
 *	  What distances cost that are computed on a table's rows.
 */
#ifndef VECFEAT_DISTCOST_H
#define VECFEAT_DISTCOST_H

#include "compat.h"

#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"

extern Cost ivf_computing_cost(double dimensions);
extern Cost ivf_detoasting_cost(PlannerInfo *root, Node *expression);
extern void ivf_distance_cost(SupportRequestCost *request);

#endif							/* VECFEAT_DISTCOST_H */
