/*
 * census.h
 *	  What an index consists of, counted.
 */
#ifndef VECFEAT_CENSUS_H
#define VECFEAT_CENSUS_H

#include "compat.h"

#include "page/page.h"

/*
 * A list, counted page by page: what inserts and VACUUM do meanwhile may be in
 * it or not.
 */
typedef struct IvfListSize
{
	int64		entries;		/* live */
	int64		dead_slots;
	int64		pages;
} IvfListSize;

/* entries of a list: no more in the stated share of all lists */
typedef struct IvfSpread
{
	int64		least;
	int64		tenth;
	int64		median;
	int64		nine_tenths;
	int64		most;
} IvfSpread;

typedef struct IvfCensus
{
	/* of the file's pages, by kind; pages that no chain reaches among them */
	int64		meta_pages;
	int64		inner_pages;
	int64		code_pages;
	int64		refine_pages;
	int64		free_pages;
	int64		unplaced;		/* rows without a vector or a direction */

	/* of the lists */
	int64		entries;
	int64		dead_slots;
	IvfSpread	spread;
} IvfCensus;

extern void ivf_list_size(Relation index, BlockNumber node, int n,
						  IvfListSize *size);
extern void ivf_census(Relation index, const IvfMetaData *meta,
					   IvfCensus *census);

#endif							/* VECFEAT_CENSUS_H */
