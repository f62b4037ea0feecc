/*
 * recalibrate.c
 *	  Calibrates an index anew, in place.
 *
 * Scans take the rule from the metapage when they begin: those that run go on by
 * the old one.
 */
#include "compat.h"

#include "index/recalibrate.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "index/census.h"
#include "index/ivfrel.h"
#include "index/space.h"
#include "miscadmin.h"
#include "page/meta.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

/*
 * Has so much of an index changed since it was calibrated that this is to be done
 * again: more than a third?  What VACUUM has taken out was counted.  What came is
 * known from the number of live entries, or, where nobody has counted them and
 * entries is negative, from the pages they took; not if they found dead slots.
 */
bool
ivf_calibration_due(const IvfMetaData *meta, BlockNumber blocks, double entries)
{
	const IvfCalibration *calibration = &meta->calibration;
	double		third = calibration->entries / 3;

	return meta->height > 1 &&
		(calibration->removed > third ||
		 entries > calibration->entries + third ||
		 blocks > calibration->blocks + calibration->blocks / 3);
}

/*
 * Calibrates an index that has so many live entries; the caller's lock keeps
 * others from doing the same.  Returns how many searches it took, 0 if there is
 * too little to learn from: then the rule stays as it is.
 */
int
ivf_recalibrate(Relation index, double entries, IvfCalibrateProgress progress)
{
	IvfCalibration calibration;
	bool		made;

	ivf_meta_calibration(index, &calibration);
	made = ivf_calibrate(index, (Size) maintenance_work_mem * 1024, progress,
						 &calibration);

	/* in vain or not: the next time is when as much has changed again */
	calibration.entries = entries;
	calibration.blocks = RelationGetNumberOfBlocks(index);
	calibration.removed = 0;
	ivf_meta_calibrate(index, &calibration);
	return made ? (int) calibration.queries : 0;
}

/*
 * Raises an error unless the current user may change an index: who owns its
 * table, or may maintain it.
 */
static void
check_privilege(Oid table)
{
	if (!compat_owns_relation(table, GetUserId()) &&
		!compat_may_maintain(table, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
}

/*
 * ivf_calibrate(index): how many searches it took.
 *
 * The lock is VACUUM's, which calibrates, too.
 */
VECFEAT_FUNCTION(vecfeat_ivf_calibrate)
{
	Oid			oid = PG_GETARG_OID(0);
	Oid			table = IndexGetRelation(oid, true);
	Relation	heap = NULL;
	Relation	index;
	IvfMetaData meta;
	IvfCensus	census;
	int			queries = 0;

	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("recovery is in progress"),
				 errhint("Calibrate the index on the primary server.")));
	if (OidIsValid(table))
	{
		check_privilege(table);
		heap = table_open(table, ShareUpdateExclusiveLock);
	}
	index = ivf_index_open(oid, RowExclusiveLock);
	if (heap == NULL || table != IndexGetRelation(oid, false))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("could not open the table of index \"%s\"",
						RelationGetRelationName(index))));

	ivf_shape_read(index, &meta);
	if (meta.height > 1)
	{
		ivf_census(index, &meta, &census);
		queries = ivf_recalibrate(index, (double) census.entries, NULL);
	}
	index_close(index, RowExclusiveLock);
	table_close(heap, ShareUpdateExclusiveLock);
	PG_RETURN_INT32(queries);
}
