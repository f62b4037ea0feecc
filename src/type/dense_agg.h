/*
 * dense_agg.h
 *	  Template: sum and avg, over VectorSums.
 */
#include "type/sums.h"

/*
 * Adds sign times the elements of v to sums.
 */
static void
DENSE_LOCAL(add_to_sums)(VectorSums *sums, const DENSE_TYPE *v, float8 sign)
{
	float8		lost = 0;
	int			i;

	sums_begin(sums, v->dim);
	for (i = 0; i < v->dim; i++)
		lost += fabs(sums_add(sums, i, sign * DENSE_GET(v->x[i])));
	sums->exact &= (lost == 0);
	sums->count += (sign > 0) ? 1 : -1;
}

/*
 * Transition: takes a vector in.  Not strict, because the moving form of an
 * aggregate must return a state even when it has seen nothing but NULLs.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(accum))
{
	VectorSums *sums = sums_of_aggregate(fcinfo);

	if (!PG_ARGISNULL(1))
		DENSE_LOCAL(add_to_sums)(sums, DENSE_ARG(1), 1);
	PG_RETURN_POINTER(sums);
}

/*
 * Inverse transition: takes a vector out again.
 *
 * If a bit was ever lost, what is left after a subtraction may be nothing but
 * the loss (take 1e30 out of 1e30 + 1).  NULL then has the executor add up the
 * window from its start, so that a row's result never depends on the rows that
 * were in the window before.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(accum_inv))
{
	VectorSums *sums = sums_of_aggregate(fcinfo);

	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(sums);
	DENSE_LOCAL(add_to_sums)(sums, DENSE_ARG(1), -1);
	if (sums->count == 0)
		sums_forget(sums);
	if (!sums->exact)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(sums);
}

/*
 * The sums divided by divisor; throws when one is too large for an element.
 */
static DENSE_TYPE *
DENSE_LOCAL(from_sums)(const VectorSums *sums, float8 divisor)
{
	DENSE_TYPE *result = DENSE_LOCAL(make)(sums->dim);
	int			i;

	for (i = 0; i < sums->dim; i++)
		result->x[i] = DENSE_LOCAL(round)(sums->high[i] / divisor);
	return result;
}

/*
 * Final function of sum: NULL when no vector was added.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(sum))
{
	VectorSums *sums = PG_ARGISNULL(0) ? NULL : (VectorSums *) PG_GETARG_POINTER(0);

	if (sums == NULL || sums->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(DENSE_LOCAL(from_sums)(sums, 1));
}

/*
 * Final function of avg: NULL when no vector was added.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(avg))
{
	VectorSums *sums = PG_ARGISNULL(0) ? NULL : (VectorSums *) PG_GETARG_POINTER(0);

	if (sums == NULL || sums->count == 0)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(DENSE_LOCAL(from_sums)(sums, sums->count));
}
