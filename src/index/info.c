/*
 * info.c
 *	  SQL functions that tell about an index and about the last scan.
 */
#include "compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "funcapi.h"
#include "index/ivfrel.h"
#include "index/score.h"
#include "miscadmin.h"
#include "page/meta.h"
#include "page/tids.h"
#include "utils/builtins.h"

/* more rows than that in a single list: REINDEX would make several */
#define LONG_LIST		2000

typedef struct Census
{
	double		entries;
	double		dead_slots;
	double		meta_pages;
	double		inner_pages;
	double		code_pages;
	double		refine_pages;
	double		free_pages;
} Census;

static void
count_code_page(Relation index, BlockNumber block, Page page, int n,
				Census *census)
{
	uint32		offset;
	int			slot;

	for (offset = ivf_first_head(index, block, page, n);
		 offset != 0;
		 offset = ivf_next_head(page, offset, n))
	{
		for (slot = 0; slot < VEC_BLOCK; slot++)
		{
			if (ItemPointerIsValid(&ivf_block_at(page, offset)->tid[slot]))
				census->entries++;
			else
				census->dead_slots++;
		}
	}
}

static void
count_page(Relation index, BlockNumber block, Page page, int n, Census *census)
{
	if (PageIsNew(page))
	{
		census->free_pages++;
		return;
	}
	ivf_page_check(index, block, page, IvfOpaque(page)->kind, InvalidBlockNumber);
	switch ((IvfPageKind) IvfOpaque(page)->kind)
	{
		case IVF_CODE_PAGE:
			if (IvfOpaque(page)->level > 0)
				census->inner_pages++;
			else
			{
				census->code_pages++;
				count_code_page(index, block, page, n, census);
			}
			break;
		case IVF_REFINE_PAGE:
			census->refine_pages++;
			break;
		case IVF_TIDS_PAGE:
			{
				int			i;

				for (i = 0; i < ivf_tids_used(page); i++)
				{
					if (ItemPointerIsValid(&IvfPageTids(page)[i]))
						census->entries++;
				}
				census->meta_pages++;
			}
			break;
		case IVF_META_PAGE:
		case IVF_MEAN_PAGE:
			census->meta_pages++;
			break;
	}
}

static void
take_census(Relation index, int n, Census *census)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(index);
	BlockNumber block;

	for (block = 0; block < blocks; block++)
	{
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBuffer(index, block);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		count_page(index, block, BufferGetPage(buffer), n, census);
		UnlockReleaseBuffer(buffer);
	}
}

/*
 * What to do about the index, in a sentence.
 */
static char *
verdict(Relation index, const IvfMetaData *meta, const Census *census)
{
	const char *name = RelationGetRelationName(index);

	if (census->entries == 0)
		return psprintf("The index is empty; fill the table, then REINDEX INDEX %s.",
						name);
	if (meta->leaves == 1 && census->entries >= LONG_LIST && meta->lists_option != 1)
		return psprintf("All %.0f rows are in one list, as the index was made when the table was empty or small: REINDEX INDEX %s.",
						census->entries, name);
	if (census->entries > 4 * LONG_LIST * (double) meta->leaves &&
		meta->lists_option == 0)
		return psprintf("The lists have grown to %.0f rows on average; REINDEX INDEX %s makes more of them.",
						census->entries / meta->leaves, name);
	if (census->dead_slots > census->entries && census->entries > LONG_LIST)
		return psprintf("More than half of the slots are dead; inserts reuse them, REINDEX INDEX %s gives the space back.",
						name);
	return pstrdup("The index is in good shape.");
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
	Census		census = {0};
	double		pages;
	TupleDesc	desc;
	Datum		values[16];
	bool		nulls[16] = {false};
	int			i = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != lengthof(values))
		elog(ERROR, "return type must be a row of %d columns", (int) lengthof(values));

	ivf_index_privilege(oid);
	index = ivf_index_open(oid, AccessShareLock);
	opclass = ivf_opclass(index);
	ivf_shape_read(index, &meta);
	take_census(index, rotation_padded(meta.dimensions), &census);
	pages = census.meta_pages + census.inner_pages + census.code_pages +
		census.refine_pages + census.free_pages;

	values[i++] = Int32GetDatum(meta.version);
	values[i++] = CStringGetTextDatum(opclass->metric_name);
	values[i++] = CStringGetTextDatum(opclass->type_name);
	values[i++] = Int32GetDatum(meta.dimensions);
	values[i++] = Int32GetDatum(meta.height);
	values[i++] = Int32GetDatum(meta.leaves);
	values[i++] = Int64GetDatum((int64) census.entries);
	values[i++] = Int64GetDatum((int64) census.dead_slots);
	values[i++] = Int64GetDatum((int64) census.meta_pages);
	values[i++] = Int64GetDatum((int64) census.inner_pages);
	values[i++] = Int64GetDatum((int64) census.code_pages);
	values[i++] = Int64GetDatum((int64) census.refine_pages);
	values[i++] = Int64GetDatum((int64) census.free_pages);
	nulls[i] = census.entries == 0;
	values[i++] = Float8GetDatum(census.entries > 0 ? rint(10 * pages * BLCKSZ / census.entries) / 10 : 0);
	values[i++] = Int32GetDatum(meta.lists_option);
	values[i++] = CStringGetTextDatum(verdict(index, &meta, &census));

	relation_close(index, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/*
 * ivf_last_scan(): what the session's last index scan has done.
 */
VECFEAT_FUNCTION(vecfeat_ivf_last_scan)
{
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != lengthof(values))
		elog(ERROR, "return type must be a row of %d columns", (int) lengthof(values));
	values[0] = Int64GetDatum(ivf_last_scan.leaves);
	values[1] = Int64GetDatum(ivf_last_scan.entries);
	values[2] = Int64GetDatum(ivf_last_scan.byte_codes);
	values[3] = Int64GetDatum(ivf_last_scan.heap_rows);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
