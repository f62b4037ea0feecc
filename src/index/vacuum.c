/*
 * vacuum.c
 *	  Takes out the entries of dead rows.
 *
 * Pages are visited in the file's order, which is that of the chains too: a
 * page that is added while we read comes at the end and is visited as well.
 * Those that the build has filled with rows are passed over.
 * A page is locked exclusively, not for cleanup: scans keep no pins, and their
 * snapshots protect them from recycled TIDs.
 */
#include "compat.h"

#include "index/ops.h"

#include "commands/vacuum.h"
#include "index/recalibrate.h"
#include "index/space.h"
#include "miscadmin.h"
#include "page/blocks.h"
#include "page/entries.h"
#include "page/meta.h"
#include "page/pause.h"
#include "page/sweep.h"
#include "page/tids.h"
#include "storage/lmgr.h"

typedef struct VacuumState
{
	Relation	index;
	int			n;
	IndexBulkDeleteResult *stats;
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	double		dead_slots;
} VacuumState;

/*
 * Puts the room hint of a chain back to a page that has got room, if it points
 * behind.  The chain's pages stand in ascending order.
 */
static void
lower_room(VacuumState *state, BlockNumber chain, BlockNumber block,
		   IvfPageKind kind)
{
	Buffer		buffer;
	BlockNumber room;
	IvfChange	change;

	IVF_PAUSE("vacuum room");
	buffer = ivf_page_read(state->index, chain, kind, chain,
						   BUFFER_LOCK_EXCLUSIVE);
	room = IvfOpaque(BufferGetPage(buffer))->u.live.room;
	if (room == InvalidBlockNumber || room <= block)
	{
		UnlockReleaseBuffer(buffer);
		return;
	}
	ivf_change_begin(&change, state->index);
	IvfOpaque(ivf_change_page(&change, buffer, false))->u.live.room = block;
	ivf_change_finish(&change);
}

static bool
is_dead(VacuumState *state, ItemPointer tid)
{
	return state->callback(tid, state->callback_state);
}

/*
 * The image to change of a locked page: the change begins when there is
 * something to delete.
 */
static Page
image(VacuumState *state, IvfChange *change, Buffer buffer, Page *page)
{
	if (*page == NULL)
	{
		ivf_change_begin(change, state->index);
		*page = ivf_change_page(change, buffer, false);
	}
	return *page;
}

/*
 * Kills the dead entries of a leaf's code page; true if there were any.
 */
static bool
vacuum_code_page(VacuumState *state, Buffer buffer)
{
	BlockNumber block = BufferGetBlockNumber(buffer);
	Page		page = BufferGetPage(buffer);
	Page		changed = NULL;
	IvfChange	change;
	uint32		offset;
	int			slot;

	for (offset = ivf_first_head(state->index, block, page, state->n);
		 offset != 0;
		 offset = ivf_next_head(page, offset, state->n))
	{
		for (slot = 0; slot < VEC_BLOCK; slot++)
		{
			ItemPointer tid = &ivf_block_at(page, offset)->tid[slot];

			if (!ItemPointerIsValid(tid))
				state->dead_slots++;
			else if (is_dead(state, tid))
			{
				ivf_block_kill(ivf_block_at(image(state, &change, buffer, &changed),
											offset), slot);
				state->stats->tuples_removed++;
				state->dead_slots++;
			}
			else
				state->stats->num_index_tuples++;
		}
	}
	if (changed)
		ivf_change_finish(&change);
	else
		UnlockReleaseBuffer(buffer);
	return changed != NULL;
}

/*
 * Likewise for a page of TIDs.
 */
static bool
vacuum_tids_page(VacuumState *state, Buffer buffer)
{
	Page		page = BufferGetPage(buffer);
	Page		changed = NULL;
	IvfChange	change;
	int			used = ivf_tids_used(page);
	int			i;

	for (i = 0; i < used; i++)
	{
		ItemPointer tid = &IvfPageTids(page)[i];

		if (!ItemPointerIsValid(tid))
			continue;
		if (is_dead(state, tid))
		{
			ItemPointerSetInvalid(&IvfPageTids(image(state, &change, buffer,
													 &changed))[i]);
			state->stats->tuples_removed++;
		}
		else
			state->stats->num_index_tuples++;
	}
	if (changed)
		ivf_change_finish(&change);
	else
		UnlockReleaseBuffer(buffer);
	return changed != NULL;
}

static void
vacuum_page(VacuumState *state, Buffer buffer)
{
	BlockNumber block = BufferGetBlockNumber(buffer);
	Page		page;
	BlockNumber chain;
	IvfPageKind kind;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	page = BufferGetPage(buffer);
	if (PageIsNew(page))
	{
		/* added to the file before a crash, or by an insert at work right now */
		state->stats->pages_free++;
		UnlockReleaseBuffer(buffer);
		return;
	}
	kind = IvfOpaque(page)->kind;
	ivf_page_check(state->index, block, page, kind, InvalidBlockNumber);
	chain = IvfOpaque(page)->owner;

	if (kind == IVF_CODE_PAGE && IvfOpaque(page)->level == 0)
	{
		if (vacuum_code_page(state, buffer))
			lower_room(state, chain, block, kind);
	}
	else if (kind == IVF_TIDS_PAGE)
	{
		if (vacuum_tids_page(state, buffer))
			lower_room(state, chain, block, kind);
	}
	else
		UnlockReleaseBuffer(buffer);
}

/*
 * ambulkdelete.  CREATE INDEX CONCURRENTLY calls it with a callback that only
 * looks: it must be shown every TID.
 */
IndexBulkDeleteResult *
ivf_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
				IndexBulkDeleteCallback callback, void *callback_state)
{
	VacuumState state = {0};
	IvfMetaData meta;
	IvfSweep	sweep;
	double		removed_before;
	double		entries;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	removed_before = stats->tuples_removed;
	ivf_shape_read(info->index, &meta);
	state.index = info->index;
	state.n = rotation_padded(meta.dimensions);
	state.stats = stats;
	state.callback = callback;
	state.callback_state = callback_state;

	/* a second pass of one VACUUM counts anew */
	stats->num_index_tuples = 0;
	stats->pages_free = 0;
	ivf_sweep_begin(&sweep, info->index, &meta, info->strategy);
	for (;;)
	{
		Buffer		buffer;

		compat_vacuum_delay_point();
		IVF_PAUSE("vacuum page");
		buffer = ivf_sweep_next(&sweep);
		if (!BufferIsValid(buffer))
			break;
		vacuum_page(&state, buffer);
	}
	stats->num_pages = sweep.blocks;
	ivf_sweep_end(&sweep);
	stats->estimated_count = false;
	entries = stats->num_index_tuples;
	ivf_meta_hints(info->index, entries, state.dead_slots,
				   stats->tuples_removed - removed_before);
	IVF_PAUSE("vacuum done");
	return stats;
}

/* IvfCalibrateProgress */
static void
calibrating(int done)
{
	compat_vacuum_delay_point();
}

/*
 * amvacuumcleanup.  Calibrates the index if much has changed.  Without deletions
 * there is nothing to clean up and nothing new to tell: NULL leaves pg_class as it
 * is.
 */
IndexBulkDeleteResult *
ivf_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(info->index);
	IvfMetaData meta;

	if (info->analyze_only)
		return stats;
	ivf_shape_read(info->index, &meta);
	if (ivf_calibration_due(&meta, blocks, stats ? stats->num_index_tuples : -1))
	{
		/* nobody has counted what only came: it takes pages as the others did */
		double		entries = stats ? stats->num_index_tuples :
		meta.calibration.entries * blocks / Max(meta.calibration.blocks, 1);

		(void) ivf_recalibrate(info->index, entries, calibrating);
	}
	return stats;
}
