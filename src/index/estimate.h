/*
 * estimate.h
 *	  How much of an index lies within a radius.
 */
#ifndef VECFEAT_ESTIMATE_H
#define VECFEAT_ESTIMATE_H

#include "compat.h"

#include "utils/rel.h"

typedef struct IvfReach
{
	double		share;			/* of the entries are within the radius */
	double		lists;			/* share of the lists that could hold such */
} IvfReach;

extern bool ivf_reach(Relation index, double entries, Datum center, double radius,
					  IvfReach *reach);

#endif							/* VECFEAT_ESTIMATE_H */
