/*
 * info.c
 *	  SQL functions that tell about an index and about the last scan.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "funcapi.h"
#include "index/census.h"
#include "index/ivfrel.h"
#include "index/score.h"
#include "index/ops.h"
#include "index/recalibrate.h"
#include "index/treewalk.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* more rows in a list than that, four times as many as a build aims at, are many */
#define LONG_LIST		2000

/*
 * What REINDEX would mend, in a sentence, or NULL.
 *
 * How many rows there were at the build is not on record, but how many pages
 * their codes took is, and inserts take further ones only where no slot is dead:
 * so it is known by how much the lists have grown.
 */
static char *
mended_by_reindex(Relation index, const IvfMetaData *meta,
				  const IvfCensus *census)
{
	const char *name = RelationGetRelationName(index);
	int64		built = (int64) meta->rows_end - meta->rows_first;
	double		mean = (double) census->entries / meta->leaves;
	bool		more = meta->lists_option == 0 || meta->leaves < (uint32) meta->lists_option;
	bool		doubled = census->refine_pages > 2 * built;
	bool		grown = census->refine_pages > built + built / 4;
	int64		most = census->spread.most;

	if (census->entries == 0)
		return psprintf("%s; fill the table, then REINDEX INDEX %s.",
						census->unplaced == 0 ? "The index is empty" :
						"Every vector is NULL or zero", name);
	if (meta->leaves == 1 && mean >= LONG_LIST && more && doubled)
		return psprintf("All " INT64_FORMAT " rows are in one list, as the index was made when the table was %s: REINDEX INDEX %s.",
						census->entries, built == 0 ? "empty" : "small", name);
	if (mean > LONG_LIST && more && doubled)
		return psprintf("The lists have grown to %.0f rows on average; REINDEX INDEX %s makes more of them.",
						mean, name);
	if (meta->leaves > 1 && most > LONG_LIST && grown &&
		most > census->entries / sqrt(meta->leaves))
		return psprintf("One list of %u has grown to %.0f%% of the rows; REINDEX INDEX %s divides them anew.",
						meta->leaves, 100.0 * most / census->entries, name);
	if (census->dead_slots > census->entries && census->dead_slots > LONG_LIST)
		return psprintf("More than half of the slots are dead; inserts reuse them, REINDEX INDEX %s gives the space back.",
						name);
	if (meta->leaves > 1 && census->spread.median == 0)
		return psprintf("Half of the lists or more are empty; REINDEX INDEX %s makes lists for the rows that are left.",
						name);
	return NULL;
}

/*
 * How the index is doing, in a sentence: of several findings the one that
 * weighs most.
 *
 * A list is too long beside the others if it has more entries than the square
 * root of the number of lists have on average together: as many a scan is likely
 * to read.
 */
static char *
verdict(Relation index, const IvfMetaData *meta, const IvfCensus *census)
{
	char	   *mended = mended_by_reindex(index, meta, census);
	double		mean = (double) census->entries / meta->leaves;
	int64		most = census->spread.most;

	if (mended)
		return mended;
	if (ivf_calibration_due(meta, RelationGetNumberOfBlocks(index),
							(double) census->entries))
		return psprintf("More than a third has changed since recall was calibrated; SELECT ivf_calibrate('%s') does that anew.",
						RelationGetRelationName(index));
	if (mean > 4 * LONG_LIST && meta->lists_option == 0)
		return psprintf("The lists hold %.0f rows on average: maintenance_work_mem, or too few distinct rows, allowed no more lists.",
						mean);
	if (meta->leaves > 1 && most > LONG_LIST &&
		most > census->entries / sqrt(meta->leaves))
		return psprintf("One list of %u holds %.0f%% of the rows, as they are much alike; searches that read it take longer.",
						meta->leaves, 100.0 * most / census->entries);
	return pstrdup("The index is in good shape.");
}

static double
rounded(double x, double unit)
{
	return rint(x * unit) / unit;
}

/* lists that a search for a few rows reads on average */
static double
lists_for_recall(const IvfMetaData *meta, double recall)
{
	return Min(rounded(stop_lists(&meta->calibration.rule, 10, recall), 10),
			   meta->leaves);
}

/*
 * ivf_info(index): one row.
 */
VECFEAT_FUNCTION(vecfeat_ivf_info)
{
	Oid			oid = PG_GETARG_OID(0);
	Relation	index;
	const IvfOpclass *opclass;
	IvfMetaData meta;
	IvfCensus	census;
	int64		rows;
	int64		slots;
	int64		pages;
	double		recall;
	Datum		values[26];
	bool		nulls[26] = {false};
	TupleDesc	desc = ivf_result_row(fcinfo, lengthof(values));
	int			i = 0;

	ivf_index_privilege(oid);
	index = ivf_index_open(oid, AccessShareLock);
	opclass = ivf_opclass(index);
	ivf_shape_read(index, &meta);
	ivf_census(index, &meta, &census);
	rows = census.entries + census.unplaced;
	slots = census.entries + census.dead_slots;
	pages = census.meta_pages + census.inner_pages + census.code_pages +
		census.refine_pages + census.free_pages;

	values[i++] = Int32GetDatum(meta.version);
	values[i++] = CStringGetTextDatum(opclass->metric_name);
	values[i++] = CStringGetTextDatum(opclass->type_name);
	values[i++] = Int32GetDatum(meta.dimensions);
	values[i++] = Int32GetDatum(meta.height);
	values[i++] = Int32GetDatum(meta.leaves);
	values[i++] = Int64GetDatum(rows);
	values[i++] = Int64GetDatum(census.dead_slots);
	values[i++] = Int64GetDatum(census.meta_pages);
	values[i++] = Int64GetDatum(census.inner_pages);
	values[i++] = Int64GetDatum(census.code_pages);
	values[i++] = Int64GetDatum(census.refine_pages);
	values[i++] = Int64GetDatum(census.free_pages);
	nulls[i] = rows == 0;
	values[i++] = Float8GetDatum(rows > 0 ? rounded((double) pages * BLCKSZ / rows, 10) : 0);
	values[i++] = Int32GetDatum(meta.lists_option);
	nulls[i] = slots == 0;
	values[i++] = Float8GetDatum(slots > 0 ? rounded((double) census.dead_slots / slots, 1000) : 0);
	values[i++] = Int64GetDatum(census.spread.least);
	values[i++] = Int64GetDatum(census.spread.tenth);
	values[i++] = Int64GetDatum(census.spread.median);
	values[i++] = Int64GetDatum(census.spread.nine_tenths);
	values[i++] = Int64GetDatum(census.spread.most);
	recall = ivf_recall_wanted(index);
	values[i++] = Float8GetDatum(recall);
	nulls[i] = recall >= 1;
	values[i++] = Float8GetDatum(recall < 1 ? lists_for_recall(&meta, recall) : 0);
	values[i++] = Int32GetDatum(meta.calibration.queries);
	values[i++] = Int64GetDatum((int64) meta.calibration.entries);
	values[i++] = CStringGetTextDatum(verdict(index, &meta, &census));
	Assert(i == lengthof(values));

	relation_close(index, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

#define LISTS_COLUMNS	8

/* ivf_lists() at work */
typedef struct Listing
{
	Relation	index;
	int			n;				/* padded dimensions */
	TupleDesc	desc;
	Tuplestorestate *rows;
} Listing;

/* IvfLeafFunction */
static void
put_list(const IvfTreeLeaf *leaf, void *arg)
{
	Listing    *listing = arg;
	bool		alone = leaf->parent == InvalidBlockNumber;
	Datum		values[LISTS_COLUMNS];
	bool		nulls[LISTS_COLUMNS] = {false};
	double		squares = 0;
	IvfListSize size;
	int			i;

	for (i = 0; i < listing->n; i++)
		squares += (double) leaf->centroid[i] * leaf->centroid[i];
	if (!isfinite(squares))
		ivf_corrupted(listing->index, ivf_row_block(&leaf->run, leaf->row),
					  "the centroid of node %u is no vector", leaf->node);
	ivf_list_size(listing->index, leaf->node, listing->n, &size);

	values[0] = Int32GetDatum((int32) leaf->number + 1);
	values[1] = Int64GetDatum(leaf->node);
	nulls[2] = alone;
	values[2] = Int64GetDatum(leaf->parent);
	values[3] = Int64GetDatum(size.pages);
	values[4] = Int64GetDatum(size.entries);
	values[5] = Int64GetDatum(size.dead_slots);
	nulls[6] = alone;
	values[6] = Float8GetDatum(leaf->radius);
	values[7] = Float8GetDatum(sqrt(squares));
	tuplestore_putvalues(listing->rows, listing->desc, values, nulls);
}

/*
 * Has the rows of a function that returns a set put into a store.
 *
 * By hand: what the server has for it has another name in each version.
 */
static Tuplestorestate *
begin_rows(FunctionCallInfo fcinfo, int columns, TupleDesc *desc)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (info == NULL || !IsA(info, ReturnSetInfo))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (!(info->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("materialize mode required, but it is not allowed in this context")));

	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	*desc = ivf_result_row(fcinfo, columns);
	info->returnMode = SFRM_Materialize;
	info->setDesc = *desc;
	info->setResult = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0,
											false, work_mem);
	MemoryContextSwitchTo(old);
	return info->setResult;
}

/*
 * ivf_lists(index): a row for each list, in tree order.
 */
VECFEAT_FUNCTION(vecfeat_ivf_lists)
{
	Oid			oid = PG_GETARG_OID(0);
	IvfMetaData meta;
	Listing		listing;

	listing.rows = begin_rows(fcinfo, LISTS_COLUMNS, &listing.desc);
	ivf_index_privilege(oid);
	listing.index = ivf_index_open(oid, AccessShareLock);
	ivf_shape_read(listing.index, &meta);
	listing.n = rotation_padded(meta.dimensions);
	ivf_visit_leaves(listing.index, &meta, put_list, &listing);
	relation_close(listing.index, AccessShareLock);
	return (Datum) 0;
}

/*
 * ivf_last_scan(): what the session's last index scan has done.
 */
VECFEAT_FUNCTION(vecfeat_ivf_last_scan)
{
	const char *stopped = ivf_stopped_name(ivf_last_scan.stopped);
	Datum		values[7];
	bool		nulls[7] = {false};
	TupleDesc	desc = ivf_result_row(fcinfo, lengthof(values));

	values[0] = Int64GetDatum(ivf_last_scan.leaves);
	values[1] = Int64GetDatum(ivf_last_scan.lists);
	values[2] = Int64GetDatum(ivf_last_scan.entries);
	values[3] = Int64GetDatum(ivf_last_scan.byte_codes);
	values[4] = Int64GetDatum(ivf_last_scan.heap_rows);
	nulls[5] = ivf_last_scan.recall == 0;
	values[5] = Float8GetDatum(ivf_last_scan.recall);
	nulls[6] = stopped == NULL;
	values[6] = stopped ? CStringGetTextDatum(stopped) : (Datum) 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
