/*
 * cluster.c
 *	  Hierarchical k-means over a sample: cells first, then lists in each cell.
 *
 * With L lists there are about sqrt(L) cells, so that both steps, and later
 * the assignment of every row, compare a vector with some multiples of sqrt(L)
 * centroids, not with L.
 *
 * What takes long is done in pieces (index/job.c), by several processes where
 * there are some.  A sample that memory can't hold is sorted by cell, on disk if
 * need be, and clustered a cell at a time by one.
 */
#include "compat.h"

#include "index/work.h"

#include <math.h>

#include "access/table.h"
#include "ground/panels.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* fewer lists are clustered at once: dearer a list, but the better lists */
#define MIN_LISTS_FOR_CELLS	128

#define CELL_ITERATIONS		10
#define LIST_ITERATIONS		8
#define ALONE_ITERATIONS	6		/* of lists where there are no cells */
#define ROWS_PER_CELL		256

/*
 * Where all cluster together, seeds are drawn from so many rows for each: the
 * others wait meanwhile.  (In cells with 128 rows for each list, seeds from 32 of
 * them cost a hundredth more entries for the same recall.  Where there are no
 * cells, seeds from 8, 16 or 32 of 64 are as good.)
 */
#define CELL_SEED_ROWS		32
#define ALONE_SEED_ROWS		16

/* rows whose places are found together, if memory allows */
#define ROWS_TOGETHER		1024

#define CLUSTER_SEED		0x76656332

/*
 * Rows that a build handles together where each takes so many bytes.
 */
int
ivf_rows_together(const IvfBuild *build, Size bytes)
{
	return (int) Max(Min(build->memory / 32 / bytes, ROWS_TOGETHER), 1);
}

/*
 * Cells for so many lists.  A tree of three levels has them for nodes.
 */
int
ivf_cells_wanted(const IvfBuild *build, int lists)
{
	return lists < MIN_LISTS_FOR_CELLS && lists <= build->fanout ?
		1 : (int) ceil(sqrt(lists));
}

/*
 * Rows from which so many cells are made.
 */
int
ivf_cell_sample(int cells)
{
	return cells * ROWS_PER_CELL;
}

/* has a step of k-means done by all */
static void
step_together(KmeansStep step, int pieces, void *arg)
{
	IvfBuild   *build = arg;

	build->work->step = step;
	ivf_work_do(build, IVF_JOB_KMEANS, pieces);
}

/*
 * k-means over the first so many rows in order, by all.
 */
static int
cluster_together(IvfBuild *build, int nrows, int k, int seed_rows, int iterations,
				 Prng *prng, float4 *centroids)
{
	IvfWork    *work = build->work;
	Kmeans		run = ivf_kmeans_begin(work->row, nrows, work->n, k, centroids);
	void	   *own = MemoryContextAllocHuge(CurrentMemoryContext, kmeans_own_space(k, work->n));
	int			found;

	run.place = work->order;
	run.seed_rows = seed_rows;
	run.together = step_together;
	run.together_arg = build;
	run.seeded = &work->k;
	kmeans_place(&run, work->space, own);
	work->k_rows = nrows;
	work->k_room = k;
	work->centroids = centroids;
	found = kmeans(&run, iterations, prng);
	pfree(own);
	return found;
}

/*
 * Clusters the rows of a cell into at most so many lists; returns how many.
 */
int
ivf_cluster_cell(int cell, const float4 *rows, const int *place, int nrows, int n,
				 int lists, float4 *centroids)
{
	Prng		begin = {CLUSTER_SEED + cell};
	Prng		prng = {prng_next(&begin)};
	int			k = Min(lists, nrows);
	Kmeans		run = ivf_kmeans_begin(rows, nrows, n, k, centroids);
	void	   *space;
	void	   *own;
	int			found;

	if (nrows == 0)
		return 0;
	space = MemoryContextAllocHuge(CurrentMemoryContext, kmeans_space(nrows, k, n));
	own = MemoryContextAllocHuge(CurrentMemoryContext, kmeans_own_space(k, n));
	run.place = place;
	kmeans_place(&run, space, own);
	found = kmeans(&run, LIST_ITERATIONS, &prng);
	pfree(space);
	pfree(own);
	return found;
}

/*
 * Cells from a part of the sample in memory.
 */
static void
make_cells(IvfBuild *build, Prng *prng)
{
	IvfWork    *work = build->work;
	int			cells = work->cells_room;
	int			wanted = Min(work->rows, ivf_cell_sample(cells));
	int			i;

	for (i = 0; i < wanted; i++)
		work->order[i] = (int) ((double) i * work->rows / wanted);
	work->clusters.cells = cluster_together(build, wanted, Min(cells, wanted),
											CELL_SEED_ROWS, CELL_ITERATIONS, prng, work->clusters.cell);
}

/*
 * Sorts the rows in memory by their labels, of which there are so many; those of
 * a label keep their order.
 */
void
ivf_sort_labels(IvfWork *work, int labels)
{
	labels_count(work->label, work->rows, labels, work->start);
	labels_sort(work->label, work->rows, labels, work->start, work->order);
}

/*
 * Shares the lists out among the cells, in proportion to their rows; a cell
 * with rows gets at least one.  So it is known where a cell's lists begin before
 * those of the cells before it are found.
 */
static void
share_lists(IvfWork *work, const uint32 *count, int lists)
{
	IvfClusters *clusters = &work->clusters;
	int			cells = clusters->cells;
	int		   *share = work->share;
	double		total = 0;
	double		before = 0;
	int			spare = lists;
	int			i;

	for (i = 0; i < cells; i++)
	{
		total += count[i];
		if (count[i] > 0)
			spare--;
	}
	spare = Max(spare, 0);
	clusters->first[0] = 0;
	for (i = 0; i < cells; i++)
	{
		clusters->first[i + 1] = clusters->first[i];
		share[i] = 0;
		if (count[i] == 0)
			continue;
		share[i] = 1 + (int) (rint((before + count[i]) / total * spare) -
							  rint(before / total * spare));
		before += count[i];
		clusters->first[i + 1] += Min((uint32) share[i], count[i]);
	}
}

/*
 * Moves lists to where those before them end, as some cells may have got fewer
 * than their share.
 */
static void
close_gaps(IvfWork *work)
{
	IvfClusters *clusters = &work->clusters;
	int			lists = 0;
	int			i;

	for (i = 0; i < clusters->cells; i++)
	{
		memmove(clusters->list + (Size) lists * work->n,
				clusters->list + (Size) clusters->first[i] * work->n,
				sizeof(float4) * work->n * work->found[i]);
		clusters->first[i] = lists;
		lists += work->found[i];
	}
	clusters->first[i] = clusters->lists = lists;
}

/*
 * Clusters a sample in memory: a single cell by all together, others one by each.
 */
static void
cluster_memory(IvfBuild *build, int lists, Prng *prng)
{
	IvfWork    *work = build->work;
	IvfClusters *clusters = &work->clusters;
	uint32	   *count;
	int			i;

	ivf_work_complete(work);
	if (work->cells_room == 1)
	{
		for (i = 0; i < work->rows; i++)
			work->order[i] = i;
		clusters->lists = cluster_together(build, work->rows, Min(lists, work->rows),
										   ALONE_SEED_ROWS, ALONE_ITERATIONS, prng,
										   clusters->list);
		clusters->first[0] = 0;
		clusters->first[1] = clusters->lists;
		ivf_build_done(work->rows);
		return;
	}
	ivf_work_do(build, IVF_JOB_GROUP, IVF_PIECES(work->rows));
	ivf_sort_labels(work, clusters->cells);
	count = palloc(sizeof(uint32) * clusters->cells);
	for (i = 0; i < clusters->cells; i++)
		count[i] = work->start[i + 1] - work->start[i];
	share_lists(work, count, lists);
	pfree(count);
	ivf_work_do(build, IVF_JOB_CELL, clusters->cells);
	close_gaps(work);
}

/*
 * A sample on disk, sorted by cell.
 */
typedef struct CellRows
{
	const IvfWork *work;
	uint32	   *count;			/* rows in each cell */
	IvfSorter  *sorter;
	Prng		prng;
	float4	   *products;
} CellRows;

static void
spool_row(const float4 *row, void *arg)
{
	CellRows   *rows = arg;
	const IvfWork *work = rows->work;
	float4		score;
	int			cell;

	panels_nearest(&row, 1, work->panels, work->clusters.cell_norm, work->clusters.cells,
				   work->n, rows->products, &cell, &score);
	/* the second key shuffles a cell's rows: it may have more than we can use */
	rows->count[cell]++;
	ivf_sorter_put(rows->sorter, cell, (int64) prng_next(&rows->prng), row,
				   sizeof(float4) * work->n);
}

/*
 * Copies up to room rows of a cell, of which the caller has seen all cells
 * before; returns how many.
 */
static int
read_cell(CellRows *rows, int cell, float4 *to, int room)
{
	int			n = rows->work->n;
	uint32		i;
	int			read = 0;

	for (i = 0; i < rows->count[cell]; i++)
	{
		const void *from;
		int64		key[2];

		CHECK_FOR_INTERRUPTS();
		if (!ivf_sorter_next(rows->sorter, &key[0], &key[1], &from))
			elog(ERROR, "the sorted sample ends early");
		if (read < room)
			memcpy(to + (Size) read++ * n, from, sizeof(float4) * n);
	}
	return read;
}

/*
 * Clusters the cells one after the other into their shares of lists.
 */
static void
cluster_cells(IvfBuild *build, CellRows *rows)
{
	IvfWork    *work = build->work;
	double		room = 1;
	double		done = 0;
	float4	   *buffer;
	int			i;

	for (i = 0; i < work->clusters.cells; i++)
		room = Max(room, rows->count[i]);
	room = Min(room, floor(build->memory / 4 / (sizeof(float4) * build->n)));
	buffer = MemoryContextAllocHuge(CurrentMemoryContext,
									sizeof(float4) * build->n * (Size) Max(room, 1));
	for (i = 0; i < work->clusters.cells; i++)
	{
		int			nrows = read_cell(rows, i, buffer, (int) room);

		work->found[i] = ivf_cluster_cell(i, buffer, NULL, nrows, work->n, work->share[i],
										  work->clusters.list +
										  (Size) work->clusters.first[i] * work->n);
		done += rows->count[i];
		ivf_build_done(done);
	}
	pfree(buffer);
}

/*
 * Clusters a sample that memory does not hold: it is read a second time, now all
 * of it, and sorted by cell.
 */
static void
cluster_table(IvfBuild *build, const IvfSample *sample, int lists, double wanted)
{
	IvfWork    *work = build->work;
	CellRows	rows = {.work = work,.prng = {CLUSTER_SEED}};

	ivf_work_forget(work);
	rows.count = palloc0(sizeof(uint32) * work->clusters.cells);
	rows.products = palloc(sizeof(float4) * PANEL_ROWS * PANEL_WIDTH(work->clusters.cells));
	rows.sorter = ivf_sorter_begin((int) (build->memory / 4 / 1024), NULL);
	ivf_sample_scan(build, sample->table_rows, wanted, spool_row, &rows);
	ivf_sorter_sort(rows.sorter);
	share_lists(work, rows.count, lists);
	cluster_cells(build, &rows);
	ivf_sorter_end(rows.sorter);
	close_gaps(work);
	pfree(rows.count);
	pfree(rows.products);
}

/*
 * Puts the centroids into panels, and computes their norms.
 */
static void
pack_clusters(IvfClusters *clusters)
{
	int			n = clusters->n;
	float4	   *scratch = palloc(sizeof(float4) * VEC_LANES * n);
	int			i;

	centroid_norms(clusters->list, clusters->lists, n, clusters->list_norm);
	centroid_norms(clusters->cell, clusters->cells, n, clusters->cell_norm);
	panels_pack_here(clusters->cell, clusters->cells, n, scratch);
	for (i = 0; i < clusters->cells; i++)
		panels_pack_here(clusters->list + (Size) clusters->first[i] * n,
						 clusters->first[i + 1] - clusters->first[i], n, scratch);
	pfree(scratch);
}

/*
 * Drops cells to which no row of the sample is nearest, and which so have no
 * lists: an inner node without children would be a dead end for inserts.
 */
static void
drop_empty_cells(IvfClusters *clusters)
{
	Size		bytes = sizeof(float4) * clusters->n;
	int			kept = 0;
	int			i;

	for (i = 0; i < clusters->cells; i++)
	{
		if (clusters->first[i] == clusters->first[i + 1])
			continue;
		memmove(clusters->cell + (Size) kept * clusters->n,
				clusters->cell + (Size) i * clusters->n, bytes);
		clusters->cell_norm[kept] = clusters->cell_norm[i];
		clusters->first[kept++] = clusters->first[i];
	}
	clusters->first[kept] = clusters->lists;
	clusters->cells = kept;
}

/*
 * Clusters the sampled rows into as many lists as the table wants, or fewer
 * if there are not so many distinct rows in the sample.  Frees the sample's
 * rows.  A single list has the mean for its centroid.
 */
IvfClusters *
ivf_cluster(IvfBuild *build, IvfSample *sample)
{
	IvfWork    *work = build->work;
	IvfClusters *clusters = &work->clusters;
	int			lists = ivf_lists_wanted(build, sample->table_rows);
	double		wanted = ivf_sample_wanted(build, lists);
	Prng		prng = {CLUSTER_SEED};

	clusters->cells = 1;
	clusters->cell_norm[0] = 0;
	memset(clusters->cell, 0, sizeof(float4) * build->n);
	memset(clusters->list, 0, sizeof(float4) * build->n);

	if (lists > 1 && sample->rows > 0)
	{
		if (work->cells_room > 1)
			make_cells(build, &prng);
		centroid_norms(clusters->cell, clusters->cells, build->n,
					   clusters->cell_norm);
		panels_pack(clusters->cell, clusters->cells, build->n, work->panels);
		if (sample->complete)
			cluster_memory(build, lists, &prng);
		else
			cluster_table(build, sample, lists, wanted);
		drop_empty_cells(clusters);
	}
	else
	{
		clusters->lists = 1;
		clusters->first[0] = 0;
		clusters->first[1] = 1;
	}

	/* k-means may have found a single one too, and rounded the mean's zeros */
	if (clusters->lists == 1)
		memset(clusters->list, 0, sizeof(float4) * build->n);
	pack_clusters(clusters);
	if (clusters->cells > 1)
		ivf_mend_borders(build, sample, wanted);
	return ivf_work_end(build);
}
