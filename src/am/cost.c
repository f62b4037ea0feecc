/*
 * cost.c
 *	  What a scan costs.
 *
 * Before the first row comes out, the upper levels and the probed leaves are
 * scored; that is the startup cost.  Each row then costs byte codes, a heap
 * row and a distance, at places that have nothing to do with each other.  So a
 * query without LIMIT is left to a sequential scan and a sort, and one whose
 * filter leaves few rows to an index on the filter.
 *
 * The constants were measured on tables that memory holds, in the unit that a
 * sequential scan with a sort by distance has there.  What the planner knows
 * nothing of is what it costs to fetch vectors that are stored out of line; it
 * takes every plan that looks at many of them for too cheap, and this index
 * looks at the fewest.
 */
#include "compat.h"

#include "am/cost.h"

#include <math.h>

#include "access/genam.h"
#include "am/guard.h"
#include "am/rangecost.h"
#include "ground/rotate.h"
#include "index/ops.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "page/meta.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

/*
 * Scoring an entry's sign code, in units of cpu_operator_cost: some
 * nanoseconds, where an operator call takes tens.
 */
#define SCORE_COST		0.1

/*
 * Reading an entry's byte code for a certain bound.
 */
#define BOUND_COST		10

/*
 * Advancing a row to its end: some byte codes, the heap row, its distance.
 */
#define ADVANCE_COST	10

/*
 * The server counts a heap page once, as if the scan found it in memory from
 * then on, and spreads that over all rows.  The first rows, for which a LIMIT
 * asks, each stand on another page; but indexes on a filter's column have
 * theirs counted in full.  This share of a random read more for a row makes
 * either plan be chosen where it is the faster one, also with the
 * random_page_cost of fast disks.
 */
#define FETCH_SHARE		0.25

/* more than enable_seqscan = off adds; no infinity, as costs are subtracted */
#define REFUSED_COST	1e100

/* what a scan reads of an index that does not exist yet */
#define HYPOTHETICAL_LIST	500
#define HYPOTHETICAL_DIM	128

/*
 * What is known of the index: the metapage, or a guess.
 */
void
ivf_read_shape(const IndexOptInfo *info, IvfMetaData *meta)
{
	if (info->hypothetical)
	{
		memset(meta, 0, sizeof(*meta));
		meta->dimensions = HYPOTHETICAL_DIM;
		meta->leaves = (uint32) Max(1, rint(info->tuples / HYPOTHETICAL_LIST));
		meta->height = meta->leaves > 1 ? 2 : 1;
	}
	else
	{
		Relation	index = index_open(info->indexoid, NoLock);

		ivf_meta_read(index, meta);
		index_close(index, NoLock);
	}
}

/*
 * The cost of all that happens before the first row in order.
 */
static Cost
begin_cost(const IndexOptInfo *info)
{
	IvfMetaData meta;
	double		random_cost;
	double		page_cost;
	double		probes;
	double		share;
	double		code;
	double		row;
	double		leaf_pages;
	Cost		cost;
	int			n;

	ivf_read_shape(info, &meta);
	get_tablespace_page_costs(info->reltablespace, &random_cost, &page_cost);
	probes = ivf_probes > 0 ? ivf_probes : ceil(sqrt(meta.leaves));
	share = Min(1, probes / meta.leaves);
	probes = share * meta.leaves;

	/* the metapage, the mean, a page of each upper level, the children */
	cost = (meta.height + 1) * random_cost +
		meta.leaves * SCORE_COST * cpu_operator_cost;

	/* all lists: every byte code is read */
	if (share == 1)
		return cost + info->pages * page_cost +
			info->tuples * BOUND_COST * cpu_operator_cost;

	/* else the code pages of the leaves, which are adjacent in each */
	n = rotation_padded(meta.dimensions);
	code = (sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n)) / (double) VEC_BLOCK;
	row = IVF_ROW_HEAD(0) + IVF_ROW_BODY(0, n);
	leaf_pages = Max(1, info->pages * code / (code + row) / meta.leaves);
	return cost + probes * (random_cost + (leaf_pages - 1) * page_cost) +
		info->tuples * share * SCORE_COST * cpu_operator_cost;
}

void
ivf_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count,
				  Cost *startup_cost, Cost *total_cost,
				  Selectivity *selectivity, double *correlation, double *pages)
{
	IndexOptInfo *info = path->indexinfo;
	GenericCosts costs = {0};
	double		random_cost;

	genericcostestimate(root, path, loop_count, &costs);
	*startup_cost = costs.indexStartupCost;
	*total_cost = costs.indexTotalCost;
	*selectivity = costs.indexSelectivity;
	*correlation = 0;
	*pages = costs.numIndexPages;

	/*
	 * What is not to be: a scan ordered by two distances; one that would show
	 * hidden rows; and an index-only scan, which the planner believes to be
	 * possible where no column is needed, as to count the rows of a partial
	 * index.  That trusts the visibility map, so the page that a TID was read
	 * from would have to stay pinned.
	 */
	if (list_length(path->indexorderbys) > 1 ||
		ivf_shows_hidden_rows(root, path) ||
		path->path.pathtype == T_IndexOnlyScan)
	{
		*startup_cost = *total_cost = REFUSED_COST;
		compat_disable_path(path);
		return;
	}

	if (ivf_range_cost(root, path, costs.numIndexTuples, startup_cost, total_cost))
		return;

	/*
	 * Without an order, which an index with a predicate may be asked for, all
	 * TIDs are read and nothing is computed.
	 */
	if (path->indexorderbys == NIL)
		return;

	get_tablespace_page_costs(info->rel->reltablespace, &random_cost, NULL);
	*startup_cost += begin_cost(info);
	*total_cost += *startup_cost +
		info->tuples * ((SCORE_COST + ADVANCE_COST) * cpu_operator_cost +
						FETCH_SHARE * random_cost);
}
