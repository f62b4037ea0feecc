/*
 * team.c
 *	  Several processes cluster a sample.
 *
 * The leader samples the table into memory that all share, and decides what is
 * to be done; where that can be done in pieces, workers take part.  They are
 * there from before the sample is taken until it is clustered, and wait while
 * the leader is by itself.
 *
 * In the segment of the parallel context lies Team: the job at hand, behind a
 * spinlock, and what it is of.  A job is announced by its number.  Whoever finds
 * it open joins it, takes pieces by an atomic counter, and leaves it; the leader
 * does the same, closes it when there are no more pieces, and waits until all
 * have left.  So no job waits for a worker that is late.
 * What a job writes, each piece a place of its own, is read when all have left.
 *
 * The sample lies in a segment of its own, which may be large: where there is no
 * room for it, as in containers that have 64 MB for this, one process clusters
 * alone, in its own memory.
 */
#include "compat.h"

#include "index/work.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "index/parallel.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/spin.h"
#include "utils/memutils.h"

#define KEY_TEAM		UINT64CONST(0x7665630000000011)

typedef struct Team
{
	IvfTarget	target;
	dsm_handle	sample;
	char	   *base;			/* where the leader has that segment */

	slock_t		mutex;			/* of what follows */
	uint32		number;			/* of the last job */
	IvfJob		job;
	int			pieces;
	bool		open;			/* may it be joined? */
	bool		over;			/* there will be no other */
	int			inside;			/* processes */

	pg_atomic_uint32 next;		/* piece */
	ConditionVariable announced;
	ConditionVariable left;
	IvfWork		work;
} Team;

struct IvfTeam
{
	ParallelContext *context;
	dsm_segment *segment;
	Team	   *shared;
};

/* makes a pointer of another process's one of this one's */
#define MOVE(pointer) \
	((pointer) = (void *) ((char *) (pointer) + moved))

static void
move_pointers(IvfWork *work, ptrdiff_t moved)
{
	MOVE(work->mean);
	MOVE(work->label);
	MOVE(work->order);
	MOVE(work->start);
	MOVE(work->share);
	MOVE(work->found);
	MOVE(work->panels);
	MOVE(work->space);
	MOVE(work->clusters.first);
	MOVE(work->clusters.cell);
	MOVE(work->clusters.cell_norm);
	MOVE(work->clusters.list);
	MOVE(work->clusters.list_norm);
	MOVE(work->row);
	MOVE(work->centroids);
}

static void
end_context(ParallelContext *context)
{
	DestroyParallelContext(context);
	ExitParallelMode();
}

/*
 * Sets up what workers find, and launches them.
 */
static bool
launch(IvfBuild *build, IvfTeam *team, dsm_segment *segment, int workers)
{
	ParallelContext *context;
	Team	   *shared;

	EnterParallelMode();
	context = CreateParallelContext("$libdir/vecfeat", "vecfeat_parallel_cluster", workers);
	shm_toc_estimate_chunk(&context->estimator, sizeof(Team));
	shm_toc_estimate_keys(&context->estimator, 1);
	ivf_worker_estimate(context);
	InitializeParallelDSM(context);
	if (context->seg == NULL)
	{
		end_context(context);
		return false;
	}

	shared = shm_toc_allocate(context->toc, sizeof(Team));
	memset(shared, 0, sizeof(*shared));
	ivf_worker_share(context, build, &shared->target);
	shared->sample = dsm_segment_handle(segment);
	shared->base = dsm_segment_address(segment);
	SpinLockInit(&shared->mutex);
	pg_atomic_init_u32(&shared->next, 0);
	ConditionVariableInit(&shared->announced);
	ConditionVariableInit(&shared->left);
	shm_toc_insert(context->toc, KEY_TEAM, shared);

	LaunchParallelWorkers(context);
	ereport(DEBUG1,
			(errmsg_internal("index \"%s\": %d of %d workers cluster",
							 RelationGetRelationName(build->index),
							 context->nworkers_launched, workers)));
	if (context->nworkers_launched == 0)
	{
		end_context(context);
		return false;
	}
	team->context = context;
	team->segment = segment;
	team->shared = shared;
	return true;
}

/*
 * A team for a sample, all of whose arrays take so many bytes; NULL if there is to
 * be none.  work and base become what is shared: the description, and the bytes.
 */
IvfTeam *
ivf_team_begin(IvfBuild *build, Size size, IvfWork **work, char **base)
{
	int			workers = build->heap ? ivf_build_workers(build->heap, build->index) : 0;
	IvfTeam    *team;
	dsm_segment *segment;

	if (workers == 0)
		return NULL;
	segment = ivf_segment_create(size, IVF_CONTEXT_BYTES + workers * IVF_WORKER_BYTES,
								 "a sample is clustered by one process");
	if (segment == NULL)
		return NULL;
	team = palloc0(sizeof(IvfTeam));
	if (launch(build, team, segment, workers))
	{
		*work = &team->shared->work;
		*base = team->shared->base;
		return team;
	}
	dsm_detach(segment);
	pfree(team);
	return NULL;
}

/*
 * Announces a job to the team.
 */
static void
open_job(Team *shared, IvfJob job, int pieces)
{
	pg_atomic_write_u32(&shared->next, 0);
	SpinLockAcquire(&shared->mutex);
	shared->number++;
	shared->job = job;
	shared->pieces = pieces;
	shared->open = true;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->announced);
}

static bool
all_left(Team *shared)
{
	bool		left;

	SpinLockAcquire(&shared->mutex);
	shared->open = false;
	left = shared->inside == 0;
	SpinLockRelease(&shared->mutex);
	return left;
}

/*
 * Has all pieces of a job done by the team, this process included.
 */
void
ivf_team_do(IvfBuild *build, IvfJob job, int count)
{
	Team	   *shared = build->team->shared;
	IvfPieces	pieces = {.next = &shared->next,.count = count};

	open_job(shared, job, count);
	ivf_job(build, build->work, job, &pieces);
	ConditionVariablePrepareToSleep(&shared->left);
	while (!all_left(shared))
		ConditionVariableSleep(&shared->left, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	ConditionVariableCancelSleep();
}

/*
 * Ends the team, and what it shares.
 */
void
ivf_team_end(IvfTeam *team)
{
	SpinLockAcquire(&team->shared->mutex);
	team->shared->over = true;
	SpinLockRelease(&team->shared->mutex);
	ConditionVariableBroadcast(&team->shared->announced);
	WaitForParallelWorkersToAttach(team->context);
	WaitForParallelWorkersToFinish(team->context);
	end_context(team->context);
	dsm_detach(team->segment);
	pfree(team);
}

/*
 * Waits for a job that is not the last one that was seen, and joins it; false if
 * there will be none.
 */
static bool
join_job(Team *shared, uint32 *seen, IvfJob *job, IvfPieces *pieces)
{
	bool		joined = false;

	ConditionVariablePrepareToSleep(&shared->announced);
	for (;;)
	{
		bool		over;

		SpinLockAcquire(&shared->mutex);
		over = shared->over;
		if (!over && shared->open && shared->number != *seen)
		{
			joined = true;
			*seen = shared->number;
			*job = shared->job;
			pieces->count = shared->pieces;
			shared->inside++;
		}
		SpinLockRelease(&shared->mutex);
		if (joined || over)
			break;
		ConditionVariableSleep(&shared->announced, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
	return joined;
}

static void
leave_job(Team *shared)
{
	SpinLockAcquire(&shared->mutex);
	shared->inside--;
	SpinLockRelease(&shared->mutex);
	ConditionVariableSignal(&shared->left);
}

PGDLLEXPORT void vecfeat_parallel_cluster(dsm_segment *seg, shm_toc *toc);

/*
 * A worker: joins jobs until there are no more.
 */
void
vecfeat_parallel_cluster(dsm_segment *seg, shm_toc *toc)
{
	Team	   *shared = shm_toc_lookup(toc, KEY_TEAM, false);
	dsm_segment *segment;
	Relation	heap;
	Relation	index;
	IvfBuild	build;
	IvfPieces	pieces = {.next = &shared->next};
	uint32		seen = 0;
	IvfJob		job;

	segment = dsm_attach(shared->sample);
	if (segment == NULL)
		return;					/* the leader has ended */
	ivf_worker_open(toc, &shared->target, &heap, &index);
	ivf_build_begin(&build, heap, index, BuildIndexInfo(index), MAIN_FORKNUM);

	while (join_job(shared, &seen, &job, &pieces))
	{
		IvfWork		work = shared->work;

		move_pointers(&work, (char *) dsm_segment_address(segment) - shared->base);
		ivf_job(&build, &work, job, &pieces);
		leave_job(shared);
	}
	ivf_worker_close(&shared->target, heap, index);
	dsm_detach(segment);
}
