/*
 * rangecost.c
 *	  What a search within a radius costs.
 *
 * Such a search is exact.  It looks at the row of every inner node's child, and at
 * the byte code of every entry in the lists that could hold something within the
 * radius: in few dimensions these are few, in many nearly all.  So it is the index
 * that says how many.
 *
 * The constants were measured as those of cost.c, on 200,000 rows of 3, 8 and 64
 * dimensions in memory.
 */
#include "compat.h"

#include "am/rangecost.h"

#include "am/cost.h"
#include "am/reach.h"
#include "am/selectivity.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/spccache.h"

/*
 * Finding out whether a list could hold something, in units of
 * cpu_operator_cost,
 */
#define LIST_COST		50

/* a bound of an entry from its sign code, and if that allows for it its byte code, */
#define BOUND_COST		2

/* taking out what is within the radius, */
#define TAKE_COST		60

/* and, where rows come in order, a heap row and its distance */
#define ORDER_COST		100

/* the share of the lists, where nothing is known of the range */
#define DEFAULT_LISTS	0.25

/*
 * Do an order's query and a range have one center?
 */
static bool
is_around(const Node *range, const Node *query)
{
	Const	   *center;
	double		radius;

	if (IsA(range, RowExpr))
		return equal(linitial(((const RowExpr *) range)->args), query);
	return ivf_constant_range(range, exprType(query), &center, &radius) &&
		equal(center, query);
}

/*
 * What a scan looks around is the center of its order, if it has one.
 */
static bool
is_searched(const IndexPath *path, const Node *range)
{
	const OpExpr *order;

	if (path->indexorderbys == NIL)
		return true;
	order = linitial(path->indexorderbys);
	return is_around(range, lsecond(order->args));
}

/*
 * The share of the lists that a search reads, by the range that needs the fewest;
 * false if it is none within a radius.
 */
static bool
lists_share(PlannerInfo *root, const IndexPath *path, double *share)
{
	const IndexOptInfo *index = path->indexinfo;
	bool		found = false;
	ListCell   *cell;

	*share = 1;
	foreach(cell, path->indexclauses)
	{
		ListCell   *inner;

		foreach(inner, lfirst_node(IndexClause, cell)->indexquals)
		{
			const RestrictInfo *info = lfirst_node(RestrictInfo, inner);
			const Node *range = lsecond(((const OpExpr *) info->clause)->args);
			IvfReach	reach = {0, DEFAULT_LISTS};
			Const	   *center;
			double		radius;

			if (!is_searched(path, range))
				continue;
			if (ivf_constant_range(range, index->opcintype[0], &center, &radius))
				(void) ivf_reach_of(root, index, center, radius, &reach);
			*share = Min(*share, reach.lists);
			found = true;
		}
	}
	return found;
}

/*
 * The cost of finding so many rows within a radius; false if a path does not
 * search so.
 */
bool
ivf_range_cost(PlannerInfo *root, const IndexPath *path, double rows,
			   Cost *startup_cost, Cost *total_cost)
{
	const IndexOptInfo *info = path->indexinfo;
	bool		ordered = path->indexorderbys != NIL;
	IvfMetaData meta;
	double		random_cost;
	double		page_cost;
	double		share;
	Cost		read;

	if (!lists_share(root, path, &share))
		return false;
	ivf_read_shape(info, &meta);
	get_tablespace_page_costs(info->reltablespace, &random_cost, &page_cost);
	share = Max(share, 1.0 / meta.leaves);
	read = share * (info->pages * page_cost +
					info->tuples * BOUND_COST * cpu_operator_cost);
	*startup_cost = (meta.height + 1) * random_cost +
		meta.leaves * LIST_COST * cpu_operator_cost;

	/* to know which row is the first, nearly as many lists are read as for all */
	*total_cost = *startup_cost + read + rows * TAKE_COST * cpu_operator_cost;
	if (ordered)
	{
		*startup_cost += read;
		*total_cost += rows * ORDER_COST * cpu_operator_cost;
	}
	return true;
}
