/*
 * scan.c
 *	  Index scans: the access method's callbacks.
 *
 * Rows come in the order of an ordering operator (order.c); then those whose
 * distance is NaN, then those whose vector is NULL.  Every live entry comes out
 * once.
 *
 * No lock or pin survives a call.  That a TID may be recycled before it is
 * looked up in the heap is harmless under an MVCC snapshot, to which the new
 * tuple is invisible; others are refused.
 */
#include "compat.h"

#include "index/ops.h"

#include "access/relscan.h"
#include "index/order.h"
#include "index/unordered.h"
#include "index/wanted.h"
#include "nodes/tidbitmap.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

int			ivf_probes = 0;
double		ivf_recall = IVF_RECALL;
bool		ivf_recall_is_set = false;

/* of the scan that ran last in this session */
IvfCounters ivf_last_scan;

/* what a scan hands out next */
typedef enum IvfScanState
{
	SCAN_BEGIN,
	SCAN_LISTS,					/* entries of leaves, in order */
	SCAN_ALL,					/* entries of leaves, in no order */
	SCAN_NANS,
	SCAN_NULLS,
	SCAN_END
} IvfScanState;

typedef struct IvfScan
{
	MemoryContext context;		/* lives as long as the scan */
	MemoryContext query_context;	/* reset by amrescan */
	IvfFrozen  *frozen;			/* read when first needed */
	BlockNumber table_blocks;	/* of the table: at least so many */
	IvfHeapRows *heap;			/* made when first needed */
	bool		exactly;		/* whatever the settings say? */
	IvfTotal	total;			/* of the queries that have ended */

	/* in the query's context */
	IvfScanState state;
	IvfQuery   *query;
	IvfOrder   *order;			/* NULL: no distance is a number */
	IvfUnordered *unordered;	/* likewise, or the order has come to its end */
} IvfScan;

/*
 * ambeginscan
 */
IndexScanDesc
ivf_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	IvfScan    *so = palloc0(sizeof(IvfScan));

	so->context = AllocSetContextCreate(CurrentMemoryContext, "ivf scan",
										ALLOCSET_DEFAULT_SIZES);
	so->query_context = AllocSetContextCreate(so->context, "ivf query",
											  ALLOCSET_DEFAULT_SIZES);
	scan->opaque = so;
	return scan;
}

static void
add_up(IvfTotal *total, const IvfCounters *counters)
{
	total->searches++;
	total->stopped[counters->stopped]++;
	if (counters->stopped == IVF_STOPPED_NOT)
		return;
	total->sum.leaves += counters->leaves;
	total->sum.lists += counters->lists;
	total->sum.entries += counters->entries;
	total->sum.byte_codes += counters->byte_codes;
	total->sum.heap_rows += counters->heap_rows;
	total->sum.recall = counters->recall;
	total->sum.stopped = counters->stopped;
}

/*
 * What a scan has done so far, its present query with those before.
 */
void
ivf_scan_total(IndexScanDesc scan, IvfTotal *total)
{
	const IvfScan *so = scan->opaque;

	*total = so->total;
	if (so->query)
		add_up(total, &so->query->counters);
}

/* lets go of what a query holds, if there was one */
static void
end_query(IvfScan *so)
{
	if (so->query)
		add_up(&so->total, &so->query->counters);
	if (so->order)
		ivf_order_end(so->order);
	if (so->heap)
		ivf_heap_query(so->heap, NULL, NULL);
	MemoryContextReset(so->query_context);
	so->order = NULL;
	so->unordered = NULL;
	so->query = NULL;
}

/*
 * amrescan.  What a query allocates is in one context, which is reset here.
 */
void
ivf_rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys,
		   int norderbys)
{
	IvfScan    *so = scan->opaque;

	if (scan->numberOfOrderBys > 1)
		elog(ERROR, "ivf index \"%s\" can't be scanned by %d distances",
			 RelationGetRelationName(scan->indexRelation),
			 scan->numberOfOrderBys);
	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				scan->numberOfOrderBys * sizeof(ScanKeyData));

	end_query(so);
	so->state = SCAN_BEGIN;
}

/*
 * The recall that a scan of this index wants: the setting where it was set, else
 * the index's own.
 */
double
ivf_recall_wanted(Relation index)
{
	const IvfOptions *options = (const IvfOptions *) index->rd_options;

	return ivf_recall_is_set || options == NULL ? ivf_recall : options->recall;
}

/*
 * A scan that has been begun is to be exact from its next search on.
 */
void
ivf_scan_exactly(IndexScanDesc scan)
{
	IvfScan    *so = scan->opaque;

	so->exactly = true;
}

/* what has TIDs in no order, made when first needed */
static IvfUnordered *
unordered(IndexScanDesc scan, IvfScan *so)
{
	if (so->unordered == NULL)
		so->unordered = ivf_unordered_begin(scan->indexRelation, scan->xs_snapshot,
											so->frozen, scan->heapRelation,
											&so->table_blocks);
	return so->unordered;
}

static IvfHeapRows *
heap_rows(IndexScanDesc scan, IvfScan *so)
{
	if (so->heap == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(so->context);

		so->heap = ivf_heap_open(scan->heapRelation, scan->indexRelation);
		MemoryContextSwitchTo(old);
	}
	return so->heap;
}

static void
begin_order(IndexScanDesc scan, IvfScan *so, const IvfWanted *wanted)
{
	Relation	index = scan->indexRelation;
	Relation	table = scan->heapRelation;

	ivf_query_set(so->query, wanted->elements);
	if (wanted->ordered)
		ivf_heap_query(heap_rows(scan, so), so->frozen->space, wanted->elements);
	if (!wanted->within)
		so->order = ivf_order_begin(so->query,
									so->exactly ? 1 : ivf_recall_wanted(index),
									so->exactly ? 0 : ivf_probes,
									table, &so->table_blocks,
									heap_rows(scan, so));
	else
		so->order = ivf_order_within(so->query, wanted->radius, !wanted->ordered,
									 table, &so->table_blocks,
									 wanted->ordered ? heap_rows(scan, so) : NULL);
	so->state = SCAN_LISTS;
}

static void
begin(IndexScanDesc scan, IvfScan *so)
{
	IvfWanted	wanted;

	if (!IsMVCCSnapshot(scan->xs_snapshot))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ivf index \"%s\" can only be scanned with an MVCC snapshot",
						RelationGetRelationName(scan->indexRelation))));
	compat_count_index_scan(scan);

	if (so->frozen == NULL)
		so->frozen = ivf_frozen(scan->indexRelation, so->context);
	so->query = palloc(sizeof(IvfQuery));
	ivf_query_init(so->query, scan->indexRelation, scan->xs_snapshot, so->frozen);
	ivf_wanted(scan, so->frozen->space, &wanted);
	if (wanted.nothing)
		so->state = SCAN_END;
	else if (wanted.elements)
		begin_order(scan, so, &wanted);
	else
	{
		/* there is no query, or every distance to it is NULL or NaN */
		ivf_unordered_leaves(unordered(scan, so));
		so->state = SCAN_ALL;
	}
}

/* what comes after this */
static void
go_on(IndexScanDesc scan, IvfScan *so)
{
	switch (so->state)
	{
		case SCAN_BEGIN:
			begin(scan, so);
			break;
		case SCAN_LISTS:
		case SCAN_ALL:
			/* the rows that follow are in no range */
			if (scan->numberOfKeys > 0)
			{
				so->state = SCAN_END;
				break;
			}
			ivf_unordered_chain(unordered(scan, so), so->frozen->meta.nans);
			so->state = SCAN_NANS;
			break;
		case SCAN_NANS:
			ivf_unordered_chain(so->unordered, so->frozen->meta.nulls);
			so->state = SCAN_NULLS;
			break;
		case SCAN_NULLS:
		case SCAN_END:
			so->state = SCAN_END;
			break;
	}
}

static bool
next_tuple(IndexScanDesc scan, IvfScan *so, ItemPointer tid)
{
	for (;; go_on(scan, so))
	{
		switch (so->state)
		{
			case SCAN_BEGIN:
				break;
			case SCAN_LISTS:
				if (ivf_order_next(so->order, tid))
					return true;
				break;
			case SCAN_ALL:
			case SCAN_NANS:
			case SCAN_NULLS:
				if (ivf_unordered_next(so->unordered, tid))
					return true;
				break;
			case SCAN_END:
				return false;
		}
	}
}

/* the next row of a scan, and nothing pinned after it */
static bool
fetch(IndexScanDesc scan, ItemPointer tid)
{
	IvfScan    *so = scan->opaque;
	MemoryContext old = MemoryContextSwitchTo(so->query_context);
	bool		found = next_tuple(scan, so, tid);

	MemoryContextSwitchTo(old);
	if (so->heap)
	{
		ivf_heap_pause(so->heap);
		ivf_heap_hand_out(so->heap);
	}
	ivf_last_scan = so->query->counters;
	return found;
}

/*
 * amgettuple
 */
bool
ivf_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	Assert(ScanDirectionIsForward(direction));

	/* the order is final; but a range may be around another point than it */
	scan->xs_recheck = scan->numberOfKeys > 0;
	scan->xs_recheckorderby = false;
	return fetch(scan, &scan->xs_heaptid);
}

/*
 * amgetbitmap.  Rows are looked up later by pages: that each has been found
 * beyond doubt does not matter then, so all are to be checked again.
 */
int64
ivf_get_bitmap(IndexScanDesc scan, TIDBitmap *bitmap)
{
	ItemPointerData tid;
	int64		count = 0;

	while (fetch(scan, &tid))
	{
		tbm_add_tuples(bitmap, &tid, 1, true);
		count++;
	}
	return count;
}

/*
 * amendscan
 */
void
ivf_end_scan(IndexScanDesc scan)
{
	IvfScan    *so = scan->opaque;

	end_query(so);
	if (so->heap)
		ivf_heap_close(so->heap);
	MemoryContextDelete(so->context);
	pfree(so);
}
