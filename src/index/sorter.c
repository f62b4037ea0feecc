/*
 * sorter.c
 *	  Sorts pairs of numbers, with some bytes each, on disk if they are many.
 *
 * A thin layer over tuplesort: everything that this access method sorts has
 * the same shape.
 */
#include "compat.h"

#include "index/sorter.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"

struct IvfSorter
{
	Tuplesortstate *sort;
	TupleDesc	desc;
	TupleTableSlot *in;
	TupleTableSlot *out;
	bytea	   *value;			/* what was put last */
	Size		room;			/* bytes that it has */
};

/*
 * Starts a sort by major, then minor number, with so much memory; a tuplesort
 * takes at least 64 kB.  It is used and ended under the resource owner that
 * begins it, to which its files belong.
 *
 * With a coordinate it is one process's part of a sort by several: a worker's,
 * which ends with ivf_sorter_sort(), or the leader's, which is given nothing and
 * returns what the workers have sorted.
 */
IvfSorter *
ivf_sorter_begin(int kilobytes, SortCoordinate coordinate)
{
	IvfSorter  *sorter = palloc0(sizeof(IvfSorter));
	AttrNumber	keys[] = {1, 2};
	Oid			operators[] = {Int8LessOperator, Int8LessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false};
	TupleDesc	desc;

	sorter->desc = desc = CreateTemplateTupleDesc(3);
	TupleDescInitEntry(desc, 1, "major", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 2, "minor", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 3, "data", BYTEAOID, -1, 0);
	sorter->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	sorter->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sorter->room = VARHDRSZ;
	sorter->value = palloc(sorter->room);
	sorter->sort = tuplesort_begin_heap(desc, 2, keys, operators, collations,
										nulls_first, Max(kilobytes, 64), coordinate, 0);
	return sorter;
}

/*
 * Adds a pair, and size bytes at data, which are copied.
 */
void
ivf_sorter_put(IvfSorter *sorter, int64 major, int64 minor, const void *data,
			   Size size)
{
	TupleTableSlot *slot = sorter->in;

	if (VARHDRSZ + size > sorter->room)
	{
		sorter->room = VARHDRSZ + size;
		sorter->value = repalloc(sorter->value, sorter->room);
	}
	SET_VARSIZE(sorter->value, VARHDRSZ + size);
	if (size > 0)
		memcpy(VARDATA(sorter->value), data, size);

	ExecClearTuple(slot);
	slot->tts_values[0] = Int64GetDatum(major);
	slot->tts_values[1] = Int64GetDatum(minor);
	slot->tts_values[2] = PointerGetDatum(sorter->value);
	memset(slot->tts_isnull, 0, 3);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(sorter->sort, slot);
}

void
ivf_sorter_sort(IvfSorter *sorter)
{
	tuplesort_performsort(sorter->sort);
}

/*
 * The next pair in order; false after the last.  data, unless NULL, becomes
 * its bytes: aligned for nothing, and valid until the next call.
 */
bool
ivf_sorter_next(IvfSorter *sorter, int64 *major, int64 *minor,
				const void **data)
{
	bool		isnull;

	if (!tuplesort_gettupleslot(sorter->sort, true, false, sorter->out, NULL))
		return false;
	*major = DatumGetInt64(slot_getattr(sorter->out, 1, &isnull));
	*minor = DatumGetInt64(slot_getattr(sorter->out, 2, &isnull));
	if (data)
		*data = VARDATA_ANY(DatumGetPointer(slot_getattr(sorter->out, 3, &isnull)));
	return true;
}

void
ivf_sorter_end(IvfSorter *sorter)
{
	tuplesort_end(sorter->sort);
	ExecDropSingleTupleTableSlot(sorter->in);
	ExecDropSingleTupleTableSlot(sorter->out);
	FreeTupleDesc(sorter->desc);
	pfree(sorter->value);
	pfree(sorter);
}
