/*
 * leaves.h
 *	  The leaves of an index, nearest to a query first.
 */
#ifndef VECFEAT_LEAVES_H
#define VECFEAT_LEAVES_H

#include "compat.h"

#include "index/frozen.h"
#include "index/pivots.h"
#include "index/queue.h"

/* so many leaves are found before they are read */
#define IVF_LEAVES_AHEAD	16

/* where the row with a node's centroid lies */
typedef struct IvfLeaf
{
	IvfRun		run;
	int			row;
	BlockNumber node;			/* its first page */
	double		distance;		/* of its centroid, on the operator's scale; or,
								 * with certain bounds, of what is nearest in it,
								 * at least */
} IvfLeaf;

typedef struct IvfLeaves
{
	IvfQuery   *query;
	IvfFrozen  *frozen;
	IvfQueue   *children;
	float4	   *centroid;		/* room for a child's that is not kept */
	bool		certain;
	IvfPivots  *pivots;			/* for certain bounds, or NULL */
	float4	   *w;				/* room for the query minus a centroid */
	uint32		found;
	uint32		read;
	IvfLeaf		ahead[IVF_LEAVES_AHEAD];	/* found and not read: a ring */
} IvfLeaves;

extern IvfLeaves *ivf_leaves_make(IvfQuery *query, IvfFrozen *frozen,
								  uint32 probes, bool certain, Size memory);
extern bool ivf_leaves_next(IvfLeaves *leaves, uint32 wanted, IvfLeaf *leaf,
							IvfView *view, const float4 **w);
extern bool ivf_leaves_skip(IvfLeaves *leaves, IvfLeaf *leaf);
extern bool ivf_leaves_peek(IvfLeaves *leaves, double *distance);
extern BlockNumber ivf_leaves_follows(const IvfLeaves *leaves);
extern void ivf_leaves_end(IvfLeaves *leaves);

#endif							/* VECFEAT_LEAVES_H */
