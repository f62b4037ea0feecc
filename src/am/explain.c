/*
 * explain.c
 *	  What EXPLAIN ANALYZE tells of scans of ivf indexes.
 *
 * Counts are those of all loops together, as the number of index searches is: an
 * average would hide that some searches read much more than others.  A parallel
 * worker's scan dies with the worker, and what the server brings home of it has
 * no room for ours; so it is told how many workers are not in the counts.
 */
#include "compat.h"

#include "am/explain.h"

#ifdef COMPAT_EXPLAINS_NODES

#include "commands/explain.h"
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#include "executor/instrument.h"
#include "index/ops.h"
#include "index/score.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

static explain_per_node_hook_type previous_hook;

/* in words, and never NULL */
static const char *
reason(int stopped)
{
	const char *name = ivf_stopped_name((IvfStopped) stopped);

	return name ? name : "no order";
}

/* in few lines */
static void
show_text(const IvfTotal *total, ExplainState *es)
{
	const IvfCounters *sum = &total->sum;
	StringInfoData reasons;
	int			i;

	ExplainPropertyText("Lists Read",
						psprintf(INT64_FORMAT " of " INT64_FORMAT, sum->leaves, sum->lists),
						es);
	ExplainPropertyText("Entries",
						psprintf("scored=" INT64_FORMAT " refined=" INT64_FORMAT " rechecked=" INT64_FORMAT,
								 sum->entries, sum->byte_codes, sum->heap_rows),
						es);
	if (sum->recall > 0)
		ExplainPropertyText("Target Recall", psprintf("%g", sum->recall), es);

	initStringInfo(&reasons);
	for (i = 0; i < (int) lengthof(total->stopped); i++)
	{
		if (total->stopped[i] == total->searches)
			appendStringInfoString(&reasons, reason(i));
		else if (total->stopped[i] > 0)
			appendStringInfo(&reasons, "%s%s (" INT64_FORMAT ")",
							 reasons.len > 0 ? ", " : "", reason(i),
							 total->stopped[i]);
	}
	ExplainPropertyText("Scan Stopped", reasons.data, es);
	pfree(reasons.data);
}

/* always the same properties, but for the target: there may be none */
static void
show_structure(const IvfTotal *total, ExplainState *es)
{
	const IvfCounters *sum = &total->sum;
	int			i;

	ExplainPropertyInteger("Lists Read", NULL, sum->leaves, es);
	ExplainPropertyInteger("Lists", NULL, sum->lists, es);
	ExplainPropertyInteger("Entries Scored", NULL, sum->entries, es);
	ExplainPropertyInteger("Codes Refined", NULL, sum->byte_codes, es);
	ExplainPropertyInteger("Rows Rechecked", NULL, sum->heap_rows, es);
	if (sum->recall > 0)
		ExplainPropertyFloat("Target Recall", NULL, sum->recall, 4, es);
	ExplainOpenGroup("Scan Stopped", "Scan Stopped", true, es);
	for (i = 0; i < (int) lengthof(total->stopped); i++)
		ExplainPropertyInteger(reason(i), NULL, total->stopped[i], es);
	ExplainCloseGroup("Scan Stopped", "Scan Stopped", true, es);
}

/* in how many workers was the node run? */
static int
workers_of(const PlanState *node)
{
	const WorkerInstrumentation *workers = node->worker_instrument;
	int			count = 0;
	int			i;

	for (i = 0; workers && i < workers->num_workers; i++)
	{
		if (workers->instrument[i].nloops > 0)
			count++;
	}
	return count;
}

/*
 * Shows a node's scan: NULL where none was begun in this process.
 */
static void
show_scan(const PlanState *node, Relation index, IndexScanDesc scan,
		  ExplainState *es)
{
	IvfTotal	total = {0};
	int			workers = workers_of(node);

	if (index == NULL || index->rd_indam->amgettuple != ivf_get_tuple)
		return;
	if (scan)
		ivf_scan_total(scan, &total);
	if (es->format != EXPLAIN_FORMAT_TEXT)
		show_structure(&total, es);
	else if (total.searches > total.stopped[IVF_STOPPED_NOT])
		show_text(&total, es);
	if (workers > 0)
		ExplainPropertyInteger("Workers Not Counted", NULL, workers, es);
}

/* explain_per_node_hook */
static void
explain_node(PlanState *node, List *ancestors, const char *relationship,
			 const char *plan_name, ExplainState *es)
{
	if (previous_hook)
		previous_hook(node, ancestors, relationship, plan_name, es);
	if (!es->analyze)
		return;
	if (IsA(node, IndexScanState))
	{
		IndexScanState *scan = castNode(IndexScanState, node);

		show_scan(node, scan->iss_RelationDesc, scan->iss_ScanDesc, es);
	}
	else if (IsA(node, BitmapIndexScanState))
	{
		BitmapIndexScanState *scan = castNode(BitmapIndexScanState, node);

		show_scan(node, scan->biss_RelationDesc, scan->biss_ScanDesc, es);
	}
}

/*
 * Has EXPLAIN tell of them, when the library is loaded.
 */
void
ivf_explain_scans(void)
{
	previous_hook = explain_per_node_hook;
	explain_per_node_hook = explain_node;
}

#else

/*
 * Before, the server asks nobody.
 */
void
ivf_explain_scans(void)
{
}

#endif							/* COMPAT_EXPLAINS_NODES */
