/*
 * known.h
 *	  Distances that an index scan knows already.
 *
 * A scan in the order of a distance computes that of each row which may come out,
 * and then the executor computes it once more: what rows are ordered by is a
 * column of the scan's result, if one that nobody sees.  Where vectors are stored
 * out of line, each time one has to be fetched.  So the distance functions ask
 * whether the scan that has just yielded a row knows of the stored value.
 *
 * A value out of line is known by its pointer.  That stands for the same value as
 * long as somebody can see the row: the scan's own snapshot does, until the scan
 * is over and forgets.
 */
#ifndef VECFEAT_KNOWN_H
#define VECFEAT_KNOWN_H

#include "compat.h"

#include "access/detoast.h"

/* rows that may have been looked at since the one that comes out */
#define KNOWN_ROWS		32

/* any distance function of element arrays */
typedef void (*KnownFunction) (void);

typedef struct KnownRow
{
	struct varatt_external at;
	double		distance;
} KnownRow;

typedef struct KnownDistances
{
	KnownFunction function;
	const void *query;			/* elements */
	Size		bytes;			/* of them */
	struct varatt_external query_at;	/* where a value was found to be the query */
	uint32		count;			/* rows that have been added */
	KnownRow	row[KNOWN_ROWS];	/* a ring */
	MemoryContextCallback end;
} KnownDistances;

/* of the scan that has yielded a row last, or NULL */
extern KnownDistances *known_distances;

extern KnownDistances *known_begin(KnownFunction function, const void *query,
								   Size bytes);
extern void known_add(KnownDistances *known, Datum value, double distance);
extern bool known_find(KnownFunction function, Datum value, Datum query,
					   double *distance);

/*
 * Does the scan know what the function would return?
 */
static inline bool
known_distance(KnownFunction function, Datum value, Datum query, double *distance)
{
	return unlikely(known_distances != NULL) &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)) &&
		known_find(function, value, query, distance);
}

#endif							/* VECFEAT_KNOWN_H */
