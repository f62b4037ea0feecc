/*
 * wanted.c
 *	  What a scan's keys ask for.
 *
 * A scan looks around one point: the one that rows are ordered by, or, where there
 * is no order, the center of a range.  A range around another point than that is
 * left to the executor, which checks all conditions on the rows again.
 */
#include "compat.h"

#include "index/wanted.h"

#include <math.h>

#include "type/range.h"

/*
 * The elements of a query or a center, in the current context.
 */
static const float4 *
elements_of(const IvfSpace *space, Datum value)
{
	const void *detoasted = PG_DETOAST_DATUM_COPY(value);
	int			dim = space->opclass->dimensions(detoasted);

	if (dim != space->dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different vector dimensions %d and %d",
						space->dim, dim)));
	return space->opclass->elements(detoasted, palloc(sizeof(float4) * dim));
}

static bool
same(const IvfSpace *space, const float4 *a, const float4 *b)
{
	return memcmp(a, b, sizeof(float4) * space->dim) == 0;
}

/*
 * Takes a condition into account.
 */
static void
add_range(IndexScanDesc scan, const IvfSpace *space, const ScanKeyData *key,
		  IvfWanted *wanted)
{
	const float4 *elements;
	Datum		center;
	double		radius;

	if (key->sk_strategy != IVF_STRATEGY_WITHIN)
		elog(ERROR, "ivf index \"%s\" can't be scanned with strategy %d",
			 RelationGetRelationName(scan->indexRelation), key->sk_strategy);
	if ((key->sk_flags & SK_ISNULL) ||
		!range_read(key->sk_argument, scan->indexRelation->rd_opcintype[0],
					&center, &radius))
	{
		wanted->nothing = true;
		return;
	}
	elements = elements_of(space, center);
	if (isnan(radius) || !ivf_has_place(space, elements))
	{
		wanted->nothing = true;
		return;
	}

	/* the smallest range leaves the least to be looked at */
	if (wanted->ordered ? same(space, elements, wanted->elements) &&
		(!wanted->within || radius < wanted->radius) :
		!wanted->within || radius < wanted->radius)
	{
		wanted->elements = elements;
		wanted->within = true;
		wanted->radius = radius;
	}
}

/*
 * Finds out what is wanted; in the current context.
 */
void
ivf_wanted(IndexScanDesc scan, const IvfSpace *space, IvfWanted *wanted)
{
	int			i;

	memset(wanted, 0, sizeof(*wanted));
	if (scan->numberOfOrderBys > 0 &&
		!(scan->orderByData->sk_flags & SK_ISNULL))
	{
		wanted->elements = elements_of(space, scan->orderByData->sk_argument);
		wanted->ordered = ivf_has_place(space, wanted->elements);

		/* every distance is NaN: no order is wrong */
		if (!wanted->ordered)
			wanted->elements = NULL;
	}
	for (i = 0; i < scan->numberOfKeys; i++)
		add_range(scan, space, &scan->keyData[i], wanted);
}
