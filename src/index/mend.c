/*
 * mend.c
 *	  Moves lists to where the borders between cells do not matter.
 *
 * Lists are formed within cells, and at the cells' borders that shows: without
 * this, the same recall takes a twentieth more entries on SIFT, and more on LSA
 * vectors of 768 dimensions.
 */
#include "compat.h"

#include "index/work.h"

#include "ground/panels.h"
#include "utils/memutils.h"

#define BORDER_PASSES		2

/*
 * Moves the centroid of a list to the mean of so many rows, whose sum this is.
 */
void
ivf_move_list(const IvfClusters *clusters, int cell, int list, const double *sum,
			  uint32 rows)
{
	int			n = clusters->n;
	int			first = clusters->first[cell];
	float4	   *mean;
	int			j;

	if (rows == 0)
		return;
	mean = palloc(sizeof(float4) * n);
	for (j = 0; j < n; j++)
		mean[j] = (float4) (sum[j] / rows);
	panels_set(clusters->list + (Size) first * n, clusters->first[cell + 1] - first,
			   n, list - first, mean);
	centroid_norms(mean, 1, n, &clusters->list_norm[list]);
	pfree(mean);
}

/*
 * Sums of the sampled rows by list, and rows that are not in them yet.
 */
typedef struct Means
{
	const IvfClusters *clusters;
	IvfNearest *nearest;
	double	   *sum;			/* lists rows of n */
	uint32	   *count;
	int			room;
	int			waiting;
	float4	   *buffer;			/* the waiting rows */
	const float4 **row;
	int		   *list;
	int		   *cell;
} Means;

static void
add_waiting(Means *means)
{
	int			n = means->clusters->n;
	int			i;

	ivf_nearest_lists(means->nearest, means->row, means->waiting, means->list,
					  means->cell);
	for (i = 0; i < means->waiting; i++)
	{
		vec_kernels->add(means->row[i], n, means->sum + (Size) means->list[i] * n);
		means->count[means->list[i]]++;
	}
	means->waiting = 0;
}

static void
add_to_means(const float4 *row, void *arg)
{
	Means	   *means = arg;

	memcpy(means->buffer + (Size) means->waiting * means->clusters->n, row,
		   sizeof(float4) * means->clusters->n);
	if (++means->waiting == means->room)
		add_waiting(means);
}

static void
means_begin(Means *means, const IvfBuild *build, const IvfClusters *clusters)
{
	int			n = clusters->n;
	int			i;

	means->clusters = clusters;
	means->sum = palloc_extended(sizeof(double) * n * clusters->lists, MCXT_ALLOC_HUGE);
	means->count = palloc_extended(sizeof(uint32) * (Size) clusters->lists,
								   MCXT_ALLOC_HUGE);
	means->room = ivf_rows_together(build, sizeof(float4) * n);
	means->nearest = ivf_nearest_begin(clusters, means->room, false);
	means->buffer = MemoryContextAllocHuge(CurrentMemoryContext,
											 sizeof(float4) * n * means->room);
	means->row = palloc(sizeof(float4 *) * means->room);
	for (i = 0; i < means->room; i++)
		means->row[i] = means->buffer + (Size) i * n;
	means->list = palloc(sizeof(int) * means->room);
	means->cell = palloc(sizeof(int) * means->room);
}

static void
means_end(Means *means)
{
	ivf_nearest_end(means->nearest);
	pfree(means->sum);
	pfree(means->count);
	pfree(means->buffer);
	pfree(means->row);
	pfree(means->list);
	pfree(means->cell);
}

static void
move_lists(const IvfClusters *clusters, const Means *means)
{
	int			cell;
	int			list;

	for (cell = 0; cell < clusters->cells; cell++)
	{
		for (list = clusters->first[cell]; list < clusters->first[cell + 1]; list++)
			ivf_move_list(clusters, cell, list, means->sum + (Size) list * clusters->n,
						  means->count[list]);
	}
}

/*
 * A pass over a sample that is not in memory: the rows are read once more.
 */
static void
pass_over_table(IvfBuild *build, const IvfSample *sample, double wanted)
{
	IvfClusters *clusters = &build->work->clusters;
	Means		means = {0};

	means_begin(&means, build, clusters);
	memset(means.sum, 0, sizeof(double) * clusters->lists * clusters->n);
	memset(means.count, 0, sizeof(uint32) * clusters->lists);
	ivf_sample_scan(build, sample->table_rows, wanted, add_to_means, &means);
	add_waiting(&means);
	move_lists(clusters, &means);
	means_end(&means);
}

static void
pass_over_memory(IvfBuild *build)
{
	IvfWork    *work = build->work;

	ivf_work_do(build, IVF_JOB_NEAREST, IVF_PIECES(work->rows));
	ivf_sort_labels(work, work->clusters.lists);
	ivf_work_do(build, IVF_JOB_MEAN, work->clusters.cells);
}

/*
 * Moves every centroid to the mean of the sampled rows nearest to it, whatever
 * their cells.
 *
 * The sums take twice the memory of the centroids, where the sample is not in
 * memory; where those have been given more than their eighth, the step is left
 * out.
 */
void
ivf_mend_borders(IvfBuild *build, const IvfSample *sample, double wanted)
{
	Size		values = (Size) build->work->clusters.lists * build->n;
	int			pass;

	if (values * sizeof(double) > build->memory / 4)
		return;
	for (pass = 0; pass < BORDER_PASSES; pass++)
	{
		if (build->work->row)
			pass_over_memory(build);
		else
			pass_over_table(build, sample, wanted);
	}
}
