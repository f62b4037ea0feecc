/*
 * sort.c
 *	  Sorts of tuples of numbers and bytes, and the slots that carry them.
 */
#include "server.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "utils/memutils.h"

struct Tuplesortstate
{
	MemoryContext context;
	TupleDesc	desc;
	int			keys;
	int			count;
	int			room;
	int			next;
	Datum	   *values;			/* natts each */
	bool	   *nulls;
	void	   *last;			/* the bytes handed out last */
};

/* room for the attributes, however this version lays them out */
#define ATTRIBUTE_ROOM	512

TupleDesc
CreateTemplateTupleDesc(int natts)
{
	TupleDesc	desc = palloc0(ATTRIBUTE_ROOM * (natts + 1));

	desc->natts = natts;
	return desc;
}

void
FreeTupleDesc(TupleDesc desc)
{
	pfree(desc);
}

void
TupleDescInitEntry(TupleDesc desc, AttrNumber number, const char *name,
				   Oid type, int32 typmod, int dims)
{
	TupleDescAttr(desc, number - 1)->atttypid = type;
	TupleDescAttr(desc, number - 1)->atttypmod = typmod;
}

static void
clear_slot(TupleTableSlot *slot)
{
	slot->tts_nvalid = 0;
	slot->tts_flags |= TTS_FLAG_EMPTY;
}

const TupleTableSlotOps TTSOpsVirtual = {.clear = clear_slot};
const TupleTableSlotOps TTSOpsMinimalTuple = {.clear = clear_slot};

TupleTableSlot *
MakeSingleTupleTableSlot(TupleDesc desc, const TupleTableSlotOps *ops)
{
	TupleTableSlot *slot = palloc0(sizeof(TupleTableSlot));
	const TupleTableSlotOps **place = (const TupleTableSlotOps **) &slot->tts_ops;

	*place = ops;
	slot->tts_tupleDescriptor = desc;
	slot->tts_values = palloc0(sizeof(Datum) * desc->natts);
	slot->tts_isnull = palloc0(sizeof(bool) * desc->natts);
	slot->tts_flags = TTS_FLAG_EMPTY;
	return slot;
}

void
ExecDropSingleTupleTableSlot(TupleTableSlot *slot)
{
	pfree(slot->tts_values);
	pfree(slot->tts_isnull);
	pfree(slot);
}

TupleTableSlot *
ExecStoreVirtualTuple(TupleTableSlot *slot)
{
	slot->tts_nvalid = slot->tts_tupleDescriptor->natts;
	slot->tts_flags &= ~TTS_FLAG_EMPTY;
	return slot;
}

void
slot_getsomeattrs_int(TupleTableSlot *slot, int number)
{
	fault("attribute %d of an empty slot", number);
}

struct Tuplesortstate *
tuplesort_begin_heap(TupleDesc desc, int keys, AttrNumber *columns,
					 Oid *operators, Oid *collations, bool *nulls_first,
					 int memory, void *coordinate, int options)
{
	struct Tuplesortstate *state = palloc0(sizeof(struct Tuplesortstate));

	state->context = AllocSetContextCreate(CurrentMemoryContext, "sort",
										   ALLOCSET_DEFAULT_SIZES);
	state->desc = desc;
	state->keys = keys;
	state->room = 64;
	state->values = MemoryContextAlloc(state->context,
									   sizeof(Datum) * desc->natts * state->room);
	state->nulls = MemoryContextAlloc(state->context,
									  sizeof(bool) * desc->natts * state->room);
	return state;
}

static void *
copy_bytes(struct Tuplesortstate *state, Datum value)
{
	struct varlena *bytes = (struct varlena *) DatumGetPointer(value);
	void	   *copy = MemoryContextAlloc(state->context, VARSIZE(bytes));

	memcpy(copy, bytes, VARSIZE(bytes));
	return copy;
}

void
tuplesort_puttupleslot(struct Tuplesortstate *state, TupleTableSlot *slot)
{
	int			natts = state->desc->natts;
	Datum	   *values;
	bool	   *nulls;
	int			i;

	if (state->count == state->room)
	{
		state->room *= 2;
		state->values = repalloc(state->values, sizeof(Datum) * natts * state->room);
		state->nulls = repalloc(state->nulls, sizeof(bool) * natts * state->room);
	}
	values = state->values + natts * state->count;
	nulls = state->nulls + natts * state->count++;
	for (i = 0; i < natts; i++)
	{
		values[i] = slot->tts_values[i];
		nulls[i] = slot->tts_isnull[i];
		if (!nulls[i] && TupleDescAttr(state->desc, i)->atttypid == BYTEAOID)
			values[i] = PointerGetDatum(copy_bytes(state, values[i]));
	}
}

static const struct Tuplesortstate *sorting;

/* by the first columns, then in the order of arrival */
static int
compare(const void *a, const void *b)
{
	int			x = *(const int *) a;
	int			y = *(const int *) b;
	int			natts = sorting->desc->natts;
	int			i;

	for (i = 0; i < sorting->keys; i++)
	{
		int64		left = (int64) sorting->values[natts * x + i];
		int64		right = (int64) sorting->values[natts * y + i];

		if (left != right)
			return left < right ? -1 : 1;
	}
	return x < y ? -1 : x > y;
}

#undef qsort

void
tuplesort_performsort(struct Tuplesortstate *state)
{
	int			natts = state->desc->natts;
	int		   *order = palloc(sizeof(int) * (state->count + 1));
	Datum	   *values = MemoryContextAlloc(state->context,
											sizeof(Datum) * natts * (state->count + 1));
	bool	   *nulls = MemoryContextAlloc(state->context,
										   sizeof(bool) * natts * (state->count + 1));
	int			i;

	for (i = 0; i < state->count; i++)
		order[i] = i;
	sorting = state;
	(qsort) (order, state->count, sizeof(int), compare);
	for (i = 0; i < state->count; i++)
	{
		memcpy(values + natts * i, state->values + natts * order[i], sizeof(Datum) * natts);
		memcpy(nulls + natts * i, state->nulls + natts * order[i], sizeof(bool) * natts);
	}
	pfree(state->values);
	pfree(state->nulls);
	pfree(order);
	state->values = values;
	state->nulls = nulls;
}

bool
tuplesort_gettupleslot(struct Tuplesortstate *state, bool forward, bool copy,
					   TupleTableSlot *slot, Datum *abbrev)
{
	int			natts = state->desc->natts;
	int			i;

	if (state->last)
		pfree(state->last);
	state->last = NULL;
	if (state->next == state->count)
		return false;
	memcpy(slot->tts_values, state->values + natts * state->next, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, state->nulls + natts * state->next++, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);

	/* whoever keeps the bytes beyond the next call is to be found out */
	for (i = 0; i < natts; i++)
	{
		if (slot->tts_isnull[i] || TupleDescAttr(state->desc, i)->atttypid != BYTEAOID)
			continue;
		state->last = copy_bytes(state, slot->tts_values[i]);
		slot->tts_values[i] = PointerGetDatum(state->last);
	}
	return true;
}

void
tuplesort_end(struct Tuplesortstate *state)
{
	MemoryContextDelete(state->context);
	pfree(state);
}

void
pg_qsort(void *base, size_t count, size_t size,
		 int (*compare_items) (const void *, const void *))
{
	(qsort) (base, count, size, compare_items);
}
