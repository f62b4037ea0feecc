/*
 * build.c
 *	  CREATE INDEX and REINDEX: the steps in order, and their progress.
 */
#include "compat.h"

#include "index/build.h"

#include "catalog/index.h"
#include "commands/progress.h"
#include "index/ops.h"
#include "index/parallel.h"
#include "miscadmin.h"
#include "page/pause.h"
#include "pgstat.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"

/* children of a node, if more than 0; for tests of higher trees */
int			ivf_debug_fanout = 0;

/*
 * Begins a phase with so many units of work, or 0 if that is not known.
 */
void
ivf_build_phase(IvfPhase phase, double total)
{
	const int	params[] = {PROGRESS_CREATEIDX_SUBPHASE,
		PROGRESS_CREATEIDX_TUPLES_TOTAL, PROGRESS_CREATEIDX_TUPLES_DONE,
	};
	const int64 values[] = {phase, (int64) total, 0};

	pgstat_progress_update_multi_param(3, params, values);
}

/*
 * Reports how many units of the phase are done.
 */
void
ivf_build_done(double done)
{
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, (int64) done);
}

/*
 * The name of a phase, or NULL.
 */
char *
ivf_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case IVF_PHASE_SAMPLE:
			return "sampling rows";
		case IVF_PHASE_CLUSTER:
			return "clustering the sample";
		case IVF_PHASE_ASSIGN:
			return "assigning rows to lists";
		case IVF_PHASE_SORT:
			return "sorting codes";
		case IVF_PHASE_WRITE:
			return "writing pages";
		case IVF_PHASE_CALIBRATE:
			return "calibrating recall";
		default:
			return NULL;
	}
}

/*
 * The dimensions that the column was declared with, as many as an index takes.
 */
static int
declared_dimensions(Relation index)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
	int32		dim = ivf_column_dimensions(index);

	if (dim < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of index \"%s\" has no dimensions",
						NameStr(column->attname), RelationGetRelationName(index)),
				 errhint("Declare the column as vector(n), or index an expression that is cast to it: ((column::vector(n))).")));
	if (dim > IVF_MAX_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column \"%s\" has %d dimensions, an ivf index takes at most %d",
						NameStr(column->attname), dim, IVF_MAX_DIM),
				 errhint("Index fewer dimensions: ((subvector(%s, 1, %d)::vector(%d))).",
						 NameStr(column->attname), IVF_MAX_DIM, IVF_MAX_DIM)));
	return dim;
}

/*
 * Sets up what the catalogs and settings say of a build: a process that helps
 * another one with it finds the same.
 */
void
ivf_build_begin(IvfBuild *build, Relation heap, Relation index,
				IndexInfo *info, ForkNumber fork)
{
	memset(build, 0, sizeof(*build));
	build->heap = heap;
	build->index = index;
	build->info = info;
	build->fork = fork;
	build->opclass = ivf_opclass(index);
	build->dim = declared_dimensions(index);
	build->n = rotation_padded(build->dim);
	build->lists_option = index->rd_options ?
		((IvfOptions *) index->rd_options)->lists : 0;
	build->fanout = ivf_debug_fanout > 0 ? ivf_debug_fanout : IVF_FANOUT;
	build->memory = (Size) maintenance_work_mem * 1024;
}

/*
 * Levels of a tree with these lists.  The cells of the clustering become nodes
 * when one root would have too many children.
 */
static int
tree_height(const IvfBuild *build)
{
	if (build->clusters->lists == 1)
		return 1;
	return build->clusters->lists <= build->fanout || build->clusters->cells == 1 ? 2 : 3;
}

static void
run_build(IvfBuild *build)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "ivf build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfSample  *sample;

	if (build->heap)
		ivf_build_phase(IVF_PHASE_SAMPLE, 0);
	sample = ivf_sample_rows(build);
	IVF_PAUSE("build sampled");
	if (build->heap)
		ivf_build_phase(IVF_PHASE_CLUSTER, sample->seen);
	build->table_rows = sample->table_rows;
	build->clusters = ivf_cluster(build, sample);
	build->height = tree_height(build);

	build->list_entries = palloc_extended(sizeof(uint32) * (Size) build->clusters->lists,
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	build->list_radius = palloc_extended(sizeof(float4) * (Size) build->clusters->lists,
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	build->cell_radius = palloc0(sizeof(float4) * build->clusters->cells);
	if (build->heap)
		ivf_build_phase(IVF_PHASE_ASSIGN, sample->table_rows);
	IVF_PAUSE("build clustered");
	if (!ivf_parallel_assign(build))
		ivf_assign_rows(build);
	IVF_PAUSE("build assigned");
	if (build->heap)
		ivf_build_phase(IVF_PHASE_WRITE,
						build->entries + build->nulls + build->nans);
	ivf_write_index(build);
	IVF_PAUSE("build written");
	ivf_parallel_end(build);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * ambuild
 */
IndexBuildResult *
ivf_build(Relation heap, Relation index, IndexInfo *info)
{
	IvfBuild	build;
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));

	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data",
			 RelationGetRelationName(index));
	ivf_build_begin(&build, heap, index, info, MAIN_FORKNUM);
	run_build(&build);
	result->heap_tuples = build.heap_tuples;
	result->index_tuples = build.entries + build.nulls + build.nans;
	return result;
}

/*
 * ambuildempty: what an unlogged index is after a crash.
 */
void
ivf_build_empty(Relation index)
{
	IvfBuild	build;

	ivf_build_begin(&build, NULL, index, NULL, INIT_FORKNUM);
	run_build(&build);
}
