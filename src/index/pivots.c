/*
 * pivots.c
 *	  Centroids near a query: what is nearer to another one is beyond the plane
 *	  between both.
 *
 * Where every row is in the nearest list (ivf_is_voronoi()), that is a bound of
 * how near the entries of a list can be, and a much better one than the radius
 * tells: that is of the farthest entry, in whatever direction it is.  It holds
 * with any list's centroid as the pivot; those near the query stand between it
 * and the others.
 */
#include "compat.h"

#include "index/pivots.h"

#include <math.h>

/*
 * No pivots yet, in the current context; NULL where an index does not promise
 * what makes them a bound.
 */
IvfPivots *
ivf_pivots_make(const IvfQuery *query)
{
	const IvfMetaData *meta = &query->frozen->meta;

	if (!ivf_is_voronoi(query->space->metric, query->space->dim, meta->leaves))
		return NULL;
	return palloc0(sizeof(IvfPivots));
}

/*
 * Adds the centroid of a list, if there is room.
 */
void
ivf_pivots_add(IvfPivots *pivots, const IvfQuery *query, const float4 *centroid)
{
	int			n = query->space->n;
	int			i = pivots->count;
	float4	   *copy;
	IvfView		view;

	if (i == IVF_MOST_PIVOTS)
		return;
	/* the view's w is not wanted */
	copy = palloc(sizeof(float4) * n);
	ivf_view(query, InvalidBlockNumber, 0, centroid, &view, copy);
	memcpy(copy, centroid, sizeof(float4) * n);
	pivots->pivot[i].centroid = copy;
	pivots->pivot[i].distance = view.list.w_norm;
	pivots->pivot[i].norm = view.list.reach - query->v_norm;
	pivots->count++;
}

/*
 * The operator's result is at least that for all entries of a list with this
 * centroid, by any of the pivots.
 */
double
ivf_pivots_bound(const IvfPivots *pivots, const ListQuery *list,
				 const float4 *centroid)
{
	double		bound = 0;
	int			i;

	for (i = 0; i < pivots->count; i++)
	{
		double		apart;

		/* the query is on the list's side */
		if (list->w_norm <= pivots->pivot[i].distance)
			continue;
		apart = sqrt(vec_kernels->rank_l2(centroid, pivots->pivot[i].centroid, list->n));
		bound = Max(bound, bisector_bound(list, pivots->pivot[i].distance,
										  pivots->pivot[i].norm, apart));
	}
	return bound;
}
