/*
 * reach.c
 *	  What the planner may know from an index of how far a radius reaches.
 *
 * For one condition the planner asks several times: how many rows it passes, and
 * what each path costs that uses it.  The last answers are kept for the rest of
 * the statement; what they are of may change meanwhile, but is not worth another
 * look.
 */
#include "compat.h"

#include "am/reach.h"

#include <math.h>

#include "access/genam.h"
#include "access/xact.h"
#include "am/cost.h"
#include "common/hashfn.h"
#include "utils/rel.h"

/* more ranges than that are rarely in one query */
#define KEPT		8

typedef struct KeptReach
{
	TimestampTz statement;		/* 0: nothing is kept here */
	Oid			index;
	double		entries;
	uint64		center;			/* its hash */
	double		radius;
	bool		known;
	IvfReach	reach;
} KeptReach;

static KeptReach kept[KEPT];
static int	kept_next = 0;

/*
 * Where conditions of row-level security hide rows, an estimate, which EXPLAIN
 * shows, would tell where they are.
 */
static bool
hides_rows(PlannerInfo *root, const IndexOptInfo *info)
{
	return info->rel->baserestrict_min_security < root->qual_security_level;
}

static bool
ask_index(const IndexOptInfo *info, Datum center, double radius, IvfReach *reach)
{
	Relation	index = index_open(info->indexoid, NoLock);
	bool		known = ivf_reach(index, info->tuples, center, radius, reach);

	index_close(index, NoLock);
	return known;
}

/*
 * How far a radius around a center reaches in an index; false if it can't be
 * known, and then *reach stays as it is.
 */
bool
ivf_reach_of(PlannerInfo *root, const IndexOptInfo *info, const Const *center,
			 double radius, IvfReach *reach)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();
	struct varlena *value;
	KeptReach  *entry = NULL;
	uint64		hash;
	int			i;

	if (info->amcostestimate != ivf_cost_estimate || info->hypothetical ||
		center->consttype != info->opcintype[0] || center->constisnull ||
		isnan(radius) || hides_rows(root, info))
		return false;

	value = PG_DETOAST_DATUM_PACKED(center->constvalue);
	hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(value),
							   VARSIZE_ANY_EXHDR(value), 0);
	for (i = 0; i < KEPT; i++)
	{
		entry = &kept[i];
		if (entry->statement == now && entry->index == info->indexoid &&
			entry->entries == info->tuples && entry->center == hash &&
			entry->radius == radius)
			break;
	}

	if (i == KEPT)
	{
		entry = &kept[kept_next++ % KEPT];
		entry->statement = 0;
		entry->known = ask_index(info, center->constvalue, radius, &entry->reach);
		entry->statement = now;
		entry->index = info->indexoid;
		entry->entries = info->tuples;
		entry->center = hash;
		entry->radius = radius;
	}
	if (entry->known)
		*reach = entry->reach;
	return entry->known;
}
