/*
 * checknode.c
 *	  Walks the tree: every node's chain of code pages as one stream of blocks,
 *	  and the runs of rows that they point to.
 *
 * The walk does not trust what the readers of blocks.c trust: it works out
 * where each head must stand and where each page's data must end.
 */
#include "compat.h"

#include "index/check.h"

#include "miscadmin.h"
#include "page/blocks.h"
#include "page/pause.h"

/*
 * Notes that an entry on a block needs a radius.
 */
void
ivf_check_need(IvfCheckNode *node, double radius, BlockNumber block)
{
	if (radius > node->needed)
	{
		node->needed = radius;
		node->needed_by = block;
	}
}

/*
 * Looks at the beginning of a page: node->carry bytes of the last block's
 * columns, which have been read with it, then perhaps a head.
 */
static void
enter_page(IvfCheck *check, IvfCheckNode *node, Page page)
{
	Relation	index = check->index;
	uint32		end = ((PageHeader) page)->pd_lower;
	uint32		here = Min(node->carry, IVF_PAGE_BYTES);
	uint32		first;

	if (IvfOpaque(page)->level != node->level)
		ivf_corrupted(index, node->block, "it is of level %u, expected %d",
					  IvfOpaque(page)->level, node->level);
	node->carry -= here;
	node->offset = IVF_PAGE_START + here;
	first = node->offset + sizeof(IvfBlockHead) <= end ? node->offset : 0;
	if (IvfOpaque(page)->first != first)
		ivf_corrupted(index, node->block,
					  "its first block stands at offset %u, expected %u",
					  IvfOpaque(page)->first, first);
	if (node->block == node->node)
		node->room = IvfOpaque(page)->u.live.room;
	if (node->block == node->room)
		node->room = InvalidBlockNumber;
	ivf_check_reach(check, node->block);
	node->entered = true;
}

/*
 * Goes to the next page of the chain, or stays on none.  The data of a page
 * end where its last block ends; they end early only where the next head did
 * not fit, or at the end of the chain.
 */
static bool
leave_page(IvfCheck *check, IvfCheckNode *node, Page page)
{
	Relation	index = check->index;
	uint32		end = ((PageHeader) page)->pd_lower;
	BlockNumber next = ivf_page_next(index, node->block, page);

	if (end != node->offset)
		ivf_corrupted(index, node->block, "its data end at offset %u, its blocks at %u",
					  end, node->offset);
	if (next == InvalidBlockNumber)
		return false;
	if (node->carry == 0 && end + sizeof(IvfBlockHead) <= IVF_PAGE_END)
		ivf_corrupted(index, node->block,
					  "its data end at offset %u, and the chain goes on at block %u",
					  end, next);
	ivf_check_pointer(check, node->block, next, "the chain's next page");
	node->block = next;
	node->entered = false;
	return true;
}


/*
 * Copies the columns of the block whose head stands where the walk is.
 */
static void
copy_columns(IvfCheck *check, IvfCheckNode *node)
{
	Relation	index = check->index;
	BlockNumber block = node->block;
	uint32		offset = node->offset + sizeof(IvfBlockHead);
	uint32		bytes = IVF_COLUMN_BYTES(check->n);
	uint32		done = 0;

	for (;;)
	{
		Buffer		buffer = ivf_page_read(index, block, IVF_CODE_PAGE,
										   node->node, BUFFER_LOCK_SHARE);
		Page		page = BufferGetPage(buffer);
		uint32		here = Min(bytes - done, IVF_PAGE_END - offset);
		BlockNumber next = ivf_page_next(index, block, page);

		if (offset + here > ((PageHeader) page)->pd_lower)
			ivf_corrupted(index, block, "a block runs past the end of the data");
		memcpy(node->current.columns + done, (char *) page + offset, here);
		UnlockReleaseBuffer(buffer);
		done += here;
		if (done == bytes)
			return;
		if (next == InvalidBlockNumber)
			ivf_corrupted(index, block, "a block runs on, but the chain ends");
		ivf_check_pointer(check, block, next, "the chain's next page");
		block = next;
		offset = IVF_PAGE_START;
	}
}

/* keeps the part of the file that rows take */
static void
put_extent(IvfCheck *check, BlockNumber block, uint32 begin, BlockNumber last,
		   uint32 end, BlockNumber code)
{
	ivf_sorter_put(check->extents, ((int64) block << 16) | begin,
				   ((int64) last << 16) | end, &code, sizeof(code));
}

/*
 * The run of rows of a block lies on refine pages that this node may use.
 */
static void
check_run(IvfCheck *check, IvfCheckNode *node)
{
	const IvfBlockHead *head = &node->current.head;
	const IvfRun *run = &node->current.run;
	IvfPlace	end;
	uint32		i;

	if (head->unused[0] != 0 || head->unused[1] != 0 || head->unused[2] != 0)
		ivf_corrupted(check->index, node->block,
					  "the block at offset %u has %04X%04X%04X where nothing should stand",
					  node->current.offset, head->unused[0], head->unused[1],
					  head->unused[2]);
	if (run->offset < IVF_PAGE_START || run->offset % sizeof(float4) != 0 ||
		run->offset + run->head > IVF_PAGE_END)
		ivf_corrupted(check->index, node->block,
					  "the rows of the block at offset %u begin at offset %u",
					  node->current.offset, run->offset);
	end = ivf_run_end(run);
	if (end.page > 0 && run->rest <= run->first)
		ivf_corrupted(check->index, node->block,
					  "the rows of the block at offset %u begin on block %u and go on at %u",
					  node->current.offset, run->first, run->rest);
	for (i = 0; i <= end.page; i++)
	{
		BlockNumber block = ivf_run_block(run, i);
		BlockNumber owner;
		Buffer		buffer;

		ivf_check_pointer(check, node->block, block, "a page of its rows");
		buffer = ivf_page_read(check->index, block, IVF_REFINE_PAGE,
							   InvalidBlockNumber, BUFFER_LOCK_SHARE);
		owner = IvfOpaque(BufferGetPage(buffer))->owner;
		UnlockReleaseBuffer(buffer);
		if (owner != InvalidBlockNumber)
			ivf_corrupted(check->index, block,
						  "the page belongs to %u, but rows stand there", owner);
	}
	put_extent(check, run->first, run->offset, run->first,
			   end.page > 0 ? IVF_PAGE_END : end.offset, node->block);
	if (end.page > 0)
		put_extent(check, run->rest, IVF_PAGE_START, run->rest + end.page - 1,
				   end.offset, node->block);
}

/*
 * Has the current block's head changed since it was copied?  Then it is copied
 * again.
 */
static bool
head_changed(IvfCheck *check, IvfCheckNode *node)
{
	Buffer		buffer = ivf_page_read(check->index, node->block, IVF_CODE_PAGE,
									   node->node, BUFFER_LOCK_SHARE);
	IvfBlockHead *head = ivf_block_at(BufferGetPage(buffer), node->offset);
	bool		changed = memcmp(head, &node->current.head, sizeof(*head)) != 0;

	node->current.head = *head;
	UnlockReleaseBuffer(buffer);
	return changed;
}

/*
 * Copies the columns and rows of the block whose head has been copied, and
 * moves on.
 *
 * They are read under locks of their own, one at a time, because replay locks
 * the pages of a record in another order than inserts do.  So all is read once
 * more if the head is not the same afterwards; if it is, its live entries were
 * there all the time, and what was read is theirs.  (Unless one of them was
 * killed, its row's place in the heap given to another row, and that inserted
 * into the same slot with the same factors, all between the two looks.)
 */
static void
read_block(IvfCheck *check, IvfCheckNode *node)
{
	IvfCheckBlock *current = &node->current;

	current->block = node->block;
	current->offset = node->offset;
	current->run = ivf_run_of(&current->head, node->level, check->n);
	check_run(check, node);
	do
	{
		CHECK_FOR_INTERRUPTS();
		IVF_PAUSE("check block");
		copy_columns(check, node);
		ivf_run_read(check->index, NULL, &current->run, current->rows);
	} while (head_changed(check, node));

	node->offset += sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(check->n);
	if (node->offset > IVF_PAGE_END)
	{
		node->carry = node->offset - IVF_PAGE_END;
		node->offset = IVF_PAGE_END;
	}
}

/*
 * Makes the next block the current one; false after the last, by the state of
 * the last page when it is looked at.  Nothing is locked on return.
 */
static bool
next_block(IvfCheck *check, IvfCheckNode *node)
{
	for (;;)
	{
		Buffer		buffer;
		Page		page;
		bool		found;
		bool		more = true;

		CHECK_FOR_INTERRUPTS();
		buffer = ivf_page_read(check->index, node->block, IVF_CODE_PAGE,
							   node->node, BUFFER_LOCK_SHARE);
		page = BufferGetPage(buffer);
		if (!node->entered)
			enter_page(check, node, page);
		found = node->offset + sizeof(IvfBlockHead) <= ((PageHeader) page)->pd_lower;
		if (found)
			node->current.head = *ivf_block_at(page, node->offset);
		else
			more = leave_page(check, node, page);
		UnlockReleaseBuffer(buffer);
		if (found)
		{
			read_block(check, node);
			return true;
		}
		if (!more)
			return false;
	}
}

/*
 * The node's radius, in its parent's row, is at least what its entries need.
 * An insert raises it before the entry can be seen, so here it is read last.
 */
static void
check_radius(IvfCheck *check, IvfCheckNode *node)
{
	IvfPlace	place;
	IvfChildHead head;

	if (node->parent == NULL)
		return;
	ivf_row_read(check->index, NULL, &node->run, node->row, &head, check->residual);
	if (head.radius >= node->needed)
		return;
	place = ivf_row_place(&node->run, node->row);
	ivf_corrupted(check->index, ivf_run_block(&node->run, place.page),
				  "the radius of node %u is %.9g, an entry on block %u needs %.9g",
				  node->node, head.radius, node->needed_by, node->needed);
}

static void check_node(IvfCheck *check, IvfCheckNode *node);

/* the tree below a slot of an inner node */
static void
check_subtree(IvfCheck *check, IvfCheckNode *node, int slot)
{
	IvfCheckNode child = {0};

	child.parent = node;
	child.node = ivf_check_child(check, node, slot);
	child.level = node->level - 1;
	child.centroid = (const float4 *) (ivf_check_row(&node->current, slot) +
									   sizeof(IvfChildHead));
	child.run = node->current.run;
	child.row = slot;
	check_node(check, &child);
}

/*
 * A node and all below it.
 */
static void
check_node(IvfCheck *check, IvfCheckNode *node)
{
	int			entries = 0;
	int			slot;

	check_stack_depth();
	node->block = node->node;
	node->current.columns = palloc(IVF_COLUMN_BYTES(check->n));
	node->current.rows = palloc(VEC_BLOCK * (IVF_ROW_HEAD(node->level) +
											 IVF_ROW_BODY(node->level, check->n)));
	if (check->cells && node->level == 0)
		ivf_check_cell(check, check->leaves, node->centroid);
	while (next_block(check, node))
	{
		IVF_PAUSE("check entries");
		ivf_check_slots(check, node);
		for (slot = 0; slot < VEC_BLOCK; slot++)
		{
			if (!ItemPointerIsValid(&node->current.head.tid[slot]))
				continue;
			entries++;
			if (node->level > 0)
				check_subtree(check, node, slot);
			else
				ivf_check_entry(check, node, slot);
		}
		if (check->rows)
			ivf_check_heap_pause(check);
	}
	if (node->room != InvalidBlockNumber)
		ivf_corrupted(check->index, node->node,
					  "there should be room on block %u, which is not in the chain",
					  node->room);
	if (node->level > 0 && entries == 0)
		ivf_corrupted(check->index, node->node, "an inner node has no children");
	if (node->level == 0)
		check->leaves++;
	IVF_PAUSE("check radius");
	check_radius(check, node);
	pfree(node->current.columns);
	pfree(node->current.rows);
}

/*
 * The tree, from the root, whose centroid is the mean.
 */
void
ivf_check_tree(IvfCheck *check)
{
	IvfCheckNode root = {0};

	root.node = check->meta.root;
	root.level = check->meta.height - 1;
	root.centroid = palloc0(sizeof(float4) * check->n);
	check_node(check, &root);
	if (check->leaves != check->meta.leaves)
		ivf_corrupted(check->index, IVF_META_BLOCK, "it states %u leaves, there are %u",
					  check->meta.leaves, check->leaves);
}
