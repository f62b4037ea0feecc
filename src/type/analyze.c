/*
 * analyze.c
 *	  ANALYZE for the dense types: how many NULLs, how wide, how many distinct.
 *
 * The server's own routine would keep a hundred most common values and a
 * hundred and one bounds of a histogram for each column, kilobytes each, which
 * every planner that looks at the column loads.  No operator on vectors is
 * estimated from them: what equality and grouping need is the number of
 * distinct values, and that can be counted by hashes.
 */
#include "type/dense.h"

#include <math.h>

#include "access/detoast.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "utils/typcache.h"

static int
compare_hashes(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return (x > y) - (x < y);
}

/*
 * How many values a table of total non-NULL rows has, from the hashes of a
 * sample of n: the estimator of Haas and Stokes that the server uses, which
 * needs the number of distinct hashes, and of those seen once.  In the form
 * of pg_statistic: negative is a fraction of the rows.  Sorts hashes.
 */
static float4
estimate_distinct(uint64 *hashes, int n, double total, double totalrows)
{
	int			distinct = 0;
	int			once = 0;
	int			i;
	int			start;
	double		estimate;

	qsort(hashes, n, sizeof(uint64), compare_hashes);
	for (start = 0; start < n; start = i)
	{
		for (i = start + 1; i < n && hashes[i] == hashes[start]; i++)
			;
		distinct++;
		once += (i == start + 1);
	}
	if (once == distinct)
		return -1.0 * total / totalrows;
	if (once == 0)
		estimate = distinct;
	else
		estimate = (double) n * distinct / (n - once + once * (double) n / total);
	estimate = Max(estimate, distinct);
	estimate = Min(estimate, total);
	estimate = floor(estimate + 0.5);
	return (estimate > 0.1 * totalrows) ? -estimate / totalrows : estimate;
}

/*
 * Fills stats from a sample.
 *
 * A value out in TOAST is not fetched: a sample of thirty thousand would read
 * hundreds of megabytes.  Each counts as a value of its own, as the server's
 * routine also counts wide values.
 */
static void
compute_stats(VacAttrStats *stats, AnalyzeAttrFetchFunc fetch, int samplerows,
			  double totalrows)
{
	TypeCacheEntry *type = lookup_type_cache(stats->attrtypid,
											 TYPECACHE_HASH_EXTENDED_PROC_FINFO);
	uint64	   *hashes = palloc(sizeof(uint64) * samplerows);
	double		width = 0;
	int			nonnull = 0;
	int			i;

	if (!OidIsValid(type->hash_extended_proc))
		elog(ERROR, "type %u has no extended hash function",
			 stats->attrtypid);
	for (i = 0; i < samplerows; i++)
	{
		bool		isnull;
		Datum		value = fetch(stats, i, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		width += VARSIZE_ANY(DatumGetPointer(value));
		if (VARATT_IS_EXTERNAL(DatumGetPointer(value)))
			hashes[nonnull++] = UINT64CONST(1) << 63 | i;
		else
			hashes[nonnull++] = DatumGetUInt64(FunctionCall2(&type->hash_extended_proc_finfo,
															 value, Int64GetDatum(0))) >> 1;
	}

	if (samplerows == 0)
		return;
	stats->stats_valid = true;
	stats->stanullfrac = (double) (samplerows - nonnull) / samplerows;
	if (nonnull > 0)
	{
		stats->stawidth = width / nonnull;
		stats->stadistinct = estimate_distinct(hashes, nonnull,
											   totalrows * nonnull / samplerows,
											   totalrows);
	}
	pfree(hashes);
}

/*
 * The types' ANALYZE function: the server's sample, with other statistics
 * computed from it.
 */
VECFEAT_FUNCTION(vecfeat_dense_typanalyze)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);

	if (!std_typanalyze(stats))
		PG_RETURN_BOOL(false);
	stats->compute_stats = compute_stats;
	PG_RETURN_BOOL(true);
}
