/*
 * job.c
 *	  What processes that cluster a sample do together.
 *
 * What a piece of a job comes to depends on the piece alone, so nothing depends
 * on who did it, nor when.
 */
#include "compat.h"

#include "index/work.h"

#include <float.h>

#include "access/parallel.h"
#include "ground/panels.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/*
 * Takes the next piece; -1 when all are taken.
 */
int
ivf_piece_next(const IvfPieces *pieces)
{
	uint32		piece = pg_atomic_fetch_add_u32(pieces->next, 1);

	CHECK_FOR_INTERRUPTS();
	return piece < (uint32) pieces->count ? (int) piece : -1;
}

/* the rows of a piece: the first of them, and how many */
static int
piece_rows(const IvfWork *work, int piece, int *first)
{
	*first = piece * IVF_PIECE_ROWS;
	return Min(IVF_PIECE_ROWS, work->rows - *first);
}

static void
point_to_rows(const IvfWork *work, int first, int count, const float4 **row)
{
	int			i;

	for (i = 0; i < count; i++)
		row[i] = work->row + (Size) (first + i) * work->n;
}

/* a process that helps knows the mean only from what is shared */
static void
place_rows(IvfBuild *build, const IvfWork *work, const IvfPieces *pieces)
{
	const IvfSpace *space = build->space ? build->space :
	ivf_space_make(build->opclass, build->dim, IVF_ROTATION_SEED, work->mean);
	double	   *v = palloc(sizeof(double) * work->n);
	int			piece;

	while ((piece = ivf_piece_next(pieces)) >= 0)
	{
		int			first;
		int			count = piece_rows(work, piece, &first);
		int			i;

		for (i = first; i < first + count; i++)
		{
			float4	   *row = work->row + (Size) i * work->n;

			memset(v, 0, sizeof(double) * work->n);
			vec_kernels->centre(row, work->mean, 1, work->dim, v);
			rotate(space->rotation, v);
			vec_kernels->narrow(v, work->n, row);
		}
	}
}

static void
tick(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * A run of k-means, to which the caller gives room.
 */
Kmeans
ivf_kmeans_begin(const float4 *rows, int nrows, int n, int k, float4 *centroids)
{
	Kmeans		run = {
		.rows = rows,
		.nrows = nrows,
		.n = n,
		.k = k,
		.centroids = centroids,
		.tick = tick,
	};

	return run;
}

static void
step_kmeans(const IvfWork *work, const IvfPieces *pieces)
{
	Kmeans		run = ivf_kmeans_begin(work->row, work->k_rows, work->n, work->k_room,
									   work->centroids);
	int			piece;

	run.place = work->order;
	kmeans_place(&run, work->space, MemoryContextAllocHuge(CurrentMemoryContext,
														   kmeans_own_space(run.k, run.n)));
	run.k = work->k;
	while ((piece = ivf_piece_next(pieces)) >= 0)
		kmeans_piece(&run, work->step, piece);
}

static void
group_rows(const IvfWork *work, const IvfPieces *pieces)
{
	const IvfClusters *clusters = &work->clusters;
	float4	   *products = palloc(sizeof(float4) * PANEL_ROWS * PANEL_WIDTH(clusters->cells));
	const float4 **row = palloc(sizeof(float4 *) * IVF_PIECE_ROWS);
	float4	   *score = palloc(sizeof(float4) * IVF_PIECE_ROWS);
	int			piece;

	while ((piece = ivf_piece_next(pieces)) >= 0)
	{
		int			first;
		int			count = piece_rows(work, piece, &first);

		point_to_rows(work, first, count, row);
		panels_nearest(row, count, work->panels, clusters->cell_norm, clusters->cells,
					   work->n, products, work->label + first, score);
	}
}

static void
cluster_cells(const IvfBuild *build, const IvfWork *work, const IvfPieces *pieces)
{
	Size		bytes = sizeof(float4) * work->n;
	int			cell;

	while ((cell = ivf_piece_next(pieces)) >= 0)
	{
		const int  *place = work->order + work->start[cell];
		int			count = work->start[cell + 1] - work->start[cell];
		const float4 *rows = work->row;
		float4	   *together = NULL;

		/* rows that lie together are read faster, again and again */
		if (count > 0 && count * bytes <= build->memory / 16)
		{
			int			i;

			together = MemoryContextAllocHuge(CurrentMemoryContext, count * bytes);
			for (i = 0; i < count; i++)
				memcpy(together + (Size) i * work->n, work->row + (Size) place[i] * work->n, bytes);
			rows = together;
			place = NULL;
		}
		work->found[cell] =
			ivf_cluster_cell(cell, rows, place, count, work->n, work->share[cell],
							 work->clusters.list + (Size) work->clusters.first[cell] * work->n);
		if (together)
			pfree(together);
		/* cells are taken in order: nearly all before are done */
		if (!IsParallelWorker())
			ivf_build_done(work->start[cell + 1]);
	}
}

static void
find_lists(const IvfWork *work, const IvfPieces *pieces)
{
	IvfNearest *nearest = ivf_nearest_begin(&work->clusters, IVF_PIECE_ROWS, false);
	const float4 **row = palloc(sizeof(float4 *) * IVF_PIECE_ROWS);
	int		   *cell = palloc(sizeof(int) * IVF_PIECE_ROWS);
	int			piece;

	while ((piece = ivf_piece_next(pieces)) >= 0)
	{
		int			first;
		int			count = piece_rows(work, piece, &first);

		point_to_rows(work, first, count, row);
		ivf_nearest_lists(nearest, row, count, work->label + first, cell);
	}
}

/* a piece is a cell, with all its lists */
static void
move_lists(const IvfWork *work, const IvfPieces *pieces)
{
	const IvfClusters *clusters = &work->clusters;
	int			n = work->n;
	double	   *sum = palloc(sizeof(double) * n);
	int			cell;

	while ((cell = ivf_piece_next(pieces)) >= 0)
	{
		int			list;
		int			i;

		for (list = clusters->first[cell]; list < clusters->first[cell + 1]; list++)
		{
			memset(sum, 0, sizeof(double) * n);
			for (i = work->start[list]; i < work->start[list + 1]; i++)
			{
				if (i % IVF_PIECE_ROWS == 0)
					CHECK_FOR_INTERRUPTS();
				vec_kernels->add(work->row + (Size) work->order[i] * n, n, sum);
			}
			ivf_move_list(clusters, cell, list, sum, work->start[list + 1] - work->start[list]);
		}
	}
}

/*
 * Does pieces of a job until all are taken.
 */
void
ivf_job(IvfBuild *build, const IvfWork *work, IvfJob job, const IvfPieces *pieces)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "ivf job",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	switch (job)
	{
		case IVF_JOB_PLACE:
			place_rows(build, work, pieces);
			break;
		case IVF_JOB_KMEANS:
			step_kmeans(work, pieces);
			break;
		case IVF_JOB_GROUP:
			group_rows(work, pieces);
			break;
		case IVF_JOB_CELL:
			cluster_cells(build, work, pieces);
			break;
		case IVF_JOB_NEAREST:
			find_lists(work, pieces);
			break;
		case IVF_JOB_MEAN:
			move_lists(work, pieces);
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
