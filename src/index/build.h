/*
 * build.h
 *	  The steps of building an index: sample, cluster, assign, write.
 */
#ifndef VECFEAT_BUILD_H
#define VECFEAT_BUILD_H

#include "compat.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "nodes/execnodes.h"
#include "port/atomics.h"

#include "ground/kmeans.h"
#include "index/pile.h"
#include "index/sorter.h"
#include "index/space.h"

/* phases of a build, in pg_stat_progress_create_index */
typedef enum IvfPhase
{
	IVF_PHASE_SAMPLE = 2,		/* 1 is the server's own "initializing" */
	IVF_PHASE_CLUSTER,
	IVF_PHASE_ASSIGN,
	IVF_PHASE_SORT,
	IVF_PHASE_WRITE,
	IVF_PHASE_CALIBRATE
} IvfPhase;

/*
 * Lists and the cells that group them: the lists of cell i are first[i] ..
 * first[i + 1] - 1.  Centroids are vectors of n float4 in the index's space, in
 * panels (ground/panels.h): the cells together, the lists of a cell together.
 */
typedef struct IvfClusters
{
	int			n;
	int			cells;
	int			lists;
	int		   *first;			/* cells + 1 */
	float4	   *cell;
	float4	   *list;
	float4	   *cell_norm;		/* squared */
	float4	   *list_norm;
} IvfClusters;

/*
 * A sample of the table's rows: n float4 each, in the index's space when the mean
 * is known; index/work.h says where.
 */
typedef struct IvfSample
{
	double		table_rows;		/* estimate of the rows to index */
	double		seen;			/* rows of the sample, */
	int			rows;			/* and those of them that are in memory */
	bool		complete;		/* are these all? */
	float4	   *mean;			/* dim */
} IvfSample;

typedef struct IvfParallel IvfParallel;
typedef struct IvfTeam IvfTeam;
typedef struct IvfWork IvfWork;

typedef struct IvfBuild
{
	Relation	heap;			/* NULL for an empty index */
	Relation	index;
	IndexInfo  *info;
	ForkNumber	fork;
	const IvfOpclass *opclass;
	int			dim;
	int			n;
	int			lists_option;
	int			fanout;
	Size		memory;			/* maintenance_work_mem in bytes */

	IvfSpace   *space;
	IvfWork    *work;			/* while the sample is taken and clustered, */
	IvfTeam    *team;			/* by several processes if not NULL */
	IvfClusters *clusters;
	int			height;

	/* while several processes assign rows, and until the index is calibrated */
	IvfParallel *parallel;		/* the leader's */
	pg_atomic_uint64 *assigned; /* rows, by all */

	/* filled while rows are assigned; by a worker with its share */
	IvfSorter  *sorter;			/* the rows' entries, by list, */
	IvfPile    *pile;			/* but for those in here; or NULL */
	IvfPileReader *reader;		/* of the pile */
	bool		ahead;			/* has the sorter given one that waits? */
	int			ahead_list;
	int64		ahead_tid;
	const void *ahead_data;
	double		table_rows;		/* estimate */
	double		heap_tuples;
	double		nulls;
	double		nans;
	double		entries;
	uint32	   *list_entries;
	float4	   *list_radius;
	float4	   *cell_radius;
} IvfBuild;

/* of the rotation: the same for all indexes, so that builds repeat */
#define IVF_ROTATION_SEED	UINT64CONST(0x7665636665617431)

/* children of a node, by default: beyond, the tree gets another level */
#define IVF_FANOUT	16384

/* rows between two reports of progress */
#define IVF_REPORT_ROWS	256

/* pseudo-lists of rows without a place */
#define IVF_LIST_NULLS	(-2)
#define IVF_LIST_NANS	(-1)

extern void ivf_build_begin(IvfBuild *build, Relation heap, Relation index,
							IndexInfo *info, ForkNumber fork);
extern void ivf_build_phase(IvfPhase phase, double total);
extern void ivf_build_done(double done);

/* sample.c */
extern int	ivf_lists_wanted(const IvfBuild *build, double table_rows);
extern double ivf_sample_wanted(const IvfBuild *build, int lists);
extern IvfSample *ivf_sample_rows(IvfBuild *build);
typedef void (*IvfSampleFunction) (const float4 *row, void *arg);
extern void ivf_sample_scan(IvfBuild *build, double table_rows, double rows,
							IvfSampleFunction function, void *arg);

/* cluster.c */
extern int	ivf_rows_together(const IvfBuild *build, Size bytes);
extern IvfClusters *ivf_cluster(IvfBuild *build, IvfSample *sample);

/* nearest.c */
typedef struct IvfNearest IvfNearest;

extern IvfNearest *ivf_nearest_begin(const IvfClusters *clusters, int rows,
									 bool of_all);
extern Size ivf_nearest_size(const IvfClusters *clusters, int rows, bool of_all);
extern void ivf_nearest_lists(IvfNearest *nearest, const float4 *const *rows,
							  int count, int *list, int *cell);
extern void ivf_nearest_end(IvfNearest *nearest);
extern void ivf_list_centroid(const IvfClusters *clusters, int list, int cell,
							  float4 *centroid);
extern void ivf_cell_centroid(const IvfClusters *clusters, int cell,
							  float4 *centroid);

/* assign.c */
extern bool ivf_pile_wanted(const IvfBuild *build, int participants, uint32 *room,
							Size *payload);
extern void ivf_assign_rows(IvfBuild *build);
extern void ivf_assign_share(IvfBuild *build, int participants,
							 SortCoordinate coordinate, TableScanDesc scan);
extern void ivf_assign_merge(IvfBuild *build, SortCoordinate coordinate);
extern void ivf_count_entries(IvfBuild *build, int list, uint32 count);
extern bool ivf_next_assigned(IvfBuild *build, int *list, ItemPointer tid,
							  IvfEntry *entry);

/* write.c */
extern void ivf_write_index(IvfBuild *build);

#endif							/* VECFEAT_BUILD_H */
