/*
 * parallel.c
 *	  Several processes assign a table's rows, and calibrate the index.
 *
 * The leader clusters, by itself or with a team (index/team.c), and writes;
 * between, it and its workers scan the heap together.  Everyone sorts the codes
 * of the rows that it was given, on disk, and the leader merges these runs.  They
 * are sorted by list and TID, so the index does not depend on who had which row,
 * nor on how many took part.
 *
 * When the pages are written, workers are launched a second time, in the same
 * segment, and all search the index for what calibrates it (index/calibrate.c).
 * Everyone takes the next query, which is the same whoever takes it, and leaves
 * what it found in the query's own place.  Workers read the pages that the leader
 * has written from shared buffers, or from the file, like those of any index: that
 * they are not logged yet concerns a crash alone.  The leader logs them, and then
 * takes queries too.
 *
 * In the shared segment lie
 *
 *	Shared		what the build is of, and the parallel heap scan.  Written by the
 *				leader before workers are launched, read by them.  Only the count
 *				of assigned rows changes, an atomic that nothing but the progress
 *				report depends on (and the heap scan's own state).
 *	clusters	mean and centroids, written by the leader before the launch.  From
 *				then on all read this copy, the leader until the index is written.
 *	tallies		one for each worker: its counts and radii, written by this worker
 *				alone, read by the leader when the worker's process has ended.
 *	the sort	the server's own: which files hold the workers' runs.  Where memory
 *				holds all entries, they are in a segment of their own instead
 *				(index/pile.c), and the sort has hardly any.
 *	findings	of the calibration's queries.  Who takes a query, by an atomic
 *				counter, writes its place alone; the leader reads them when all
 *				have ended.
 *	usage		of buffers and WAL, by worker; as tallies.
 *
 * So nothing is locked.  The leader waits for the workers to end after its own
 * share: what they have written is complete then, and an error of a worker has
 * become the leader's.  The segment, to which the runs' files belong, stays
 * until the index is written and calibrated.
 *
 * When a process fails or is cancelled, the leader's abort ends the workers and
 * the segment with them; the runs are temporary files.  They have written
 * nothing else, so a crash sees no more than one of a serial build.
 */
#include "compat.h"

#include "index/parallel.h"

#include "access/parallel.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/instrument.h"
#include "ground/panels.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/shmem.h"
#include "utils/snapmgr.h"

/* keys of the table of contents */
#define KEY_SHARED		UINT64CONST(0x7665630000000001)
#define KEY_CLUSTERS	UINT64CONST(0x7665630000000002)
#define KEY_TALLIES		UINT64CONST(0x7665630000000003)
#define KEY_SORT		UINT64CONST(0x7665630000000004)
#define KEY_WAL			UINT64CONST(0x7665630000000005)
#define KEY_BUFFERS		UINT64CONST(0x7665630000000006)
#define KEY_FINDINGS	UINT64CONST(0x7665630000000007)

typedef struct Shared
{
	IvfTarget	target;
	bool		written;		/* the index is there, to be calibrated */
	bool		piled;			/* is there a pile, */
	dsm_handle	pile;			/* in this segment? */
	int			participants;	/* leader included, if all are launched */
	double		table_rows;
	int			height;
	int			cells;
	int			lists;
	pg_atomic_uint64 assigned;	/* rows, by all */
	/* the parallel heap scan follows */
} Shared;

typedef struct Tally
{
	double		heap_tuples;
	double		nulls;
	double		nans;
	double		entries;
	bool		broken_hot_chain;
	/* entries and radii of lists, radii of cells follow */
} Tally;

struct IvfParallel
{
	ParallelContext *context;
	Snapshot	snapshot;
	dsm_segment *pile;			/* or NULL */
	Shared	   *shared;
	Sharedsort *sort;
	IvfFindings *findings;
	char	   *tallies;
	WalUsage   *wal;
	BufferUsage *buffers;
};

#define SHARED_SCAN(shared) \
	((ParallelTableScanDesc) ((char *) (shared) + BUFFERALIGN(sizeof(Shared))))

static Size
clusters_size(int cells, int lists, int n, int dim)
{
	/* what is read as if it were a panel's is followed by the norms, or by this */
	Size		size = mul_size(sizeof(float4) * (n + 1), add_size(cells, lists)) +
	sizeof(float4) * PANEL_SLACK;

	size = add_size(size, mul_size(sizeof(int), cells + 1));
	return add_size(size, sizeof(float4) * dim);
}

static Size
tally_size(int cells, int lists)
{
	return MAXALIGN(sizeof(Tally)) +
		MAXALIGN((Size) lists * (sizeof(uint32) + sizeof(float4)) + cells * sizeof(float4));
}

/*
 * Points the clusters' arrays, and the mean, into a piece of the segment.
 */
static float4 *
place_clusters(IvfClusters *clusters, int dim, char *at)
{
	clusters->list = (float4 *) at;
	clusters->cell = clusters->list + (Size) clusters->lists * clusters->n;
	clusters->list_norm = clusters->cell + (Size) clusters->cells * clusters->n;
	clusters->cell_norm = clusters->list_norm + clusters->lists;
	clusters->first = (int *) (clusters->cell_norm + clusters->cells);
	return (float4 *) (clusters->first + clusters->cells + 1);
}

/*
 * Has the build count into a worker's result.
 */
static Tally *
place_tally(IvfBuild *build, char *tallies, int worker)
{
	char	   *at = tallies + worker * tally_size(build->clusters->cells, build->clusters->lists);

	build->list_entries = (uint32 *) (at + MAXALIGN(sizeof(Tally)));
	build->list_radius = (float4 *) (build->list_entries + build->clusters->lists);
	build->cell_radius = build->list_radius + build->clusters->lists;
	return (Tally *) at;
}

/*
 * Asks for room for all of it; returns the size of Shared with the scan.
 */
static Size
estimate(ParallelContext *context, const IvfBuild *build, Snapshot snapshot)
{
	shm_toc_estimator *estimator = &context->estimator;
	const IvfClusters *clusters = build->clusters;
	Size		shared = add_size(BUFFERALIGN(sizeof(Shared)),
								  table_parallelscan_estimate(build->heap, snapshot));

	shm_toc_estimate_chunk(estimator, shared);
	shm_toc_estimate_chunk(estimator,
						   clusters_size(clusters->cells, clusters->lists, build->n, build->dim));
	shm_toc_estimate_chunk(estimator,
						   mul_size(tally_size(clusters->cells, clusters->lists), context->nworkers));
	shm_toc_estimate_chunk(estimator, tuplesort_estimate_shared(context->nworkers + 1));
	shm_toc_estimate_chunk(estimator, ivf_findings_size(clusters->lists, build->memory));
	shm_toc_estimate_chunk(estimator, mul_size(sizeof(WalUsage), context->nworkers));
	shm_toc_estimate_chunk(estimator, mul_size(sizeof(BufferUsage), context->nworkers));
	shm_toc_estimate_keys(estimator, 7);
	ivf_worker_estimate(context);
	return shared;
}

static void *
allocate(ParallelContext *context, uint64 key, Size size)
{
	void	   *at = shm_toc_allocate(context->toc, size);

	shm_toc_insert(context->toc, key, at);
	return at;
}

/*
 * Fills the segment with what workers read, and sets up what they write.
 */
static void
fill_segment(IvfParallel *parallel, const IvfBuild *build, Size shared_size)
{
	ParallelContext *context = parallel->context;
	const IvfClusters *clusters = build->clusters;
	IvfClusters copy = *clusters;
	Size		size = clusters_size(clusters->cells, clusters->lists, build->n, build->dim);
	Shared	   *shared = allocate(context, KEY_SHARED, shared_size);
	float4	   *mean;

	ivf_worker_share(context, build, &shared->target);
	shared->written = false;
	shared->piled = parallel->pile != NULL;
	shared->pile = parallel->pile ? dsm_segment_handle(parallel->pile) : 0;
	shared->participants = context->nworkers + 1;
	shared->table_rows = build->table_rows;
	shared->height = build->height;
	shared->cells = clusters->cells;
	shared->lists = clusters->lists;
	pg_atomic_init_u64(&shared->assigned, 0);
	table_parallelscan_initialize(build->heap, SHARED_SCAN(shared), parallel->snapshot);
	parallel->shared = shared;

	mean = place_clusters(&copy, build->dim, allocate(context, KEY_CLUSTERS, size));
	memcpy(copy.list, clusters->list, sizeof(float4) * build->n * clusters->lists);
	memcpy(copy.cell, clusters->cell, sizeof(float4) * build->n * clusters->cells);
	memcpy(copy.list_norm, clusters->list_norm, sizeof(float4) * clusters->lists);
	memcpy(copy.cell_norm, clusters->cell_norm, sizeof(float4) * clusters->cells);
	memcpy(copy.first, clusters->first, sizeof(int) * (clusters->cells + 1));
	memcpy(mean, build->space->mean, sizeof(float4) * build->dim);

	size = tally_size(clusters->cells, clusters->lists) * context->nworkers;
	parallel->tallies = allocate(context, KEY_TALLIES, size);
	memset(parallel->tallies, 0, size);
	parallel->sort = allocate(context, KEY_SORT, tuplesort_estimate_shared(context->nworkers + 1));
	tuplesort_initialize_shared(parallel->sort, context->nworkers + 1, context->seg);
	parallel->findings =
		ivf_findings_init(allocate(context, KEY_FINDINGS,
								   ivf_findings_size(clusters->lists, build->memory)),
						  clusters->lists, build->memory);
	parallel->wal = allocate(context, KEY_WAL, sizeof(WalUsage) * context->nworkers);
	parallel->buffers = allocate(context, KEY_BUFFERS, sizeof(BufferUsage) * context->nworkers);
}

static void
end_parallel(IvfParallel *parallel)
{
	if (IsMVCCSnapshot(parallel->snapshot))
		UnregisterSnapshot(parallel->snapshot);
	DestroyParallelContext(parallel->context);
	ExitParallelMode();
	if (parallel->pile)
		dsm_detach(parallel->pile);
	pfree(parallel);
}

/*
 * A segment with a pile for the rows' entries, where memory, and what is left of
 * the shared one beside all else, has room for them; else NULL.
 */
static dsm_segment *
create_pile(const IvfBuild *build, int workers)
{
	const IvfClusters *clusters = build->clusters;
	dsm_segment *segment;
	uint32		room;
	Size		payload;
	Size		besides;

	if (!ivf_pile_wanted(build, workers + 1, &room, &payload))
		return NULL;
	besides = IVF_CONTEXT_BYTES + workers * IVF_WORKER_BYTES +
		clusters_size(clusters->cells, clusters->lists, build->n, build->dim) +
		tally_size(clusters->cells, clusters->lists) * workers +
		ivf_findings_size(clusters->lists, build->memory);
	segment = ivf_segment_create(ivf_pile_size(room, payload), besides,
								 "entries are sorted on disk");
	if (segment)
		ivf_pile_init(dsm_segment_address(segment), room, payload);
	return segment;
}

/*
 * Launches workers; NULL if there is no segment to be had, or no worker.
 */
static IvfParallel *
begin_parallel(IvfBuild *build, int workers)
{
	IvfParallel *parallel = palloc0(sizeof(IvfParallel));
	Size		shared_size;

	parallel->pile = create_pile(build, workers);
	EnterParallelMode();
	/* by this name the functions of the extension were loaded */
	parallel->context = CreateParallelContext("$libdir/vecfeat", "vecfeat_parallel_build",
											  workers);

	/* the server's rule: what is alive for the snapshot, or all but the dead */
	parallel->snapshot = build->info->ii_Concurrent ?
		RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;
	shared_size = estimate(parallel->context, build, parallel->snapshot);
	InitializeParallelDSM(parallel->context);
	if (parallel->context->seg == NULL)
	{
		end_parallel(parallel);
		return NULL;
	}
	fill_segment(parallel, build, shared_size);

	LaunchParallelWorkers(parallel->context);
	ereport(DEBUG1,
			(errmsg_internal("index \"%s\": %d of %d workers launched",
							 RelationGetRelationName(build->index),
							 parallel->context->nworkers_launched, workers)));
	if (parallel->context->nworkers_launched == 0)
	{
		end_parallel(parallel);
		return NULL;
	}
	return parallel;
}

/*
 * The leader reads the clusters in the segment from now on: they are the
 * largest thing that a build keeps, and are not kept twice.
 */
static void
share_clusters(IvfBuild *build)
{
	IvfClusters *clusters = build->clusters;

	pfree(clusters->list);
	pfree(clusters->cell);
	pfree(clusters->list_norm);
	pfree(clusters->cell_norm);
	pfree(clusters->first);
	(void) place_clusters(clusters, build->dim,
						  shm_toc_lookup(build->parallel->context->toc, KEY_CLUSTERS, false));
}

/*
 * Adds the result of a worker that has ended to the leader's own.
 */
static void
add_tally(IvfBuild *build, int worker)
{
	IvfBuild	other = {.clusters = build->clusters};
	Tally	   *tally = place_tally(&other, build->parallel->tallies, worker);
	int			i;

	build->heap_tuples += tally->heap_tuples;
	build->nulls += tally->nulls;
	build->nans += tally->nans;
	build->entries += tally->entries;
	build->info->ii_BrokenHotChain |= tally->broken_hot_chain;
	for (i = 0; i < build->clusters->lists; i++)
	{
		ivf_count_entries(build, i, other.list_entries[i]);
		build->list_radius[i] = Max(build->list_radius[i], other.list_radius[i]);
	}
	for (i = 0; i < build->clusters->cells; i++)
		build->cell_radius[i] = Max(build->cell_radius[i], other.cell_radius[i]);
}

/*
 * Waits for the workers that were launched, and counts what they used.
 */
static void
wait_for_workers(IvfParallel *parallel)
{
	int			i;

	/* one that could not start would never end */
	WaitForParallelWorkersToAttach(parallel->context);
	WaitForParallelWorkersToFinish(parallel->context);
	for (i = 0; i < parallel->context->nworkers_launched; i++)
		InstrAccumParallelQuery(&parallel->buffers[i], &parallel->wal[i]);
}

/*
 * Takes part in the scan, as leader or worker, and sorts what came of it into
 * a run.
 */
static void
assign_share(IvfBuild *build, Shared *shared, Sharedsort *sort, int participants)
{
	SortCoordinateData coordinate = {.isWorker = true,.nParticipants = -1,.sharedsort = sort};

	build->assigned = &shared->assigned;
	ivf_assign_share(build, participants, &coordinate,
					 table_beginscan_parallel(build->heap, SHARED_SCAN(shared)));
	ivf_sorter_end(build->sorter);
	build->sorter = NULL;
}

/*
 * Assigns all rows with the help of other processes, and leaves the build as
 * ivf_assign_rows() does.  False, with nothing done, where the server has no
 * workers to give or the index can't be built by them.
 */
bool
ivf_parallel_assign(IvfBuild *build)
{
	SortCoordinateData coordinate;
	IvfParallel *parallel;
	int			workers;
	int			i;

	if (build->heap == NULL || RelationGetNumberOfBlocks(build->heap) == 0)
		return false;
	workers = ivf_build_workers(build->heap, build->index);
	if (workers == 0)
		return false;
	build->parallel = parallel = begin_parallel(build, workers);
	if (parallel == NULL)
		return false;
	share_clusters(build);
	if (parallel->pile)
		build->pile = dsm_segment_address(parallel->pile);

	coordinate.isWorker = false;
	coordinate.nParticipants = parallel->context->nworkers_launched + 1;
	coordinate.sharedsort = parallel->sort;
	assign_share(build, parallel->shared, parallel->sort, coordinate.nParticipants);

	wait_for_workers(parallel);
	for (i = 0; i < parallel->context->nworkers_launched; i++)
		add_tally(build, i);
	ivf_assign_merge(build, &coordinate);
	return true;
}

/*
 * Has as many workers as were to assign its rows begin to search the index, whose
 * pages are written.  It may be that none of them can be launched now.
 */
void
ivf_parallel_search(IvfBuild *build)
{
	IvfParallel *parallel = build->parallel;

	parallel->shared->written = true;
	ReinitializeParallelDSM(parallel->context);
	LaunchParallelWorkers(parallel->context);
	ereport(DEBUG1,
			(errmsg_internal("index \"%s\": %d of %d workers calibrate",
							 RelationGetRelationName(build->index),
							 parallel->context->nworkers_launched,
							 parallel->context->nworkers)));
}

/*
 * Joins them, and calibrates the index; as ivf_calibrate_fit().
 */
bool
ivf_parallel_calibrate(IvfBuild *build, IvfCalibrateProgress progress,
					   IvfCalibration *calibration)
{
	IvfParallel *parallel = build->parallel;

	ivf_calibrate_share(build->index, parallel->findings, progress);
	wait_for_workers(parallel);
	return ivf_calibrate_fit(build->index, parallel->findings, calibration);
}

/*
 * Lets go of what the processes shared, if there were several; the index is
 * written and calibrated.
 */
void
ivf_parallel_end(IvfBuild *build)
{
	if (build->parallel)
		end_parallel(build->parallel);
	build->parallel = NULL;
	build->pile = NULL;
}

/*
 * The build as a worker that assigns rows sees it, made from what is shared.
 */
static void
join_build(IvfBuild *build, Relation heap, Relation index, const Shared *shared, char *at)
{
	IvfClusters *clusters = palloc0(sizeof(IvfClusters));
	IndexInfo  *info = BuildIndexInfo(index);

	info->ii_Concurrent = shared->target.concurrent;
	ivf_build_begin(build, heap, index, info, MAIN_FORKNUM);
	clusters->n = build->n;
	clusters->cells = shared->cells;
	clusters->lists = shared->lists;
	build->clusters = clusters;
	build->height = shared->height;
	build->space = ivf_space_make(build->opclass, build->dim, IVF_ROTATION_SEED,
								  place_clusters(clusters, build->dim, at));
}

/*
 * A worker's share of the rows.
 */
static void
assign_in_worker(Relation heap, Relation index, Shared *shared, dsm_segment *seg,
				 shm_toc *toc)
{
	Sharedsort *sort = shm_toc_lookup(toc, KEY_SORT, false);
	dsm_segment *pile = shared->piled ? dsm_attach(shared->pile) : NULL;
	IvfBuild	build;
	Tally	   *tally;

	if (shared->piled && pile == NULL)
		return;					/* the leader has ended */
	join_build(&build, heap, index, shared, shm_toc_lookup(toc, KEY_CLUSTERS, false));
	tally = place_tally(&build, shm_toc_lookup(toc, KEY_TALLIES, false), ParallelWorkerNumber);
	if (pile)
		build.pile = dsm_segment_address(pile);
	build.table_rows = shared->table_rows;
	tuplesort_attach_shared(sort, seg);
	assign_share(&build, shared, sort, shared->participants);

	tally->heap_tuples = build.heap_tuples;
	tally->nulls = build.nulls;
	tally->nans = build.nans;
	tally->entries = build.entries;
	tally->broken_hot_chain = build.info->ii_BrokenHotChain;
	if (pile)
		dsm_detach(pile);
}

PGDLLEXPORT void vecfeat_parallel_build(dsm_segment *seg, shm_toc *toc);

/*
 * What a worker does, one time or the other.
 */
void
vecfeat_parallel_build(dsm_segment *seg, shm_toc *toc)
{
	Shared	   *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	WalUsage   *wal = shm_toc_lookup(toc, KEY_WAL, false);
	BufferUsage *buffers = shm_toc_lookup(toc, KEY_BUFFERS, false);
	Relation	heap;
	Relation	index;

	ivf_worker_open(toc, &shared->target, &heap, &index);

	InstrStartParallelQuery();
	if (shared->written)
		ivf_calibrate_share(index, shm_toc_lookup(toc, KEY_FINDINGS, false), NULL);
	else
		assign_in_worker(heap, index, shared, seg, toc);
	InstrEndParallelQuery(&buffers[ParallelWorkerNumber], &wal[ParallelWorkerNumber]);
	ivf_worker_close(&shared->target, heap, index);
}
