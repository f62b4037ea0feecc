/*
 * work.h
 *	  What is clustered, where all processes that cluster it find it.
 */
#ifndef VECFEAT_WORK_H
#define VECFEAT_WORK_H

#include "compat.h"

#include "index/build.h"
#include "port/atomics.h"

/* what is done by all, in pieces */
typedef enum IvfJob
{
	IVF_JOB_PLACE,				/* rows are moved into the index's space */
	IVF_JOB_KMEANS,				/* a step of k-means over all */
	IVF_JOB_GROUP,				/* rows find their cells */
	IVF_JOB_CELL,				/* a cell is clustered */
	IVF_JOB_NEAREST,			/* rows find their lists */
	IVF_JOB_MEAN				/* a list moves to the mean of its rows */
} IvfJob;

/*
 * Arrays have room for so many rows, lists and cells as are wanted.  With several
 * processes they lie in memory that all share, and so does this; each process
 * reads a copy whose pointers are its own, made anew for each job.
 */
struct IvfWork
{
	int			n;
	int			dim;
	int			rows_room;
	bool		all;			/* have all rows of the sample room? */
	int			lists_room;
	int			cells_room;

	float4	   *mean;			/* dim */
	float4	   *row;			/* the sample; NULL when it is read again */
	int		   *label;			/* of each row: its cell, or its list */
	int		   *order;			/* rows by label; or those that k-means sees */
	int		   *start;			/* where a label's rows begin in order; one more */
	IvfClusters clusters;
	float4	   *panels;			/* the cells' centroids, while clusters has rows */
	int		   *share;			/* lists that each cell is to have, */
	int		   *found;			/* and has */
	char	   *space;			/* for k-means over all */

	int			rows;

	/* k-means over all, of the first so many rows in order */
	KmeansStep	step;
	int			k_rows;
	int			k_room;
	int			k;
	float4	   *centroids;
};

/* pieces of a job, from 0, of which everyone takes the next */
typedef struct IvfPieces
{
	pg_atomic_uint32 *next;
	int			count;
} IvfPieces;

extern int	ivf_piece_next(const IvfPieces *pieces);

/* work.c */
extern void ivf_work_begin(IvfBuild *build, int rows, bool all, int lists);
extern void ivf_work_do(IvfBuild *build, IvfJob job, int pieces);
extern void ivf_work_complete(IvfWork *work);
extern void ivf_work_forget(IvfWork *work);
extern IvfClusters *ivf_work_end(IvfBuild *build);

/* team.c */
extern IvfTeam *ivf_team_begin(IvfBuild *build, Size size, IvfWork **work,
							   char **base);
extern void ivf_team_do(IvfBuild *build, IvfJob job, int count);
extern void ivf_team_end(IvfTeam *team);

/* cluster.c */
extern int	ivf_cells_wanted(const IvfBuild *build, int lists);
extern int	ivf_cell_sample(int cells);
extern void ivf_sort_labels(IvfWork *work, int labels);
extern int	ivf_cluster_cell(int cell, const float4 *rows, const int *place, int nrows,
							 int n, int lists, float4 *centroids);

/* mend.c */
extern void ivf_move_list(const IvfClusters *clusters, int cell, int list,
						  const double *sum, uint32 rows);
extern void ivf_mend_borders(IvfBuild *build, const IvfSample *sample, double wanted);

/* job.c */
#define IVF_PIECE_ROWS	1024
#define IVF_PIECES(rows)	(((rows) + IVF_PIECE_ROWS - 1) / IVF_PIECE_ROWS)

extern void ivf_job(IvfBuild *build, const IvfWork *work, IvfJob job,
					const IvfPieces *pieces);
extern Kmeans ivf_kmeans_begin(const float4 *rows, int nrows, int n, int k,
							   float4 *centroids);

#endif							/* VECFEAT_WORK_H */
