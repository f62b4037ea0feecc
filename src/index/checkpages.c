/*
 * checkpages.c
 *	  Checks every page of the file: what it is, and whether it should have
 *	  been reached.
 */
#include "compat.h"

#include "index/check.h"

#include "miscadmin.h"
#include "page/blocks.h"
#include "page/pause.h"
#include "page/sweep.h"

static bool
is_reached(IvfCheck *check, BlockNumber block)
{
	return (check->reached[block / 8] & (1 << block % 8)) != 0;
}

/*
 * Copies the special area of a page.
 */
static IvfPageOpaqueData
read_special(IvfCheck *check, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(check->index, block);
	IvfPageOpaqueData special;
	Page		page;

	memset(&special, 0, sizeof(special));
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	if (!PageIsNew(page))
	{
		ivf_page_check(check->index, block, page, IvfOpaque(page)->kind,
					   InvalidBlockNumber);
		special = *IvfOpaque(page);
	}
	UnlockReleaseBuffer(buffer);
	return special;
}

/*
 * Is a leaf's first page at this block?
 */
static bool
is_leaf(IvfCheck *check, BlockNumber block)
{
	IvfPageOpaqueData special;

	if (block >= check->blocks || !is_reached(check, block))
		return false;
	special = read_special(check, block);
	return special.kind == IVF_CODE_PAGE && special.owner == block &&
		special.level == 0;
}

/*
 * Can a page be reached now from the first page of its chain?
 */
static bool
is_in_chain(IvfCheck *check, BlockNumber chain, BlockNumber block)
{
	while (chain < block)
	{
		CHECK_FOR_INTERRUPTS();
		chain = read_special(check, chain).next;
	}
	return chain == block;
}

/*
 * Is there a live entry on a code page?
 */
static bool
has_entries(IvfCheck *check, BlockNumber block, Page page)
{
	uint32		offset;
	int			slot;

	for (offset = ivf_first_head(check->index, block, page, check->n);
		 offset != 0;
		 offset = ivf_next_head(page, offset, check->n))
	{
		for (slot = 0; slot < VEC_BLOCK; slot++)
		{
			if (ItemPointerIsValid(&ivf_block_at(page, offset)->tid[slot]))
				return true;
		}
	}
	return false;
}

/*
 * Fields that pages of some kinds do not use.
 */
static void
check_special(IvfCheck *check, BlockNumber block, const IvfPageOpaqueData *special)
{
	bool		code = (special->kind == IVF_CODE_PAGE);
	bool		chain = (code || special->kind == IVF_TIDS_PAGE ||
						 special->kind == IVF_MEAN_PAGE);

	if (special->generation != 0 || special->flags != 0)
		ivf_corrupted(check->index, block,
					  "it is of generation %u with flags %02X, which this version does not make",
					  special->generation, special->flags);
	if (!code && (special->level != 0 || special->first != 0))
		ivf_corrupted(check->index, block,
					  "it is of level %u with a block at offset %u, and no code page",
					  special->level, special->first);
	if (!chain && special->next != InvalidBlockNumber)
		ivf_corrupted(check->index, block, "it is in no chain, and block %u follows",
					  special->next);
	if (special->u.live.room != InvalidBlockNumber && special->owner != block)
		ivf_corrupted(check->index, block,
					  "room is to be looked for on block %u, but this is no first page",
					  special->u.live.room);
	if (special->u.live.rows != InvalidBlockNumber && special->kind != IVF_META_PAGE)
		ivf_corrupted(check->index, block,
					  "rows are to be put on block %u, but this is not the metapage",
					  special->u.live.rows);
}

/*
 * The refine page on which the next run of rows may begin.
 */
static void
check_rows_page(IvfCheck *check, BlockNumber block, const IvfPageOpaqueData *special)
{
	BlockNumber rows = special->u.live.rows;
	IvfPageOpaqueData other;

	if (special->kind != IVF_META_PAGE || rows == InvalidBlockNumber)
		return;
	ivf_check_pointer(check, block, rows, "the page for the next rows");
	other = read_special(check, rows);
	if (other.kind != IVF_REFINE_PAGE)
		ivf_corrupted(check->index, block,
					  "rows are to be put on block %u, which is of kind %u",
					  rows, other.kind);
}

/*
 * A page that no chain has reached, by the time that was walked.  A new page
 * of TIDs comes with a TID and is linked in the same record.  A new code page
 * may be without links after a crash, and while an insert is at work: but not
 * with entries.
 */
static void
check_unreached(IvfCheck *check, BlockNumber block,
				const IvfPageOpaqueData *special, bool entries)
{
	if (special->kind == IVF_CODE_PAGE)
	{
		if (special->level != 0 || !is_leaf(check, special->owner))
			ivf_corrupted(check->index, block,
						  "the page belongs to %u, which is no leaf that can be reached",
						  special->owner);
		if (!entries)
			return;
	}
	if (special->kind == IVF_META_PAGE || special->kind == IVF_MEAN_PAGE ||
		special->owner >= check->blocks || !is_reached(check, special->owner) ||
		!is_in_chain(check, special->owner, block))
		ivf_corrupted(check->index, block, "nothing points to this page");
}

static void
check_page(IvfCheck *check, BlockNumber block, BufferAccessStrategy strategy)
{
	Buffer		buffer = ReadBufferExtended(check->index, MAIN_FORKNUM, block,
											RBM_NORMAL, strategy);
	Page		page = BufferGetPage(buffer);
	IvfPageOpaqueData special;
	bool		entries = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (PageIsNew(page))
	{
		/* added to the file before a crash, or by an insert at work right now */
		UnlockReleaseBuffer(buffer);
		return;
	}
	ivf_page_check(check->index, block, page, IvfOpaque(page)->kind,
				   InvalidBlockNumber);
	special = *IvfOpaque(page);
	if (special.kind == IVF_CODE_PAGE)
		entries = has_entries(check, block, page);
	UnlockReleaseBuffer(buffer);
	IVF_PAUSE("check page");

	if (special.kind < IVF_META_PAGE || special.kind > IVF_REFINE_PAGE)
		ivf_corrupted(check->index, block, "the page is of unknown kind %u",
					  special.kind);
	if (ivf_pass_rows(&check->meta, block) != block &&
		special.kind != IVF_REFINE_PAGE)
		ivf_corrupted(check->index, block,
					  "the page is of kind %u, among those with the build's rows",
					  special.kind);
	check_special(check, block, &special);
	check_rows_page(check, block, &special);
	if (special.kind == IVF_REFINE_PAGE)
	{
		if (special.owner != InvalidBlockNumber)
			ivf_corrupted(check->index, block,
						  "it is a page of rows, and belongs to %u", special.owner);
	}
	else if (!is_reached(check, block))
		check_unreached(check, block, &special, entries);
}

/*
 * All pages that the file had when the check began.
 */
void
ivf_check_pages(IvfCheck *check)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BlockNumber block;

	for (block = 0; block < check->blocks; block++)
	{
		CHECK_FOR_INTERRUPTS();
		check_page(check, block, strategy);
	}
	FreeAccessStrategy(strategy);
}
