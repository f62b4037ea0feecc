/*
 * assign.c
 *	  Assigns every row of the heap to a list, encodes it and sorts the codes.
 *
 * What is sorted is the code, a third of the vector; rows of a list come out
 * by TID, so that the index does not depend on the order in which the heap was
 * read.
 */
#include "compat.h"

#include "index/build.h"

#include <float.h>

#include "access/tableam.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* what is sorted: list, TID as a number, and this followed by the bytes */
typedef struct Payload
{
	SignFactors factors;
	IvfRowHead	row;
	/* n / 4 nibbles and n bytes of code follow */
} Payload;

typedef struct AssignState
{
	IvfBuild   *build;
	MemoryContext context;		/* reset after each row */
	TupleTableSlot *slot;
	IvfEntry   *entry;
	double	   *v;
	float4	   *row;
	float4	   *residual;
	float4	   *scratch;
	bytea	   *payload;
	Size		payload_size;
} AssignState;

static Size
payload_size(int n)
{
	return VARHDRSZ + sizeof(Payload) + n / 4 + n;
}

static int64
tid_number(ItemPointer tid)
{
	return ((int64) ItemPointerGetBlockNumber(tid) << 16) |
		ItemPointerGetOffsetNumber(tid);
}

static void
push(AssignState *state, int list, ItemPointer tid, bool payload)
{
	TupleTableSlot *slot = state->slot;

	ExecClearTuple(slot);
	slot->tts_values[0] = Int32GetDatum(list);
	slot->tts_values[1] = Int64GetDatum(tid_number(tid));
	slot->tts_values[2] = PointerGetDatum(state->payload);
	slot->tts_isnull[0] = slot->tts_isnull[1] = false;
	slot->tts_isnull[2] = !payload;
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(state->build->sort, slot);
}

static void
push_entry(AssignState *state, int list, const IvfEntry *entry)
{
	int			n = state->build->n;
	Payload    *payload = (Payload *) VARDATA(state->payload);
	char	   *bytes = (char *) (payload + 1);

	payload->factors = entry->factors;
	payload->row = entry->row;
	memcpy(bytes, entry->nibbles, n / 4);
	memcpy(bytes + n / 4, entry->code, n);
	push(state, list, (ItemPointer) &entry->row.tid, true);
}

/*
 * Encodes a row with a place and raises the radii above it.
 */
static void
assign_entry(AssignState *state, ItemPointer tid)
{
	IvfBuild   *build = state->build;
	IvfClusters *clusters = build->clusters;
	int			n = build->n;
	int			cell = 0;
	int			list;
	int			i;
	float4		radius;

	for (i = 0; i < n; i++)
		state->row[i] = (float4) Max(Min(state->v[i], FLT_MAX), -FLT_MAX);
	list = ivf_nearest_list(clusters, state->row, state->scratch, &cell);
	radius = ivf_encode(build->space, state->v,
						clusters->list + (Size) list * n, tid,
						state->residual, state->entry);
	build->list_radius[list] = Max(build->list_radius[list], radius);
	build->list_entries[list]++;
	build->entries++;

	if (build->height > 2)
	{
		radius = ivf_residual(state->v, clusters->cell + (Size) cell * n, n,
							  state->residual);
		build->cell_radius[cell] = Max(build->cell_radius[cell], radius);
	}
	push_entry(state, list, state->entry);
}

static void
assign_callback(Relation index, ItemPointer tid, Datum *values, bool *isnull,
				bool alive, void *arg)
{
	AssignState *state = arg;
	IvfBuild   *build = state->build;
	MemoryContext old;
	const float4 *x;
	double		done;

	if (isnull[0])
	{
		build->nulls++;
		push(state, IVF_LIST_NULLS, tid, false);
	}
	else
	{
		old = MemoryContextSwitchTo(state->context);
		x = build->opclass->elements(PG_DETOAST_DATUM(values[0]),
									 palloc(sizeof(float4) * build->dim));
		if (ivf_place(build->space, x, state->v))
			assign_entry(state, tid);
		else
		{
			build->nans++;
			push(state, IVF_LIST_NANS, tid, false);
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(state->context);
	}
	done = build->entries + build->nulls + build->nans;
	if ((int64) done % IVF_REPORT_ROWS == 0)
		ivf_build_done(done);
}

/*
 * Kilobytes that the sort may use: of what the centroids and the state here
 * leave of the memory, two thirds.  While it merges, a sort was seen to take a
 * third more than it was given.
 */
static int
sort_memory(const IvfBuild *build)
{
	Size		rows = (Size) build->clusters->lists + build->clusters->cells;
	Size		taken = rows * (sizeof(float4) * (build->n + 2) + sizeof(uint32)) +
	64 * (Size) build->n;

	return (int) (Max((build->memory - Min(build->memory, taken)) / 3 * 2,
					  build->memory / 4) / 1024);
}

static TupleDesc
sort_desc(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(3);

	TupleDescInitEntry(desc, 1, "list", INT4OID, -1, 0);
	TupleDescInitEntry(desc, 2, "tid", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 3, "entry", BYTEAOID, -1, 0);
	return desc;
}

/*
 * Scans the heap, fills the build's counts and radii, and leaves its sort
 * ready to be read with ivf_next_assigned().
 */
void
ivf_assign_rows(IvfBuild *build)
{
	AttrNumber	keys[] = {1, 2};
	Oid			operators[] = {Int4LessOperator, Int8LessOperator};
	Oid			collations[] = {InvalidOid, InvalidOid};
	bool		nulls_first[] = {false, false};
	AssignState state = {0};

	state.build = build;
	state.context = AllocSetContextCreate(CurrentMemoryContext, "ivf build row",
										  ALLOCSET_DEFAULT_SIZES);
	state.slot = MakeSingleTupleTableSlot(sort_desc(), &TTSOpsVirtual);
	state.entry = ivf_entry_alloc(build->n);
	state.v = palloc(sizeof(double) * build->n);
	state.row = palloc(sizeof(float4) * build->n);
	state.residual = palloc(sizeof(float4) * build->n);
	state.scratch = palloc(ivf_nearest_space(build->clusters));
	state.payload = palloc0(payload_size(build->n));
	SET_VARSIZE(state.payload, payload_size(build->n));

	build->sort = tuplesort_begin_heap(state.slot->tts_tupleDescriptor, 2, keys,
									   operators, collations, nulls_first,
									   sort_memory(build), NULL, 0);
	if (build->heap)
		build->heap_tuples = table_index_build_scan(build->heap, build->index,
													build->info, true, true,
													assign_callback, &state, NULL);

	ivf_build_phase(IVF_PHASE_SORT, build->entries + build->nulls + build->nans);
	tuplesort_performsort(build->sort);

	MemoryContextDelete(state.context);
	ExecDropSingleTupleTableSlot(state.slot);
	pfree(state.v);
	pfree(state.row);
	pfree(state.residual);
	pfree(state.scratch);
	pfree(state.payload);
}

/*
 * The next row in order of list and TID: its list, or a pseudo-list, and for a
 * list its entry, whose bytes are overwritten by the next call.  False at the
 * end.
 */
bool
ivf_next_assigned(IvfBuild *build, int *list, ItemPointer tid, IvfEntry *entry)
{
	TupleTableSlot *slot;
	bool		isnull;
	int64		number;
	Datum		value;

	if (build->out == NULL)
		build->out = MakeSingleTupleTableSlot(sort_desc(), &TTSOpsMinimalTuple);
	slot = build->out;
	if (!tuplesort_gettupleslot(build->sort, true, false, slot, NULL))
	{
		ExecDropSingleTupleTableSlot(slot);
		build->out = NULL;
		tuplesort_end(build->sort);
		build->sort = NULL;
		return false;
	}
	*list = DatumGetInt32(slot_getattr(slot, 1, &isnull));
	number = DatumGetInt64(slot_getattr(slot, 2, &isnull));
	ItemPointerSet(tid, (BlockNumber) (number >> 16), (OffsetNumber) (number & 0xFFFF));
	value = slot_getattr(slot, 3, &isnull);
	if (!isnull)
	{
		/* the bytes of a sorted tuple are aligned for nothing */
		const char *bytes = VARDATA_ANY(DatumGetPointer(value));
		Payload		payload;

		memcpy(&payload, bytes, sizeof(Payload));
		entry->factors = payload.factors;
		entry->row = payload.row;
		bytes += sizeof(Payload);
		memcpy(entry->nibbles, bytes, build->n / 4);
		memcpy(entry->code, bytes + build->n / 4, build->n);
	}
	return true;
}
