/*
 * workers.c
 *	  Processes that help with a build: how many, and what each of them does first.
 *
 * The server's rule looks at the pages of the table alone.  A build reads every
 * vector: where they are stored out of line, most of what it reads, and what it
 * computes, is of pages that the rule does not see.
 */
#include "compat.h"

#include "index/parallel.h"

#include <math.h>

#include "access/parallel.h"
#include "access/table.h"
#include "catalog/index.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

/* of the text that a worker shows as what it is about; the callers' are others */
#define KEY_QUERY		UINT64CONST(0x7665630000000008)

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

/*
 * Room in a context's segment for what ivf_worker_share() puts there.
 */
void
ivf_worker_estimate(ParallelContext *context)
{
	if (debug_query_string == NULL)
		return;
	shm_toc_estimate_chunk(&context->estimator, strlen(debug_query_string) + 1);
	shm_toc_estimate_keys(&context->estimator, 1);
}

/*
 * What workers find before they are launched; target is in the segment.
 */
void
ivf_worker_share(ParallelContext *context, const IvfBuild *build, IvfTarget *target)
{
	target->heap = RelationGetRelid(build->heap);
	target->index = RelationGetRelid(build->index);
	target->concurrent = build->info->ii_Concurrent;
	if (debug_query_string)
	{
		char	   *query = shm_toc_allocate(context->toc, strlen(debug_query_string) + 1);

		strcpy(query, debug_query_string);
		shm_toc_insert(context->toc, KEY_QUERY, query);
	}
}

static LOCKMODE
heap_lock(const IvfTarget *target)
{
	return target->concurrent ? ShareUpdateExclusiveLock : ShareLock;
}

static LOCKMODE
index_lock(const IvfTarget *target)
{
	return target->concurrent ? RowExclusiveLock : AccessExclusiveLock;
}

/*
 * In a worker: says what it is about, and opens the relations under the locks that
 * the leader has.  Members of its lock group do not wait for each other.
 */
void
ivf_worker_open(shm_toc *toc, const IvfTarget *target, Relation *heap, Relation *index)
{
	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
	*heap = table_open(target->heap, heap_lock(target));
	*index = index_open(target->index, index_lock(target));
}

void
ivf_worker_close(const IvfTarget *target, Relation heap, Relation index)
{
	index_close(index, index_lock(target));
	table_close(heap, heap_lock(target));
}
