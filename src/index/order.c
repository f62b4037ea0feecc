/*
 * order.c
 *	  The rows of an index in the order of their distances from a query.
 *
 * Lists are read in order of their centroids' distance.  Of their entries the
 * one with the least bound is advanced, from estimate to byte code to heap
 * row, until the least is a heap row's own distance: that row comes out, if
 * enough lists have been read for it (stop.c).  When the lists read so far have
 * given all their rows, the next one is read, and so on to the last.
 *
 * Where the order has to be exact, lists are read in order of the least distance
 * that anything in them can have, bounds are certain ones, and the list comes
 * first wherever that is less than the next row's bound.
 */
#include "compat.h"

#include "index/order.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "page/pause.h"

/*
 * Lists that are looked up before they are read, though perhaps they are not going
 * to be: their pages are on their way then.
 */
#define LISTS_AHEAD		4

/* candidates that a short query is likely to look at */
#define FIRST_CHUNK		256

/*
 * What lowered estimates lose, some thousandths, is too much for a recall of more
 * than this; then they are lowered more.
 */
#define HIGH_RECALL		0.99
#define HIGH_EPSILON	3.0

/*
 * Reads the row of an entry, and sets the candidate's TID; false if the slot
 * was being filled for a tuple that we can't see.  code has room for n.
 */
static bool
read_row(IvfOrder *order, IvfCandidate *candidate, IvfRowHead *row, int8 *code)
{
	IvfQuery   *query = order->query;

	IVF_PAUSE("scan row");
	ivf_row_read(query->index, query->snapshot, &candidate->run,
				 candidate->row, row, code);
	candidate->tid = row->tid;
	if (!ItemPointerIsValid(&row->tid))
		return false;
	if (order->table)
		ivf_heap_check_tid(order->table, order->table_blocks, query->index,
						   ivf_row_block(&candidate->run, candidate->row), &row->tid);
	return true;
}

/*
 * Reads an entry's byte code for a certain bound; false if there is no entry any
 * more.
 */
static bool
read_bound(IvfOrder *order, IvfCandidate *candidate, double *bound)
{
	IvfQuery   *query = order->query;
	IvfScored  *leaf = &order->rows->nodes[candidate->node];
	int8	   *code = (int8 *) query->row;
	IvfRowHead	row;
	const float4 *w;

	if (!read_row(order, candidate, &row, code))
		return false;
	query->counters.byte_codes++;
	w = ivf_queue_w(order->rows, leaf);
	*bound = ivf_row_bound(query, &leaf->view, w, &row, code);

	/* of two certain bounds the greater one; an estimate is none */
	if (order->stop.kind == IVF_STOP_EXACT)
		*bound = Max(*bound, candidate->key);
	return true;
}

/* IvfResolve */
static bool
resolve_row(IvfCandidate *candidate, void *arg)
{
	IvfOrder   *order = arg;
	IvfQuery   *query = order->query;
	IvfRowHead	row;

	/* rows in no order come out by their bounds */
	if (order->unsorted)
		return ItemPointerIsValid(&candidate->tid) ||
			read_bound(order, candidate, &candidate->key);
	if (!ItemPointerIsValid(&candidate->tid) &&
		!read_row(order, candidate, &row, (int8 *) query->row))
		return false;
	query->counters.heap_rows++;
	IVF_PAUSE("scan heap");
	return ivf_heap_distance(order->heap, query->snapshot, &candidate->tid,
							 query->space, query->elements, &candidate->key);
}

/* IvfTouch */
static void
touch_row(const IvfCandidate *candidate, void *arg)
{
	IvfOrder   *order = arg;

	ivf_row_touch(order->query->index, &candidate->run, candidate->row);
}

static IvfOrder *
make_order(IvfQuery *query, Relation table, BlockNumber *table_blocks,
		   IvfHeapRows *heap)
{
	IvfOrder   *order = palloc0(sizeof(IvfOrder));

	order->query = query;
	order->heap = heap;
	order->table = table;
	order->table_blocks = table_blocks;
	order->radius = INFINITY;
	return order;
}

/*
 * How far an entry of the next list may be for its byte code to be looked at as
 * soon as its sign code is: that costs a tenth of what it does later, when the
 * row is one of many in the heap.  Within a radius all will be looked at; without
 * one, those nearer than the KTH nearest so far, as most queries want no more.
 */
static float4
near(IvfOrder *order)
{
	float4		limit = order->codes_first ? FLT_MAX : kth_limit(&order->stop.kth);

	if (order->unsorted || order->radius < limit)
		limit = (float4) Max(Min(order->radius, FLT_MAX), -FLT_MAX);
	return limit;
}

/* the root is scored, if it is a leaf, or is going to be walked from */
static void
begin_walk(IvfOrder *order, bool certain, Size memory)
{
	IvfQuery   *query = order->query;
	IvfView		view;

	if (query->frozen->meta.height > 1)
	{
		order->walk = ivf_leaves_make(query, query->frozen,
									  ivf_stop_likely(&order->stop), certain,
									  memory);
		return;
	}
	if (certain)
		query->near = near(order);
	ivf_view(query, query->frozen->meta.root, 0, NULL, &view, query->w);
	query->w_node = query->frozen->meta.root;
	ivf_queue_add(order->rows, &view, query->w, NULL, -1);
	order->lists = 1;
	query->counters.leaves++;
}

static void
begin(IvfOrder *order, double recall, int probes)
{
	IvfQuery   *query = order->query;
	Size		memory = (Size) work_mem * 1024 / 16;
	bool		certain;

	ivf_stop_begin(&order->stop, query, recall, probes);
	certain = order->stop.kind == IVF_STOP_EXACT;
	if (order->stop.kind == IVF_STOP_RECALL && recall > HIGH_RECALL)
		query->epsilon = HIGH_EPSILON;

	/*
	 * Byte codes are compared with a query as fast as they are read, beside their
	 * neighbours.  Bounds from sign codes save that only in few dimensions, for
	 * each of which such a code has several bits; elsewhere they leave so much
	 * that a query for some thousand rows, which have to be read one by one then,
	 * takes ten times as long.  And they pay only where they are kept, else lists
	 * would be scored again and again.
	 */
	order->codes_first = certain &&
		(!ivf_few_dimensions(query->space->dim) ||
		 sizeof(float4) * query->frozen->meta.entries > 4.0 * memory);
	query->counters.recall = order->stop.recall;
	order->rows = ivf_queue_make(query, certain, FIRST_CHUNK, 4 * memory,
								 resolve_row, touch_row, order);
	if (order->stop.kind != IVF_STOP_PROBES && !order->codes_first)
		order->rows->kth = &order->stop.kth;
	begin_walk(order, certain, memory);
}

/*
 * Starts to read rows of a table in order, for a query that wants a recall or,
 * with probes more than 0, as many lists; allocates in the current context.
 */
IvfOrder *
ivf_order_begin(IvfQuery *query, double recall, int probes, Relation table,
				BlockNumber *table_blocks, IvfHeapRows *heap)
{
	IvfOrder   *order = make_order(query, table, table_blocks, heap);

	begin(order, recall, probes);
	return order;
}

/*
 * Starts to read the rows within a radius, in their exact order or, unsorted, in
 * any: then those come out too of which only their heap row would tell, and heap
 * may be NULL.
 */
IvfOrder *
ivf_order_within(IvfQuery *query, double radius, bool unsorted, Relation table,
				 BlockNumber *table_blocks, IvfHeapRows *heap)
{
	IvfOrder   *order = make_order(query, table, table_blocks, heap);

	order->radius = radius;
	order->unsorted = unsorted;
	begin(order, 1, 0);
	query->counters.recall = 0;
	return order;
}

/* the distance of the nearest list that has not been read; false if all have */
static bool
nearest_unread(IvfOrder *order, double *distance)
{
	return order->walk && ivf_leaves_peek(order->walk, distance);
}

/*
 * Reads the next list; false if there is none.
 */
static bool
read_list(IvfOrder *order)
{
	IvfQuery   *query = order->query;
	uint32		likely = Max(order->stop.next, ivf_stop_likely(&order->stop));
	double		unread;
	IvfLeaf		leaf;
	IvfView		view;
	const float4 *w;

	if (order->stop.kind == IVF_STOP_EXACT)
		query->near = near(order);
	if (!nearest_unread(order, &unread) || unread > order->radius ||
		!ivf_leaves_next(order->walk, Max(likely, order->lists + LISTS_AHEAD) - order->lists,
						 &leaf, &view, &w))
		return false;
	if (order->lists == 0)
		order->stop.first = leaf.distance;
	order->lists++;
	query->counters.leaves++;
	query->follows = ivf_leaves_follows(order->walk);
	ivf_queue_add(order->rows, &view, w, &leaf.run, leaf.row);
	query->follows = InvalidBlockNumber;
	if (order->rows->improved)
		order->stop.improved = order->lists;
	return true;
}

/*
 * Reads the next list, and in an exact search an eighth as many more as have been:
 * entries are taken up to the bound of the next list each time, which may mean to
 * score lists again whose bounds were dropped.  False if there is none.
 */
static bool
read_lists(IvfOrder *order)
{
	uint32		more = order->stop.kind == IVF_STOP_EXACT ? order->lists / 8 : 0;

	if (!read_list(order))
		return false;
	while (more-- > 0 && read_list(order))
		;
	return true;
}

/*
 * Reads as many lists as are to be read before anything is known of the next
 * row.
 */
static void
read_enough(IvfOrder *order)
{
	double		unread;

	for (;;)
	{
		if (order->lists < order->stop.next)
		{
			if ((order->stop.out > 0 && ivf_queue_full(order->rows)) ||
				!read_list(order))
				return;
		}
		else if (!nearest_unread(order, &unread) ||
				 ivf_stop_near(&order->stop, order->query, order->lists, unread))
			return;
	}
}

/*
 * Is another list to be read before this candidate is looked at, or comes out?
 */
static bool
comes_first(IvfOrder *order, const IvfCandidate *candidate)
{
	IvfStop    *stop = &order->stop;
	double		unread;

	/* a row that comes late is better than memory that is not there */
	if (stop->kind != IVF_STOP_EXACT && ivf_queue_full(order->rows))
		return false;
	if (order->lists < stop->next)
		return true;
	if (stop->kind == IVF_STOP_EXACT)
		return nearest_unread(order, &unread) && unread < candidate->key;

	/*
	 * A key is at most the distance, and the nearer a row, the surer is a rule
	 * that what is nearer has been found: if it is not enough for the key, it
	 * will not be for the distance.
	 */
	return nearest_unread(order, &unread) &&
		!ivf_stop_far(stop, order->query, order->lists, unread, candidate->key,
					  order->rows->nodes[candidate->node].number);
}

/*
 * Learns more about the candidate with the least key.
 */
static void
advance(IvfOrder *order, IvfCandidate *candidate)
{
	double		key;

	if (candidate->stage == IVF_STAGE_ESTIMATE)
	{
		if (read_bound(order, candidate, &key))
			ivf_queue_update(order->rows, candidate, IVF_STAGE_BOUND, key);
		else
			ivf_queue_remove(order->rows, candidate);
	}
	else if (resolve_row(candidate, order))
	{
		key = candidate->key;
		ivf_queue_update(order->rows, candidate, IVF_STAGE_EXACT, key);
	}
	else
		ivf_queue_remove(order->rows, candidate);
}

/* why no more lists have been read */
static IvfStopped
stopped(IvfOrder *order)
{
	static const IvfStopped reasons[] = {
		[IVF_STOP_PROBES] = IVF_STOPPED_PROBES,
		[IVF_STOP_RECALL] = IVF_STOPPED_RECALL,
		[IVF_STOP_EXACT] = IVF_STOPPED_EXACT,
	};
	double		unread;

	return nearest_unread(order, &unread) ? reasons[order->stop.kind] :
		IVF_STOPPED_ALL;
}

/* the candidate comes out */
static void
take_out(IvfOrder *order, IvfCandidate *candidate, ItemPointer tid)
{
	order->query->counters.stopped = stopped(order);
	*tid = candidate->tid;
	ivf_stop_out(&order->stop, order->rows->nodes[candidate->node].number);
	ivf_queue_remove(order->rows, candidate);
}

/* no row is left that is wanted */
static bool
come_to_end(IvfOrder *order)
{
	order->query->counters.stopped = stopped(order);
	return false;
}

/*
 * The next row; false after the last.
 */
bool
ivf_order_next(IvfOrder *order, ItemPointer tid)
{
	read_enough(order);
	for (;;)
	{
		IvfCandidate *candidate;

		CHECK_FOR_INTERRUPTS();
		if (order->stop.kind == IVF_STOP_EXACT &&
			!nearest_unread(order, &order->rows->ceiling))
			order->rows->ceiling = INFINITY;
		candidate = ivf_queue_first(order->rows);
		if (candidate == NULL)
		{
			if (!read_lists(order))
				return come_to_end(order);
		}
		else if (comes_first(order, candidate) && read_lists(order))
			continue;
		else if (candidate->key > order->radius)
			return come_to_end(order);
		else if (candidate->stage == IVF_STAGE_EXACT ||
				 (order->unsorted && candidate->stage == IVF_STAGE_BOUND &&
				  ItemPointerIsValid(&candidate->tid)))
		{
			take_out(order, candidate, tid);
			return true;
		}
		else
			advance(order, candidate);
	}
}

/*
 * Lets go of what is not memory.
 */
void
ivf_order_end(IvfOrder *order)
{
	if (order->walk)
		ivf_leaves_end(order->walk);
	ivf_queue_end(order->rows);
}
