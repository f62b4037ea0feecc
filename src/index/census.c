/*
 * census.c
 *	  What an index consists of, counted.
 */
#include "compat.h"

#include "index/census.h"

#include <math.h>

#include "ground/rotate.h"
#include "index/treewalk.h"
#include "miscadmin.h"
#include "page/blocks.h"
#include "page/tids.h"

/* the slots of the blocks that begin on a page */
static void
count_slots(Relation index, BlockNumber block, Page page, int n,
			IvfListSize *size)
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
				size->entries++;
			else
				size->dead_slots++;
		}
	}
}

/*
 * Counts the list that begins at a page, in an index of n padded dimensions.
 */
void
ivf_list_size(Relation index, BlockNumber node, int n, IvfListSize *size)
{
	BlockNumber block = node;

	memset(size, 0, sizeof(*size));
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		Page		page;
		BlockNumber here = block;

		CHECK_FOR_INTERRUPTS();
		buffer = ivf_page_read(index, here, IVF_CODE_PAGE, node,
							   BUFFER_LOCK_SHARE);
		page = BufferGetPage(buffer);
		if (IvfOpaque(page)->level != 0)
			ivf_corrupted(index, here, "it is of level %u, expected 0",
						  IvfOpaque(page)->level);
		count_slots(index, here, page, n, size);
		size->pages++;
		block = ivf_page_next(index, here, page);
		UnlockReleaseBuffer(buffer);
	}
}

static void
count_page(Relation index, BlockNumber block, Page page, IvfCensus *census)
{
	int			i;

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
				census->code_pages++;
			break;
		case IVF_REFINE_PAGE:
			census->refine_pages++;
			break;
		case IVF_TIDS_PAGE:
			for (i = 0; i < ivf_tids_used(page); i++)
			{
				if (ItemPointerIsValid(&IvfPageTids(page)[i]))
					census->unplaced++;
			}
			census->meta_pages++;
			break;
		case IVF_META_PAGE:
		case IVF_MEAN_PAGE:
			census->meta_pages++;
			break;
	}
}

static void
count_pages(Relation index, IvfCensus *census)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(index);
	BlockNumber block;

	for (block = 0; block < blocks; block++)
	{
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBuffer(index, block);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		count_page(index, block, BufferGetPage(buffer), census);
		UnlockReleaseBuffer(buffer);
	}
}

typedef struct ListCount
{
	Relation	index;
	int			n;
	IvfCensus  *census;
	int64	   *entries;		/* of each list */
	uint32		count;
	uint32		room;
} ListCount;

/* IvfLeafFunction */
static void
count_list(const IvfTreeLeaf *leaf, void *arg)
{
	ListCount  *lists = arg;
	IvfListSize size;

	ivf_list_size(lists->index, leaf->node, lists->n, &size);
	lists->census->entries += size.entries;
	lists->census->dead_slots += size.dead_slots;
	if (lists->count == lists->room)
	{
		lists->room *= 2;
		lists->entries = repalloc_huge(lists->entries,
									   sizeof(int64) * lists->room);
	}
	lists->entries[lists->count++] = size.entries;
}

static int
compare_sizes(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* as percentile_disc() chooses */
static int64
quantile(const ListCount *lists, double share)
{
	return lists->entries[(uint32) Max(ceil(share * lists->count), 1) - 1];
}

static void
count_lists(Relation index, const IvfMetaData *meta, IvfCensus *census)
{
	ListCount	lists = {0};

	lists.index = index;
	lists.n = rotation_padded(meta->dimensions);
	lists.census = census;
	lists.room = 1024;			/* what a damaged page states is no measure */
	lists.entries = palloc(sizeof(int64) * lists.room);
	ivf_visit_leaves(index, meta, count_list, &lists);

	qsort(lists.entries, lists.count, sizeof(int64), compare_sizes);
	census->spread.least = quantile(&lists, 0);
	census->spread.tenth = quantile(&lists, 0.1);
	census->spread.median = quantile(&lists, 0.5);
	census->spread.nine_tenths = quantile(&lists, 0.9);
	census->spread.most = quantile(&lists, 1);
	pfree(lists.entries);
}

/*
 * Counts an index on which the caller holds a lock; meta is what
 * ivf_shape_read() has yielded.  Every page is read, those of the lists twice:
 * the file tells what there is, the tree what searches find.
 */
void
ivf_census(Relation index, const IvfMetaData *meta, IvfCensus *census)
{
	memset(census, 0, sizeof(*census));
	count_pages(index, census);
	count_lists(index, meta, census);
}
