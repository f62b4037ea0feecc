/*
 * rows.c
 *	  The rows that refine the entries of a block.
 */
#include "compat.h"

#include "page/rows.h"

#include "page/pause.h"
#include "port/pg_bitutils.h"

/*
 * Where the head of a row (0 .. 31) stands.
 */
IvfPlace
ivf_row_place(const IvfRun *run, int row)
{
	IvfPlace	place = {0, run->offset};
	uint32		size = run->head + run->body;
	uint32		before = row * size;

	/* on the run's first page, as most are */
	if (place.offset + before + run->head <= IVF_PAGE_END)
	{
		place.offset += before;
		return place;
	}
	while (row > 0)
	{
		int			whole;

		place_head(&place, run->head);
		whole = Min(row, (int) ((IVF_PAGE_END - place.offset) / size));
		if (whole > 0)
			place.offset += whole * size;
		else
		{
			place_advance(&place, size);
			whole = 1;
		}
		row -= whole;
	}
	place_head(&place, run->head);
	return place;
}

/*
 * Where the last row of the run ends.
 */
IvfPlace
ivf_run_end(const IvfRun *run)
{
	IvfPlace	place = ivf_row_place(run, VEC_BLOCK - 1);

	place_advance(&place, run->head + run->body);
	return place;
}

/*
 * A row is going to be read soon.
 */
void
ivf_row_touch(Relation index, const IvfRun *run, int row)
{
	IvfPlace	place = ivf_row_place(run, row);

	ivf_page_touch(index, ivf_run_block(run, place.page), place.offset,
				   run->head + run->body);
}

/*
 * Copies the head and the body of a row.  Its pages are read one after the
 * other, each under its own lock: should another entry take the slot between,
 * the mixture stands for no row that the caller's snapshot could see.
 */
void
ivf_row_read(Relation index, Snapshot snapshot, const IvfRun *run, int row,
			 void *head, void *body)
{
	IvfPlace	place = ivf_row_place(run, row);
	char	   *to = body;
	uint32		left = run->body;
	bool		first = true;

	for (;;)
	{
		BlockNumber block = ivf_run_block(run, place.page);
		Buffer		buffer = ivf_page_scan(index, snapshot, block,
										   IVF_REFINE_PAGE, InvalidBlockNumber);
		Page		page = BufferGetPage(buffer);
		uint32		here;

		if (first)
		{
			if (!ivf_row_fits(run, page, place.offset))
				ivf_corrupted(index, block, "no row can stand at offset %u",
							  place.offset);
			memcpy(head, (char *) page + place.offset, run->head);
			place.offset += run->head;
			first = false;
		}
		here = Min(left, IVF_PAGE_END - place.offset);
		if (place.offset + here > ((PageHeader) page)->pd_lower)
			ivf_corrupted(index, block, "a row runs past the end of the data");
		memcpy(to, (char *) page + place.offset, here);
		UnlockReleaseBuffer(buffer);
		to += here;
		left -= here;
		if (left == 0)
			return;
		IVF_PAUSE("row cut");
		place.page++;
		place.offset = IVF_PAGE_START;
	}
}

/*
 * Copies all 32 rows of a run, heads and bodies without the gaps between them,
 * a page at a time.
 */
void
ivf_run_read(Relation index, Snapshot snapshot, const IvfRun *run, void *rows)
{
	IvfPlace	place = {0, run->offset};
	char	   *to = rows;
	Buffer		buffer = InvalidBuffer;
	Page		page = NULL;
	uint32		locked = 0;
	int			part;

	/* parts alternate: the head of a row, which is not cut, and its body */
	for (part = 0; part < 2 * VEC_BLOCK; part++)
	{
		uint32		left = part % 2 == 0 ? run->head : run->body;

		if (part % 2 == 0)
			place_head(&place, run->head);
		while (left > 0)
		{
			uint32		here;

			if (place.offset == IVF_PAGE_END)
			{
				place.page++;
				place.offset = IVF_PAGE_START;
			}
			if (!BufferIsValid(buffer) || locked != place.page)
			{
				if (BufferIsValid(buffer))
				{
					UnlockReleaseBuffer(buffer);
					IVF_PAUSE("run cut");
				}
				buffer = ivf_page_scan(index, snapshot,
									   ivf_run_block(run, place.page),
									   IVF_REFINE_PAGE, InvalidBlockNumber);
				page = BufferGetPage(buffer);
				locked = place.page;
			}
			here = Min(left, IVF_PAGE_END - place.offset);
			if (place.offset < IVF_PAGE_START ||
				place.offset + here > ((PageHeader) page)->pd_lower)
				ivf_corrupted(index, BufferGetBlockNumber(buffer),
							  "a row runs past the end of the data");
			memcpy(to, (char *) page + place.offset, here);
			to += here;
			left -= here;
			place.offset += here;
		}
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * Shows the function those rows of a run whose bits are set in wanted, in order:
 * where they lie, under one lock for all that are on a page, but for those that
 * go on over its end.  Those are copied to room, which holds a row.
 */
void
ivf_run_visit(Relation index, Snapshot snapshot, const IvfRun *run, uint32 wanted,
			  void *room, IvfRowFunction function, void *arg)
{
	Buffer		buffer = InvalidBuffer;
	uint32		locked = 0;

	for (; wanted != 0; wanted &= wanted - 1)
	{
		int			row = pg_rightmost_one_pos32(wanted);
		IvfPlace	place = ivf_row_place(run, row);
		bool		cut = place.offset + run->head + run->body > IVF_PAGE_END;
		BlockNumber block = ivf_run_block(run, place.page);
		const char *head;

		if (BufferIsValid(buffer) && (cut || locked != place.page))
		{
			UnlockReleaseBuffer(buffer);
			buffer = InvalidBuffer;
			IVF_PAUSE("run cut");
		}
		if (cut)
		{
			ivf_row_read(index, snapshot, run, row, room, (char *) room + run->head);
			function(row, room, (char *) room + run->head, arg);
			continue;
		}
		if (!BufferIsValid(buffer))
		{
			buffer = ivf_page_scan(index, snapshot, block, IVF_REFINE_PAGE,
								   InvalidBlockNumber);
			locked = place.page;
		}
		if (!ivf_row_fits(run, BufferGetPage(buffer), place.offset) ||
			place.offset + run->head + run->body >
			((PageHeader) BufferGetPage(buffer))->pd_lower)
			ivf_corrupted(index, block, "no row can stand at offset %u",
						  place.offset);
		head = (char *) BufferGetPage(buffer) + place.offset;
		function(row, head, head + run->head, arg);
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
}

/*
 * Raises the radius in an inner node's row to at least the given one; returns
 * what it is then.  Callers have seen that it is too small, or was when they
 * copied it: that is rare, so the lock is exclusive from the start.
 */
float4
ivf_row_raise_radius(Relation index, const IvfRun *run, int row,
					 BlockNumber child, float4 radius)
{
	IvfPlace	place = ivf_row_place(run, row);
	BlockNumber block = ivf_run_block(run, place.page);
	Buffer		buffer = ivf_page_read(index, block, IVF_REFINE_PAGE,
									   InvalidBlockNumber, BUFFER_LOCK_EXCLUSIVE);
	IvfChildHead *head = (IvfChildHead *) ((char *) BufferGetPage(buffer) +
										   place.offset);
	IvfChange	change;

	if (!ivf_row_fits(run, BufferGetPage(buffer), place.offset))
		ivf_corrupted(index, block, "no row can stand at offset %u", place.offset);
	if (!ItemPointerIsValid(&head->tid) ||
		ItemPointerGetBlockNumber(&head->tid) != child)
		ivf_corrupted(index, block, "the row at offset %u is not that of node %u",
					  place.offset, child);
	if (head->radius >= radius)
	{
		radius = head->radius;
		UnlockReleaseBuffer(buffer);
		return radius;
	}
	ivf_change_begin(&change, index);
	head = (IvfChildHead *) ((char *) ivf_change_page(&change, buffer, false) +
							 place.offset);
	head->radius = radius;
	ivf_change_finish(&change);
	return radius;
}
