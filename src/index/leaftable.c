/*
 * leaftable.c
 *	  All leaves of an index at hand, to find the one nearest to a row.
 *
 * Where an index promises that every row is in the nearest list, whoever inserts
 * one has to compare it with all centroids.  In panels that takes a nanosecond or
 * two each; on the way down the tree, from run to run, it would take some tens.
 * Centroids and places are frozen, so the table is kept with the session's copy
 * of the index.
 */
#include "compat.h"

#include "index/leaftable.h"

#include "ground/panels.h"
#include "utils/memutils.h"

typedef struct Filling
{
	IvfLeafTable *table;
	const IvfTreeNode *above;	/* the copy of what is above the last leaf */
} Filling;

/*
 * A copy of a node and of all above it, or the last one made if that is the same.
 */
static const IvfTreeNode *
copy_node(Filling *filling, const IvfTreeNode *node)
{
	IvfTreeNode *copy;

	if (node == NULL)
		return NULL;
	if (filling->above && filling->above->node == node->node)
		return filling->above;
	copy = palloc(sizeof(IvfTreeNode));
	*copy = *node;
	copy->above = copy_node(filling, node->above);
	return copy;
}

/* IvfLeafFunction */
static void
put_leaf(const IvfTreeLeaf *leaf, void *arg)
{
	Filling    *filling = arg;
	IvfLeafTable *table = filling->table;
	IvfTreeNode *node = &table->leaf[leaf->number];
	MemoryContext old = MemoryContextSwitchTo(table->context);

	filling->above = copy_node(filling, leaf->above);
	MemoryContextSwitchTo(old);
	node->above = filling->above;
	node->node = leaf->node;
	node->run = leaf->run;
	node->row = leaf->row;
	panels_set(table->panels, table->count, table->n, leaf->number, leaf->centroid);
	table->norms[leaf->number] =
		(float4) vec_kernels->inner_product(leaf->centroid, leaf->centroid, table->n);
}

/*
 * Reads the leaves of an index of more than one level and n padded dimensions, on
 * which the caller holds a lock; in a context of its own below the current one.
 */
IvfLeafTable *
ivf_leaf_table_read(Relation index, const IvfMetaData *meta, int n)
{
	uint32		count = meta->leaves;
	Size		floats = (Size) count * n + PANEL_SLACK;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ivf leaves",
												  ALLOCSET_SMALL_SIZES);
	IvfLeafTable *table = MemoryContextAllocZero(context, sizeof(IvfLeafTable));
	Filling		filling = {table, NULL};

	table->context = context;
	table->count = count;
	table->n = n;
	table->panels = MemoryContextAllocHuge(context, sizeof(float4) * floats);
	memset(table->panels, 0, sizeof(float4) * floats);
	table->norms = MemoryContextAllocHuge(context, sizeof(float4) * (Size) count);
	table->leaf = MemoryContextAllocHuge(context, sizeof(IvfTreeNode) * (Size) count);
	ivf_visit_leaves(index, meta, put_leaf, &filling);
	return table;
}

/*
 * The leaves of an index of more than one level; valid as long as frozen is.
 */
const IvfLeafTable *
ivf_leaf_table(IvfFrozen *frozen, Relation index)
{
	IvfLeafTable *table = frozen->leaves;

	if (table)
		return table;

	/* an error in here frees it with the caller's context */
	table = ivf_leaf_table_read(index, &frozen->meta, frozen->space->n);
	MemoryContextSetParent(table->context, frozen->context);
	frozen->leaves = table;
	ivf_frozen_keeps(frozen, (sizeof(float4) * (table->n + 1) + sizeof(IvfTreeNode)) *
					 (Size) table->count);
	return table;
}

/*
 * The leaf nearest to a row of n values, as the build finds it, too.
 */
const IvfTreeNode *
ivf_leaf_table_nearest(const IvfLeafTable *table, const float4 *row)
{
	float4	   *products = palloc_extended(sizeof(float4) * PANEL_WIDTH(table->count),
										   MCXT_ALLOC_HUGE);
	float4		score;
	int			label;

	panels_nearest(&row, 1, table->panels, table->norms, (int) table->count,
				   table->n, products, &label, &score);
	pfree(products);
	return &table->leaf[label];
}

/*
 * The leaves nearest to a leaf, by their numbers, but not it itself; returns how
 * many, up to count.
 */
int
ivf_leaf_table_neighbours(const IvfLeafTable *table, uint32 leaf, int count,
						  uint32 *near)
{
	Size		size = sizeof(float4) * PANEL_WIDTH(table->count);
	float4	   *scores = palloc_extended(size, MCXT_ALLOC_HUGE);
	float4	   *row = palloc(sizeof(float4) * table->n);
	int			found = 0;
	uint32		i;
	int			j;

	ivf_leaf_table_centroid(table, leaf, row);
	vec_kernels->products((const float4 *const *) &row, 1, table->panels,
						  (int) table->count, table->n, scores);
	for (i = 0; i < table->count; i++)
		scores[i] = table->norms[i] - 2 * scores[i];
	for (i = 0; i < table->count; i++)
	{
		if (i == leaf || (found == count && !(scores[i] < scores[near[found - 1]])))
			continue;
		if (found < count)
			found++;
		for (j = found - 1; j > 0 && scores[i] < scores[near[j - 1]]; j--)
			near[j] = near[j - 1];
		near[j] = i;
	}
	pfree(scores);
	pfree(row);
	return found;
}

/*
 * Copies the centroid of a leaf to n values.
 */
void
ivf_leaf_table_centroid(const IvfLeafTable *table, uint32 leaf, float4 *centroid)
{
	panels_get(table->panels, (int) table->count, table->n, (int) leaf, centroid);
}
