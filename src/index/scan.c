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
#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "index/queue.h"
#include "miscadmin.h"
#include "page/meta.h"
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
	IvfMetaData meta;
	IvfSpace   *space;
	IvfScanState	state;

	/* in order */
	IvfQuery   *query;
	IvfQueue   *children;
	IvfQueue   *rows;
	uint32		probes;			/* leaves to be read before the first row */
	uint32		leaves;			/* read so far */

	/* in no order: TIDs of one page */
	BlockNumber block;			/* to be read next */
	BlockNumber blocks;			/* of the index, when the scan began */
	ItemPointerData *tids;
	int			tid_count;
	int			tid_next;

	/* heap rows */
	IndexFetchTableData *fetch;
	TupleTableSlot *slot;
	IndexInfo  *info;
	EState	   *estate;
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

	MemoryContextReset(so->query_context);
	so->query = NULL;
	so->tids = NULL;
	so->state = SCAN_BEGIN;
}

/*
 * Prepares to look up heap rows.
 */
static void
open_heap(IndexScanDesc scan, IvfScan *so)
{
	MemoryContext old = MemoryContextSwitchTo(so->context);

	so->fetch = table_index_fetch_begin(scan->heapRelation);
	so->slot = table_slot_create(scan->heapRelation, NULL);
	so->info = BuildIndexInfo(scan->indexRelation);
	so->estate = CreateExecutorState();
	MemoryContextSwitchTo(old);
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
 * Starts to read leaves in order.  With all leaves probed every bound is a
 * certain one, so that the order is exact.
 */
static void
begin_lists(IndexScanDesc scan, IvfScan *so)
{
	Size		memory = (Size) work_mem * 1024 / 8;
	bool		certain;
	IvfView		view;

	so->probes = ivf_probes > 0 ? (uint32) ivf_probes :
		(uint32) ceil(sqrt(so->meta.leaves));
	certain = (so->probes >= so->meta.leaves);
	so->leaves = 0;
	so->children = ivf_queue_make(so->query, certain,
								  (int) Min(4 * (uint64) so->probes, 256), memory);
	so->rows = ivf_queue_make(so->query, certain, 256, 3 * memory);

	ivf_view(so->query, so->meta.root, so->meta.height - 1, NULL, &view,
			 so->query->w);
	so->query->w_node = so->meta.root;
	if (so->meta.height == 1)
	{
		ivf_queue_add(so->rows, &view, so->query->w, NULL, -1);
		so->leaves = 1;
		so->query->counters.leaves++;
	}
	else
		ivf_queue_add(so->children, &view, so->query->w, NULL, -1);
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

	if (so->space == NULL)
	{
		old = MemoryContextSwitchTo(so->context);
		so->space = ivf_space_read(scan->indexRelation, &so->meta);
		MemoryContextSwitchTo(old);
	}
	old = MemoryContextSwitchTo(so->query_context);
	so->query = palloc(sizeof(IvfQuery));
	ivf_query_init(so->query, scan->indexRelation, so->space);
	elements = query_elements(scan, so);
	if (elements && ivf_query_set(so->query, elements))
	{
		if (so->fetch == NULL)
			open_heap(scan, so);
		begin_lists(scan, so);
	}
	else
		begin_all(scan, so);
	MemoryContextSwitchTo(old);
}

/*
 * Reads the row of a child; centroid and w have room for n values.
 */
static void
view_child(IvfScan *so, const IvfRun *run, int row, int level, IvfView *view,
		   float4 *centroid, float4 *w)
{
	IvfChildHead head;

	ivf_row_read(so->query->index, run, row, &head, centroid);
	if (!ItemPointerIsValid(&head.tid))
		ivf_corrupted(so->query->index, run->first, "a child's row is empty");
	ivf_view(so->query, ItemPointerGetBlockNumber(&head.tid), level, centroid,
			 view, w);
}

/*
 * Reads the leaf nearest to the query of those not read yet; false if there is
 * none.  Inner nodes on the way are scored as they come up: a node is taken
 * for as near as its centroid, whatever its level.
 */
static bool
read_leaf(IvfScan *so)
{
	IvfQuery   *query = so->query;
	IvfCandidate *child;
	float4	   *centroid;
	float4	   *w;
	bool		found = false;

	if (so->meta.height == 1)
		return false;
	centroid = palloc(sizeof(float4) * so->space->n);
	w = palloc(sizeof(float4) * so->space->n);
	while (!found && (child = ivf_queue_first(so->children)) != NULL)
	{
		int			level = so->children->nodes[child->node].view.level - 1;
		IvfRun		run = child->run;
		int			row = child->row;
		IvfView		view;

		CHECK_FOR_INTERRUPTS();
		if (child->seen)
		{
			view = child->seen->view;
			memcpy(w, child->seen->w, sizeof(float4) * so->space->n);
		}
		else
			view_child(so, &run, row, level, &view, centroid, w);
		if (child->stage != IVF_STAGE_EXACT)
		{
			ivf_queue_keep(so->children, child, &view, w);
			ivf_queue_update(so->children, child, IVF_STAGE_EXACT,
							 ivf_bound_distance(query, (float4) view.key, false));
			continue;
		}
		ivf_queue_remove(so->children, child);
		if (level > 0)
			ivf_queue_add(so->children, &view, w, &run, row);
		else
		{
			ivf_queue_add(so->rows, &view, w, &run, row);
			so->leaves++;
			query->counters.leaves++;
			found = true;
		}
	}
	pfree(centroid);
	pfree(w);
	return found;
}

/*
 * Fetches the heap row that the scan's snapshot sees behind a TID, and
 * computes its distance with the operator's own function.  False if there is
 * none to see.
 */
static bool
heap_distance(IndexScanDesc scan, IvfScan *so, ItemPointer tid, double *distance)
{
	const IvfOpclass *opclass = so->space->opclass;
	ExprContext *econtext = GetPerTupleExprContext(so->estate);
	ItemPointerData root = *tid;
	bool		again = false;
	bool		dead = false;
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	MemoryContext old;

	so->query->counters.heap_rows++;
	if (!table_index_fetch_tuple(so->fetch, &root, scan->xs_snapshot, so->slot,
								 &again, &dead))
		return false;

	ResetPerTupleExprContext(so->estate);
	old = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	econtext->ecxt_scantuple = so->slot;
	FormIndexDatum(so->info, so->slot, so->estate, values, isnull);
	if (isnull[0])
		*distance = INFINITY;
	else
	{
		const void *value = PG_DETOAST_DATUM(values[0]);

		*distance = opclass->distance(opclass->elements(value, palloc(sizeof(float4) * so->space->dim)),
									  so->query->elements, so->space->dim);
	}
	MemoryContextSwitchTo(old);

	/* only in a damaged index; but no order would ever put a NaN first */
	if (isnan(*distance))
		*distance = INFINITY;
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

	if (!ItemPointerIsValid(&candidate->tid))
	{
		IvfScored  *leaf = &so->rows->nodes[candidate->node];
		IvfRowHead	row;
		int8	   *code = (int8 *) query->run;

		ivf_row_read(query->index, &candidate->run, candidate->row, &row, code);
		candidate->tid = row.tid;
		if (!ItemPointerIsValid(&row.tid))
		{
			/* the slot was being filled for a tuple that we can't see */
			ivf_queue_remove(so->rows, candidate);
			return;
		}
		if (candidate->stage == IVF_STAGE_ESTIMATE)
		{
			query->counters.byte_codes++;
			ivf_queue_update(so->rows, candidate, IVF_STAGE_BOUND,
							 ivf_row_bound(query, &leaf->view,
										   ivf_queue_w(so->rows, leaf), &row, code));
			return;
		}
	}
	if (heap_distance(scan, so, &candidate->tid, &distance))
		ivf_queue_update(so->rows, candidate, IVF_STAGE_EXACT, distance);
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
	so->tid_count = so->tid_next = 0;
	if (!PageIsNew(page) && IvfOpaque(page)->kind == IVF_CODE_PAGE &&
		IvfOpaque(page)->level == 0)
	{
		uint32		offset;

		ivf_page_check(index, block, page, IVF_CODE_PAGE, InvalidBlockNumber);
		for (offset = ivf_first_head(index, block, page);
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
		if (so->state == SCAN_ALL)
		{
			if (so->block >= so->blocks)
				return false;
			read_code_page(scan, so, so->block++);
		}
		else
		{
			BlockNumber chain = so->state == SCAN_NANS ?
			so->meta.nans : so->meta.nulls;

			if (so->block == InvalidBlockNumber)
				return false;
			so->block = ivf_tids_read(scan->indexRelation, chain, so->block,
									  so->tids, &so->tid_count);
			so->tid_next = 0;
		}
	}
	scan->xs_heaptid = so->tids[so->tid_next++];
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
				begin_chain(so, SCAN_NANS, so->meta.nans);
				break;
			case SCAN_ALL:
				if (next_unordered(scan, so))
					return true;
				begin_chain(so, SCAN_NANS, so->meta.nans);
				break;
			case SCAN_NANS:
				if (next_unordered(scan, so))
					return true;
				begin_chain(so, SCAN_NULLS, so->meta.nulls);
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
	if (so->fetch)
	{
		ExecClearTuple(so->slot);
		table_index_fetch_reset(so->fetch);
	}
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

	if (so->fetch)
	{
		ExecDropSingleTupleTableSlot(so->slot);
		table_index_fetch_end(so->fetch);
		FreeExecutorState(so->estate);
	}
	MemoryContextDelete(so->context);
	pfree(so);
}
