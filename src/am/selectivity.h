/*
 * selectivity.h
 *	  How many rows lie within a radius.
 */
#ifndef VECFEAT_SELECTIVITY_H
#define VECFEAT_SELECTIVITY_H

#include "compat.h"

#include "am/within.h"
#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"
#include "nodes/supportnodes.h"
#include "utils/selfuncs.h"

extern Selectivity ivf_within_selectivity(PlannerInfo *root,
										  const IvfWithin *within,
										  const VariableStatData *column,
										  const Const *center,
										  const Const *radius);
extern bool ivf_constant_range(const Node *range, Oid center_type,
							   Const **center, double *radius);
extern Selectivity ivf_function_selectivity(const SupportRequestSelectivity *request);

#endif							/* VECFEAT_SELECTIVITY_H */
