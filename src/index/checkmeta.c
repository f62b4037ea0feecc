/*
 * checkmeta.c
 *	  Checks the metapage, the mean and the chains of TIDs.
 */
#include "compat.h"

#include "index/check.h"

#include <math.h>

#include "index/build.h"
#include "miscadmin.h"
#include "page/meta.h"
#include "page/tids.h"

/* the most that WITH (lists) takes */
#define MAX_LISTS	1000000

/*
 * Fields that ivf_shape_read() has not looked at.  The hints are looked at too,
 * as the planner reckons with them.
 */
static void
check_fields(IvfCheck *check)
{
	const IvfMetaData *meta = &check->meta;
	Relation	index = check->index;
	bool		cosine = (meta->metric == METRIC_COSINE);

	if (meta->seed != IVF_ROTATION_SEED)
		ivf_corrupted(index, IVF_META_BLOCK, "its rotation has another seed");
	if (meta->rows_first > meta->rows_end || meta->rows_end > check->blocks)
		ivf_corrupted(index, IVF_META_BLOCK,
					  "the build's rows are on blocks %u to %u, and the file has %u",
					  meta->rows_first, meta->rows_end, check->blocks);
	if (meta->lists_option < 0 || meta->lists_option > MAX_LISTS)
		ivf_corrupted(index, IVF_META_BLOCK, "it was built with %d lists",
					  meta->lists_option);
	if (cosine != (meta->nans != InvalidBlockNumber))
		ivf_corrupted(index, IVF_META_BLOCK,
					  cosine ? "it has no chain of rows without a direction" :
					  "it has a chain of rows without a direction");
	if (!(meta->entries >= 0) || isinf(meta->entries) ||
		!(meta->dead_slots >= 0) || isinf(meta->dead_slots))
		ivf_corrupted(index, IVF_META_BLOCK, "it counts %g entries and %g dead slots",
					  meta->entries, meta->dead_slots);
}

/*
 * The calibration: a search that follows a damaged one reads too little.
 */
static void
check_calibration(IvfCheck *check)
{
	const IvfCalibration *calibration = &check->meta.calibration;
	Relation	index = check->index;

	if (!stop_rule_valid(&calibration->rule))
		ivf_corrupted(index, IVF_META_BLOCK, "its calibration is no rule");
	if (calibration->blocks > check->blocks)
		ivf_corrupted(index, IVF_META_BLOCK,
					  "it was calibrated with %u blocks, and the file has %u",
					  calibration->blocks, check->blocks);
	if (!(calibration->entries >= 0) || isinf(calibration->entries) ||
		!(calibration->removed >= 0) || isinf(calibration->removed))
		ivf_corrupted(index, IVF_META_BLOCK,
					  "it was calibrated with %g entries, of which %g are removed",
					  calibration->entries, calibration->removed);
}

/*
 * The metapage, and the pointers in it to the chains' beginnings.
 */
void
ivf_check_meta(IvfCheck *check)
{
	Relation	index = check->index;
	Buffer		buffer;
	int			end;

	ivf_check_reach(check, IVF_META_BLOCK);
	ivf_shape_read(index, &check->meta);
	buffer = ivf_page_read(index, IVF_META_BLOCK, IVF_META_PAGE, IVF_META_BLOCK,
						   BUFFER_LOCK_SHARE);
	end = ((PageHeader) BufferGetPage(buffer))->pd_lower;
	UnlockReleaseBuffer(buffer);
	if (end != MAXALIGN(SizeOfPageHeaderData) + sizeof(IvfMetaData))
		ivf_corrupted(index, IVF_META_BLOCK, "its data end at offset %d", end);

	ivf_check_pointer(check, IVF_META_BLOCK, check->meta.mean, "the mean");
	ivf_check_pointer(check, IVF_META_BLOCK, check->meta.root, "the root");
	ivf_check_pointer(check, IVF_META_BLOCK, check->meta.nulls,
					  "the chain of rows without a vector");
	if (check->meta.nans != InvalidBlockNumber)
		ivf_check_pointer(check, IVF_META_BLOCK, check->meta.nans,
						  "the chain of rows without a direction");

	check_fields(check);
	check_calibration(check);
	check->space = ivf_space_read(index, &check->meta);
	check->n = check->space->n;
}

/*
 * The mean's pages: as many as it takes, and its elements are numbers.
 */
static void
check_mean(IvfCheck *check)
{
	const float4 *mean = check->space->mean;
	BlockNumber block = check->meta.mean;
	int			pages = ivf_mean_pages(check->space->dim);
	int			i;

	for (i = 0; i < check->space->dim; i++)
	{
		if (!isfinite(mean[i]))
			ivf_corrupted(check->index, block, "element %d of the mean is %g",
						  i, mean[i]);
	}
	for (i = 1; i <= pages; i++)
	{
		Buffer		buffer = ivf_page_read(check->index, block, IVF_MEAN_PAGE,
										   check->meta.mean, BUFFER_LOCK_SHARE);
		BlockNumber next = ivf_page_next(check->index, block,
										 BufferGetPage(buffer));

		UnlockReleaseBuffer(buffer);
		ivf_check_reach(check, block);
		if (i == pages && next != InvalidBlockNumber)
			ivf_corrupted(check->index, block, "the mean goes on at block %u", next);
		block = next;
	}
}

/*
 * Copies the slots of a page of TIDs; returns their number.
 */
static int
read_tids_page(IvfCheck *check, BlockNumber chain, BlockNumber block,
			   ItemPointer tids, BlockNumber *next, BlockNumber *room)
{
	Relation	index = check->index;
	Buffer		buffer = ivf_page_read(index, block, IVF_TIDS_PAGE, chain,
									   BUFFER_LOCK_SHARE);
	Page		page = BufferGetPage(buffer);
	int			used = ivf_tids_used(page);
	int			end = ((PageHeader) page)->pd_lower;

	if (end != (int) (IVF_PAGE_START + used * sizeof(ItemPointerData)) ||
		used > (int) IVF_TIDS_PER_PAGE)
		ivf_corrupted(index, block, "its data end at offset %d, within a TID", end);
	*next = ivf_page_next(index, block, page);
	if (*next != InvalidBlockNumber && used < (int) IVF_TIDS_PER_PAGE)
		ivf_corrupted(index, block, "it has room, and the chain goes on at block %u",
					  *next);
	*room = IvfOpaque(page)->u.live.room;
	memcpy(tids, IvfPageTids(page), used * sizeof(ItemPointerData));
	UnlockReleaseBuffer(buffer);
	return used;
}

/*
 * A chain of TIDs.  The page where inserts look for room first is one of the
 * chain: what they would put on another one could not be found again.
 */
static void
check_tids(IvfCheck *check, BlockNumber chain, bool nulls)
{
	ItemPointer tids = palloc(BLCKSZ);
	BlockNumber block = chain;
	BlockNumber room = InvalidBlockNumber;

	while (block != InvalidBlockNumber)
	{
		BlockNumber next;
		BlockNumber this_room;
		int			used;
		int			i;

		CHECK_FOR_INTERRUPTS();
		used = read_tids_page(check, chain, block, tids, &next, &this_room);
		ivf_check_reach(check, block);
		if (block == chain)
			room = this_room;
		if (block == room)
			room = InvalidBlockNumber;
		for (i = 0; i < used; i++)
		{
			if (!ItemPointerIsValid(&tids[i]))
				continue;
			ivf_check_tid(check, block, 0, i, &tids[i]);
			if (check->rows)
				ivf_check_heap_chain(check, block, &tids[i], nulls);
		}
		if (check->rows)
			ivf_check_heap_pause(check);
		if (next != InvalidBlockNumber)
			ivf_check_pointer(check, block, next, "the chain's next page");
		block = next;
	}
	if (room != InvalidBlockNumber)
		ivf_corrupted(check->index, chain,
					  "there should be room on block %u, which is not in the chain",
					  room);
	pfree(tids);
}

/*
 * The chains that do not belong to the tree.
 */
void
ivf_check_chains(IvfCheck *check)
{
	check_mean(check);
	if (check->meta.nans != InvalidBlockNumber)
		check_tids(check, check->meta.nans, false);
	check_tids(check, check->meta.nulls, true);
}
