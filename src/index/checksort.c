/*
 * checksort.c
 *	  What must be the only one of its kind in the whole index: found by
 *	  sorting, on disk if memory does not suffice.
 */
#include "compat.h"

#include "index/check.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "page/blocks.h"
#include "page/tids.h"
#include "utils/builtins.h"
#include "utils/tuplesort.h"

struct IvfTriples
{
	Tuplesortstate *sort;
	TupleTableSlot *in;
	TupleTableSlot *out;
};

/*
 * Starts a sort of triples of numbers by the first, with so many kB of memory.
 */
IvfTriples *
ivf_triples_begin(int memory)
{
	IvfTriples *triples = palloc(sizeof(IvfTriples));
	TupleDesc	desc = CreateTemplateTupleDesc(3);
	AttrNumber	keys[] = {1};
	Oid			operators[] = {Int8LessOperator};
	Oid			collations[] = {InvalidOid};
	bool		nulls_first[] = {false};

	TupleDescInitEntry(desc, 1, "key", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "a", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 3, "b", INT8OID, -1, 0);
	triples->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	triples->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	triples->sort = tuplesort_begin_heap(desc, 1, keys, operators, collations,
										 nulls_first, Max(memory, 64), NULL, 0);
	return triples;
}

void
ivf_triples_put(IvfTriples *triples, int64 key, int64 a, int64 b)
{
	TupleTableSlot *slot = triples->in;

	ExecClearTuple(slot);
	slot->tts_values[0] = Int64GetDatum(key);
	slot->tts_values[1] = Int64GetDatum(a);
	slot->tts_values[2] = Int64GetDatum(b);
	memset(slot->tts_isnull, 0, 3);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(triples->sort, slot);
}

void
ivf_triples_sort(IvfTriples *triples)
{
	tuplesort_performsort(triples->sort);
}

/*
 * The next triple in order; false after the last.
 */
bool
ivf_triples_next(IvfTriples *triples, int64 *key, int64 *a, int64 *b)
{
	bool		isnull;

	CHECK_FOR_INTERRUPTS();
	if (!tuplesort_gettupleslot(triples->sort, true, false, triples->out, NULL))
		return false;
	*key = DatumGetInt64(slot_getattr(triples->out, 1, &isnull));
	*a = DatumGetInt64(slot_getattr(triples->out, 2, &isnull));
	*b = DatumGetInt64(slot_getattr(triples->out, 3, &isnull));
	return true;
}

void
ivf_triples_end(IvfTriples *triples)
{
	tuplesort_end(triples->sort);
	ExecDropSingleTupleTableSlot(triples->in);
	ExecDropSingleTupleTableSlot(triples->out);
	pfree(triples);
}

/*
 * No two runs of rows overlap.  Runs neither move nor vanish.
 */
void
ivf_check_extents(IvfCheck *check)
{
	int64		last_end = 0;
	int64		begin;
	int64		end;
	int64		code;
	int64		last_code = 0;

	ivf_triples_sort(check->extents);
	while (ivf_triples_next(check->extents, &begin, &end, &code))
	{
		if (begin < last_end)
			ivf_corrupted(check->index, (BlockNumber) (begin >> 16),
						  "rows of code page %u begin at offset %u, where rows of code page %u stand",
						  (BlockNumber) code, (uint32) (begin & 0xFFFF),
						  (BlockNumber) last_code);
		last_end = end;
		last_code = code;
	}
	ivf_triples_end(check->extents);
}

/*
 * Does a slot hold a TID, whatever kind of page that is on?
 */
static bool
holds_tid(IvfCheck *check, BlockNumber block, int64 place, int64 key)
{
	Buffer		buffer = ReadBuffer(check->index, block);
	int			slot = (int) (place & 0xFFFF);
	ItemPointer tid;
	Page		page;
	bool		holds;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	tid = IvfOpaque(page)->kind == IVF_TIDS_PAGE ?
		&IvfPageTids(page)[slot] :
		&ivf_block_at(page, (uint32) (place >> 16))->tid[slot];
	holds = ItemPointerIsValid(tid) && ivf_tid_key(tid) == key;
	UnlockReleaseBuffer(buffer);
	return holds;
}

/*
 * Do two slots hold a TID at one moment?  By the time the second was read,
 * VACUUM may have emptied the first and the row's place been given to another
 * row: hence the first is looked at before and after the second.
 */
static bool
both_hold(IvfCheck *check, const BlockNumber *block, const int64 *place, int64 key)
{
	return holds_tid(check, block[0], place[0], key) &&
		holds_tid(check, block[1], place[1], key) &&
		holds_tid(check, block[0], place[0], key);
}

static void
missing(IvfCheck *check, int64 key)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" is damaged: it has no entry for row (%u,%u) of table \"%s\"",
					RelationGetRelationName(check->index),
					(BlockNumber) (key >> 16), (uint32) (key & 0xFFFF),
					RelationGetRelationName(check->heap)),
			 errhint("REINDEX INDEX %s;", RelationGetRelationName(check->index))));
}

/*
 * No TID stands in two places, and every row that the snapshot sees stands in
 * one, if the heap is to be compared.
 */
void
ivf_check_tids(IvfCheck *check)
{
	IvfTriples *rows = NULL;
	bool		more = false;
	BlockNumber block[2] = {0, 0};
	int64		place[2] = {0, 0};
	int64		last = -1;
	int64		row = 0;
	int64		key;
	int64		a;
	int64		b;

	if (check->rows)
	{
		rows = ivf_check_heap_scan(check);
		more = ivf_triples_next(rows, &row, &a, &b);
	}
	ivf_triples_sort(check->tids);
	while (ivf_triples_next(check->tids, &key, &a, &b))
	{
		block[0] = block[1];
		place[0] = place[1];
		block[1] = (BlockNumber) a;
		place[1] = b;
		if (key == last && both_hold(check, block, place, key))
			ivf_corrupted(check->index, block[1],
						  "row (%u,%u) stands there, and on block %u too",
						  (BlockNumber) (key >> 16), (uint32) (key & 0xFFFF),
						  block[0]);
		last = key;
		if (more && row < key)
			missing(check, row);
		if (more && row == key)
			more = ivf_triples_next(rows, &row, &a, &b);
	}
	if (more)
		missing(check, row);
	if (rows)
		ivf_triples_end(rows);
	ivf_triples_end(check->tids);
}
