/*
 * score.h
 *	  A query, and how it sees the nodes of an index.
 */
#ifndef VECFEAT_SCORE_H
#define VECFEAT_SCORE_H

#include "compat.h"

#include "ground/signscore.h"
#include "index/frozen.h"
#include "page/blocks.h"
#include "page/rows.h"

/* why a scan has not read more lists, so far */
typedef enum IvfStopped
{
	IVF_STOPPED_NOT,			/* it does not read lists in order */
	IVF_STOPPED_ALL,			/* there are no more */
	IVF_STOPPED_RECALL,			/* they are enough for the recall */
	IVF_STOPPED_PROBES,			/* so many were asked for */
	IVF_STOPPED_EXACT			/* none can hold anything nearer */
} IvfStopped;

/*
 * What a session may ask about its last scan.
 */
typedef struct IvfCounters
{
	int64		leaves;			/* read, */
	int64		lists;			/* of so many */
	int64		entries;		/* scored */
	int64		byte_codes;		/* read */
	int64		heap_rows;		/* fetched to compute a distance */
	double		recall;			/* wanted; 0: none was */
	IvfStopped	stopped;		/* why no more lists have been read */
} IvfCounters;

extern IvfCounters ivf_last_scan;	/* scan.c */

/*
 * Of all searches of one scan: it is begun anew for each outer row of a join.
 */
typedef struct IvfTotal
{
	int64		searches;
	int64		stopped[IVF_STOPPED_EXACT + 1]; /* of these, by why */
	IvfCounters sum;			/* of the searches that read lists in order;
								 * recall and stopped are the last one's */
} IvfTotal;

typedef struct IvfQuery
{
	MemoryContext context;		/* that it was made in */
	Relation	index;
	Snapshot	snapshot;		/* of the scan, or NULL */
	IvfFrozen  *frozen;
	const IvfSpace *space;		/* its */
	const float4 *elements;		/* dim: as the operator sees it */
	double	   *v;				/* n: in the index's space */
	float4	   *target;			/* n: v, or for inner products v from the true
								 * origin, rounded; to rank centroids by */
	double		target_dot_mean;	/* inner product: <v from the true origin, mean> */
	double		epsilon;		/* standard errors by which estimates are lowered */
	double		v_norm;
	double		true_norm;		/* inner product: from the true origin */
	double		mean_norm;		/* inner product: of the mean */
	SignQuery	signs;			/* of v */
	SignQuery	own_signs;		/* of v minus a centroid, made when needed */
	void	   *own_space;
	float4		near;			/* certain bounds from sign codes up to this are not
								 * enough: views that are made have it */
	BlockNumber follows;		/* a hint: the node that is scored after this one */
	IvfBlockReader reader;
	char	   *row;			/* room for a row of a leaf, */
	char	   *children;		/* and 32 of an inner node, made when needed; */
	ByteColumns *codes;			/* for what makes bounds of byte codes, likewise */
	float4	   *w;				/* room for a w that was dropped, */
	BlockNumber w_node;			/* and the node that it is of */
	IvfCounters counters;
} IvfQuery;

/*
 * A node as the query sees it.  Its centroid is in the parent's row; the
 * root's is the mean, all zeros.
 */
typedef struct IvfView
{
	BlockNumber node;
	int			level;

	/* what scores sign codes: stays the same, for bounds may be made again */
	double		key;			/* how far: ||w||^2, or -<q,c> */
	double		norm;			/* ||w|| */

	/*
	 * Where bounds are certain, on the operator's scale: no entry is nearer than
	 * least, and entries whose sign codes allow for near, FLT_MAX at most, have
	 * bounds from their byte codes, too.
	 */
	double		least;
	float4		near;

	/* what makes certain bounds of byte codes, when it is known */
	bool		complete;
	ListQuery	list;
} IvfView;

extern const char *ivf_stopped_name(IvfStopped stopped);
extern void ivf_query_init(IvfQuery *query, Relation index,
						   Snapshot snapshot, IvfFrozen *frozen);
extern bool ivf_query_set(IvfQuery *query, const float4 *elements);
extern void ivf_query_placed(IvfQuery *query);
extern double ivf_centroid_key(const IvfQuery *query, const float4 *centroid);
extern void ivf_view(const IvfQuery *query, BlockNumber node, int level,
					 const float4 *centroid, IvfView *view, float4 *w);

extern bool ivf_view_from_afar(const IvfQuery *query, BlockNumber node,
							   double distance, IvfView *view);

/* called with the bounds of a block's 32 entries and where its rows lie */
typedef void (*IvfBlockFunction) (const float4 *bounds, const IvfRun *run,
								  void *arg);
extern void ivf_score_node(IvfQuery *query, const IvfView *view,
						   const float4 *w, bool certain,
						   IvfBlockFunction function, void *arg);
extern double ivf_bound_distance(const IvfQuery *query, float4 bound,
								 bool certain);
extern double ivf_row_bound(const IvfQuery *query, const IvfView *view,
							const float4 *w, const IvfRowHead *row,
							const int8 *code);
extern double ivf_row_distance(const IvfQuery *query, const IvfView *view,
							   const float4 *w, const IvfRowHead *row,
							   const int8 *code);

#endif							/* VECFEAT_SCORE_H */
