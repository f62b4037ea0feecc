/*
 * children.c
 *	  The sign codes of a node's children, kept by the session.
 *
 * Whoever inserts rows goes through the same few inner nodes each time, and their
 * blocks are frozen like their rows (frozen.c).  One copy without gaps is scored
 * in half of the time that it takes page by page.  Searches read the pages: they
 * have leaves to read that take far longer.
 */
#include "compat.h"

#include "index/children.h"

#include <math.h>

#include "common/hashfn.h"
#include "ground/codec.h"
#include "miscadmin.h"
#include "page/blocks.h"

#define SH_PREFIX			IvfKeptChildren
#define SH_ELEMENT_TYPE		IvfChildren
#define SH_KEY_TYPE			BlockNumber
#define SH_KEY				node
#define SH_HASH_KEY(tb, key)	murmurhash32(key)
#define SH_EQUAL(tb, a, b)	((a) == (b))
#define SH_SCOPE			static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static void
copy_columns(const IvfColumns *part, IvfChildBlock *block)
{
	memcpy((uint8 *) (block + 1) + IVF_COLUMN * part->from, part->bytes,
		   IVF_COLUMN * part->count);
}

/*
 * Reads the blocks of a node, in the current context.
 */
static IvfChildren
read_children(const IvfFrozen *frozen, Relation index, BlockNumber node, int level)
{
	IvfChildren children = {0};
	int			n = frozen->space->n;
	int			room = 16;
	IvfBlockReader reader;
	IvfColumns	part;

	children.node = node;
	children.distances = (frozen->space->metric != METRIC_INNER_PRODUCT);
	children.size = sizeof(IvfChildBlock) + IVF_COLUMN_BYTES(n);
	children.blocks = palloc(children.size * room);
	ivf_blocks_begin(&reader, index, NULL, n);
	ivf_blocks_open(&reader, node, level, InvalidBlockNumber);
	while (ivf_blocks_next(&reader, &part))
	{
		const IvfBlockHead *head = reader.head;
		IvfChildBlock *block;

		if (children.count == room)
		{
			room *= 2;
			children.blocks = repalloc_huge(children.blocks, children.size * room);
		}
		block = (IvfChildBlock *) (children.blocks + children.size * children.count++);
		memcpy(block->add, head->add, sizeof(block->add));
		memcpy(block->scale, head->scale, sizeof(block->scale));
		memcpy(block->err, head->err, sizeof(block->err));
		block->run = ivf_run_of(head, level, n);
		copy_columns(&part, block);
		while (reader.left > 0)
		{
			ivf_blocks_follow(&reader, &part);
			copy_columns(&part, block);
		}
	}
	return children;
}

/*
 * Replaces factors that estimate inner products by those of distances, in which
 * rows are placed whatever the metric.  The codes are those of the residuals
 * either way.  centroid is the node's.
 *
 * That takes all centroids, once; to look at them all for every row took six
 * times as long as the rest of an insert among 2,000 lists.
 */
static void
estimate_distances(IvfFrozen *frozen, Relation index, const float4 *centroid,
				   IvfChildren *children)
{
	int			n = frozen->space->n;
	float4	   *room = palloc(sizeof(float4) * n);
	float4	   *residual = palloc(sizeof(float4) * n);
	uint8	   *nibbles = palloc(n / 4);
	double	   *v = palloc(sizeof(double) * n);
	int			block;
	int			slot;
	int			i;

	for (block = 0; block < children->count; block++)
	{
		IvfChildBlock *at = (IvfChildBlock *) (children->blocks + block * children->size);

		CHECK_FOR_INTERRUPTS();
		for (slot = 0; slot < VEC_BLOCK; slot++)
		{
			IvfChild	child;
			SignFactors factors;

			if (at->add[slot] == INFINITY)
				continue;
			child = ivf_frozen_child(frozen, index, &at->run, slot, room);
			for (i = 0; i < n; i++)
				v[i] = child.centroid[i];
			(void) ivf_residual(v, centroid, n, residual);
			encode_signs(residual, centroid, n, 0, false, nibbles, &factors);
			at->add[slot] = factors.add;
			at->scale[slot] = factors.scale;
			at->err[slot] = factors.err;
		}
	}
	children->distances = true;
}

/*
 * The children of an inner node with this centroid; valid as long as frozen is,
 * or, where there is no room to keep them, the current context.  They are read for
 * every row then: that takes trees of many thousand lists in as many hundred
 * dimensions.
 */
IvfChildren
ivf_children(IvfFrozen *frozen, Relation index, BlockNumber node, int level,
			 const float4 *centroid)
{
	IvfChildren children;
	IvfChildren *kept = NULL;
	Size		size;
	char	   *copy;
	bool		found;

	if (frozen->children)
		kept = IvfKeptChildren_lookup(frozen->children, node);
	if (kept)
		return *kept;

	/* an error while they are read frees them with the current context */
	children = read_children(frozen, index, node, level);
	size = children.size * children.count;
	if (!ivf_frozen_has_room(frozen, size))
		return children;
	if (!children.distances)
		estimate_distances(frozen, index, centroid, &children);
	if (frozen->children == NULL)
		frozen->children = IvfKeptChildren_create(frozen->context, 16, NULL);
	copy = MemoryContextAllocHuge(frozen->context, size);
	memcpy(copy, children.blocks, size);
	kept = IvfKeptChildren_insert(frozen->children, node, &found);
	kept->count = children.count;
	kept->size = children.size;
	kept->distances = children.distances;
	kept->blocks = copy;
	ivf_frozen_keeps(frozen, size);
	return *kept;
}
