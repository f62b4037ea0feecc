/*
 * treewalk.c
 *	  Visits the leaves of an index in tree order.
 *
 * Inner nodes are as they were built but for their radii, so whatever goes on
 * beside the walk, it comes to every leaf once.  Their rows are read a run at a
 * time and not kept for the session, as frozen.c does for searches: a walk looks
 * at each of them once, and would push out those that searches have use for.
 *
 * Where a pointer is damaged a leaf may be met twice and another never.  That is
 * ivf_check()'s to find; here it is enough that the walk ends: levels fall on
 * the way down, and there are no more leaves than the metapage states.
 */
#include "compat.h"

#include "index/treewalk.h"

#include <math.h>

#include "ground/rotate.h"
#include "miscadmin.h"
#include "page/blocks.h"

typedef struct Walk
{
	Relation	index;
	const IvfMetaData *meta;
	int			n;				/* padded dimensions */
	IvfLeafFunction function;
	void	   *arg;
	uint32		leaves;			/* met so far */
} Walk;

/* what of an inner node's block leads to its children */
typedef struct ChildBlock
{
	ItemPointerData tid[VEC_BLOCK];
	IvfRun		run;
} ChildBlock;

/*
 * Reads the heads of a node's blocks.  All of them before anything is done with
 * one: the reader holds a page, and what is below takes its time.
 */
static ChildBlock *
read_children(const Walk *walk, BlockNumber node, int level, int *count)
{
	ChildBlock *blocks;
	int			room = 16;
	IvfBlockReader reader;
	IvfColumns	columns;

	blocks = palloc(sizeof(ChildBlock) * room);
	*count = 0;
	ivf_blocks_begin(&reader, walk->index, NULL, walk->n);
	ivf_blocks_open(&reader, node, level, InvalidBlockNumber);
	while (ivf_blocks_next(&reader, &columns))
	{
		if (*count == room)
		{
			room *= 2;
			blocks = repalloc_huge(blocks, sizeof(ChildBlock) * room);
		}
		memcpy(blocks[*count].tid, reader.head->tid, sizeof(reader.head->tid));
		blocks[*count].run = ivf_run_of(reader.head, level, walk->n);
		(*count)++;
	}
	pfree(reader.copy);
	return blocks;
}

static void
visit_leaf(Walk *walk, IvfTreeLeaf *leaf)
{
	if (walk->leaves >= walk->meta->leaves)
		ivf_corrupted(walk->index, IVF_META_BLOCK,
					  "it states %u leaves, there are more", walk->meta->leaves);
	leaf->number = walk->leaves++;
	walk->function(leaf, walk->arg);
}

static void visit_node(Walk *walk, BlockNumber node, int level,
					   const IvfTreeNode *above);

/*
 * A child of an inner node, by its slot in a block and the bytes of its row.
 */
static void
visit_child(Walk *walk, BlockNumber parent, int level, const ChildBlock *block,
			int slot, const char *bytes, const IvfTreeNode *above)
{
	BlockNumber node = ItemPointerGetBlockNumber(&block->tid[slot]);
	IvfChildHead head;
	IvfTreeLeaf leaf;

	memcpy(&head, bytes, sizeof(head));
	if (memcmp(&head.tid, &block->tid[slot], sizeof(head.tid)) != 0)
		ivf_corrupted(walk->index, ivf_row_block(&block->run, slot),
					  "a child's row is for node %u, its slot for node %u",
					  ItemPointerGetBlockNumberNoCheck(&head.tid), node);
	if (!(head.radius >= 0))
		ivf_corrupted(walk->index, ivf_row_block(&block->run, slot),
					  "the radius of node %u is %g", node, head.radius);
	if (level > 0)
	{
		IvfTreeNode inner = {above, node, block->run, slot};

		visit_node(walk, node, level, &inner);
		return;
	}
	leaf.node = node;
	leaf.parent = parent;
	leaf.above = above;
	leaf.run = block->run;
	leaf.row = slot;
	leaf.radius = head.radius;
	leaf.centroid = (const float4 *) (bytes + sizeof(head));
	visit_leaf(walk, &leaf);
}

/*
 * The leaves below an inner node, which above describes unless it is the root.
 */
static void
visit_node(Walk *walk, BlockNumber node, int level, const IvfTreeNode *above)
{
	Size		row = IVF_ROW_HEAD(level) + IVF_ROW_BODY(level, walk->n);
	ChildBlock *blocks;
	char	   *rows;
	int			count;
	int			i;
	int			slot;

	check_stack_depth();
	blocks = read_children(walk, node, level, &count);
	rows = palloc(VEC_BLOCK * row);
	for (i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ivf_run_read(walk->index, NULL, &blocks[i].run, rows);
		for (slot = 0; slot < VEC_BLOCK; slot++)
		{
			if (ItemPointerIsValid(&blocks[i].tid[slot]))
				visit_child(walk, node, level - 1, &blocks[i], slot,
							rows + slot * row, above);
		}
	}
	pfree(rows);
	pfree(blocks);
}

static void
visit_lone_leaf(Walk *walk)
{
	float4	   *mean = palloc0(sizeof(float4) * walk->n);
	IvfTreeLeaf leaf = {0};

	leaf.node = walk->meta->root;
	leaf.parent = InvalidBlockNumber;
	leaf.row = -1;
	leaf.radius = INFINITY;
	leaf.centroid = mean;
	visit_leaf(walk, &leaf);
	pfree(mean);
}

/*
 * Calls a function for every leaf of an index on which the caller holds a lock.
 * meta is what ivf_shape_read() has yielded, or of an IvfFrozen.  No page is
 * locked or pinned meanwhile; none of the leaf's own has been looked at.
 */
void
ivf_visit_leaves(Relation index, const IvfMetaData *meta,
				 IvfLeafFunction function, void *arg)
{
	Walk		walk = {0};

	walk.index = index;
	walk.meta = meta;
	walk.n = rotation_padded(meta->dimensions);
	walk.function = function;
	walk.arg = arg;
	if (meta->height == 1)
		visit_lone_leaf(&walk);
	else
		visit_node(&walk, meta->root, meta->height - 1, NULL);
	if (walk.leaves != meta->leaves)
		ivf_corrupted(index, IVF_META_BLOCK, "it states %u leaves, there are %u",
					  meta->leaves, walk.leaves);
}
