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
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* fewer lists are clustered at once: dearer a list, but the better lists */
#define MIN_LISTS_FOR_CELLS	128

#define CELL_ITERATIONS		10
#define LIST_ITERATIONS		8
#define ROWS_PER_CELL		256
#define BORDER_PASSES		2

/* cells in which an assignment looks for the nearest list */
#define NEAREST_CELLS		4

#define CLUSTER_SEED		0x76656332

static void
tick(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

static float4 *
alloc_rows(double rows, int n)
{
	return MemoryContextAllocHuge(CurrentMemoryContext,
								  (Size) (Max(rows, 1) * n) * sizeof(float4));
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
	const IvfClusters *clusters;
	float4	   *scratch;
} CellRows;

static int
nearest_cell(const IvfClusters *clusters, const float4 *row, float4 *scratch)
{
	float		score;

	return nearest_centroid(row, clusters->cell, clusters->cell_norm,
							clusters->cells, clusters->n, scratch, &score);
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
	for (i = 0; i < sample->rows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cell[i] = nearest_cell(clusters, sample->row + (Size) i * clusters->n,
							   rows->scratch);
		rows->count[cell[i]]++;
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
	int			cell = nearest_cell(rows->clusters, row, rows->scratch);

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
	rows->clusters = clusters;
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
 * Sums of the sampled rows by list.
 */
typedef struct Means
{
	const IvfClusters *clusters;
	double	   *sum;			/* lists rows of n */
	uint32	   *count;
	float4	   *scratch;
} Means;

static void
add_to_mean(const float4 *row, void *arg)
{
	Means	   *means = arg;
	int			n = means->clusters->n;
	int			cell;
	int			list = ivf_nearest_list(means->clusters, row, means->scratch, &cell);
	double	   *sum = means->sum + (Size) list * n;
	int			i;

	CHECK_FOR_INTERRUPTS();
	for (i = 0; i < n; i++)
		sum[i] += row[i];
	means->count[list]++;
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
	int			n = clusters->n;
	Size		values = (Size) clusters->lists * n;
	Means		means = {.clusters = clusters};
	int			pass;
	int			i;
	int			j;

	if (values * sizeof(double) > build->memory / 4)
		return;
	means.sum = palloc_extended(values * sizeof(double), MCXT_ALLOC_HUGE);
	means.count = palloc_extended(sizeof(uint32) * (Size) clusters->lists,
								  MCXT_ALLOC_HUGE);
	means.scratch = palloc(ivf_nearest_space(clusters));
	for (pass = 0; pass < BORDER_PASSES; pass++)
	{
		memset(means.sum, 0, values * sizeof(double));
		memset(means.count, 0, sizeof(uint32) * clusters->lists);
		centroid_norms(clusters->list, clusters->lists, n, clusters->list_norm);
		if (sample->row)
		{
			for (i = 0; i < sample->rows; i++)
				add_to_mean(sample->row + (Size) i * n, &means);
		}
		else
			ivf_sample_scan(build, sample->table_rows, wanted, add_to_mean, &means);

		for (i = 0; i < clusters->lists; i++)
		{
			for (j = 0; j < n && means.count[i] > 0; j++)
				clusters->list[(Size) i * n + j] =
					(float4) (means.sum[(Size) i * n + j] / means.count[i]);
		}
	}
	pfree(means.sum);
	pfree(means.count);
	pfree(means.scratch);
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
		rows.scratch = palloc(sizeof(float4) * clusters->cells);
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
		if (clusters->cells > 1)
			mend_borders(build, sample, clusters, wanted);
	}
	else
	{
		clusters->lists = 1;
		clusters->first[1] = 1;
	}
	if (sample->row)
		pfree(sample->row);
	sample->row = NULL;

	/* k-means may have found a single one too, and rounded the mean's zeros */
	if (clusters->lists == 1)
		memset(clusters->list, 0, sizeof(float4) * build->n);

	centroid_norms(clusters->list, clusters->lists, build->n,
				   clusters->list_norm);
	return clusters;
}

/*
 * Bytes of scratch space for ivf_nearest_list().
 */
Size
ivf_nearest_space(const IvfClusters *clusters)
{
	int			most = clusters->cells;
	int			i;

	for (i = 0; i < clusters->cells; i++)
		most = Max(most, clusters->first[i + 1] - clusters->first[i]);
	return sizeof(float4) * most;
}

/*
 * The list nearest to a row of n values among those of the nearest cells;
 * *cell becomes its cell.
 */
int
ivf_nearest_list(const IvfClusters *clusters, const float4 *row,
				 float4 *scratch, int *cell)
{
	int			near[NEAREST_CELLS];
	float4		near_score[NEAREST_CELLS];
	int			count = 0;
	int			best = -1;
	float4		best_score = 0;
	int			i;
	int			j;

	vec_kernels->dots(row, clusters->cell, clusters->cells, clusters->n, scratch);
	for (i = 0; i < clusters->cells; i++)
	{
		float4		score = clusters->cell_norm[i] - 2 * scratch[i];

		if (clusters->first[i] == clusters->first[i + 1])
			continue;
		if (count == NEAREST_CELLS && !(score < near_score[count - 1]))
			continue;
		if (count < NEAREST_CELLS)
			count++;
		for (j = count - 1; j > 0 && score < near_score[j - 1]; j--)
		{
			near[j] = near[j - 1];
			near_score[j] = near_score[j - 1];
		}
		near[j] = i;
		near_score[j] = score;
	}

	for (j = 0; j < count; j++)
	{
		int			first = clusters->first[near[j]];
		float		score;
		int			list = first +
		nearest_centroid(row, clusters->list + (Size) first * clusters->n,
						 clusters->list_norm + first,
						 clusters->first[near[j] + 1] - first, clusters->n,
						 scratch, &score);

		if (best < 0 || score < best_score)
		{
			best = list;
			best_score = score;
			*cell = near[j];
		}
	}
	return best;
}
