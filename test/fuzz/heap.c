/*
 * heap.c
 *	  The table: rows in memory, of which a snapshot sees the live ones.
 */
#include "server.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "storage/bufmgr.h"
#include "type/vector.h"
#include "utils/snapmgr.h"

RelationData heap_relation;
HeapRow    *heap_rows = NULL;
int			heap_count = 0;
SnapshotData heap_snapshot;
int			heap_opclass = 0;

static int	heap_room = 0;
static int	heap_dim;
static FormData_pg_class index_class;
static FormData_pg_class heap_class;
static FormData_pg_index index_form;
static TupleDesc index_desc;
static TableAmRoutine routine;

TransactionId CheckXidAlive = InvalidTransactionId;
bool		bsysscan = false;

/*
 * Adds a row with a vector, or without; returns its number.
 */
int
heap_add(const float4 *x)
{
	HeapRow    *row;

	if (heap_count == heap_room)
	{
		heap_room = Max(2 * heap_room, 64);
		heap_rows = realloc(heap_rows, sizeof(HeapRow) * heap_room);
	}
	row = &heap_rows[heap_count];
	row->state = HEAP_LIVE;
	row->value = NULL;
	ItemPointerSet(&row->tid, heap_count / HEAP_ROWS_PER_BLOCK,
				   1 + heap_count % HEAP_ROWS_PER_BLOCK);
	if (x)
	{
		row->value = malloc(VECTOR_SIZE(heap_dim));
		SET_VARSIZE(row->value, VECTOR_SIZE(heap_dim));
		row->value->dim = heap_dim;
		row->value->unused = 0;
		memcpy(row->value->x, x, sizeof(float4) * heap_dim);
	}
	return heap_count++;
}

/*
 * Forgets the rows from a number on, and makes those before live.
 */
void
heap_forget(int count)
{
	int			i;

	while (heap_count > count)
		free(heap_rows[--heap_count].value);
	for (i = 0; i < heap_count; i++)
		heap_rows[i].state = HEAP_LIVE;
}

/*
 * The number of the row at a TID, or -1.
 */
int
heap_find(ItemPointer tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);
	uint64		number;

	if (block >= RelationGetNumberOfBlocks(&heap_relation))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("could not read block %u in file of the table", block)));
	number = (uint64) block * HEAP_ROWS_PER_BLOCK + offset - 1;
	if (offset < 1 || offset > HEAP_ROWS_PER_BLOCK || number >= (uint64) heap_count)
		return -1;
	return (int) number;
}

static IndexFetchTableData *
fetch_begin(Relation relation)
{
	IndexFetchTableData *fetch = palloc0(sizeof(IndexFetchTableData));

	fetch->rel = relation;
	return fetch;
}

static void
fetch_reset(IndexFetchTableData *fetch)
{
}

static void
fetch_end(IndexFetchTableData *fetch)
{
	pfree(fetch);
}

static bool
fetch_tuple(IndexFetchTableData *fetch, ItemPointer tid, Snapshot snapshot,
			TupleTableSlot *slot, bool *call_again, bool *all_dead)
{
	int			number = heap_find(tid);

	if (number < 0 || heap_rows[number].state != HEAP_LIVE)
		return false;
	slot->tts_tid = heap_rows[number].tid;
	ExecStoreVirtualTuple(slot);
	return true;
}

/* the vector of a row, as an index's expression yields it: a copy */
void
FormIndexDatum(IndexInfo *info, TupleTableSlot *slot, EState *estate,
			   Datum *values, bool *isnull)
{
	const HeapRow *row = &heap_rows[heap_find(&slot->tts_tid)];

	isnull[0] = row->value == NULL;
	values[0] = 0;
	if (row->value)
	{
		Vector	   *copy = palloc(VARSIZE(row->value));

		memcpy(copy, row->value, VARSIZE(row->value));
		values[0] = PointerGetDatum(copy);
	}
}

static TableScanDesc
scan_begin(Relation relation, Snapshot snapshot, int keys, struct ScanKeyData *key,
		   ParallelTableScanDesc parallel, uint32 flags)
{
	TableScanDesc scan = palloc0(sizeof(*scan));

	scan->rs_rd = relation;
	return scan;
}

static double
build_range_scan(Relation table, Relation index, struct IndexInfo *info,
				 bool allow_sync, bool anyvisible, bool progress,
				 BlockNumber first, BlockNumber count,
				 IndexBuildCallback callback, void *state, TableScanDesc scan)
{
	TupleTableSlot *slot = table_slot_create(table, NULL);
	double		rows = 0;
	uint64		end = Min((uint64) count + first, RelationGetNumberOfBlocks(table));
	int			i;

	for (i = first * HEAP_ROWS_PER_BLOCK; i < heap_count; i++)
	{
		Datum		value;
		bool		isnull;

		if (heap_rows[i].state != HEAP_LIVE ||
			(uint64) i >= end * HEAP_ROWS_PER_BLOCK)
			continue;
		slot->tts_tid = heap_rows[i].tid;
		FormIndexDatum(info, slot, NULL, &value, &isnull);
		callback(index, &heap_rows[i].tid, &value, &isnull, true, state);
		rows++;
	}
	ExecDropSingleTupleTableSlot(slot);
	return rows;
}

TupleTableSlot *
table_slot_create(Relation relation, List **list)
{
	return MakeSingleTupleTableSlot(CreateTemplateTupleDesc(1), &TTSOpsVirtual);
}

/* Relations. */

static void
begin_relation(Relation relation, Form_pg_class class, const char *name, Oid oid)
{
	memset(relation, 0, sizeof(*relation));
	memset(class, 0, sizeof(*class));
	relation->rd_id = oid;
	relation->rd_rel = class;
	relation->rd_isvalid = true;
	strcpy(NameStr(class->relname), name);
	class->relpersistence = RELPERSISTENCE_UNLOGGED;
	class->relowner = 10;
}

/*
 * An empty table of one column, and its index.
 */
void
heap_begin(int opclass, int dim)
{
	heap_forget(0);
	heap_opclass = opclass;
	heap_dim = dim;
	begin_relation(&heap_relation, &heap_class, "rows", 1);
	begin_relation(&index_relation, &index_class, "rows_v", 2);
	index_class.relkind = RELKIND_INDEX;
	index_class.relam = 3;
	index_form.indisvalid = true;
	if (index_desc == NULL)
		index_desc = CreateTemplateTupleDesc(1);
	TupleDescAttr(index_desc, 0)->atttypmod = dim;
	index_relation.rd_att = index_desc;
	index_relation.rd_index = &index_form;
	heap_relation.rd_att = index_desc;
	routine.index_fetch_begin = fetch_begin;
	routine.index_fetch_reset = fetch_reset;
	routine.index_fetch_end = fetch_end;
	routine.index_fetch_tuple = fetch_tuple;
	routine.scan_begin = scan_begin;
	routine.index_build_range_scan = build_range_scan;
	heap_relation.rd_tableam = &routine;
	heap_snapshot.snapshot_type = SNAPSHOT_MVCC;
}
