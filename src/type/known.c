/*
 * known.c
 *	  Distances that an index scan knows already.
 */
#include "type/known.h"

#include "type/vector.h"
#include "utils/memutils.h"

KnownDistances *known_distances = NULL;

static void
forget(void *arg)
{
	if (known_distances == arg)
		known_distances = NULL;
}

/*
 * Room for what is known of distances from a query, in the current context, with
 * which it is forgotten; query stays in use.
 */
KnownDistances *
known_begin(KnownFunction function, const void *query, Size bytes)
{
	KnownDistances *known = palloc0(sizeof(KnownDistances));

	known->function = function;
	known->query = query;
	known->bytes = bytes;
	known->end.func = forget;
	known->end.arg = known;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &known->end);
	return known;
}

/*
 * Adds the distance of a value, which is not detoasted, of a row that the scan
 * sees.  Only what is out of line is worth it.
 */
void
known_add(KnownDistances *known, Datum value, double distance)
{
	KnownRow   *row = &known->row[known->count % KNOWN_ROWS];

	if (!VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value)))
		return;
	VARATT_EXTERNAL_GET_POINTER(row->at, DatumGetPointer(value));
	row->distance = distance;
	known->count++;
}

/*
 * Is this the scan's query?  If it is out of line, it is looked at only once.
 */
static bool
is_query(KnownDistances *known, Datum query)
{
	bool		outside = VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(query));
	struct varatt_external at;
	Vector	   *v;

	if (outside)
	{
		VARATT_EXTERNAL_GET_POINTER(at, DatumGetPointer(query));
		if (memcmp(&at, &known->query_at, sizeof(at)) == 0)
			return true;
	}
	v = DatumGetVector(query);
	if (VARSIZE(v) != offsetof(Vector, x) + known->bytes ||
		memcmp(v->x, known->query, known->bytes) != 0)
		return false;
	if (outside)
		known->query_at = at;
	return true;
}

/*
 * The distance between a value out of line and a query, if it is known.
 */
bool
known_find(KnownFunction function, Datum value, Datum query, double *distance)
{
	KnownDistances *known = known_distances;
	struct varatt_external at;
	uint32		i;

	if (function != known->function)
		return false;
	VARATT_EXTERNAL_GET_POINTER(at, DatumGetPointer(value));
	for (i = 0; i < Min(known->count, KNOWN_ROWS); i++)
	{
		if (memcmp(&at, &known->row[i].at, sizeof(at)) != 0)
			continue;
		*distance = known->row[i].distance;
		return is_query(known, query);
	}
	return false;
}
