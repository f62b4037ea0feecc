/*
 * ops.h
 *	  The operations on an index, as the access method's callbacks want them.
 */
#ifndef VECFEAT_OPS_H
#define VECFEAT_OPS_H

#include "compat.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/relscan.h"
#include "nodes/execnodes.h"

/* WITH (...) of an index, as stored in rd_options */
typedef struct IvfOptions
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int			lists;
	double		recall;
} IvfOptions;

/* the recall that a scan wants when nobody says anything */
#define IVF_RECALL		0.95

/* settings, registered in am/options.c */
extern int	ivf_probes;			/* scan.c, and the two that follow */
extern double ivf_recall;
extern bool ivf_recall_is_set;
extern int	ivf_debug_fanout;	/* build.c */

/* build.c */
extern IndexBuildResult *ivf_build(Relation heap, Relation index,
								   IndexInfo *info);
extern void ivf_build_empty(Relation index);
extern char *ivf_phase_name(int64 phase);

/* insert.c */
extern bool ivf_insert(Relation index, Datum *values, bool *isnull,
					   ItemPointer tid, Relation heap,
					   IndexUniqueCheck unique, bool unchanged,
					   IndexInfo *info);

/* scan.c */
extern double ivf_recall_wanted(Relation index);
extern IndexScanDesc ivf_begin_scan(Relation index, int nkeys, int norderbys);
extern void ivf_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
					   ScanKey orderbys, int norderbys);
extern bool ivf_get_tuple(IndexScanDesc scan, ScanDirection direction);
extern int64 ivf_get_bitmap(IndexScanDesc scan, TIDBitmap *bitmap);
extern void ivf_end_scan(IndexScanDesc scan);
struct IvfTotal;
extern void ivf_scan_exactly(IndexScanDesc scan);
extern void ivf_scan_total(IndexScanDesc scan, struct IvfTotal *total);

/* vacuum.c */
extern IndexBulkDeleteResult *ivf_bulk_delete(IndexVacuumInfo *info,
											  IndexBulkDeleteResult *stats,
											  IndexBulkDeleteCallback callback,
											  void *callback_state);
extern IndexBulkDeleteResult *ivf_vacuum_cleanup(IndexVacuumInfo *info,
												 IndexBulkDeleteResult *stats);

#endif							/* VECFEAT_OPS_H */
