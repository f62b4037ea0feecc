/*
 * work.c
 *	  The arrays of a sample that is clustered, in memory that a team shares or in
 *	  this process's own.
 */
#include "compat.h"

#include "index/work.h"

#include "ground/panels.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

/* gives room for an array, or only counts what is wanted */
typedef struct Room
{
	Size		size;			/* so far */
	char	   *base;			/* NULL: allocated one by one, unless */
	bool		counting;
} Room;

static void *
take(Room *room, Size count, Size size)
{
	Size		bytes = mul_size(Max(count, 1), size);
	Size		before = room->size;

	room->size = add_size(room->size, CACHELINEALIGN(bytes));
	if (room->counting)
		return NULL;
	return room->base ? room->base + before :
		MemoryContextAllocHuge(CurrentMemoryContext, bytes);
}

/* floats that are read as panels */
static float4 *
take_panels(Room *room, Size vectors, int n)
{
	return take(room, mul_size(vectors, n) + PANEL_SLACK, sizeof(float4));
}

/*
 * The rows for the centroids of cells, or of the lists where there are no cells.
 */
static void
take_arrays(IvfWork *work, Room *room)
{
	IvfClusters *clusters = &work->clusters;
	bool		alone = work->cells_room == 1;
	int			together = alone ? work->rows_room :
	Min(work->rows_room, ivf_cell_sample(work->cells_room));

	work->mean = take(room, work->dim, sizeof(float4));
	work->label = take(room, work->all ? work->rows_room : 0, sizeof(int));
	work->order = take(room, work->all ? work->rows_room : together, sizeof(int));
	work->start = take(room, (Size) Max(work->lists_room, work->cells_room) + 1, sizeof(int));
	work->share = take(room, work->cells_room, sizeof(int));
	work->found = take(room, work->cells_room, sizeof(int));
	work->panels = take_panels(room, work->cells_room, work->n);
	work->k_room = alone ? work->lists_room : work->cells_room;
	work->space = take(room, kmeans_space(together, work->k_room, work->n), 1);
	clusters->n = work->n;
	clusters->first = take(room, work->cells_room + 1, sizeof(int));
	clusters->cell = take_panels(room, work->cells_room, work->n);
	clusters->cell_norm = take(room, work->cells_room, sizeof(float4));
	clusters->list = take_panels(room, work->lists_room, work->n);
	clusters->list_norm = take(room, work->lists_room, sizeof(float4));
	work->row = take(room, mul_size(work->rows_room, work->n), sizeof(float4));
	work->centroids = clusters->list;
}

/*
 * Makes room for a sample of up to so many rows, to be clustered into up to so
 * many lists; all: none of its rows are left out for lack of memory.  A sample
 * with such is clustered in other ways, by one process.
 */
void
ivf_work_begin(IvfBuild *build, int rows, bool all, int lists)
{
	Room		room = {.counting = true};
	IvfWork		sizes = {.n = build->n,.dim = build->dim,
	.rows_room = rows,.all = all,.lists_room = lists};
	IvfWork    *work = NULL;
	char	   *base = NULL;

	sizes.cells_room = ivf_cells_wanted(build, lists);
	take_arrays(&sizes, &room);
	if (all && lists > 1)
		build->team = ivf_team_begin(build, room.size, &work, &base);

	memset(&room, 0, sizeof(room));
	room.base = base;
	if (work == NULL)
		work = palloc(sizeof(IvfWork));
	*work = sizes;
	take_arrays(work, &room);
	build->work = work;
}

/*
 * Has all pieces of a job done.
 */
void
ivf_work_do(IvfBuild *build, IvfJob job, int count)
{
	pg_atomic_uint32 next;
	IvfPieces	pieces = {.next = &next,.count = count};

	if (build->team)
	{
		ivf_team_do(build, job, count);
		return;
	}
	pg_atomic_init_u32(&next, 0);
	ivf_job(build, build->work, job, &pieces);
}

/* what is left when the rest goes, in this process's memory */
static void *
copy(const void *from, Size bytes)
{
	void	   *to = MemoryContextAllocHuge(CurrentMemoryContext, bytes);

	memcpy(to, from, bytes);
	return to;
}

/*
 * A table may turn out to be small enough for its sample to have room where not
 * all that was wanted would: then there are labels after all.
 */
void
ivf_work_complete(IvfWork *work)
{
	if (work->all)
		return;
	pfree(work->label);
	pfree(work->order);
	work->label = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) work->rows);
	work->order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) work->rows);
}

/*
 * Lets go of a sample that this process alone has, and of what goes with it.
 */
void
ivf_work_forget(IvfWork *work)
{
	pfree(work->order);
	pfree(work->space);
	pfree(work->row);
	work->row = NULL;
}

/*
 * Lets go of all but the clusters, which are returned.
 */
IvfClusters *
ivf_work_end(IvfBuild *build)
{
	IvfWork    *work = build->work;
	IvfTeam    *team = build->team;
	IvfClusters *clusters = copy(&work->clusters, sizeof(IvfClusters));

	build->work = NULL;
	build->team = NULL;
	if (team == NULL)
	{
		pfree(work->mean);
		pfree(work->label);
		pfree(work->start);
		pfree(work->share);
		pfree(work->found);
		pfree(work->panels);
		if (work->row)
			ivf_work_forget(work);
		pfree(work);
		return clusters;
	}

	clusters->first = copy(clusters->first, sizeof(int) * (clusters->cells + 1));
	clusters->cell_norm = copy(clusters->cell_norm, sizeof(float4) * clusters->cells);
	clusters->list_norm = copy(clusters->list_norm, sizeof(float4) * clusters->lists);
	clusters->cell = copy(clusters->cell,
						  sizeof(float4) * ((Size) clusters->cells * work->n + PANEL_SLACK));
	clusters->list = copy(clusters->list,
						  sizeof(float4) * ((Size) clusters->lists * work->n + PANEL_SLACK));
	ivf_team_end(team);
	return clusters;
}

