/*
 * cluster.c
 *	  Hierarchical k-means over a sample: cells first, then lists in each cell.
 *
 * With L lists there are about sqrt(L) cells, so that both steps, and later
 * the assignment of every row, compare a vector with some multiples of sqrt(L)
 * centroids, not with L.
 *
 * A sample that memory can't hold is sorted by cell, on disk if need be, and
 * clustered a cell at a time.
 */
#include "compat.h"

#include "index/build.h"

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
#define ROWS_PER_CELL		256
#define BORDER_PASSES		2

/* rows whose places are found together, if memory allows */
#define ROWS_TOGETHER		1024

#define CLUSTER_SEED		0x76656332

static void
tick(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

/* rows, or as many vectors in panels */
static float4 *
alloc_rows(double rows, int n)
{
	return MemoryContextAllocHuge(CurrentMemoryContext,
								  ((Size) (Max(rows, 1) * n) + PANEL_SLACK) * sizeof(float4));
}

/*
 * Rows that a build handles together where each takes so many bytes.
 */
int
ivf_rows_together(const IvfBuild *build, Size bytes)
{
	return (int) Max(Min(build->memory / 32 / bytes, ROWS_TOGETHER), 1);
}

/*
 * k-means in the current context; room for the result is the caller's.
 */
static int
cluster_rows(const float4 *rows, int nrows, int n, int k, int iterations,
			 Prng *prng, float4 *centroids)
{
	void	   *space = MemoryContextAllocHuge(CurrentMemoryContext,
											   kmeans_space(nrows, k, n));

	k = kmeans(rows, nrows, n, k, iterations, prng, space, tick, NULL,
			   centroids);
	pfree(space);
	return k;
}

/*
 * Rows of one cell after the other, from memory or from a sort.
 */
typedef struct CellRows
{
	int			n;
	uint32	   *count;			/* rows in each cell */

	/* a sample in memory: its rows' numbers, by cell */
	const float4 *row;
	int		   *order;
	int			next;

	/* a sample on disk */
	IvfSorter  *sorter;
	Prng		prng;

	/* where rows belong */
	const IvfClusters *clusters;
	float4	   *panels;			/* the cells' centroids */
	float4	   *products;
} CellRows;

/* the cell nearest to each of count rows, up to PANEL_ROWS */
static void
nearest_cells(CellRows *rows, const float4 *const *row, int count, int *cell)
{
	float4		score[PANEL_ROWS];

	panels_nearest(row, count, rows->panels, rows->clusters->cell_norm,
				   rows->clusters->cells, rows->n, rows->products, cell, score);
}

/*
 * Groups a sample in memory by counting.
 */
static void
group_sample(CellRows *rows, const IvfSample *sample,
			 const IvfClusters *clusters)
{
	int		   *cell = palloc_extended(sizeof(int) * (Size) sample->rows,
									   MCXT_ALLOC_HUGE);
	uint32	   *start = palloc0(sizeof(uint32) * clusters->cells);
	int			i;

	rows->row = sample->row;
	rows->order = palloc_extended(sizeof(int) * (Size) sample->rows,
								  MCXT_ALLOC_HUGE);
	for (i = 0; i < sample->rows; i += PANEL_ROWS)
	{
		const float4 *row[PANEL_ROWS];
		int			count = Min(PANEL_ROWS, sample->rows - i);
		int			j;

		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < count; j++)
			row[j] = sample->row + (Size) (i + j) * clusters->n;
		nearest_cells(rows, row, count, cell + i);
		for (j = 0; j < count; j++)
			rows->count[cell[i + j]]++;
	}
	for (i = 1; i < clusters->cells; i++)
		start[i] = start[i - 1] + rows->count[i - 1];
	for (i = 0; i < sample->rows; i++)
		rows->order[start[cell[i]]++] = i;
	pfree(cell);
	pfree(start);
}

static void
spool_row(const float4 *row, void *arg)
{
	CellRows   *rows = arg;
	int			cell;

	nearest_cells(rows, &row, 1, &cell);
	/* the second key shuffles a cell's rows: it may have more than we can use */
	rows->count[cell]++;
	ivf_sorter_put(rows->sorter, cell, (int64) prng_next(&rows->prng), row,
				   sizeof(float4) * rows->n);
}

/*
 * Scans the sample a second time, now all of it, and sorts it by cell.
 */
static void
spool_sample(CellRows *rows, IvfBuild *build, const IvfSample *sample,
			 const IvfClusters *clusters, double wanted)
{
	rows->prng.state = CLUSTER_SEED;
	rows->sorter = ivf_sorter_begin((int) (build->memory / 4 / 1024), NULL);
	ivf_sample_scan(build, sample->table_rows, wanted, spool_row, rows);
	ivf_sorter_sort(rows->sorter);
}

/*
 * Copies up to room rows of a cell, of which the caller has seen all cells
 * before; returns how many.
 */
static int
read_cell(CellRows *rows, int cell, float4 *to, int room)
{
	Size		bytes = sizeof(float4) * rows->n;
	uint32		i;
	int			read = 0;

	for (i = 0; i < rows->count[cell]; i++)
	{
		const void *from;

		CHECK_FOR_INTERRUPTS();
		if (rows->sorter)
		{
			int64		key[2];

			if (!ivf_sorter_next(rows->sorter, &key[0], &key[1], &from))
				elog(ERROR, "the sorted sample ends early");
		}
		else
			from = rows->row + (Size) rows->order[rows->next++] * rows->n;
		if (read < room)
			memcpy(to + (Size) read++ * rows->n, from, bytes);
	}
	return read;
}

static void
end_cells(CellRows *rows)
{
	if (rows->sorter)
		ivf_sorter_end(rows->sorter);
}

/*
 * Shares the lists out among the cells, in proportion to their rows; a cell
 * with rows gets at least one.
 */
static int *
share_lists(const uint32 *count, int cells, int lists)
{
	int		   *share = palloc0(sizeof(int) * cells);
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
	for (i = 0; i < cells; i++)
	{
		if (count[i] == 0)
			continue;
		share[i] = 1 + (int) (rint((before + count[i]) / total * spare) -
							  rint(before / total * spare));
		before += count[i];
	}
	return share;
}

/*
 * Clusters the cells one after the other into their shares of lists.
 */
static void
cluster_cells(IvfBuild *build, CellRows *rows, IvfClusters *clusters,
			  int lists, Prng *prng)
{
	int		   *share = share_lists(rows->count, clusters->cells, lists);
	double		room = 0;
	double		done = 0;
	float4	   *buffer;
	int			i;

	for (i = 0; i < clusters->cells; i++)
		room = Max(room, rows->count[i]);
	room = Min(room, floor(build->memory / 4 / (sizeof(float4) * build->n)));
	buffer = alloc_rows(room, build->n);

	clusters->lists = 0;
	for (i = 0; i < clusters->cells; i++)
	{
		int			nrows = read_cell(rows, i, buffer, (int) room);

		clusters->first[i] = clusters->lists;
		if (nrows > 0)
			clusters->lists +=
				cluster_rows(buffer, nrows, build->n, Min(share[i], nrows),
							 LIST_ITERATIONS, prng,
							 clusters->list + (Size) clusters->lists * build->n);
		done += rows->count[i];
		ivf_build_done(done);
	}
	clusters->first[i] = clusters->lists;
	pfree(buffer);
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
	int			j;

	ivf_nearest_lists(means->nearest, means->row, means->waiting, means->list,
					  means->cell);
	for (i = 0; i < means->waiting; i++)
	{
		double	   *sum = means->sum + (Size) means->list[i] * n;

		for (j = 0; j < n; j++)
			sum[j] += means->row[i][j];
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
	means->buffer = alloc_rows(means->room, n);
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

/*
 * Moves the centroids of lists with rows to the means of these.
 */
static void
move_centroids(IvfClusters *clusters, const Means *means)
{
	int			n = clusters->n;
	float4	   *mean = palloc(sizeof(float4) * n);
	int			cell;
	int			list;
	int			j;

	for (cell = 0; cell < clusters->cells; cell++)
	{
		int			first = clusters->first[cell];

		for (list = first; list < clusters->first[cell + 1]; list++)
		{
			if (means->count[list] == 0)
				continue;
			for (j = 0; j < n; j++)
				mean[j] = (float4) (means->sum[(Size) list * n + j] / means->count[list]);
			panels_set(clusters->list + (Size) first * n, clusters->first[cell + 1] - first,
					   n, list - first, mean);
			centroid_norms(mean, 1, n, &clusters->list_norm[list]);
		}
	}
	pfree(mean);
}

/*
 * Moves every centroid to the mean of the sampled rows nearest to it, whatever
 * their cells.  Lists were formed within cells, and at the cells' borders that
 * shows: without this, the same recall takes a twentieth more entries on SIFT,
 * and more on LSA vectors of 768 dimensions.
 *
 * The sums take twice the memory of the centroids; where those have been given
 * more than their eighth, the step is left out.
 */
static void
mend_borders(IvfBuild *build, const IvfSample *sample, IvfClusters *clusters,
			 double wanted)
{
	Size		values = (Size) clusters->lists * clusters->n;
	Means		means = {0};
	int			pass;
	int			i;

	if (values * sizeof(double) > build->memory / 4)
		return;
	means_begin(&means, build, clusters);
	for (pass = 0; pass < BORDER_PASSES; pass++)
	{
		memset(means.sum, 0, values * sizeof(double));
		memset(means.count, 0, sizeof(uint32) * clusters->lists);
		if (sample->row)
		{
			for (i = 0; i < sample->rows; i++)
				add_to_means(sample->row + (Size) i * clusters->n, &means);
		}
		else
			ivf_sample_scan(build, sample->table_rows, wanted, add_to_means, &means);
		add_waiting(&means);
		move_centroids(clusters, &means);
	}
	means_end(&means);
}

/*
 * Puts the centroids into panels, and computes their norms.
 */
static void
pack_clusters(IvfClusters *clusters)
{
	int			n = clusters->n;
	float4	   *scratch = alloc_rows(VEC_LANES, n);
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
 * Cells from a part of the sample in memory.
 */
static void
make_cells(const IvfSample *sample, IvfClusters *clusters, int cells, Prng *prng)
{
	int			n = clusters->n;
	int			wanted = Min(sample->rows, cells * ROWS_PER_CELL);
	float4	   *part = sample->row;

	if (wanted < sample->rows)
	{
		int			i;

		part = alloc_rows(wanted, n);
		for (i = 0; i < wanted; i++)
			memcpy(part + (Size) i * n,
				   sample->row + (Size) ((double) i * sample->rows / wanted) * n,
				   sizeof(float4) * n);
	}
	clusters->cells = cluster_rows(part, wanted, n, Min(cells, wanted),
								   CELL_ITERATIONS, prng, clusters->cell);
	if (part != sample->row)
		pfree(part);
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
	IvfClusters *clusters = palloc0(sizeof(IvfClusters));
	int			lists = ivf_lists_wanted(build, sample->table_rows);
	/* a tree of three levels has the cells for nodes */
	int			cells = lists < MIN_LISTS_FOR_CELLS && lists <= build->fanout ?
	1 : (int) ceil(sqrt(lists));
	double		wanted = (double) lists * IVF_SAMPLE_PER_LIST;
	CellRows	rows = {0};
	Prng		prng = {CLUSTER_SEED};

	clusters->n = build->n;
	clusters->cells = 1;
	clusters->cell = alloc_rows(cells, build->n);
	clusters->cell_norm = palloc0(sizeof(float4) * cells);
	clusters->first = palloc0(sizeof(int) * (cells + 1));
	clusters->list = alloc_rows(lists, build->n);
	clusters->list_norm = palloc_extended(sizeof(float4) * (Size) lists,
										  MCXT_ALLOC_HUGE);
	memset(clusters->cell, 0, sizeof(float4) * build->n);
	memset(clusters->list, 0, sizeof(float4) * build->n);

	if (lists > 1 && sample->rows > 0)
	{
		if (cells > 1)
			make_cells(sample, clusters, cells, &prng);
		centroid_norms(clusters->cell, clusters->cells, build->n,
					   clusters->cell_norm);

		rows.n = build->n;
		rows.count = palloc0(sizeof(uint32) * clusters->cells);
		rows.clusters = clusters;
		rows.panels = alloc_rows(clusters->cells, build->n);
		panels_pack(clusters->cell, clusters->cells, build->n, rows.panels);
		rows.products = palloc(sizeof(float4) * PANEL_ROWS * PANEL_WIDTH(clusters->cells));
		if (sample->complete)
			group_sample(&rows, sample, clusters);
		else
		{
			pfree(sample->row);
			sample->row = NULL;
			spool_sample(&rows, build, sample, clusters, wanted);
		}
		cluster_cells(build, &rows, clusters, lists, &prng);
		end_cells(&rows);
		drop_empty_cells(clusters);
	}
	else
	{
		clusters->lists = 1;
		clusters->first[1] = 1;
	}

	/* k-means may have found a single one too, and rounded the mean's zeros */
	if (clusters->lists == 1)
		memset(clusters->list, 0, sizeof(float4) * build->n);
	pack_clusters(clusters);
	if (clusters->cells > 1)
		mend_borders(build, sample, clusters, wanted);
	if (sample->row)
		pfree(sample->row);
	sample->row = NULL;
	return clusters;
}
