/*
 * space.c
 *	  The space in which an index keeps vectors: centred, rotated, padded.
 */
#include "compat.h"

#include "index/space.h"

#include <float.h>
#include <math.h>

#include "page/meta.h"
#include "utils/lsyscache.h"

/*
 * Lists up to which a row is compared with all of them: 16 MB of centroids where
 * inserts keep them, and for a build an eighth of a millisecond a row.
 */
#define MOST_COMPARED	65536

/*
 * Is every row of an index with so many lists in the list of the centroid that is
 * nearest to it, of all of them?  Then lists are the centroids' Voronoi cells, and
 * exact scans leave out those beyond a bisecting plane.  In many dimensions hardly
 * any would be, and to compare each row with all centroids would be dear.
 */
bool
ivf_is_voronoi(Metric metric, int dim, uint32 lists)
{
	return metric != METRIC_INNER_PRODUCT && ivf_few_dimensions(dim) &&
		lists <= MOST_COMPARED;
}

/*
 * Makes the space of an operator class in the current context.  mean stays in
 * use.
 */
IvfSpace *
ivf_space_make(const IvfOpclass *opclass, int dim, uint64 seed,
			   const float4 *mean)
{
	IvfSpace   *space = palloc0(sizeof(IvfSpace));
	Rotation   *rotation;
	double	   *origin;
	int			i;

	space->opclass = opclass;
	space->metric = opclass->metric;
	space->dim = dim;
	space->n = rotation_padded(dim);
	space->mean = mean;

	rotation = palloc(rotation_size(space->n));
	rotation_init(rotation, space->n, seed);
	space->rotation = rotation;

	origin = palloc0(sizeof(double) * space->n);
	for (i = 0; i < dim; i++)
		origin[i] = mean[i];
	rotate(rotation, origin);
	space->origin = origin;
	return space;
}

/*
 * The dimensions that the column, or the type under its domain, was declared
 * with; -1 if it has none.
 */
int32
ivf_column_dimensions(Relation index)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
	int32		dimensions = column->atttypmod;

	(void) getBaseTypeAndTypmod(column->atttypid, &dimensions);
	return dimensions;
}

/*
 * Reads the metapage, and compares it with what the catalogs say of the index:
 * with other dimensions the blocks would stand elsewhere.
 */
void
ivf_shape_read(Relation index, IvfMetaData *meta)
{
	const IvfOpclass *opclass = ivf_opclass(index);
	int32		column = ivf_column_dimensions(index);

	ivf_meta_read(index, meta);
	if (meta->metric != opclass->metric ||
		meta->element_type != opclass->element_type)
		ivf_corrupted(index, IVF_META_BLOCK,
					  "it was built for metric %u of element type %u",
					  meta->metric, meta->element_type);
	/* a column may have lost its number since */
	if (column >= 0 && (int) meta->dimensions != column)
		ivf_corrupted(index, IVF_META_BLOCK,
					  "it states %u dimensions, the column has %d",
					  meta->dimensions, column);
}

/*
 * Reads the space of an index, and its metapage.
 */
IvfSpace *
ivf_space_read(Relation index, IvfMetaData *meta)
{
	float4	   *mean;

	ivf_shape_read(index, meta);
	mean = palloc(sizeof(float4) * meta->dimensions);
	ivf_mean_read(index, meta, mean);
	return ivf_space_make(ivf_opclass(index), meta->dimensions, meta->seed, mean);
}

/*
 * Is the distance of x to anything a number?  For the cosine it has to have a
 * direction: "zero" is what the operator's own norm says, the sum of squares in
 * float8.
 */
bool
ivf_has_place(const IvfSpace *space, const float4 *x)
{
	return space->metric != METRIC_COSINE ||
		vec_kernels->inner_product(x, x, space->dim) > 0;
}

/*
 * What x is divided by: its norm where the metric is the cosine, else 1.  0 if it
 * has no place.
 */
static double
divisor(const IvfSpace *space, const float4 *x)
{
	if (space->metric != METRIC_COSINE)
		return 1;
	return sqrt(vec_kernels->inner_product(x, x, space->dim));
}

/*
 * Widens x to float8, and makes it a unit vector where the metric is the
 * cosine.  False if it has no place.
 */
bool
ivf_normalise(const IvfSpace *space, const float4 *x, double *v)
{
	double		norm = divisor(space, x);
	int			i;

	if (norm == 0)
		return false;
	for (i = 0; i < space->dim; i++)
		v[i] = x[i];
	for (i = 0; norm != 1 && i < space->dim; i++)
		v[i] /= norm;
	return true;
}

/*
 * Maps the dim elements of x to the n of v.  False if x has no place, because
 * its distance to anything is NaN.
 */
bool
ivf_place(const IvfSpace *space, const float4 *x, double *v)
{
	double		norm = divisor(space, x);
	int			i;

	if (norm == 0)
		return false;
	vec_kernels->centre(x, space->mean, norm, space->dim, v);
	for (i = space->dim; i < space->n; i++)
		v[i] = 0;
	rotate(space->rotation, v);
	return true;
}

/*
 * v minus a centroid, rounded to float4; returns its norm rounded up, such
 * that no rounding makes the distance itself longer.
 */
float4
ivf_residual(const double *v, const float4 *centroid, int n, float4 *residual)
{
	double		squares = vec_kernels->residual(v, centroid, n, residual);

	return float_up(sqrt(squares) * (1 + 0x1p-20));
}

/*
 * <c, v - c> with c seen from the true origin.
 */
double
ivf_true_dot(const IvfSpace *space, const double *v, const float4 *centroid,
			 int n)
{
	double		dot = 0;
	int			i;

	for (i = 0; i < n; i++)
		dot += (centroid[i] + space->origin[i]) * (v[i] - centroid[i]);
	return dot;
}

/*
 * Room for an entry, in the current context.
 */
IvfEntry *
ivf_entry_alloc(int n)
{
	IvfEntry   *entry = palloc0(sizeof(IvfEntry));

	entry->nibbles = palloc(n / 4);
	entry->code = palloc(n);
	return entry;
}

/*
 * Encodes the placed vector v, which minus a leaf's centroid is residual.
 */
void
ivf_encode_residual(const IvfSpace *space, const double *v, const float4 *centroid,
					const float4 *residual, ItemPointer tid, IvfEntry *entry)
{
	bool		inner_product = (space->metric == METRIC_INNER_PRODUCT);
	double		g = inner_product ?
	ivf_true_dot(space, v, centroid, space->n) : 0;
	ByteFactors factors;

	encode_signs(residual, centroid, space->n, g, inner_product, entry->nibbles,
				 &entry->factors);
	encode_bytes(residual, space->n, g, entry->code, &factors);
	ivf_row_fill(&entry->row, tid, &factors);
}

/*
 * Likewise; scratch has room for n values.  Returns the radius that the leaf
 * needs to hold it.
 */
float4
ivf_encode(const IvfSpace *space, const double *v, const float4 *centroid,
		   ItemPointer tid, float4 *scratch, IvfEntry *entry)
{
	float4		radius = ivf_residual(v, centroid, space->n, scratch);

	ivf_encode_residual(space, v, centroid, scratch, tid, entry);
	return radius;
}
