/*
 * search.c
 *	  A search of the index, on plain arrays: the same three stages, kernels
 *	  and bounds as in src/index/scan.c and queue.c.
 *
 * Left out is what the sets that are measured have no use for: tables of a
 * list's own, and memory limits.
 */
#include "plain.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ground/topk.h"

#define FIRST_CHUNK		256
#define CHUNK_GROWTH	4

typedef enum Stage
{
	STAGE_ESTIMATE,
	STAGE_BOUND,
	STAGE_EXACT
} Stage;

typedef struct Candidate
{
	double		key;
	Stage		stage;
	uint32_t	place;			/* a slot's number in the queue */
} Candidate;

/*
 * Entries of scored nodes in order of their bounds: floats, of which those up
 * to the mark are candidates in a binary heap.
 */
typedef struct Queue
{
	Metric		metric;
	int			certain;		/* are bounds those of byte codes? */
	float	   *bounds;
	uint32_t	count;
	uint32_t	room;
	int			chunk;
	int			marked;
	int			drained;
	TopKItem	mark;
	double		mark_distance;
	Candidate  *heap;
	int			candidates;
	int			heap_room;
	TopKItem   *items;
	int			items_room;
} Queue;

/* a leaf that was read, as the query sees it */
typedef struct View
{
	const Node *leaf;
	uint32_t	base;			/* its first place in the queue */
	ListQuery	list;
	float	   *w;
} View;

typedef struct Search
{
	const Arrays *arrays;
	double	   *v;
	float	   *v4;				/* the same in float4 */
	double		v_norm;
	SignQuery	signs;
	Queue		lists;
	Queue		rows;
	View	   *view;			/* one for each list */
	float	   *w;				/* n values for each list */
	int			views;
	Counters   *counters;
} Search;

double
set_distance(const Set *set, const float *query, uint32_t row)
{
	const float *x = set->rows + (size_t) row * set->dim;
	double		ab;
	double		aa;
	double		bb;

	if (set->metric == METRIC_L2)
		return sqrt(vec_kernels->l2_squared(query, x, set->dim));
	vec_kernels->cosine_sums(query, x, set->dim, &ab, &aa, &bb);
	return 1 - ab / sqrt(aa * bb);
}

/* the heap ------------------------------------------------------------------*/

/* of equals, what is known best comes first */
static int
before(const Candidate *a, const Candidate *b)
{
	return a->key < b->key || (a->key == b->key && a->stage > b->stage);
}

static void
sift_down(Queue *queue)
{
	Candidate	moved = queue->heap[0];
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= queue->candidates)
			break;
		if (child + 1 < queue->candidates &&
			before(&queue->heap[child + 1], &queue->heap[child]))
			child++;
		if (!before(&queue->heap[child], &moved))
			break;
		queue->heap[at] = queue->heap[child];
		at = child;
	}
	queue->heap[at] = moved;
}

static void
push(Queue *queue, double key, Stage stage, uint32_t place)
{
	Candidate	added = {key, stage, place};
	int			at = queue->candidates++;

	if (queue->candidates > queue->heap_room)
	{
		queue->heap_room *= 2;
		queue->heap = realloc(queue->heap, sizeof(Candidate) * queue->heap_room);
	}
	while (at > 0 && before(&added, &queue->heap[(at - 1) / 2]))
	{
		queue->heap[at] = queue->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	queue->heap[at] = added;
}

static void
remove_first(Queue *queue)
{
	queue->heap[0] = queue->heap[--queue->candidates];
	if (queue->candidates > 0)
		sift_down(queue);
}

static void
update_first(Queue *queue, Stage stage, double key)
{
	queue->heap[0].stage = stage;
	queue->heap[0].key = key;
	sift_down(queue);
}

/* the queue -----------------------------------------------------------------*/

static void
queue_init(Queue *queue, Metric metric, uint32_t room)
{
	memset(queue, 0, sizeof(*queue));
	queue->metric = metric;
	queue->room = room;
	queue->bounds = need(sizeof(float) * room);
	queue->heap_room = queue->items_room = 2 * FIRST_CHUNK;
	queue->heap = need(sizeof(Candidate) * queue->heap_room);
	queue->items = need(sizeof(TopKItem) * queue->items_room);
}

static void
queue_reset(Queue *queue, int chunk, int certain)
{
	queue->certain = certain;
	queue->count = 0;
	queue->candidates = 0;
	queue->chunk = chunk < FIRST_CHUNK ? chunk : FIRST_CHUNK;
	queue->marked = queue->drained = 0;
	queue->mark_distance = -INFINITY;
}

/* where the bounds of so many blocks go */
static float *
queue_room(Queue *queue, int blocks)
{
	float	   *bounds;

	while (queue->count + blocks * VEC_BLOCK > queue->room)
	{
		queue->room *= 2;
		queue->bounds = realloc(queue->bounds, sizeof(float) * queue->room);
	}
	bounds = queue->bounds + queue->count;
	queue->count += blocks * VEC_BLOCK;
	return bounds;
}

/* on the operator's scale */
static double
bound_distance(const Queue *queue, float bound)
{
	if (!(bound > -FLT_MAX))
		return -INFINITY;
	if (queue->certain)
		return bound;
	if (!(bound > 0))
		return 0;
	return queue->metric == METRIC_L2 ? sqrt(bound) : bound / 2.0;
}

/*
 * The next chunk of entries becomes candidates.
 */
static void
take_chunk(Queue *queue)
{
	TopK		top;
	TopKItem	last = queue->marked ? queue->mark : 0;
	float		limit = FLT_MAX;
	uint32_t	i;
	int			j;

	if (2 * queue->chunk > queue->items_room)
	{
		queue->items_room = 2 * queue->chunk;
		queue->items = realloc(queue->items, sizeof(TopKItem) * queue->items_room);
	}
	topk_init(&top, queue->chunk, 2 * queue->chunk, queue->items);
	for (i = 0; i < queue->count; i += VEC_BLOCK)
	{
		float		least;
		uint32_t	within = vec_kernels->split(queue->bounds + i, limit, &least);

		for (; within != 0; within &= within - 1)
		{
			uint32_t	place = i + __builtin_ctz(within);
			TopKItem	item = topk_item(queue->bounds[place], place);

			if (queue->marked && item <= queue->mark)
				continue;
			topk_add(&top, item);
		}
		limit = top.full ? topk_key(top.limit) : FLT_MAX;
	}
	topk_finish(&top);
	for (j = 0; j < top.count; j++)
	{
		push(queue, bound_distance(queue, topk_key(top.items[j])),
			 queue->certain ? STAGE_BOUND : STAGE_ESTIMATE,
			 topk_place(top.items[j]));
		if (top.items[j] > last)
			last = top.items[j];
	}
	queue->drained = !top.full;
	queue->marked = 1;
	queue->mark = last;
	queue->mark_distance = top.full ?
		bound_distance(queue, topk_key(last)) : INFINITY;
	if (queue->chunk < (1 << 28))
		queue->chunk *= CHUNK_GROWTH;
}

/*
 * The entry with the least key; NULL after the last.
 */
static Candidate *
queue_first(Queue *queue)
{
	for (;;)
	{
		if (queue->candidates > 0 && queue->heap[0].key <= queue->mark_distance)
			return &queue->heap[0];
		if (queue->drained)
			return queue->candidates > 0 ? &queue->heap[0] : NULL;
		take_chunk(queue);
	}
}

/* nodes ---------------------------------------------------------------------*/

/* how the query sees a centroid (NULL: zeros) with this norm */
static void
view_centroid(const Search *search, const float *centroid, double norm,
			  ListQuery *list, float *w)
{
	int			n = search->arrays->n;
	int			i;

	for (i = 0; i < n; i++)
		w[i] = (float) (search->v[i] - (centroid ? centroid[i] : 0));
	memset(list, 0, sizeof(*list));
	list->metric = search->arrays->set.metric;
	list->n = n;
	list->w_norm = sqrt(vec_kernels->inner_product(w, w, n));
	list->reach = search->v_norm + norm;
}

/* squared distance of a list's centroid, to rank it */
static double
list_distance(const Search *search, uint32_t list)
{
	const Clusters *clusters = &search->arrays->clusters;
	double		dot = vec_kernels->inner_product(search->v4, clusters->list +
												 (size_t) list * clusters->n,
												 clusters->n);

	return search->v_norm * search->v_norm + clusters->list_norm[list] - 2 * dot;
}

static void
score_node(const Search *search, const Node *node, const ListQuery *list,
		   float *bounds)
{
	size_t		width = (size_t) search->arrays->n / 4 * 16;
	float		base = (float) (list->w_norm * list->w_norm);
	float		err_weight = (float) (SIGN_EPSILON * list->w_norm);
	int			b;

	for (b = 0; b < node->blocks; b++)
		sign_score_block(&search->signs, node->columns + b * width,
						 node->add + b * VEC_BLOCK, node->scale + b * VEC_BLOCK,
						 node->err + b * VEC_BLOCK, base, err_weight,
						 bounds + b * VEC_BLOCK);
	search->counters->entries += (uint64_t) node->blocks * VEC_BLOCK;
}

static double
row_bound(const Search *search, const View *view, int slot)
{
	int			n = search->arrays->n;
	const int8_t *code = view->leaf->codes + (size_t) slot * n;

	search->counters->byte_codes++;
	return byte_bound(&view->list, &view->leaf->factors[slot],
					  vec_kernels->byte_dot(code, view->w, n));
}

static void
read_leaf(Search *search, uint32_t list)
{
	View	   *view = &search->view[search->views];
	float	   *bounds;
	int			i;

	view->leaf = &search->arrays->leaf[list];
	view->w = search->w + (size_t) search->views++ * search->arrays->n;
	view->base = search->rows.count;
	view_centroid(search, view->leaf->centroid,
				  sqrt(search->arrays->clusters.list_norm[list]), &view->list,
				  view->w);
	bounds = queue_room(&search->rows, view->leaf->blocks);
	if (!search->rows.certain)
	{
		score_node(search, view->leaf, &view->list, bounds);
		return;
	}
	for (i = 0; i < view->leaf->blocks * VEC_BLOCK; i++)
		bounds[i] = i < view->leaf->count ?
			float_down(row_bound(search, view, i)) : INFINITY;
}

/* the view that a place of the rows' queue is in */
static const View *
view_of(const Search *search, uint32_t place)
{
	int			low = 0;
	int			high = search->views;

	while (high - low > 1)
	{
		int			middle = low + (high - low) / 2;

		if (search->view[middle].base <= place)
			low = middle;
		else
			high = middle;
	}
	return &search->view[low];
}

/* the search ----------------------------------------------------------------*/

Search *
search_make(const Arrays *arrays)
{
	Search	   *search = need(sizeof(Search));

	search->arrays = arrays;
	search->v = need(sizeof(double) * arrays->n);
	search->v4 = need(sizeof(float) * arrays->n);
	search->signs.table = need(sign_query_size(arrays->n));
	search->view = need(sizeof(View) * arrays->clusters.lists);
	search->w = need(sizeof(float) * arrays->clusters.lists * arrays->n);
	queue_init(&search->lists, arrays->set.metric, arrays->root.blocks * VEC_BLOCK);
	queue_init(&search->rows, arrays->set.metric, 64 * arrays->largest * VEC_BLOCK);
	return search;
}

/* reads the nearest lists */
static void
read_leaves(Search *search, int probes)
{
	const Arrays *arrays = search->arrays;
	ListQuery	list;
	Candidate  *first;
	int			i;

	search->views = 0;
	if (search->rows.certain)
	{
		for (i = 0; i < arrays->clusters.lists; i++)
			read_leaf(search, i);
		return;
	}
	/* w is that of the first leaf, which is not read yet */
	view_centroid(search, NULL, 0, &list, search->w);
	score_node(search, &arrays->root, &list,
			   queue_room(&search->lists, arrays->root.blocks));
	while (search->views < probes && (first = queue_first(&search->lists)) != NULL)
	{
		uint32_t	id = arrays->root.id[first->place];

		if (first->stage == STAGE_EXACT)
		{
			remove_first(&search->lists);
			read_leaf(search, id);
		}
		else
			update_first(&search->lists, STAGE_EXACT,
						 bound_distance(&search->lists,
										(float) list_distance(search, id)));
	}
}

/*
 * The k nearest rows of the nearest lists, nearest first; returns how many
 * there are.
 */
int
search(Search *search, const float *query, int probes, int k, uint32_t *found,
	   Counters *counters)
{
	const Arrays *arrays = search->arrays;
	int			n = arrays->n;
	Candidate  *first;
	double		squares = 0;
	int			count = 0;
	int			i;

	arrays_place(arrays, query, search->v);
	for (i = 0; i < n; i++)
	{
		squares += search->v[i] * search->v[i];
		search->v4[i] = (float) search->v[i];
	}
	search->v_norm = sqrt(squares);
	sign_query_init(&search->signs, search->v, n, search->signs.table);
	search->counters = counters;
	queue_reset(&search->lists, 4 * probes, 0);
	queue_reset(&search->rows, FIRST_CHUNK, probes >= arrays->clusters.lists);
	read_leaves(search, probes);

	while (count < k && (first = queue_first(&search->rows)) != NULL)
	{
		const View *view = view_of(search, first->place);
		int			slot = (int) (first->place - view->base);

		if (first->stage == STAGE_EXACT)
		{
			found[count++] = view->leaf->id[slot];
			remove_first(&search->rows);
		}
		else if (first->stage == STAGE_ESTIMATE)
			update_first(&search->rows, STAGE_BOUND, row_bound(search, view, slot));
		else
		{
			counters->rows++;
			update_first(&search->rows, STAGE_EXACT,
						 set_distance(&arrays->set, query, view->leaf->id[slot]));
		}
	}
	return count;
}
