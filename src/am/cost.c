/*
 * cost.c
 *	  What a scan costs.
 *
 * A scan's work is a curve: much of it is done before the first row comes out,
 * then ever more lists are read as rows are asked for, until the last row has
 * taken all of them.  The planner knows a straight line, from the cost of the
 * first row to that of all, and looks at the point that a LIMIT says.  So the
 * line is laid through two points of the curve: all rows, and those that the
 * LIMIT takes, filters included.
 *
 * What a scan reads for a recall, the index's calibration tells (stoprule.c).
 *
 * The work is reckoned in the unit that a sequential scan with a sort by distance
 * has, on tables that memory holds.  bench/planner shows how often the faster
 * plan comes out as the cheaper.
 */
#include "compat.h"

#include "am/cost.h"

#include <math.h>

#include "access/genam.h"
#include "am/distcost.h"
#include "am/guard.h"
#include "am/rangecost.h"
#include "ground/rotate.h"
#include "index/ops.h"
#include "index/space.h"
#include "index/stop.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "page/meta.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

/*
 * In units of cpu_operator_cost.  Scoring an entry's sign code: some nanoseconds,
 * where an operator call takes tens.
 */
#define SCORE_COST		0.2

/* likewise, with a bound that always holds */
#define EXACT_SCORE_COST	2

/* and one from a byte code beside its neighbours, but for the elements */
#define BLOCK_BOUND_COST	4

/*
 * A bound from a byte code, and each of its elements: a byte, where a distance
 * has a float4, and products of whole vectors of them.
 */
#define BOUND_COST		10
#define BOUND_ELEMENT	0.0625

/*
 * More for a byte code of which the one read before is not a neighbour: the
 * processor waits for memory.
 */
#define SCATTER_COST	20

/*
 * Visiting a heap row by its TID, twice: the scan for its distance, then the
 * executor.  Each time a page is looked up, pinned and locked, visibility checked
 * and the row taken apart, and all of that waits for memory, where the rows of a
 * sequential scan, for which cpu_tuple_cost is meant, follow each other.
 */
#define VISIT_COST		400

/*
 * The server counts a heap page once, as if the scan found it in memory from
 * then on, and spreads that over all rows.  The first rows, for which a LIMIT
 * asks, each stand on another page; but indexes on a filter's column have
 * theirs counted in full.  This share of a random read more for a row makes
 * either plan be chosen where it is the faster one, also with the
 * random_page_cost of fast disks.
 */
#define FETCH_SHARE		0.15

/* byte codes looked at before the first row comes out, and for each row */
#define FIRST_CODES		10
#define ROW_CODES		4

/*
 * Of the entries of an exact scan's lists, in few dimensions, those whose byte
 * codes are read beside their neighbours: the nearer the lists, the more.
 */
#define EXACT_CODES		0.2

/*
 * Heap rows visited for one that comes out: in an exact scan it alone, else some
 * that had to wait for a list to be read, as another row was nearer then.
 */
#define ROW_VISITS		2

/* rows until which a scan's first lists last, and a guess where nobody knows */
#define FIRST_ROWS		10

/* the last row that the calibration knows something about */
#define KNOWN_ROWS		1000

/*
 * How far the farthest entry of a list is, where the lists of a cube of side 1
 * are cells: so many times the square root of the dimensions and the side of a
 * cell.  Half of it if cells were cubes and centroids their middles; k-means
 * leaves some that are longer.
 */
#define CELL_RADIUS		0.7

/*
 * How far a list's border is, likewise, where it is a cell and a scan knows its
 * planes: from 200,000 rows of 3 to 8 dimensions in 400 and 800 lists.
 */
#define CELL_BORDER		0.3

/* more than enable_seqscan = off adds; no infinity, as costs are subtracted */
#define REFUSED_COST	1e100

/* what a scan reads of an index that does not exist yet */
#define HYPOTHETICAL_LIST	500
#define HYPOTHETICAL_DIM	128

/*
 * What a scan of an index will find and do.
 */
typedef struct IvfWork
{
	IvfMetaData meta;
	double		recall;
	double		entries;
	double		code_pages;		/* of a list */
	double		pages;			/* of the index */
	BlockNumber heap_pages;
	double		heap_random;	/* cost of a page */
	double		index_random;
	double		index_page;
	Cost		bound;			/* of an entry from its byte code */
	Cost		visit;			/* of a heap row */
} IvfWork;

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
		meta->calibration.rule = stop_default;
	}
	else
	{
		Relation	index = index_open(info->indexoid, NoLock);

		ivf_meta_read(index, meta);
		index_close(index, NoLock);
	}
}

/* the recall that a scan of the index will want */
static double
wanted_recall(const IndexOptInfo *info)
{
	Relation	index;
	double		recall;

	if (info->hypothetical)
		return ivf_recall;
	index = index_open(info->indexoid, NoLock);
	recall = ivf_recall_wanted(index);
	index_close(index, NoLock);
	return recall;
}

/*
 * What the unit of work costs, in this index of this table.
 */
static void
prepare(PlannerInfo *root, const IndexOptInfo *info, IvfWork *work)
{
	TargetEntry *column = linitial_node(TargetEntry, info->indextlist);
	QualCost	expression;
	double		code;
	double		row;
	int			n;

	ivf_read_shape(info, &work->meta);
	work->recall = wanted_recall(info);
	get_tablespace_page_costs(info->reltablespace, &work->index_random,
							  &work->index_page);
	get_tablespace_page_costs(info->rel->reltablespace, &work->heap_random, NULL);
	work->entries = Max(1, info->tuples);
	work->pages = Max(1, info->pages);
	work->heap_pages = Max(1, info->rel->pages);

	n = rotation_padded(work->meta.dimensions);
	code = (sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n)) / (double) VEC_BLOCK;
	row = IVF_ROW_HEAD(0) + IVF_ROW_BODY(0, n);
	work->code_pages = Max(1, work->pages * code / (code + row) /
						   work->meta.leaves);
	work->bound = (BOUND_COST + BOUND_ELEMENT * n) * cpu_operator_cost;

	/* what is indexed may be an expression, which is computed then */
	cost_qual_eval_node(&expression, (Node *) column->expr, root);
	work->visit = VISIT_COST * cpu_operator_cost + expression.per_tuple +
		ivf_computing_cost(work->meta.dimensions) +
		ivf_detoasting_cost(root, (Node *) column->expr);
}

/*
 * Does the scan read a list whenever something in it may be nearer?
 */
static bool
is_exact(const IvfWork *work)
{
	return ivf_probes > 0 ? (uint32) ivf_probes >= work->meta.leaves :
		work->recall >= 1;
}

/*
 * Lists of which the certain bound is below the distance of the rows-th nearest,
 * if rows are spread evenly in as many dimensions as they have: a ball around
 * the query, grown by what is known of the lists' extent, times their density.
 * Few in two or three dimensions; in more than some ten, all.  Where rows lie in
 * fewer dimensions than they have, that is too many.
 */
static double
exact_lists(const IvfWork *work, double rows)
{
	double		d = work->meta.dimensions;
	double		leaves = work->meta.leaves;
	double		ball = d / 2 * log(M_PI) - lgamma(d / 2 + 1);
	double		radius = exp((log(rows * leaves / work->entries) - ball) / d);
	double		cell = ivf_is_voronoi(work->meta.metric, work->meta.dimensions,
									  work->meta.leaves) ? CELL_BORDER : CELL_RADIUS;
	double		lists = ball + d * log(cell * sqrt(d) + radius);

	return lists < log(leaves) ? exp(lists) : leaves;
}

/*
 * Lists that the scan has read when so many rows are out, at least one: as the
 * rule says, and where it knows no more, on the way to all of them as a power of
 * the rows.
 */
static double
lists_read(const IvfWork *work, double rows)
{
	double		leaves = work->meta.leaves;
	double		lists;

	if (is_exact(work))
		lists = exact_lists(work, rows);
	else if (ivf_probes > 0)
		lists = ivf_probes;
	else
	{
		const StopRule *rule = &work->meta.calibration.rule;

		lists = stop_lists(rule, Max(FIRST_ROWS, Min(rows, KNOWN_ROWS)),
						   work->recall);
		if (rows > KNOWN_ROWS && lists < leaves && work->entries > KNOWN_ROWS)
			lists *= pow(leaves / lists, log(rows / KNOWN_ROWS) /
						 log(work->entries / KNOWN_ROWS));
	}

	/* rows can't come from fewer, whatever a rule says */
	if (!(lists >= rows / work->entries * leaves))
		lists = rows / work->entries * leaves;
	return Max(1, Min(lists, leaves));
}

/*
 * The cost of a bound of an entry as all of a list get it.
 */
static Cost
scoring_cost(const IvfWork *work)
{
	double		code = BLOCK_BOUND_COST +
		BOUND_ELEMENT * rotation_padded(work->meta.dimensions);

	if (!is_exact(work))
		return SCORE_COST * cpu_operator_cost;
	if (ivf_few_dimensions(work->meta.dimensions))
		return (EXACT_SCORE_COST + EXACT_CODES * code) * cpu_operator_cost;
	return code * cpu_operator_cost;
}

/*
 * The cost of so many rows, but for what the server adds for each.
 */
static Cost
work_cost(PlannerInfo *root, const IvfWork *work, double rows)
{
	double		leaves = work->meta.leaves;
	double		lists = lists_read(work, rows);
	double		entries = lists * work->entries / leaves;
	double		codes = Min(entries, FIRST_CODES + ROW_CODES * rows);
	double		visits = is_exact(work) ? rows :
		Min(entries, ROW_VISITS * rows);
	Cost		cost;

	/* the metapage, the mean, a page of each upper level, the children */
	cost = (work->meta.height + 1) * work->index_random +
		leaves * SCORE_COST * cpu_operator_cost;

	/* the code pages of the lists, which are adjacent in each */
	cost += lists * (work->index_random +
					 (work->code_pages - 1) * work->index_page) +
		entries * scoring_cost(work);

	/* byte codes */
	cost += codes * (work->bound + SCATTER_COST * cpu_operator_cost);

	/* heap rows */
	return cost + visits * work->visit + FETCH_SHARE * work->heap_random *
		index_pages_fetched(rows, work->heap_pages, work->pages, root);
}

/*
 * How many of the path's rows the query takes, as far as can be known here.  Of
 * a table's partitions each gives its share.  A join may let fewer rows pass, so
 * that more are taken; the line is a good one there too, for beyond the first
 * rows the curve is nearly straight.
 */
static double
rows_taken(PlannerInfo *root, const IndexPath *path)
{
	RelOptInfo *rel = path->indexinfo->rel;
	double		taken = root->limit_tuples;

	if (taken < 0)
		return FIRST_ROWS;
	while (rel->reloptkind == RELOPT_OTHER_MEMBER_REL)
	{
		AppendRelInfo *child = root->append_rel_array[rel->relid];
		RelOptInfo *parent = root->simple_rel_array[child->parent_relid];

		if (parent->rows > rel->rows)
			taken *= rel->rows / parent->rows;
		rel = parent;
	}
	return Max(1, taken);
}

/*
 * The costs of a scan in order: startup_cost and total_cost are those of the
 * line described above.
 */
static void
order_cost(PlannerInfo *root, const IndexPath *path, Cost *startup_cost,
		   Cost *total_cost)
{
	IvfWork		work;
	double		share = rows_taken(root, path) / Max(1, path->path.rows);
	Cost		all;

	prepare(root, path->indexinfo, &work);
	all = work_cost(root, &work, work.entries);
	*total_cost = *startup_cost = all;
	if (share < 1)
	{
		Cost		some = work_cost(root, &work, Max(1, share * work.entries));

		/* where nearly all is done for the first rows, the line is level */
		*startup_cost = Max(0, (some - share * all) / (1 - share));
		*total_cost = Max(all, *startup_cost);
	}
}

void
ivf_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count,
				  Cost *startup_cost, Cost *total_cost,
				  Selectivity *selectivity, double *correlation, double *pages)
{
	GenericCosts costs = {0};

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
	if (path->indexorderbys != NIL)
		order_cost(root, path, startup_cost, total_cost);
}
