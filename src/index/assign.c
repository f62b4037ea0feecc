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
#include <math.h>

#include "access/parallel.h"
#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* what is sorted: list, TID as a number, and this followed by the bytes */
typedef struct Payload
{
	SignFactors factors;
	IvfRowHead	row;
	/* n / 4 nibbles and n bytes of code follow */
} Payload;

/*
 * Rows wait until there are enough of them to look for their lists together.
 */
typedef struct AssignState
{
	IvfBuild   *build;
	MemoryContext context;		/* reset after each row */
	int			unreported;		/* rows since the last report */

	int			room;
	int			waiting;
	ItemPointerData *tid;
	double	   *v;				/* n for each */
	float4	   *rows;			/* the same in float4 */
	const float4 **row;			/* where each of them is */
	int		   *list;
	int		   *cell;
	IvfNearest *nearest;
	float4	   *lists;			/* centroids once more, or NULL: see list_copies() */

	/* of the row at hand */
	IvfEntry   *entry;
	float4	   *centroid;
	float4	   *residual;
	Payload    *payload;
} AssignState;

static double
rows_done(const IvfBuild *build)
{
	return build->entries + build->nulls + build->nans;
}

static Size
payload_size(int n)
{
	return sizeof(Payload) + n / 4 + n;
}

static void
push_entry(AssignState *state, int list, ItemPointer tid, const IvfEntry *entry)
{
	IvfBuild   *build = state->build;
	int			n = build->n;
	int64		key = ivf_tid_key(tid);
	Payload    *place = build->pile ? ivf_pile_put(build->pile, list, key) : NULL;
	Payload    *payload = place ? place : state->payload;
	char	   *bytes = (char *) (payload + 1);

	payload->factors = entry->factors;
	payload->row = entry->row;
	memcpy(bytes, entry->nibbles, n / 4);
	memcpy(bytes + n / 4, entry->code, n);
	if (place == NULL)
		ivf_sorter_put(build->sorter, list, key, payload, payload_size(n));
}

/* a row without a place, to the chain of its kind */
static void
push_placeless(AssignState *state, int chain, ItemPointer tid)
{
	ivf_sorter_put(state->build->sorter, chain, ivf_tid_key(tid), NULL, 0);
}

/*
 * Counts entries of a list.
 */
void
ivf_count_entries(IvfBuild *build, int list, uint32 count)
{
	if (build->list_entries[list] > PG_UINT32_MAX - count)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a list of index \"%s\" would have more than %u rows",
						RelationGetRelationName(build->index), PG_UINT32_MAX),
				 errhint("Ask for more lists, or increase maintenance_work_mem.")));
	build->list_entries[list] += count;
}

/*
 * Encodes a row whose list is known, and raises the radii above it.
 */
static void
assign_entry(AssignState *state, int i)
{
	IvfBuild   *build = state->build;
	int			n = build->n;
	int			list = state->list[i];
	int			cell = state->cell[i];
	const double *v = state->v + (Size) i * n;
	const float4 *centroid = state->centroid;
	float4		radius;

	if (state->lists)
		centroid = state->lists + (Size) list * n;
	else
		ivf_list_centroid(build->clusters, list, cell, state->centroid);
	radius = ivf_encode(build->space, v, centroid, &state->tid[i], state->residual,
						state->entry);
	build->list_radius[list] = Max(build->list_radius[list], radius);
	ivf_count_entries(build, list, 1);
	build->entries++;

	if (build->height > 2)
	{
		ivf_cell_centroid(build->clusters, cell, state->centroid);
		radius = ivf_residual(v, state->centroid, n, state->residual);
		build->cell_radius[cell] = Max(build->cell_radius[cell], radius);
	}
	push_entry(state, list, &state->tid[i], state->entry);
}

static void
assign_waiting(AssignState *state)
{
	int			i;

	ivf_nearest_lists(state->nearest, state->row, state->waiting, state->list,
					  state->cell);
	for (i = 0; i < state->waiting; i++)
	{
		CHECK_FOR_INTERRUPTS();
		assign_entry(state, i);
	}
	state->waiting = 0;
}

/*
 * Takes a vector as the next waiting row; false if it has no place.
 */
static bool
place_row(AssignState *state, ItemPointer tid, Datum value)
{
	IvfBuild   *build = state->build;
	int			n = build->n;
	double	   *v = state->v + (Size) state->waiting * n;
	float4	   *row = state->rows + (Size) state->waiting * n;

	if (!ivf_place(build->space,
				   ivf_elements(build->index, build->opclass, build->dim, value), v))
		return false;
	vec_kernels->narrow(v, n, row);
	state->tid[state->waiting++] = *tid;
	return true;
}

/*
 * Reports how many rows are assigned, by all processes; the leader speaks for
 * its workers, as only its own numbers are shown.
 */
static void
report_rows(AssignState *state)
{
	IvfBuild   *build = state->build;

	if (build->assigned == NULL)
		ivf_build_done(rows_done(build));
	else
	{
		uint64		before = pg_atomic_fetch_add_u64(build->assigned, state->unreported);

		if (build->parallel)
			ivf_build_done((double) (before + state->unreported));
	}
	state->unreported = 0;
}

static void
assign_callback(Relation index, ItemPointer tid, Datum *values, bool *isnull,
				bool alive, void *arg)
{
	AssignState *state = arg;
	IvfBuild   *build = state->build;
	MemoryContext old = MemoryContextSwitchTo(state->context);

	if (isnull[0])
	{
		build->nulls++;
		push_placeless(state, IVF_LIST_NULLS, tid);
	}
	else if (!place_row(state, tid, values[0]))
	{
		build->nans++;
		push_placeless(state, IVF_LIST_NANS, tid);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->context);
	if (state->waiting == state->room)
		assign_waiting(state);
	if (++state->unreported == IVF_REPORT_ROWS)
		report_rows(state);
}

/* does every row go to the nearest list of all? */
static bool
is_voronoi(const IvfBuild *build)
{
	return ivf_is_voronoi(build->opclass->metric, build->dim, build->clusters->lists);
}

/* bytes of a waiting row */
static Size
row_size(int n)
{
	return n * (sizeof(double) + sizeof(float4)) + sizeof(ItemPointerData) +
		sizeof(float4 *) + 2 * sizeof(int);
}

/*
 * Bytes of a copy of the lists' centroids out of their panels, from which each row
 * would gather its own with a line of memory for every dimension; 0 if they are too
 * many to have them twice.
 */
static Size
list_copies(const IvfBuild *build, int participants)
{
	Size		bytes = sizeof(float4) * build->n * build->clusters->lists;

	return bytes <= build->memory / 32 / participants ? bytes : 0;
}

/*
 * Bytes that all sorts by so many processes may use: two thirds of what the
 * centroids and the states here leave of the memory.  While it merges, a sort was
 * seen to take a third more than it was given.
 */
static Size
sort_bytes(const IvfBuild *build, int participants)
{
	Size		centroids = (Size) build->clusters->lists + build->clusters->cells;
	int			rows = ivf_rows_together(build, row_size(build->n) * participants);
	Size		each = centroids * (sizeof(float4) + sizeof(uint32)) +
	rows * row_size(build->n) + ivf_nearest_size(build->clusters, rows, is_voronoi(build)) +
	list_copies(build, participants);
	Size		taken = centroids * sizeof(float4) * (build->n + 1) + participants * each;

	return Max((build->memory - Min(build->memory, taken)) / 3 * 2, build->memory / 4);
}

/*
 * Do all entries have room in a pile, within what their sort may use?  Then for how
 * many, some more than there seem to be, and of how many bytes.
 */
bool
ivf_pile_wanted(const IvfBuild *build, int participants, uint32 *room, Size *payload)
{
	double		rows = ceil(1.05 * build->table_rows) + 1024;
	Size		most = sort_bytes(build, participants);

	*payload = payload_size(build->n);
	if (rows * *payload > most)
		return false;
	*room = (uint32) rows;
	return ivf_pile_size(*room, *payload) +
		ivf_pile_reader_size(*room, build->clusters->lists) <= most;
}

/*
 * Kilobytes for the sort of one of the processes.  Beside a pile it has what does
 * not go there: rows without a place, and those that were not expected.
 */
static int
sort_memory(const IvfBuild *build, int participants)
{
	Size		bytes = sort_bytes(build, participants);
	uint32		room;
	Size		payload;

	if (build->pile && ivf_pile_wanted(build, participants, &room, &payload))
		bytes -= ivf_pile_size(room, payload) +
			ivf_pile_reader_size(room, build->clusters->lists);
	return (int) (bytes / participants / 1024);
}

static float4 *
copy_lists(const IvfBuild *build, int participants)
{
	const IvfClusters *clusters = build->clusters;
	Size		size = list_copies(build, participants);
	float4	   *copy;
	int			cell;
	int			i;

	if (size == 0)
		return NULL;
	copy = MemoryContextAllocHuge(CurrentMemoryContext, size);
	for (cell = 0; cell < clusters->cells; cell++)
	{
		for (i = clusters->first[cell]; i < clusters->first[cell + 1]; i++)
			ivf_list_centroid(clusters, i, cell, copy + (Size) i * build->n);
	}
	return copy;
}

static void
begin_state(AssignState *state, IvfBuild *build, int participants)
{
	int			n = build->n;
	int			i;

	memset(state, 0, sizeof(*state));
	state->build = build;
	state->context = AllocSetContextCreate(CurrentMemoryContext, "ivf build row",
										   ALLOCSET_DEFAULT_SIZES);
	state->room = ivf_rows_together(build, row_size(n) * participants);
	state->tid = palloc(sizeof(ItemPointerData) * state->room);
	state->v = palloc(sizeof(double) * n * state->room);
	state->row = palloc(sizeof(float4 *) * state->room);
	state->rows = palloc(sizeof(float4) * n * state->room);
	for (i = 0; i < state->room; i++)
		state->row[i] = state->rows + (Size) i * n;
	state->list = palloc(sizeof(int) * state->room);
	state->cell = palloc(sizeof(int) * state->room);
	state->nearest = ivf_nearest_begin(build->clusters, state->room,
									   is_voronoi(build));
	state->lists = copy_lists(build, participants);
	state->entry = ivf_entry_alloc(n);
	state->centroid = palloc(sizeof(float4) * n);
	state->residual = palloc(sizeof(float4) * n);
	state->payload = palloc0(payload_size(n));
}

static void
end_state(AssignState *state)
{
	MemoryContextDelete(state->context);
	pfree(state->tid);
	pfree(state->v);
	pfree(state->rows);
	pfree(state->row);
	pfree(state->list);
	pfree(state->cell);
	ivf_nearest_end(state->nearest);
	if (state->lists)
		pfree(state->lists);
	pfree(state->entry->nibbles);
	pfree(state->entry->code);
	pfree(state->entry);
	pfree(state->centroid);
	pfree(state->residual);
	pfree(state->payload);
}

/*
 * Assigns the rows of a scan, or all of the heap if that is NULL: one of
 * several processes does its share.  Fills the build's counts and radii, and
 * leaves its sort done.
 */
void
ivf_assign_share(IvfBuild *build, int participants, SortCoordinate coordinate,
				 TableScanDesc scan)
{
	AssignState state;
	bool		report = !IsParallelWorker();

	build->sorter = ivf_sorter_begin(sort_memory(build, participants), coordinate);
	if (build->heap)
	{
		begin_state(&state, build, participants);
		build->heap_tuples = table_index_build_scan(build->heap, build->index,
													build->info, true, report,
													assign_callback, &state, scan);
		assign_waiting(&state);
		end_state(&state);
	}

	if (report)
		ivf_build_phase(IVF_PHASE_SORT, rows_done(build));
	ivf_sorter_sort(build->sorter);
}

/*
 * Scans the heap, fills the build's counts and radii, and leaves its sort
 * ready to be read with ivf_next_assigned().
 */
void
ivf_assign_rows(IvfBuild *build)
{
	ivf_assign_share(build, 1, NULL, NULL);
}

/*
 * The same when several processes have sorted their shares.
 */
void
ivf_assign_merge(IvfBuild *build, SortCoordinate coordinate)
{
	ivf_build_phase(IVF_PHASE_SORT, rows_done(build));
	build->sorter = ivf_sorter_begin(sort_memory(build, 1), coordinate);
	ivf_sorter_sort(build->sorter);
	if (build->pile)
	{
		ereport(DEBUG1,
				(errmsg_internal("index \"%s\": %u of %.0f entries are in shared memory",
								 RelationGetRelationName(build->index),
								 ivf_pile_count(build->pile), build->entries)));
		build->reader = ivf_pile_read(build->pile, build->clusters->lists);
	}
}

/*
 * The first entry of the sort that was not handed out yet; false if there is none.
 */
static bool
peek_sorted(IvfBuild *build, int *list, int64 *tid, const void **data)
{
	if (!build->ahead && build->sorter)
	{
		int64		major;

		build->ahead = ivf_sorter_next(build->sorter, &major, &build->ahead_tid,
									   &build->ahead_data);
		build->ahead_list = (int) major;
		if (!build->ahead)
		{
			ivf_sorter_end(build->sorter);
			build->sorter = NULL;
		}
	}
	*list = build->ahead_list;
	*tid = build->ahead_tid;
	*data = build->ahead_data;
	return build->ahead;
}

/*
 * The next entry in order of list and TID, of the sort and the pile; false at the
 * end.
 */
static bool
next_entry(IvfBuild *build, int *list, int64 *tid, const void **data)
{
	bool		sorted = peek_sorted(build, list, tid, data);
	int			other_list;
	int64		other_tid;
	const void *other_data;

	if (build->reader &&
		ivf_pile_peek(build->reader, &other_list, &other_tid, &other_data))
	{
		if (!sorted || other_list < *list || (other_list == *list && other_tid < *tid))
		{
			*list = other_list;
			*tid = other_tid;
			*data = other_data;
			ivf_pile_pass(build->reader);
			return true;
		}
	}
	build->ahead = false;
	return sorted;
}

/*
 * The next row in order of list and TID: its list, or a pseudo-list, and for a
 * list its entry, whose codes stay where they are until the next call.  False at the
 * end.
 */
bool
ivf_next_assigned(IvfBuild *build, int *list, ItemPointer tid, IvfEntry *entry)
{
	int64		number;
	const void *data;

	if (!next_entry(build, list, &number, &data))
	{
		if (build->reader)
			ivf_pile_end(build->reader);
		build->reader = NULL;
		return false;
	}
	ItemPointerSet(tid, (BlockNumber) (number >> 16), (OffsetNumber) (number & 0xFFFF));
	if (*list >= 0)
	{
		const char *bytes = data;
		Payload		payload;

		memcpy(&payload, bytes, sizeof(Payload));
		entry->factors = payload.factors;
		entry->row = payload.row;
		bytes += sizeof(Payload);
		entry->nibbles = (uint8 *) unconstify(char *, bytes);
		entry->code = (int8 *) unconstify(char *, bytes) + build->n / 4;
	}
	return true;
}
