/*
 * workers.c
 *	  How many processes help with a build.
 *
 * The server's rule looks at the pages of the table alone.  A build reads every
 * vector: where they are stored out of line, most of what it reads, and what it
 * computes, is of pages that the rule does not see.
 */
#include "compat.h"

#include "index/parallel.h"

#include <math.h>

#include "access/table.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "utils/guc.h"

/*
 * The share of a table's pages that are not those of what it stores out of line;
 * 1 where that is nothing.
 */
static double
own_share(Relation heap)
{
	double		own = RelationGetNumberOfBlocks(heap);
	double		outside = 0;

	if (OidIsValid(heap->rd_rel->reltoastrelid))
	{
		Relation	toast = table_open(heap->rd_rel->reltoastrelid, AccessShareLock);

		outside = RelationGetNumberOfBlocks(toast);
		table_close(toast, AccessShareLock);
	}
	return outside > 0 ? own / (own + outside) : 1;
}

/*
 * What the server answers where a table so many times smaller is worth a worker
 * as the setting says.
 */
static int
workers_by_share(Relation heap, Relation index, double share)
{
	int			level = NewGUCNestLevel();
	char		size[16];
	int			workers;

	snprintf(size, sizeof(size), "%d", (int) ceil(min_parallel_table_scan_size * share));
	(void) set_config_option("min_parallel_table_scan_size", size, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	workers = plan_create_index_workers(RelationGetRelid(heap), RelationGetRelid(index));
	AtEOXact_GUC(false, level);
	return workers;
}

/*
 * Workers that a build asks for.  What the server decides by is not particular to
 * B-trees: a temporary table, expressions or a predicate that are not parallel
 * safe, the size of the table, memory, and the settings.  Only TRUNCATE would
 * have an index built by one process whatever these say, and its table is empty:
 * callers don't ask for such.
 */
int
ivf_build_workers(Relation heap, Relation index)
{
	return workers_by_share(heap, index, own_share(heap));
}
