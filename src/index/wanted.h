/*
 * wanted.h
 *	  What a scan's keys ask for.
 */
#ifndef VECFEAT_WANTED_H
#define VECFEAT_WANTED_H

#include "compat.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "index/space.h"

/* strategy numbers: ORDER BY a distance, and WHERE a distance is in a range */
#define IVF_STRATEGY_ORDER	1
#define IVF_STRATEGY_WITHIN	2

typedef struct IvfWanted
{
	bool		nothing;		/* no row fits the conditions */
	const float4 *elements;		/* the query, or NULL: there is none */
	bool		ordered;		/* are rows wanted in the order of their distances? */
	bool		within;			/* are those alone wanted that are in a radius? */
	double		radius;			/* on the operator's scale */
} IvfWanted;

extern void ivf_wanted(IndexScanDesc scan, const IvfSpace *space,
					   IvfWanted *wanted);

#endif							/* VECFEAT_WANTED_H */
