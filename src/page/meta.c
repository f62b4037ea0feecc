/*
 * meta.c
 *	  The metapage and the chain of pages with the mean.
 */
#include "compat.h"

#include "page/meta.h"

#include "ground/rotate.h"

/* elements of the mean on a page */
#define MEAN_PER_PAGE	((int) (IVF_PAGE_BYTES / sizeof(float4)))

/*
 * Copies the metapage.  Raises an error if it is none, or one of another
 * version.
 */
void
ivf_meta_read(Relation index, IvfMetaData *meta)
{
	Buffer		buffer = ivf_page_read(index, IVF_META_BLOCK, IVF_META_PAGE,
									   IVF_META_BLOCK, BUFFER_LOCK_SHARE);
	Page		page = BufferGetPage(buffer);
	uint32		end = ((PageHeader) page)->pd_lower;

	/* what stands after its data does not survive a change of the page */
	if (end < (char *) (IvfMeta(page) + 1) - (char *) page)
		ivf_corrupted(index, IVF_META_BLOCK, "its data end at offset %u", end);
	memcpy(meta, IvfMeta(page), sizeof(*meta));
	UnlockReleaseBuffer(buffer);

	if (meta->magic != IVF_MAGIC)
		ivf_corrupted(index, IVF_META_BLOCK, "its magic number is %08X",
					  meta->magic);
	if (meta->version != IVF_FORMAT_VERSION ||
		meta->rotation_version != ROTATION_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has format version %u, which this version of vecfeat does not read",
						RelationGetRelationName(index), meta->version),
				 errhint("REINDEX INDEX %s;", RelationGetRelationName(index))));
	if (meta->dimensions < 1 || meta->dimensions > IVF_MAX_DIM)
		ivf_corrupted(index, IVF_META_BLOCK, "it states %u dimensions",
					  meta->dimensions);
	if (meta->height < 1 || meta->leaves < 1)
		ivf_corrupted(index, IVF_META_BLOCK, "it states %u levels and %u leaves",
					  meta->height, meta->leaves);
}

/*
 * Fills an initialised page.
 */
void
ivf_meta_fill(Page page, const IvfMetaData *meta)
{
	memcpy(IvfMeta(page), meta, sizeof(*meta));
	((PageHeader) page)->pd_lower =
		(char *) (IvfMeta(page) + 1) - (char *) page;
	IvfOpaque(page)->owner = IVF_META_BLOCK;
}

/* the metapage, which was checked when it was read first */
static Buffer
meta_page(Relation index, int lockmode)
{
	return ivf_page_read(index, IVF_META_BLOCK, IVF_META_PAGE, IVF_META_BLOCK,
						 lockmode);
}

/*
 * The calibration as it is now: unlike what is frozen, it may have been made
 * again.
 */
void
ivf_meta_calibration(Relation index, IvfCalibration *calibration)
{
	Buffer		buffer = meta_page(index, BUFFER_LOCK_SHARE);

	memcpy(calibration, &IvfMeta(BufferGetPage(buffer))->calibration,
		   sizeof(*calibration));
	UnlockReleaseBuffer(buffer);
}

/*
 * Replaces the calibration.
 */
void
ivf_meta_calibrate(Relation index, const IvfCalibration *calibration)
{
	Buffer		buffer = meta_page(index, BUFFER_LOCK_EXCLUSIVE);
	IvfChange	change;

	ivf_change_begin(&change, index);
	IvfMeta(ivf_change_page(&change, buffer, false))->calibration = *calibration;
	ivf_change_finish(&change);
}

/*
 * Refreshes the counts of the metapage, when VACUUM has taken out so many more
 * entries.  Skipped when nothing changed, so that VACUUM of a quiet table writes
 * nothing.
 */
void
ivf_meta_hints(Relation index, double entries, double dead_slots, double removed)
{
	Buffer		buffer = meta_page(index, BUFFER_LOCK_EXCLUSIVE);
	IvfMetaData *meta = IvfMeta(BufferGetPage(buffer));
	IvfChange	change;

	if (meta->entries == entries && meta->dead_slots == dead_slots && removed == 0)
	{
		UnlockReleaseBuffer(buffer);
		return;
	}
	ivf_change_begin(&change, index);
	meta = IvfMeta(ivf_change_page(&change, buffer, false));
	meta->entries = entries;
	meta->dead_slots = dead_slots;
	meta->calibration.removed += removed;
	ivf_change_finish(&change);
}

/*
 * Pages that a mean of so many dimensions takes.
 */
int
ivf_mean_pages(int dimensions)
{
	return (dimensions + MEAN_PER_PAGE - 1) / MEAN_PER_PAGE;
}

/*
 * Fills page number (from 0) of the chain with its part of the mean.
 */
void
ivf_mean_fill(Page page, const float4 *mean, int dimensions, int number)
{
	int			first = number * MEAN_PER_PAGE;
	int			count = Min(dimensions - first, MEAN_PER_PAGE);

	memcpy((char *) page + IVF_PAGE_START, mean + first,
		   sizeof(float4) * count);
	((PageHeader) page)->pd_lower = IVF_PAGE_START + sizeof(float4) * count;
}

/*
 * Reads the mean, of as many dimensions as the metapage states.
 */
void
ivf_mean_read(Relation index, const IvfMetaData *meta, float4 *mean)
{
	BlockNumber block = meta->mean;
	int			first = 0;

	while (first < (int) meta->dimensions)
	{
		int			count = Min((int) meta->dimensions - first, MEAN_PER_PAGE);
		Buffer		buffer = ivf_page_read(index, block, IVF_MEAN_PAGE,
										   meta->mean, BUFFER_LOCK_SHARE);
		Page		page = BufferGetPage(buffer);
		BlockNumber next = ivf_page_next(index, block, page);

		if (((PageHeader) page)->pd_lower !=
			IVF_PAGE_START + sizeof(float4) * count)
			ivf_corrupted(index, block, "it holds another number of the mean's elements than %d",
						  count);
		memcpy(mean + first, (char *) page + IVF_PAGE_START,
			   sizeof(float4) * count);
		UnlockReleaseBuffer(buffer);
		first += count;
		block = next;
	}
}

/*
 * Is a page, which is not new, one of a leaf's code pages?  Readers of the whole
 * file pass over others, so a damaged kind would lose rows in silence: it has to
 * go with the page's owner.
 */
bool
ivf_is_leaf_page(Relation index, const IvfMetaData *meta, BlockNumber block,
				 Page page)
{
	const IvfPageOpaqueData *opaque = IvfOpaque(page);
	bool		fits = false;

	switch (opaque->kind)
	{
		case IVF_CODE_PAGE:
			return opaque->level == 0;
		case IVF_META_PAGE:
			fits = (block == IVF_META_BLOCK);
			break;
		case IVF_MEAN_PAGE:
			fits = (opaque->owner == meta->mean);
			break;
		case IVF_TIDS_PAGE:
			fits = (opaque->owner == meta->nulls || opaque->owner == meta->nans);
			break;
		case IVF_REFINE_PAGE:
			fits = (opaque->owner == InvalidBlockNumber);
			break;
	}
	if (!fits)
		ivf_corrupted(index, block, "the page is of kind %u and belongs to %u",
					  opaque->kind, opaque->owner);
	return false;
}
