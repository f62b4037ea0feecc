/*
 * space.h
 *	  The space in which an index keeps vectors: centred, rotated, padded.
 */
#ifndef VECFEAT_SPACE_H
#define VECFEAT_SPACE_H

#include "compat.h"

#include "ground/rotate.h"
#include "index/opclass.h"
#include "page/entries.h"

/*
 * Has a vector few dimensions, so that there are several bits of a sign code for
 * each?
 */
static inline bool
ivf_few_dimensions(int dim)
{
	return dim <= rotation_padded(dim) / 4;
}

typedef struct IvfSpace
{
	const IvfOpclass *opclass;
	Metric		metric;
	int			dim;
	int			n;				/* padded */
	const float4 *mean;			/* dim */
	const double *origin;		/* n: the rotated mean; where the true origin is not */
	const Rotation *rotation;
} IvfSpace;

extern IvfSpace *ivf_space_make(const IvfOpclass *opclass, int dim, uint64 seed,
								const float4 *mean);
extern int32 ivf_column_dimensions(Relation index);
extern void ivf_shape_read(Relation index, IvfMetaData *meta);
extern IvfSpace *ivf_space_read(Relation index, IvfMetaData *meta);
extern bool ivf_has_place(const IvfSpace *space, const float4 *x);
extern bool ivf_normalise(const IvfSpace *space, const float4 *x, double *v);
extern bool ivf_place(const IvfSpace *space, const float4 *x, double *v);
extern float4 ivf_residual(const double *v, const float4 *centroid, int n,
						   float4 *residual);
extern bool ivf_is_voronoi(Metric metric, int dim, uint32 lists);
extern double ivf_true_dot(const IvfSpace *space, const double *v,
						   const float4 *centroid, int n);
extern void ivf_encode_residual(const IvfSpace *space, const double *v,
								const float4 *centroid, const float4 *residual,
								ItemPointer tid, IvfEntry *entry);
extern IvfEntry *ivf_entry_alloc(int n);
extern float4 ivf_encode(const IvfSpace *space, const double *v,
						 const float4 *centroid, ItemPointer tid,
						 float4 *scratch, IvfEntry *entry);

#endif							/* VECFEAT_SPACE_H */
