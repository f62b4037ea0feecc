/*
 * cost.c
 *	  What a scan costs.
 *
 * Before the first row comes out, the upper levels and the probed leaves are
 * scored; that is the startup cost.  Read to its end, the scan reads every page
 * of the index and computes every distance from the heap; the planner adds the
 * heap's pages itself.  So a query without LIMIT is left to a sequential scan
 * and a sort, and one whose filter leaves few rows to an index on the filter.
 */
#include "compat.h"

#include "am/cost.h"

#include <math.h>

#include "access/genam.h"
#include "index/ops.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "page/meta.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

/*
 * Scoring an entry's sign code, in units of cpu_operator_cost: some
 * nanoseconds, where an operator call takes tens.
 */
#define SCORE_COST		0.1

/*
 * Advancing a row to its end: byte code, heap row, distance.
 */
#define ADVANCE_COST	10

/* bytes of an entry that scoring reads, of all that it takes in the index */
#define CODE_SHARE		0.2

void
ivf_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count,
				  Cost *startup_cost, Cost *total_cost,
				  Selectivity *selectivity, double *correlation, double *pages)
{
	IndexOptInfo *info = path->indexinfo;
	GenericCosts costs = {0};
	double		leaves = Max(1, rint(info->tuples / 500));
	double		probes;
	double		share;
	double		page_cost;

	genericcostestimate(root, path, loop_count, &costs);

	/* a scan ordered by two distances is one that we refuse */
	if (list_length(path->indexorderbys) > 1)
	{
		*startup_cost = *total_cost = get_float8_infinity();
		compat_disable_path(path);
		*selectivity = costs.indexSelectivity;
		*correlation = 0;
		*pages = costs.numIndexPages;
		return;
	}

	if (!info->hypothetical)
	{
		Relation	index = index_open(info->indexoid, NoLock);
		IvfMetaData meta;

		ivf_meta_read(index, &meta);
		leaves = meta.leaves;
		index_close(index, NoLock);
	}
	probes = ivf_probes > 0 ? ivf_probes : ceil(sqrt(leaves));
	share = Min(1, probes / leaves);
	get_tablespace_page_costs(info->reltablespace, &page_cost, NULL);

	*total_cost = costs.indexTotalCost +
		info->tuples * (SCORE_COST + ADVANCE_COST) * cpu_operator_cost;
	*startup_cost = info->tuples * share * SCORE_COST * cpu_operator_cost +
		leaves * SCORE_COST * cpu_operator_cost +
		info->pages * share * CODE_SHARE * page_cost;
	if (path->indexorderbys == NIL)
		*startup_cost = costs.indexStartupCost;
	*startup_cost = Min(*startup_cost, *total_cost);
	*selectivity = costs.indexSelectivity;
	*correlation = 0;
	*pages = costs.numIndexPages;
}
