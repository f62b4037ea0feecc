/*
 * pivots.h
 *	  Centroids near a query: what is nearer to another one is beyond the plane
 *	  between both.
 */
#ifndef VECFEAT_PIVOTS_H
#define VECFEAT_PIVOTS_H

#include "compat.h"

#include "index/score.h"

/*
 * Of 200,000 rows of 8 dimensions, normally distributed, one leaves an exact scan
 * for 10 rows 47 of 400 lists to read, 16 of them 35; radii leave 280.
 */
#define IVF_MOST_PIVOTS		16

typedef struct IvfPivots
{
	int			count;
	struct
	{
		float4	   *centroid;	/* n */
		double		distance;	/* of the query */
		double		norm;
	}			pivot[IVF_MOST_PIVOTS];
} IvfPivots;

extern IvfPivots *ivf_pivots_make(const IvfQuery *query);
extern void ivf_pivots_add(IvfPivots *pivots, const IvfQuery *query,
						   const float4 *centroid);
extern double ivf_pivots_bound(const IvfPivots *pivots, const ListQuery *list,
							   const float4 *centroid);

#endif							/* VECFEAT_PIVOTS_H */
