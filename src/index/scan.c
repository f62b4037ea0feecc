/*
 * scan.c
 *	  Index scans: rows in the order of an ordering operator.
 *
 * Leaves are read in order of their centroids' distance.  Of their entries the
 * one with the least bound is advanced, from estimate to byte code to heap
 * row, until the least is a heap row's own distance: that row comes out.  When
 * the leaves read so far have given all their rows, the next leaf is read, and
 * so on to the last; then come the rows whose distance is NaN, then those
 * whose vector is NULL.  Every live entry comes out once.
 *
 * No lock or pin survives a call.  That a TID may be recycled before it is
 * looked up in the heap is harmless under an MVCC snapshot, to which the new
 * tuple is invisible; others are refused.
 */
#include "compat.h"

#include "index/ops.h"

#include <math.h>

#include "access/relscan.h"
#include "index/heaprows.h"
#include "index/leaves.h"
#include "miscadmin.h"
#include "page/meta.h"
#include "page/pause.h"
#include "page/sweep.h"
#include "page/tids.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

int			ivf_probes = 0;

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
	const IvfSpace *space;		/* its */
	IvfScanState	state;

	/* in order */
	IvfQuery   *query;
	IvfLeaves  *walk;			/* NULL: the root is the only leaf */
	IvfQueue   *rows;
	uint32		probes;			/* leaves to be read before the first row */
	uint32		leaves;			/* read so far */

	/* in no order: TIDs of one page */
	BlockNumber block;			/* to be read next, */
	BlockNumber last_block;		/* and read last */
	BlockNumber blocks;			/* of the index, when the scan began */
	ItemPointerData *tids;
	int			tid_count;
	int			tid_next;

	Relation	table;
	BlockNumber table_blocks;	/* at least so many */
	IvfHeapRows *heap;			/* made when first needed */
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

/* lets go of what a query holds, if there was one */
static void
end_query(IvfScan *so)
{
	if (so->walk)
		ivf_leaves_end(so->walk);
	if (so->rows)
		ivf_queue_end(so->rows);
	MemoryContextReset(so->query_context);
	so->walk = NULL;
	so->rows = NULL;
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

	if (scan->numberOfKeys > 0 || scan->numberOfOrderBys > 1)
		elog(ERROR, "ivf index \"%s\" can't be scanned by %d keys and %d distances",
			 RelationGetRelationName(scan->indexRelation),
			 scan->numberOfKeys, scan->numberOfOrderBys);
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				scan->numberOfOrderBys * sizeof(ScanKeyData));

	end_query(so);
	so->tids = NULL;
	so->state = SCAN_BEGIN;
}

/*
 * The query vector as float4, in the query's context, or NULL.
 */
static const float4 *
query_elements(IndexScanDesc scan, IvfScan *so)
{
	ScanKey		key = scan->orderByData;
	const void *value;
	int			dim;

	if (scan->numberOfOrderBys == 0 || (key->sk_flags & SK_ISNULL))
		return NULL;
	value = PG_DETOAST_DATUM_COPY(key->sk_argument);
	dim = so->space->opclass->dimensions(value);
	if (dim != so->space->dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different vector dimensions %d and %d",
						so->space->dim, dim)));
	return so->space->opclass->elements(value, palloc(sizeof(float4) * dim));
}

/*
 * Starts to read entries in no particular order: there is no query, or every
 * distance to it is NULL or NaN.
 */
static void
begin_all(IndexScanDesc scan, IvfScan *so)
{
	so->tids = palloc(sizeof(ItemPointerData) *
					  Max(IVF_TIDS_PER_PAGE,
						  VEC_BLOCK * (IVF_PAGE_BYTES / sizeof(IvfBlockHead) + 1)));
	so->tid_count = so->tid_next = 0;
	so->block = IVF_META_BLOCK;
	so->blocks = RelationGetNumberOfBlocks(scan->indexRelation);
	so->state = SCAN_ALL;
}

/*
 * Reads the row of an entry, and sets the candidate's TID; false if the slot
 * was being filled for a tuple that we can't see.  code has room for n.
 */
static bool
read_row(IvfScan *so, IvfCandidate *candidate, IvfRowHead *row, int8 *code)
{
	IVF_PAUSE("scan row");
	ivf_row_read(so->query->index, so->query->snapshot, &candidate->run,
				 candidate->row, row, code);
	candidate->tid = row->tid;
	if (!ItemPointerIsValid(&row->tid))
		return false;
	ivf_heap_check_tid(so->table, &so->table_blocks, so->query->index,
					   ivf_row_block(&candidate->run, candidate->row), &row->tid);
	return true;
}

/* IvfResolve */
static bool
resolve_row(IvfCandidate *candidate, void *arg)
{
	IndexScanDesc scan = arg;
	IvfScan    *so = scan->opaque;
	IvfRowHead	row;

	if (!ItemPointerIsValid(&candidate->tid) &&
		!read_row(so, candidate, &row, (int8 *) so->query->run))
		return false;
	so->query->counters.heap_rows++;
	IVF_PAUSE("scan heap");
	return ivf_heap_distance(so->heap, scan->xs_snapshot, &candidate->tid,
							 so->space, so->query->elements, &candidate->key);
}

/* IvfTouch */
static void
touch_row(const IvfCandidate *candidate, void *arg)
{
	IndexScanDesc scan = arg;

	ivf_row_touch(scan->indexRelation, &candidate->run, candidate->row);
}

/*
 * Starts to read leaves in order.  With all leaves probed every bound is a
 * certain one, so that the order is exact.
 */
static void
begin_lists(IndexScanDesc scan, IvfScan *so)
{
	Size		memory = (Size) work_mem * 1024 / 16;
	const IvfMetaData *meta = &so->frozen->meta;
	bool		certain;
	IvfView		view;

	so->probes = ivf_probes > 0 ? (uint32) ivf_probes :
		(uint32) ceil(sqrt(meta->leaves));
	certain = (so->probes >= meta->leaves);
	so->leaves = 0;
	so->rows = ivf_queue_make(so->query, certain, 256, 4 * memory,
							  resolve_row, touch_row, scan);
	if (meta->height == 1)
	{
		ivf_view(so->query, meta->root, 0, NULL, &view, so->query->w);
		so->query->w_node = meta->root;
		ivf_queue_add(so->rows, &view, so->query->w, NULL, -1);
		so->leaves = 1;
		so->query->counters.leaves++;
	}
	else
		so->walk = ivf_leaves_make(so->query, so->frozen, so->probes, certain,
								   memory);
	so->state = SCAN_LISTS;
}

static void
begin(IndexScanDesc scan, IvfScan *so)
{
	MemoryContext old;
	const float4 *elements;

	if (!IsMVCCSnapshot(scan->xs_snapshot))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("ivf index \"%s\" can only be scanned with an MVCC snapshot",
						RelationGetRelationName(scan->indexRelation))));
	compat_count_index_scan(scan);
	so->table = scan->heapRelation;

	if (so->frozen == NULL)
	{
		so->frozen = ivf_frozen(scan->indexRelation, so->context);
		so->space = so->frozen->space;
	}
	old = MemoryContextSwitchTo(so->query_context);
	so->query = palloc(sizeof(IvfQuery));
	ivf_query_init(so->query, scan->indexRelation, scan->xs_snapshot, so->frozen);
	elements = query_elements(scan, so);
	if (elements && ivf_query_set(so->query, elements))
	{
		if (so->heap == NULL)
		{
			MemoryContextSwitchTo(so->context);
			so->heap = ivf_heap_open(scan->heapRelation, scan->indexRelation);
			MemoryContextSwitchTo(so->query_context);
		}
		begin_lists(scan, so);
	}
	else
		begin_all(scan, so);
	MemoryContextSwitchTo(old);
}

/*
 * Reads the leaf nearest to the query of those not read yet; false if there is
 * none.
 */
static bool
read_leaf(IvfScan *so)
{
	uint32		wanted = so->leaves < so->probes ? so->probes - so->leaves : 1;
	IvfLeaf		leaf;
	IvfView		view;
	const float4 *w;

	if (so->walk == NULL ||
		!ivf_leaves_next(so->walk, wanted, &leaf, &view, &w))
		return false;
	so->leaves++;
	so->query->counters.leaves++;
	so->query->follows = ivf_leaves_follows(so->walk);
	ivf_queue_add(so->rows, &view, w, &leaf.run, leaf.row);
	so->query->follows = InvalidBlockNumber;
	return true;
}

/*
 * Learns more about the candidate with the least key.
 */
static void
advance(IndexScanDesc scan, IvfScan *so, IvfCandidate *candidate)
{
	IvfQuery   *query = so->query;
	double		distance;

	if (candidate->stage == IVF_STAGE_ESTIMATE)
	{
		IvfScored  *leaf = &so->rows->nodes[candidate->node];
		IvfRowHead	row;
		int8	   *code = (int8 *) query->run;
		const float4 *w;

		if (!read_row(so, candidate, &row, code))
		{
			ivf_queue_remove(so->rows, candidate);
			return;
		}
		query->counters.byte_codes++;
		w = ivf_queue_w(so->rows, leaf);
		ivf_queue_update(so->rows, candidate, IVF_STAGE_BOUND,
						 ivf_row_bound(query, &leaf->view, w, &row, code));
	}
	else if (resolve_row(candidate, scan))
	{
		distance = candidate->key;
		ivf_queue_update(so->rows, candidate, IVF_STAGE_EXACT, distance);
	}
	else
		ivf_queue_remove(so->rows, candidate);
}

/*
 * The next row in order; false after the last leaf's last.
 */
static bool
next_in_order(IndexScanDesc scan, IvfScan *so)
{
	IvfCandidate *candidate;

	while (so->leaves < so->probes && read_leaf(so))
		;
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		candidate = ivf_queue_first(so->rows);
		if (candidate == NULL)
		{
			if (!read_leaf(so))
				return false;
		}
		else if (candidate->stage == IVF_STAGE_EXACT)
		{
			scan->xs_heaptid = candidate->tid;
			ivf_queue_remove(so->rows, candidate);
			return true;
		}
		else
			advance(scan, so, candidate);
	}
}

/*
 * Copies the TIDs of a leaf's code page.
 */
static void
read_code_page(IndexScanDesc scan, IvfScan *so, BlockNumber block)
{
	Relation	index = scan->indexRelation;
	Buffer		buffer = ReadBuffer(index, block);
	Page		page;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	compat_test_old_snapshot(scan->xs_snapshot, index, page);
	so->tid_count = so->tid_next = 0;
	if (!PageIsNew(page) && ivf_is_leaf_page(index, &so->frozen->meta, block, page))
	{
		uint32		offset;

		ivf_page_check(index, block, page, IVF_CODE_PAGE, InvalidBlockNumber);
		for (offset = ivf_first_head(index, block, page, so->space->n);
			 offset != 0;
			 offset = ivf_next_head(page, offset, so->space->n))
		{
			IvfBlockHead *head = ivf_block_at(page, offset);
			int			slot;

			for (slot = 0; slot < VEC_BLOCK; slot++)
			{
				if (ItemPointerIsValid(&head->tid[slot]))
					so->tids[so->tid_count++] = head->tid[slot];
			}
		}
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * The next TID of the current page, or of those that follow; false when there
 * are no more in this part of the scan.
 */
static bool
next_unordered(IndexScanDesc scan, IvfScan *so)
{
	while (so->tid_next >= so->tid_count)
	{
		CHECK_FOR_INTERRUPTS();
		IVF_PAUSE("scan page");
		if (so->state == SCAN_ALL)
		{
			so->block = ivf_pass_rows(&so->frozen->meta, so->block);
			if (so->block >= so->blocks)
				return false;
			so->last_block = so->block++;
			read_code_page(scan, so, so->last_block);
		}
		else
		{
			BlockNumber chain = so->state == SCAN_NANS ?
			so->frozen->meta.nans : so->frozen->meta.nulls;

			if (so->block == InvalidBlockNumber)
				return false;
			so->last_block = so->block;
			so->block = ivf_tids_read(scan->indexRelation, scan->xs_snapshot, chain,
									  so->block, so->tids, &so->tid_count);
			so->tid_next = 0;
		}
	}
	scan->xs_heaptid = so->tids[so->tid_next++];
	ivf_heap_check_tid(so->table, &so->table_blocks, scan->indexRelation,
					   so->last_block, &scan->xs_heaptid);
	return true;
}

/* goes on to a chain of rows without a place */
static void
begin_chain(IvfScan *so, IvfScanState state, BlockNumber chain)
{
	if (so->tids == NULL)
		so->tids = palloc(sizeof(ItemPointerData) * IVF_TIDS_PER_PAGE);
	so->tid_count = so->tid_next = 0;
	so->block = chain;
	so->state = state;
}

static bool
next_tuple(IndexScanDesc scan, IvfScan *so)
{
	for (;;)
	{
		switch (so->state)
		{
			case SCAN_BEGIN:
				elog(ERROR, "the scan was not begun");
				break;
			case SCAN_LISTS:
				if (next_in_order(scan, so))
					return true;
				begin_chain(so, SCAN_NANS, so->frozen->meta.nans);
				break;
			case SCAN_ALL:
				if (next_unordered(scan, so))
					return true;
				begin_chain(so, SCAN_NANS, so->frozen->meta.nans);
				break;
			case SCAN_NANS:
				if (next_unordered(scan, so))
					return true;
				begin_chain(so, SCAN_NULLS, so->frozen->meta.nulls);
				break;
			case SCAN_NULLS:
				if (next_unordered(scan, so))
					return true;
				so->state = SCAN_END;
				break;
			case SCAN_END:
				return false;
		}
	}
}

/*
 * amgettuple
 */
bool
ivf_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	IvfScan    *so = scan->opaque;
	MemoryContext old;
	bool		found;

	Assert(ScanDirectionIsForward(direction));

	if (so->state == SCAN_BEGIN)
		begin(scan, so);
	old = MemoryContextSwitchTo(so->query_context);
	found = next_tuple(scan, so);
	MemoryContextSwitchTo(old);

	/* the order is final, and no heap page stays pinned */
	scan->xs_recheck = false;
	scan->xs_recheckorderby = false;
	if (so->heap)
		ivf_heap_pause(so->heap);
	ivf_last_scan = so->query->counters;
	return found;
}

/*
 * amendscan
 */
void
ivf_end_scan(IndexScanDesc scan)
{
	IvfScan    *so = scan->opaque;

	if (so->heap)
		ivf_heap_close(so->heap);
	end_query(so);
	MemoryContextDelete(so->context);
	pfree(so);
}
