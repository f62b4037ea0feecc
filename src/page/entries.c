/*
 * entries.c
 *	  Putting entries into blocks, and taking them out.
 *
 * An entry consists of its slot in a block (TID and factors in the head, a
 * nibble in every column) and its row.  It is there as soon as the head's
 * record is written, and the head's page stays locked from the moment when the
 * slot was chosen: a crash, or a reader, before that moment sees a dead slot
 * whose columns and row mean nothing.
 *
 * Locks are taken along the chain, then refine pages in ascending order; new
 * pages are nobody else's.  So there is no cycle.
 */
#include "compat.h"

#include "page/entries.h"

#include <math.h>

#include "miscadmin.h"

#include "page/blocks.h"
#include "page/pause.h"
#include "page/rows.h"

/*
 * Makes all slots of a head dead.
 */
void
ivf_block_clear(IvfBlockHead *head)
{
	int			i;

	memset(head, 0, sizeof(*head));
	for (i = 0; i < VEC_BLOCK; i++)
		ivf_block_kill(head, i);
	head->rows = InvalidBlockNumber;
	head->rows_rest = InvalidBlockNumber;
}

void
ivf_block_kill(IvfBlockHead *head, int slot)
{
	ItemPointerSetInvalid(&head->tid[slot]);
	head->add[slot] = INFINITY;
}

void
ivf_block_set(IvfBlockHead *head, int slot, ItemPointer tid,
			  const SignFactors *factors)
{
	head->tid[slot] = *tid;
	head->add[slot] = factors->add;
	head->scale[slot] = factors->scale;
	head->err[slot] = factors->err;
}

/*
 * Sets the nibbles of a slot in count columns, of which columns is the first
 * and number first of the entry.
 */
void
ivf_columns_set(uint8 *columns, int first, int count, int slot,
				const uint8 *nibbles)
{
	int			shift = slot < 16 ? 0 : 4;
	int			m;

	for (m = 0; m < count; m++)
	{
		uint8	   *byte = &columns[IVF_COLUMN * m + slot % 16];

		*byte = (*byte & (0xF0 >> shift)) | (nibbles[first + m] << shift);
	}
}

/*
 * Gets the nibbles of a slot from count columns.
 */
void
ivf_columns_get(const uint8 *columns, int count, int slot, uint8 *nibbles)
{
	int			shift = slot < 16 ? 0 : 4;
	int			m;

	for (m = 0; m < count; m++)
		nibbles[m] = (columns[IVF_COLUMN * m + slot % 16] >> shift) & 0x0F;
}

/*
 * The head of a row.
 */
void
ivf_row_fill(IvfRowHead *row, ItemPointer tid, const ByteFactors *factors)
{
	row->tid = *tid;
	row->flags = 0;
	row->t = factors->t;
	row->norm = factors->norm;
	row->code_norm = factors->code_norm;
	row->error = factors->error;
	row->g = factors->g;
}

/*
 * A dead slot on the page, as offset of the block's head and number; false if
 * there is none.  The last block comes first: it is where a list that grows has
 * room, and the heads of the others, which lie far apart, need not be looked at.
 */
static bool
find_slot(Relation index, BlockNumber block, Page page, int n,
		  uint32 *offset, int *slot)
{
	uint32		size = sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n);
	uint32		first = ivf_first_head(index, block, page, n);
	uint32		left;

	if (first == 0)
		return false;
	left = (((PageHeader) page)->pd_lower - first - sizeof(IvfBlockHead)) / size;
	for (*offset = first + left * size;; *offset -= size, left--)
	{
		IvfBlockHead *head = ivf_block_at(page, *offset);

		for (*slot = 0; *slot < VEC_BLOCK; (*slot)++)
		{
			if (!ItemPointerIsValid(&head->tid[*slot]))
				return true;
		}
		if (left == 0)
			return false;
	}
}

/*
 * Writes the part of the columns after the head's page; those pages are
 * locked in chain order.  done columns stand on the head's page.
 */
static void
put_columns(IvfChange *change, Buffer head_buffer, BlockNumber node, int n,
			int done, int slot, const uint8 *nibbles)
{
	Relation	index = change->index;
	BlockNumber block = BufferGetBlockNumber(head_buffer);
	Page		page = BufferGetPage(head_buffer);

	while (done < n / 4)
	{
		int			here = Min(n / 4 - done, (int) (IVF_PAGE_BYTES / IVF_COLUMN));
		BlockNumber next = ivf_page_next(index, block, page);
		Buffer		buffer;

		if (next == InvalidBlockNumber)
			ivf_corrupted(index, block, "a block runs on, but the chain ends");
		block = next;
		buffer = ivf_page_read(index, block, IVF_CODE_PAGE, node,
							   BUFFER_LOCK_EXCLUSIVE);
		page = ivf_change_page(change, buffer, false);
		if (IVF_PAGE_START + here * IVF_COLUMN > ((PageHeader) page)->pd_lower)
			ivf_corrupted(index, block, "a block runs past the end of the data");
		ivf_columns_set((uint8 *) page + IVF_PAGE_START, done, here, slot,
						nibbles);
		done += here;
	}
}

/*
 * Writes the row of a slot.  What the run says is checked before it is
 * trusted: a wrong offset would spread the damage to a page's header, a page
 * that comes twice would be waited for forever.
 */
static void
put_row(IvfChange *change, const IvfRun *run, int slot, const IvfEntry *entry)
{
	Relation	index = change->index;
	IvfPlace	place = ivf_row_place(run, slot);
	BlockNumber last = InvalidBlockNumber;
	uint32		done = 0;
	bool		first = true;

	while (done < run->body)
	{
		BlockNumber block = ivf_run_block(run, place.page);
		Buffer		buffer;
		Page		page;
		uint32		here;

		if (last != InvalidBlockNumber && block <= last)
			ivf_corrupted(index, last, "a row goes on at block %u", block);
		buffer = ivf_page_read(index, block, IVF_REFINE_PAGE, InvalidBlockNumber,
							   BUFFER_LOCK_EXCLUSIVE);
		page = ivf_change_page(change, buffer, false);
		last = block;
		if (first)
		{
			if (!ivf_row_fits(run, page, place.offset))
				ivf_corrupted(index, block, "no row can stand at offset %u",
							  place.offset);
			memcpy((char *) page + place.offset, &entry->row, run->head);
			place.offset += run->head;
			first = false;
		}
		here = Min(run->body - done, IVF_PAGE_END - place.offset);
		if (place.offset + here > ((PageHeader) page)->pd_lower)
			ivf_corrupted(index, block, "a row runs past the end of the data");
		memcpy((char *) page + place.offset, entry->code + done, here);
		done += here;
		place.page++;
		place.offset = IVF_PAGE_START;
	}
}

/*
 * Fills a dead slot of the block whose head stands at offset on the locked
 * page; the head's page comes last.
 */
static void
fill_slot(Relation index, Buffer buffer, BlockNumber node, int n,
		  uint32 offset, int slot, const IvfEntry *entry)
{
	uint32		start = offset + sizeof(IvfBlockHead);
	int			here = Min(n / 4, (int) ((IVF_PAGE_END - start) / IVF_COLUMN));
	IvfRun		run = ivf_run_of(ivf_block_at(BufferGetPage(buffer), offset), 0, n);
	IvfChange	change;
	Page		page;
	ItemPointerData tid = entry->row.tid;

	ivf_change_begin(&change, index);
	put_columns(&change, buffer, node, n, here, slot, entry->nibbles);
	put_row(&change, &run, slot, entry);
	page = ivf_change_page(&change, buffer, false);
	ivf_columns_set((uint8 *) page + start, 0, here, slot, entry->nibbles);
	ivf_block_set(ivf_block_at(page, offset), slot, &tid, &entry->factors);
	ivf_change_finish(&change);
}

/*
 * The pages that a new block takes: some of its run of rows, some of its own.
 */
typedef struct NewBlock
{
	BlockNumber tail;			/* last page of the chain so far */
	uint32		tail_end;		/* where its data end */
	IvfPlace	head;			/* where the head comes to stand, from the tail on */
	IvfPlace	end;			/* where the columns end */
	BlockNumber code;			/* first of the end.page new code pages */
	Buffer		open;			/* refine page where the run begins, locked; or
								 * invalid: it begins on a new one */
	IvfRun		run;
	IvfPlace	run_end;
} NewBlock;

/*
 * The refine page on which somebody's last run has ended, exclusively locked,
 * if it has room for the head of a row; or an invalid buffer.
 *
 * Lists share such pages, as they do in a new index: half a page for each list
 * would be a twentieth of a list of 500 rows.  Who holds the lock may take what
 * is left.  Which page it is, the metapage tells: a hint, for if two inserts
 * need one at a time, the second to come finds the page full and opens another,
 * and one of both is forgotten.
 */
static Buffer
open_rows_page(Relation index, uint32 row_head)
{
	Buffer		buffer = ivf_page_read(index, IVF_META_BLOCK, IVF_META_PAGE,
									   IVF_META_BLOCK, BUFFER_LOCK_SHARE);
	BlockNumber rows = IvfOpaque(BufferGetPage(buffer))->u.live.rows;

	UnlockReleaseBuffer(buffer);
	IVF_PAUSE("append rows");
	if (rows == InvalidBlockNumber)
		return InvalidBuffer;
	buffer = ivf_page_read(index, rows, IVF_REFINE_PAGE, InvalidBlockNumber,
						   BUFFER_LOCK_EXCLUSIVE);
	if (((PageHeader) BufferGetPage(buffer))->pd_lower + row_head <= IVF_PAGE_END)
		return buffer;
	UnlockReleaseBuffer(buffer);
	return InvalidBuffer;
}

/*
 * Remembers the page on which a run has ended, which is not where it began.
 */
static void
remember_rows_page(Relation index, BlockNumber rows)
{
	Buffer		buffer = ivf_page_read(index, IVF_META_BLOCK, IVF_META_PAGE,
									   IVF_META_BLOCK, BUFFER_LOCK_EXCLUSIVE);
	IvfChange	change;

	ivf_change_begin(&change, index);
	IvfOpaque(ivf_change_page(&change, buffer, false))->u.live.rows = rows;
	ivf_change_finish(&change);
}

/*
 * Sets up the refine pages of a new block's run: what is left of the open one,
 * and new pages.
 */
static void
make_run(IvfChange *change, const NewBlock *new)
{
	uint32		i;

	for (i = 0; i <= new->run_end.page; i++)
	{
		bool		open = (i == 0 && BufferIsValid(new->open));
		Buffer		buffer = open ? new->open :
		ivf_page_claim(change->index, ivf_run_block(&new->run, i));
		Page		page = ivf_change_page(change, buffer, !open);

		if (!open)
			ivf_page_init(page, IVF_REFINE_PAGE, 0, InvalidBlockNumber);
		((PageHeader) page)->pd_lower = i < new->run_end.page ?
			IVF_PAGE_END : new->run_end.offset;
	}
}

/*
 * Writes the head and the new code pages of a block, and at last the old tail,
 * which makes them part of the list.
 */
static void
make_pages(IvfChange *change, NewBlock *new, Buffer tail, BlockNumber node)
{
	IvfBlockHead head;
	Page		page;
	uint32		i;

	ivf_block_clear(&head);
	head.rows = new->run.first;
	head.rows_rest = new->run.rest;
	head.rows_offset = new->run.offset;

	for (i = 1; i <= new->end.page; i++)
	{
		Buffer		buffer = ivf_page_claim(change->index, new->code + i - 1);

		page = ivf_change_page(change, buffer, true);
		ivf_page_init(page, IVF_CODE_PAGE, 0, node);
		if (i < new->end.page)
			IvfOpaque(page)->next = new->code + i;
		if (i == new->head.page)
		{
			IvfOpaque(page)->first = new->head.offset;
			memcpy((char *) page + new->head.offset, &head, sizeof(head));
		}
		((PageHeader) page)->pd_lower = i < new->end.page ?
			IVF_PAGE_END : new->end.offset;
	}

	page = ivf_change_page(change, tail, false);
	if (new->head.page == 0)
	{
		if (IvfOpaque(page)->first == 0)
			IvfOpaque(page)->first = new->head.offset;
		memset((char *) page + new->tail_end, 0, IVF_PAGE_END - new->tail_end);
		memcpy((char *) page + new->head.offset, &head, sizeof(head));
		((PageHeader) page)->pd_lower = new->end.page > 0 ?
			IVF_PAGE_END : new->end.offset;
	}
	if (new->end.page > 0)
		IvfOpaque(page)->next = new->code;
}

/*
 * Appends a block of dead slots to a list whose last page is locked; the lock
 * goes.  Returns the page on which the block's head stands.
 *
 * The pages are added to the file in one piece, as both the rest of a run and
 * the file's order of a chain want.  A crash before the last record leaves
 * pages that nobody points to: lost until REINDEX, and harmless.
 */
static BlockNumber
append_block(Relation index, Buffer tail, BlockNumber node, int n)
{
	NewBlock	new;
	IvfChange	change;
	uint32		new_rows;
	BlockNumber first = InvalidBlockNumber;

	memset(&new, 0, sizeof(new));
	new.tail = BufferGetBlockNumber(tail);
	new.tail_end = ((PageHeader) BufferGetPage(tail))->pd_lower;
	new.head.offset = new.tail_end;
	place_head(&new.head, sizeof(IvfBlockHead));
	new.end = new.head;
	place_advance(&new.end, sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n));

	new.run.head = IVF_ROW_HEAD(0);
	new.run.body = IVF_ROW_BODY(0, n);
	new.open = open_rows_page(index, new.run.head);
	new.run.offset = BufferIsValid(new.open) ?
		((PageHeader) BufferGetPage(new.open))->pd_lower : IVF_PAGE_START;
	new.run_end = ivf_run_end(&new.run);

	new_rows = new.run_end.page + (BufferIsValid(new.open) ? 0 : 1);
	if (new_rows + new.end.page > 0)
		first = ivf_extend(index, new_rows + new.end.page);
	IVF_PAUSE("append extended");
	new.code = first + new_rows;
	if (BufferIsValid(new.open))
	{
		new.run.first = BufferGetBlockNumber(new.open);
		new.run.rest = new_rows > 0 ? first : InvalidBlockNumber;
	}
	else
	{
		new.run.first = first;
		new.run.rest = first + 1;
	}

	ivf_change_begin(&change, index);
	make_run(&change, &new);
	make_pages(&change, &new, tail, node);
	ivf_change_finish(&change);
	IVF_PAUSE("append remember");
	if (new_rows > 0)
		remember_rows_page(index, ivf_run_block(&new.run, new.run_end.page));
	return new.head.page == 0 ? new.tail : new.code + new.head.page - 1;
}

/*
 * Remembers on the list's first page where a slot was found, unless somebody
 * else, VACUUM say, has changed that meanwhile.
 */
static void
move_room(Relation index, BlockNumber node, BlockNumber from, BlockNumber to)
{
	Buffer		buffer = ivf_page_read(index, node, IVF_CODE_PAGE, node,
									   BUFFER_LOCK_EXCLUSIVE);
	IvfChange	change;

	if (IvfOpaque(BufferGetPage(buffer))->u.live.room != from)
	{
		UnlockReleaseBuffer(buffer);
		return;
	}
	ivf_change_begin(&change, index);
	IvfOpaque(ivf_change_page(&change, buffer, false))->u.live.room = to;
	ivf_change_finish(&change);
}

/*
 * Puts an entry into the leaf that begins at the given page: into a dead slot of
 * the first page that has one, from where room was last known on, or into a new
 * block.
 */
void
ivf_entry_put(Relation index, BlockNumber node, int n, const IvfEntry *entry)
{
	Buffer		buffer = ivf_page_read(index, node, IVF_CODE_PAGE, node,
									   BUFFER_LOCK_SHARE);
	BlockNumber room = IvfOpaque(BufferGetPage(buffer))->u.live.room;
	BlockNumber block = room == InvalidBlockNumber ? node : room;

	UnlockReleaseBuffer(buffer);
	IVF_PAUSE("insert room");
	for (;;)
	{
		uint32		offset;
		int			slot;
		BlockNumber next;
		Page		page;

		CHECK_FOR_INTERRUPTS();
		buffer = ivf_page_read(index, block, IVF_CODE_PAGE, node,
							   BUFFER_LOCK_EXCLUSIVE);
		page = BufferGetPage(buffer);
		if (find_slot(index, block, page, n, &offset, &slot))
		{
			IVF_PAUSE("insert slot");
			fill_slot(index, buffer, node, n, offset, slot, entry);
			break;
		}
		next = ivf_page_next(index, block, page);
		if (next == InvalidBlockNumber)
		{
			next = append_block(index, buffer, node, n);
			IVF_PAUSE("insert appended");
		}
		else
			UnlockReleaseBuffer(buffer);
		block = next;
	}
	IVF_PAUSE("insert done");
	if (block != room)
		move_room(index, node, room, block);
}
