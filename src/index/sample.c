/*
 * sample.c
 *	  Which rows k-means sees.
 *
 * Whole blocks are sampled, as ANALYZE does, but with a seed of our own: two
 * builds of the same heap must give the same index.  Only live rows are used:
 * the values of dead ones may be gone from the TOAST table.
 */
#include "compat.h"

#include "index/work.h"

#include <float.h>
#include <limits.h>
#include <math.h>

#include "access/tableam.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/sampling.h"

/* rows in a list, when the number of lists is ours to choose */
#define ROWS_PER_LIST		500

/* blocks from which the number of rows is estimated */
#define PROBE_BLOCKS		64

#define SAMPLE_SEED			0x76656331

/*
 * Rows of the sample for each list, if memory allows: more where lists are made in
 * cells, of which each sees only its own rows.
 */
#define SAMPLE_IN_CELLS		128
#define SAMPLE_TOGETHER		64

typedef struct SampleState
{
	IvfBuild   *build;
	MemoryContext context;		/* reset after each row */
	double		seen;			/* rows with a place */
	double		limit;			/* stop handing out after so many */
	double	   *v;
	float4	   *row;
	IvfSampleFunction function;
	void	   *arg;
} SampleState;

/*
 * Hands out a row as n float4: in the index's space if that is known already,
 * else as it is (normalised for cosine).
 */
static void
sample_callback(Relation index, ItemPointer tid, Datum *values, bool *isnull,
				bool alive, void *arg)
{
	SampleState *state = arg;
	IvfBuild   *build = state->build;
	IvfSpace	raw = {.opclass = build->opclass,.metric = build->opclass->metric,
	.dim = build->dim};
	MemoryContext old;
	const float4 *x;
	bool		placed;

	if (!alive || isnull[0])
		return;
	state->seen++;
	if (state->function == NULL || state->seen > state->limit)
		return;

	old = MemoryContextSwitchTo(state->context);
	x = ivf_elements(build->index, build->opclass, build->dim, values[0]);
	memset(state->v, 0, sizeof(double) * build->n);
	placed = build->space ? ivf_place(build->space, x, state->v) :
		ivf_normalise(&raw, x, state->v);
	if (placed)
	{
		/* rotation can carry the largest values beyond float4 */
		vec_kernels->narrow(state->v, build->n, state->row);
		state->function(state->row, state->arg);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->context);
}

/*
 * Visits about so many sampled blocks of the heap; returns how many.
 */
static BlockNumber
scan_blocks(IvfBuild *build, SampleState *state, double blocks)
{
	BlockNumber total = RelationGetNumberOfBlocks(build->heap);
	BlockSamplerData sampler;
	BlockNumber visited = 0;

	BlockSampler_Init(&sampler, total, (int) Min(blocks, (double) INT_MAX),
					  SAMPLE_SEED);
	while (BlockSampler_HasMore(&sampler))
	{
		BlockNumber block = BlockSampler_Next(&sampler);

		CHECK_FOR_INTERRUPTS();

		/* anyvisible must be false: CREATE INDEX CONCURRENTLY relies on it */
		table_index_build_range_scan(build->heap, build->index, build->info,
									 false, false, false, block, 1,
									 sample_callback, state, NULL);
		visited++;
	}
	return visited;
}

/*
 * Calls function with about so many sampled rows out of table_rows.
 */
void
ivf_sample_scan(IvfBuild *build, double table_rows, double rows,
				IvfSampleFunction function, void *arg)
{
	BlockNumber total = RelationGetNumberOfBlocks(build->heap);
	SampleState state = {0};

	state.build = build;
	state.context = AllocSetContextCreate(CurrentMemoryContext, "ivf sample row",
										  ALLOCSET_DEFAULT_SIZES);
	state.v = palloc(sizeof(double) * build->n);
	state.row = palloc(sizeof(float4) * build->n);
	state.limit = rows;
	state.function = function;
	state.arg = arg;

	/* a few blocks more than the mean says, as rows are not spread evenly */
	scan_blocks(build, &state,
				table_rows > 0 ? ceil(total * Min(1, 1.05 * rows / table_rows)) + 1 : total);
	MemoryContextDelete(state.context);
	pfree(state.v);
	pfree(state.row);
}

/*
 * The rows to index, estimated from some blocks.  pg_class would tell for
 * less, but not the same for two builds of one heap.
 */
static double
estimate_rows(IvfBuild *build)
{
	BlockNumber total = RelationGetNumberOfBlocks(build->heap);
	SampleState state = {0};
	BlockNumber visited;

	state.build = build;
	visited = scan_blocks(build, &state, PROBE_BLOCKS);
	return visited > 0 ? state.seen / visited * total : 0;
}

/*
 * Lists that an index of so many rows gets.  Their centroids may take an
 * eighth of the memory, or half of it where the user asks for them.
 */
int
ivf_lists_wanted(const IvfBuild *build, double table_rows)
{
	double		fit = build->memory / (sizeof(float4) * (build->n + 1));
	double		wanted = build->lists_option;

	if (wanted > 0)
	{
		/* no more lists than rows, before their memory is judged */
		wanted = Min(wanted, Max(ceil(table_rows), 1));
		if (wanted > fit / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("maintenance_work_mem is too small for %.0f lists of %d dimensions",
							wanted, build->dim),
					 errhint("SET maintenance_work_mem = '%d MB'; or ask for fewer lists.",
							 (int) (wanted * 2 * sizeof(float4) * (build->n + 1) / (1024 * 1024)) + 1)));
		return (int) wanted;
	}
	wanted = rint(table_rows / ROWS_PER_LIST);
	if (wanted > fit / 8)
	{
		ereport(DEBUG1,
				(errmsg("maintenance_work_mem limits index \"%s\" to %.0f lists instead of %.0f",
						RelationGetRelationName(build->index), fit / 8, wanted)));
		wanted = fit / 8;
	}
	return (int) Max(wanted, 1);
}

/*
 * Rows of the sample from which so many lists are made.
 */
double
ivf_sample_wanted(const IvfBuild *build, int lists)
{
	return (double) lists *
		(ivf_cells_wanted(build, lists) > 1 ? SAMPLE_IN_CELLS : SAMPLE_TOGETHER);
}

typedef struct Collected
{
	IvfSample  *sample;
	float4	   *row;			/* those that are kept */
	int			n;
	double		limit;
	double		seen;
	Prng		prng;
} Collected;

/* keeps a uniform sample of what it is handed (Vitter's algorithm R) */
static void
collect_row(const float4 *row, void *arg)
{
	Collected  *collected = arg;
	IvfSample  *sample = collected->sample;
	double		place = collected->seen++;

	if ((int64) collected->seen % IVF_REPORT_ROWS == 0)
		ivf_build_done(collected->seen);
	if (place >= collected->limit)
	{
		place = floor(prng_double(&collected->prng) * collected->seen);
		if (place >= collected->limit)
			return;
	}
	else
		sample->rows++;
	memcpy(collected->row + (Size) place * collected->n, row,
		   sizeof(float4) * collected->n);
}

/*
 * Estimates how many rows there are, and takes the sample, as much of it as a half
 * of the build's memory holds.
 */
static void
take_sample(IvfBuild *build, IvfSample *sample)
{
	Collected	collected = {.sample = sample,.n = build->n,.prng = {SAMPLE_SEED}};
	double		wanted;
	double		most;
	int			lists;

	sample->table_rows = estimate_rows(build);
	lists = ivf_lists_wanted(build, sample->table_rows);
	wanted = ivf_sample_wanted(build, lists);
	ivf_build_phase(IVF_PHASE_SAMPLE, Min(wanted, sample->table_rows));

	/*
	 * Room for many more rows than there are would be wasted, and in shared memory
	 * really taken.  Should the estimate be far off, what is kept is a smaller
	 * sample, but no worse a one.
	 */
	most = Min(wanted, ceil(1.25 * sample->table_rows) + 4096);
	collected.limit = Min(most, floor(build->memory / 2 / (sizeof(float4) * build->n)));
	collected.limit = Min(collected.limit, INT_MAX);	/* rows are counted in int */
	ivf_work_begin(build, (int) collected.limit, collected.limit >= most, lists);
	collected.row = build->work->row;
	ivf_sample_scan(build, sample->table_rows, wanted, collect_row, &collected);
	sample->seen = collected.seen;
	sample->complete = build->work->all || collected.seen <= collected.limit;
}

/*
 * Samples rows, computes their mean and sets up the index's space with it.
 */
IvfSample *
ivf_sample_rows(IvfBuild *build)
{
	IvfSample  *sample = palloc0(sizeof(IvfSample));
	double	   *sum = palloc0(sizeof(double) * build->n);
	IvfWork    *work;
	int			i;
	int			j;

	if (build->heap)
		take_sample(build, sample);
	else
		ivf_work_begin(build, 0, true, 1);
	work = build->work;
	work->rows = sample->rows;

	for (i = 0; i < sample->rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		vec_kernels->add(work->row + (Size) i * build->n, build->dim, sum);
	}
	sample->mean = palloc0(sizeof(float4) * build->dim);
	for (j = 0; j < build->dim && sample->rows > 0; j++)
		sample->mean[j] = (float4) (sum[j] / sample->rows);
	pfree(sum);
	memcpy(work->mean, sample->mean, sizeof(float4) * build->dim);

	build->space = ivf_space_make(build->opclass, build->dim,
								  IVF_ROTATION_SEED, sample->mean);
	ivf_work_do(build, IVF_JOB_PLACE, IVF_PIECES(work->rows));
	return sample;
}
