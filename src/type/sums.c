/*
 * sums.c
 *	  The state of sum and avg over any dense type: making it, combining the
 *	  states of parallel workers, and carrying them between processes.
 */
#include "type/sums.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "type/dense.h"
#include "utils/memutils.h"

/*
 * The state that an aggregate's transition function was called with, as its
 * first argument; a new and empty one for the first row.
 */
VectorSums *
sums_of_aggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context;
	VectorSums *sums;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (!PG_ARGISNULL(0))
		return (VectorSums *) PG_GETARG_POINTER(0);
	sums = MemoryContextAllocZero(context, sizeof(VectorSums));
	sums->context = context;
	sums->exact = true;
	return sums;
}

/*
 * Readies sums for one more vector, of dim elements.
 */
void
sums_begin(VectorSums *sums, int dim)
{
	if (sums->dim == 0)
	{
		Size		size = sizeof(float8) * dim;

		sums->high = MemoryContextAllocZero(sums->context, size);
		sums->low = MemoryContextAllocZero(sums->context, size);
		sums->dim = dim;
	}
	dense_check_same_dim(sums->dim, dim);
}

/*
 * Back to no vector at all, so that the next one may be of other dimensions.
 */
void
sums_forget(VectorSums *sums)
{
	if (sums->dim > 0)
	{
		pfree(sums->high);
		pfree(sums->low);
	}
	sums->count = 0;
	sums->dim = 0;
	sums->exact = true;
}

/*
 * Combine function: adds the second state to the first.
 */
VECFEAT_FUNCTION(vecfeat_sums_combine)
{
	VectorSums *sums;
	VectorSums *other;
	int			i;

	sums = sums_of_aggregate(fcinfo);
	other = PG_ARGISNULL(1) ? NULL : (VectorSums *) PG_GETARG_POINTER(1);
	if (other == NULL || other->dim == 0)
		PG_RETURN_POINTER(sums);

	sums_begin(sums, other->dim);
	for (i = 0; i < other->dim; i++)
	{
		sums->exact &= (sums_add(sums, i, other->high[i]) == 0);
		sums->exact &= (sums_add(sums, i, other->low[i]) == 0);
	}
	sums->exact &= other->exact;
	sums->count += other->count;
	PG_RETURN_POINTER(sums);
}

/*
 * State to bytea, to be read by vecfeat_sums_deserialize of the same build.
 */
VECFEAT_FUNCTION(vecfeat_sums_serialize)
{
	VectorSums *sums = (VectorSums *) PG_GETARG_POINTER(0);
	StringInfoData buf;
	int			i;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, sums->count);
	pq_sendint32(&buf, sums->dim);
	pq_sendbyte(&buf, sums->exact);
	for (i = 0; i < sums->dim; i++)
	{
		pq_sendfloat8(&buf, sums->high[i]);
		pq_sendfloat8(&buf, sums->low[i]);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * bytea to state, in the caller's memory context: the combine function copies
 * what it keeps.
 */
VECFEAT_FUNCTION(vecfeat_sums_deserialize)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	VectorSums *sums = palloc0(sizeof(VectorSums));
	StringInfoData buf;
	int			dim;
	int			i;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));

	sums->context = CurrentMemoryContext;
	sums->count = pq_getmsgint64(&buf);
	dim = pq_getmsgint(&buf, sizeof(int32));
	sums->exact = pq_getmsgbyte(&buf);
	if (dim > 0)
		sums_begin(sums, dim);
	for (i = 0; i < dim; i++)
	{
		sums->high[i] = pq_getmsgfloat8(&buf);
		sums->low[i] = pq_getmsgfloat8(&buf);
	}
	pq_getmsgend(&buf);
	pfree(buf.data);
	PG_RETURN_POINTER(sums);
}
