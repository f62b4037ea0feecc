/*
 * leaves.c
 *	  The leaves of an index, nearest to a query first.
 *
 * The nodes above them are searched as leaves are: the children with the least
 * estimates are looked at, and come out by their centroids' distance.  Where
 * bounds have to be certain, children come out by how near anything in them can
 * be: by their radii, and by pivots if the index is made for that.
 */
#include "compat.h"

#include "index/leaves.h"

#include "miscadmin.h"
#include "utils/memutils.h"

static IvfChild
child_of(IvfLeaves *leaves, const IvfRun *run, int row)
{
	return ivf_frozen_child(leaves->frozen, leaves->query->index, run, row,
							leaves->centroid);
}

/*
 * How the query sees a child; sets leaves->w.
 */
static void
view_child(IvfLeaves *leaves, const IvfLeaf *child, int level, IvfView *view)
{
	IvfChild	seen = child_of(leaves, &child->run, child->row);

	ivf_view(leaves->query, seen.node, level, seen.centroid, view, leaves->w);
}

/* the level of a candidate */
static int
level_of(const IvfLeaves *leaves, const IvfCandidate *candidate)
{
	return leaves->children->nodes[candidate->node].view.level - 1;
}

/*
 * Raises the certain bound of a leaf as far as pivots do.
 */
static void
raise_bound(IvfLeaves *leaves, IvfCandidate *candidate)
{
	IvfChild	child;
	IvfView		view;

	if (leaves->pivots == NULL || level_of(leaves, candidate) > 0)
		return;
	child = child_of(leaves, &candidate->run, candidate->row);
	ivf_view(leaves->query, child.node, 0, child.centroid, &view, leaves->w);
	candidate->key = Max(candidate->key,
						 ivf_pivots_bound(leaves->pivots, &view.list, child.centroid));
}

/* IvfResolve */
static bool
resolve_child(IvfCandidate *candidate, void *arg)
{
	IvfLeaves  *leaves = arg;
	IvfChild	child;
	double		key;

	if (leaves->certain)
	{
		raise_bound(leaves, candidate);
		return true;
	}
	child = child_of(leaves, &candidate->run, candidate->row);
	key = ivf_centroid_key(leaves->query, child.centroid);
	candidate->key = ivf_bound_distance(leaves->query, (float4) key, false);
	return true;
}

/* IvfTouch */
static void
touch_child(const IvfCandidate *candidate, void *arg)
{
	IvfLeaves  *leaves = arg;

	ivf_frozen_touch(leaves->frozen, &candidate->run, candidate->row);
}

/*
 * Finds the leaf nearest to the query of those not found yet; false if there is
 * none.  Inner nodes on the way are scored as they come up: a node is taken
 * for as near as its centroid, whatever its level.
 */
static bool
find_leaf(IvfLeaves *leaves, IvfLeaf *leaf)
{
	IvfQueue   *children = leaves->children;
	IvfCandidate *candidate;

	while ((candidate = ivf_queue_first(children)) != NULL)
	{
		int			level = level_of(leaves, candidate);
		IvfView		view;

		CHECK_FOR_INTERRUPTS();
		if (candidate->stage == IVF_STAGE_ESTIMATE ||
			(candidate->stage == IVF_STAGE_BOUND && leaves->pivots))
		{
			(void) resolve_child(candidate, leaves);
			ivf_queue_update(children, candidate, IVF_STAGE_EXACT, candidate->key);
			continue;
		}
		leaf->run = candidate->run;
		leaf->row = candidate->row;
		leaf->distance = candidate->key;
		ivf_queue_remove(children, candidate);
		if (level == 0)
			return true;
		view_child(leaves, leaf, level, &view);
		ivf_queue_add(children, &view, leaves->w, &leaf->run, leaf->row);
	}
	return false;
}

/*
 * The centroids nearest to the query become pivots: nearly so, as it does not
 * matter which.
 */
static void
find_pivots(IvfLeaves *leaves, Size memory)
{
	MemoryContext context;
	MemoryContext old;
	IvfLeaves  *near;
	IvfLeaf		leaf;

	leaves->pivots = ivf_pivots_make(leaves->query);
	if (leaves->pivots == NULL)
		return;

	/* what this search takes is not kept beside the one that it is for */
	context = AllocSetContextCreate(CurrentMemoryContext, "ivf pivots",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	near = ivf_leaves_make(leaves->query, leaves->frozen, IVF_MOST_PIVOTS, false,
						   memory);
	MemoryContextSwitchTo(old);
	while (leaves->pivots->count < IVF_MOST_PIVOTS && find_leaf(near, &leaf))
		ivf_pivots_add(leaves->pivots, leaves->query,
					   child_of(near, &leaf.run, leaf.row).centroid);
	ivf_leaves_end(near);
	MemoryContextDelete(context);
}

/*
 * Prepares to find the leaves of an index of more than one level, about so many
 * of them.  certain: no estimate is trusted.  memory: bytes for the queue.
 * Allocates in the current context.
 */
IvfLeaves *
ivf_leaves_make(IvfQuery *query, IvfFrozen *frozen, uint32 probes, bool certain,
				Size memory)
{
	IvfLeaves  *leaves = palloc0(sizeof(IvfLeaves));
	int			n = query->space->n;
	IvfView		view;

	leaves->query = query;
	leaves->frozen = frozen;
	leaves->certain = certain;
	leaves->centroid = palloc(sizeof(float4) * n);
	leaves->w = palloc(sizeof(float4) * n);
	leaves->children = ivf_queue_make(query, certain,
									  (int) Min(32 * (uint64) probes, 256), memory,
									  resolve_child, touch_child, leaves);
	ivf_view(query, frozen->meta.root, frozen->meta.height - 1, NULL, &view,
			 leaves->w);
	ivf_queue_add(leaves->children, &view, leaves->w, NULL, -1);
	if (certain)
		find_pivots(leaves, memory);
	return leaves;
}

/*
 * Finds leaves until so many wait to be read, if there are so many; their pages
 * are on their way then.
 */
static void
find_ahead(IvfLeaves *leaves, uint32 wanted)
{
	IvfLeaf		leaf;

	while (leaves->found - leaves->read < Min(wanted, IVF_LEAVES_AHEAD) &&
		   find_leaf(leaves, &leaf))
	{
		leaf.node = child_of(leaves, &leaf.run, leaf.row).node;
		(void) ivf_page_ahead(leaves->query->index, leaf.node);
		leaves->ahead[leaves->found++ % IVF_LEAVES_AHEAD] = leaf;
	}
}

/*
 * The next leaf, and how the query sees it; false after the last.  So many are
 * wanted for certain, this one included: some of them are found already, so that
 * their pages are on their way.  w becomes the query minus the leaf's centroid, or
 * NULL if the view is not complete; it is valid until the next call.
 */
bool
ivf_leaves_next(IvfLeaves *leaves, uint32 wanted, IvfLeaf *leaf, IvfView *view,
				const float4 **w)
{
	find_ahead(leaves, wanted);
	if (leaves->found == leaves->read)
		return false;
	*leaf = leaves->ahead[leaves->read++ % IVF_LEAVES_AHEAD];
	*w = NULL;
	if (leaves->certain ||
		!ivf_view_from_afar(leaves->query, leaf->node, leaf->distance, view))
	{
		view_child(leaves, leaf, 0, view);
		if (leaves->certain)
			view->least = leaf->distance;
		*w = leaves->w;
	}
	return true;
}

/*
 * The next leaf, which is not going to be read; false after the last.  Its first
 * page is not looked up.
 */
bool
ivf_leaves_skip(IvfLeaves *leaves, IvfLeaf *leaf)
{
	if (leaves->found == leaves->read)
		return find_leaf(leaves, leaf);
	*leaf = leaves->ahead[leaves->read++ % IVF_LEAVES_AHEAD];
	return true;
}

/*
 * The distance of the leaf that comes next; false if there is none.
 */
bool
ivf_leaves_peek(IvfLeaves *leaves, double *distance)
{
	if (leaves->found == leaves->read)
		find_ahead(leaves, 1);
	if (leaves->found == leaves->read)
		return false;
	*distance = leaves->ahead[leaves->read % IVF_LEAVES_AHEAD].distance;
	return true;
}

/*
 * The leaf after the one that ivf_leaves_next() has yielded, as far as that is
 * known.
 */
BlockNumber
ivf_leaves_follows(const IvfLeaves *leaves)
{
	if (leaves->found == leaves->read)
		return InvalidBlockNumber;
	return leaves->ahead[leaves->read % IVF_LEAVES_AHEAD].node;
}

/*
 * Lets go of what is not memory.
 */
void
ivf_leaves_end(IvfLeaves *leaves)
{
	ivf_queue_end(leaves->children);
}
