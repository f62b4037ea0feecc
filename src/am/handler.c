/*
 * handler.c
 *	  The ivf access method: which callbacks it has, and what it can do.
 */
#include "compat.h"

#include "access/amapi.h"
#include "am/cost.h"
#include "am/options.h"
#include "am/validate.h"
#include "commands/vacuum.h"
#include "index/opclass.h"
#include "index/ops.h"
#include "nodes/execnodes.h"

/*
 * NULLs are indexed, as amoptionalkey demands: the planner may scan without a
 * key.  Scans go forward only, since a distance has no end to begin with.
 *
 * amstrategies is 0, as for every access method whose strategy numbers are not
 * those of a B-tree's comparisons: all that the server takes from it is how far
 * the numbers of CREATE OPERATOR CLASS may go, and which are any use it leaves to
 * amadjustmembers.  It matches an operator by its being in the family, for search
 * or for ORDER BY, not by its number, and hands a scan the number and the right
 * input type from there: sk_strategy and sk_subtype.
 */
VECFEAT_FUNCTION(vecfeat_ivfhandler)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = 0;
	am->amsupport = IVF_SUPPORT_PROCS;
	am->amoptsprocnum = 0;
	am->amcanorder = false;
	am->amcanorderbyop = true;
	am->amcanbackward = false;
	am->amcanunique = false;
	am->amcanmulticol = false;
	am->amoptionalkey = true;
	am->amsearcharray = false;
	am->amsearchnulls = false;
	am->amstorage = false;
	am->amclusterable = false;
	am->ampredlocks = false;
	am->amcanparallel = false;
	compat_can_build_in_parallel(am);
	am->amcaninclude = false;
	am->amusemaintenanceworkmem = false;
	am->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL;
	am->amkeytype = InvalidOid;

	am->ambuild = ivf_build;
	am->ambuildempty = ivf_build_empty;
	am->aminsert = ivf_insert;
	am->ambulkdelete = ivf_bulk_delete;
	am->amvacuumcleanup = ivf_vacuum_cleanup;
	am->amcanreturn = NULL;
	am->amcostestimate = ivf_cost_estimate;
	am->amoptions = ivf_options;
	am->amproperty = ivf_property;
	am->ambuildphasename = ivf_phase_name;
	am->amvalidate = ivf_validate;
	am->amadjustmembers = ivf_adjust_members;
	am->ambeginscan = ivf_begin_scan;
	am->amrescan = ivf_rescan;
	am->amgettuple = ivf_get_tuple;
	am->amgetbitmap = ivf_get_bitmap;
	am->amendscan = ivf_end_scan;
	am->ammarkpos = NULL;
	am->amrestrpos = NULL;
	am->amestimateparallelscan = NULL;
	am->aminitparallelscan = NULL;
	am->amparallelrescan = NULL;

	PG_RETURN_POINTER(am);
}
