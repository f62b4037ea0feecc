/*
 * measure.c
 *	  ivf_measure_recall(): how many of the nearest rows scans find, and how fast.
 *
 * Rows of the table are the queries, each searched for the rows nearest to it but
 * itself: by a scan as the settings have it, and by an exact one.  Both are index
 * scans through the server's own interface, so that partial indexes and those on
 * expressions are searched as a query would.
 *
 * Nothing of a row comes out but its part in the averages.  So the rows are those
 * of the whole table, row-level security notwithstanding, as they are in counts.
 */
#include "compat.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "ground/prng.h"
#include "index/heaprows.h"
#include "index/ivfrel.h"
#include "index/ops.h"
#include "index/score.h"
#include "index/unordered.h"
#include "index/wanted.h"
#include "lib/pairingheap.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define MOST_QUERIES	100000
#define MOST_ROWS		100000

/* always the same: two calls differ by what has changed in between */
#define MEASURE_SEED	0x76656333

/* a row that is to be a query, if none with a lesser key takes its place */
typedef struct Sampled
{
	pairingheap_node link;
	uint64		key;
	ItemPointerData tid;
} Sampled;

/* one of the two ways to search, and what it has found */
typedef struct Search
{
	IndexScanDesc scan;
	ItemPointerData *tid;		/* k, of the last search */
	double	   *distance;
	int			count;
	double		milliseconds;	/* of all searches */
	double		lists;
} Search;

typedef struct Measure
{
	Relation	heap;
	Relation	index;
	Snapshot	snapshot;
	const IvfFrozen *frozen;
	IvfHeapRows *rows;
	TupleTableSlot *slot;
	ScanKeyData key;
	int			k;
	Sampled    *sampled;
	int			queries;		/* sampled */
	MemoryContext query_context;	/* reset for each */
	Search		as_set;
	Search		exact;

	/* of the queries that have another row near them */
	int			done;
	int64		found;			/* of the nearest rows, */
	int64		nearest;		/* and how many there are */
	double	   *recall;			/* of each query */
} Measure;

/* pairingheap_comparator: the greatest key comes first */
static int
compare_sampled(const pairingheap_node *a, const pairingheap_node *b, void *arg)
{
	uint64		x = pairingheap_const_container(Sampled, link, a)->key;
	uint64		y = pairingheap_const_container(Sampled, link, b)->key;

	return x < y ? -1 : x > y;
}

/* in the order of keys, which is a random one */
static int
compare_keys(const void *a, const void *b)
{
	return compare_sampled(&((const Sampled *) a)->link, &((const Sampled *) b)->link, NULL);
}

/*
 * Samples rows that have a vector with a place: those that the snapshot sees and
 * that have the least of random keys, so that each is as likely as any other.
 */
static void
sample(Measure *measure, int wanted)
{
	BlockNumber table_blocks = 0;
	IvfUnordered *entries = ivf_unordered_begin(measure->index, measure->snapshot,
												measure->frozen, measure->heap,
												&table_blocks);
	pairingheap *heap = pairingheap_allocate(compare_sampled, NULL);
	Prng		prng = {MEASURE_SEED};
	ItemPointerData tid;

	measure->sampled = palloc(sizeof(Sampled) * wanted);
	ivf_unordered_leaves(entries);
	while (ivf_unordered_next(entries, &tid))
	{
		uint64		key = prng_next(&prng);
		bool		full = (measure->queries == wanted);
		Sampled    *place;

		if (full && key >= pairingheap_container(Sampled, link, pairingheap_first(heap))->key)
			continue;
		CHECK_FOR_INTERRUPTS();
		if (!ivf_heap_fetch(measure->rows, measure->snapshot, &tid))
			continue;
		place = full ? pairingheap_container(Sampled, link, pairingheap_remove_first(heap)) :
			&measure->sampled[measure->queries++];
		place->key = key;
		place->tid = tid;
		pairingheap_add(heap, &place->link);
	}
	ivf_heap_pause(measure->rows);
	pairingheap_free(heap);
	qsort(measure->sampled, measure->queries, sizeof(Sampled), compare_keys);
}

/*
 * Makes the key that the executor would make of ORDER BY.
 */
static void
make_key(Measure *measure)
{
	Relation	index = measure->index;
	Oid			type = index->rd_opcintype[0];
	Oid			operator = get_opfamily_member(index->rd_opfamily[0], type, type,
											   IVF_STRATEGY_ORDER);

	if (!OidIsValid(operator))
		elog(ERROR, "operator family %u has no ordering operator",
			 index->rd_opfamily[0]);
	ScanKeyEntryInitialize(&measure->key, SK_ORDER_BY, 1, IVF_STRATEGY_ORDER, type,
						   index->rd_indcollation[0], get_opcode(operator), (Datum) 0);
}

static void
begin_search(Measure *measure, Search *search)
{
	search->scan = compat_begin_index_scan(measure->heap, measure->index,
										   measure->snapshot, 0, 1);
	search->tid = MemoryContextAllocHuge(CurrentMemoryContext,
										 sizeof(ItemPointerData) * (Size) measure->k);
	search->distance = MemoryContextAllocHuge(CurrentMemoryContext,
											  sizeof(double) * (Size) measure->k);
}

/*
 * Searches for the k rows nearest to a row's vector, but itself.  Timed is what a
 * query would do; rows without a distance are left out then, which come last.
 */
static void
search_for(Measure *measure, Search *search, Datum vector, ItemPointer self)
{
	const IvfSpace *space = measure->frozen->space;
	const float4 *elements = ivf_elements(measure->index, space->opclass, space->dim,
										  vector);
	instr_time	begin;
	instr_time	end;
	ItemPointer tid;
	int			count = 0;
	int			i;

	measure->key.sk_argument = vector;
	INSTR_TIME_SET_CURRENT(begin);
	index_rescan(search->scan, NULL, 0, &measure->key, 1);
	while (count < measure->k &&
		   (tid = index_getnext_tid(search->scan, ForwardScanDirection)) != NULL)
	{
		ItemPointerData entry = *tid;	/* fetching goes on to the row's version */

		CHECK_FOR_INTERRUPTS();
		if (index_fetch_heap(search->scan, measure->slot) &&
			!ItemPointerEquals(&entry, self))
			search->tid[count++] = entry;
	}
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, begin);
	search->milliseconds += INSTR_TIME_GET_MILLISEC(end);
	search->lists += ivf_last_scan.leaves;
	ExecClearTuple(measure->slot);

	search->count = 0;
	for (i = 0; i < count; i++)
	{
		double		distance;

		if (ivf_heap_distance(measure->rows, measure->snapshot, &search->tid[i], space,
							  elements, &distance) &&
			isfinite(distance))
			search->distance[search->count++] = distance;
	}
	ivf_heap_pause(measure->rows);
}

/*
 * How many of the nearest rows has the search found?  A row that is as near as the
 * last of them is one of them.
 */
static int
count_found(const Measure *measure)
{
	const Search *exact = &measure->exact;
	int			found = 0;
	int			i;

	for (i = 0; i < measure->as_set.count; i++)
	{
		if (measure->as_set.distance[i] <= exact->distance[exact->count - 1])
			found++;
	}
	return Min(found, exact->count);
}

/*
 * The vector of a row that was sampled, in the current context; false if there is
 * none, as in a damaged index only.
 */
static bool
read_vector(Measure *measure, ItemPointer tid, Datum *vector)
{
	bool		found = ivf_heap_fetch(measure->rows, measure->snapshot, tid) &&
		ivf_heap_value(measure->rows, vector);

	/* where it is now goes with the next row */
	if (found)
		*vector = PointerGetDatum(PG_DETOAST_DATUM_COPY(*vector));
	ivf_heap_pause(measure->rows);
	return found;
}

/*
 * Searches for each row both ways.
 *
 * What a scan is the first to read should not count as its time: so the first
 * query is searched once before.  Of the two the one that is exact comes second,
 * where it finds in memory what they have in common.
 */
static void
run_queries(Measure *measure)
{
	MemoryContext old = MemoryContextSwitchTo(measure->query_context);
	int			i;

	for (i = 0; i < measure->queries; i++)
	{
		ItemPointer self = &measure->sampled[i].tid;
		Datum		vector;
		int			found;

		MemoryContextReset(measure->query_context);
		if (!read_vector(measure, self, &vector))
			continue;
		if (measure->done == 0)
		{
			search_for(measure, &measure->as_set, vector, self);
			measure->as_set.milliseconds = measure->as_set.lists = 0;
		}
		search_for(measure, &measure->as_set, vector, self);
		search_for(measure, &measure->exact, vector, self);

		/* it is the only row */
		if (measure->exact.count == 0)
			break;
		found = count_found(measure);
		measure->found += found;
		measure->nearest += measure->exact.count;
		measure->recall[measure->done++] = (double) found / measure->exact.count;
	}
	MemoryContextSwitchTo(old);
}

/*
 * All steps, in the current context.
 */
static void
run_measure(Measure *measure, int queries)
{
	measure->snapshot = ivf_index_snapshot(measure->index);
	measure->frozen = ivf_frozen(measure->index, CurrentMemoryContext);
	measure->rows = ivf_heap_open(measure->heap, measure->index);
	measure->slot = table_slot_create(measure->heap, NULL);
	measure->recall = palloc(sizeof(double) * queries);
	measure->query_context = AllocSetContextCreate(CurrentMemoryContext, "ivf measured query",
												   ALLOCSET_DEFAULT_SIZES);
	make_key(measure);
	sample(measure, queries);
	begin_search(measure, &measure->as_set);
	begin_search(measure, &measure->exact);
	ivf_scan_exactly(measure->exact.scan);

	run_queries(measure);

	index_endscan(measure->as_set.scan);
	index_endscan(measure->exact.scan);
	ExecDropSingleTupleTableSlot(measure->slot);
	ivf_heap_close(measure->rows);
	UnregisterSnapshot(measure->snapshot);
}

static int
compare_recalls(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static Datum
rounded(double x, double unit)
{
	return Float8GetDatum(rint(x * unit) / unit);
}

/*
 * The row that tells of it: averages over all queries, NULL where there are none.
 */
static Datum
result(const Measure *measure, TupleDesc desc)
{
	const Search *as_set = &measure->as_set;
	const Search *exact = &measure->exact;
	int			done = measure->done;
	Datum		values[10];
	bool		nulls[10] = {false};

	values[0] = Int32GetDatum(done);
	values[1] = Int32GetDatum(measure->k);
	values[4] = Float8GetDatum(ivf_recall_wanted(measure->index));
	nulls[4] = ivf_probes > 0;
	if (done > 0)
	{
		/* as percentile_disc(0.1) chooses */
		qsort(measure->recall, done, sizeof(double), compare_recalls);
		values[2] = Float8GetDatum((double) measure->found / measure->nearest);
		values[3] = Float8GetDatum(measure->recall[(done + 9) / 10 - 1]);
		values[5] = rounded(as_set->milliseconds / done, 1000);
		values[6] = rounded(exact->milliseconds / done, 1000);
		nulls[7] = as_set->milliseconds == 0;
		values[7] = rounded(nulls[7] ? 0 : exact->milliseconds / as_set->milliseconds, 100);
		values[8] = Float8GetDatum(as_set->lists / done);
		values[9] = Float8GetDatum(exact->lists / done);
	}
	else
	{
		int			i;

		for (i = 2; i < (int) lengthof(values); i++)
			nulls[i] = nulls[i] || i != 4;
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static void
check_range(const char *name, int value, int most)
{
	if (value < 1 || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is %d, not between 1 and %d", name, value, most)));
}

/*
 * ivf_measure_recall(index, queries, k)
 */
VECFEAT_FUNCTION(vecfeat_ivf_measure_recall)
{
	int			queries = PG_GETARG_INT32(1);
	TupleDesc	desc = ivf_result_row(fcinfo, 10);
	IvfCounters last_scan = ivf_last_scan;
	IvfOpened	opened;
	Measure		measure = {0};
	MemoryContext context;
	MemoryContext old;
	Datum		row;

	measure.k = PG_GETARG_INT32(2);
	check_range("queries", queries, MOST_QUERIES);
	check_range("k", measure.k, MOST_ROWS);
	ivf_open_as_owner(PG_GETARG_OID(0), &opened);
	measure.heap = opened.heap;
	measure.index = opened.index;

	context = AllocSetContextCreate(CurrentMemoryContext, "ivf measure",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	run_measure(&measure, queries);
	MemoryContextSwitchTo(old);
	row = result(&measure, desc);
	MemoryContextDelete(context);

	ivf_close_as_owner(&opened);
	ivf_last_scan = last_scan;	/* the user's own */
	PG_RETURN_DATUM(row);
}
