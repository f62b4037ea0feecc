/*
 * dense_compare.h
 *	  Template: order, sorting, hashing.
 *
 * Vectors are ordered like arrays: by the first elements that differ, then the
 * shorter one first.  Negative zero equals zero everywhere.  Vectors of
 * different dimensions compare: a column without a modifier may mix them.
 */
#include "common/hashfn.h"
#include "utils/sortsupport.h"

/*
 * Negative, zero or positive as a sorts before, with or after b.
 */
static int
DENSE_LOCAL(compare)(const DENSE_TYPE *a, const DENSE_TYPE *b)
{
	int			common = Min(a->dim, b->dim);
	int			i;

	for (i = 0; i < common; i++)
	{
		float4		x = DENSE_GET(a->x[i]);
		float4		y = DENSE_GET(b->x[i]);

		if (x < y)
			return -1;
		if (x > y)
			return 1;
	}
	return (a->dim > b->dim) - (a->dim < b->dim);
}

/*
 * Compares two datums.  Detoasted copies are freed, as index builds and sorts
 * call this any number of times in one memory context.
 */
static int
DENSE_LOCAL(compare_datums)(Datum x, Datum y, SortSupport ssup)
{
	DENSE_TYPE *a = (DENSE_TYPE *) PG_DETOAST_DATUM(x);
	DENSE_TYPE *b = (DENSE_TYPE *) PG_DETOAST_DATUM(y);
	int			result = DENSE_LOCAL(compare)(a, b);

	if ((Pointer) a != DatumGetPointer(x))
		pfree(a);
	if ((Pointer) b != DatumGetPointer(y))
		pfree(b);
	return result;
}

#define DENSE_COMPARISON(name, op) \
VECFEAT_FUNCTION(DENSE_FUNCTION(name)) \
{ \
	PG_RETURN_BOOL(DENSE_LOCAL(compare_datums)(PG_GETARG_DATUM(0), \
											   PG_GETARG_DATUM(1), \
											   NULL) op 0); \
}

DENSE_COMPARISON(lt, <)
DENSE_COMPARISON(le, <=)
DENSE_COMPARISON(eq, ==)
DENSE_COMPARISON(ne, !=)
DENSE_COMPARISON(ge, >=)
DENSE_COMPARISON(gt, >)

/*
 * btree support: -1, 0 or 1.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(cmp))
{
	PG_RETURN_INT32(DENSE_LOCAL(compare_datums)(PG_GETARG_DATUM(0),
												PG_GETARG_DATUM(1), NULL));
}

/*
 * An unsigned number that orders as element i of v does, and below any
 * element's where v has no such element.
 *
 * The bits of IEEE floats of one sign order as integers do.  The smallest
 * number of a present element is that of -FLT_MAX, which is above zero.
 */
static uint32
DENSE_LOCAL(sortable)(const DENSE_TYPE *v, int i)
{
	float4		value;
	uint32		bits;

	if (i >= v->dim)
		return 0;
	value = DENSE_GET(v->x[i]) + 0.0f;	/* -0 is 0 */
	memcpy(&bits, &value, sizeof(bits));
	return (bits & 0x80000000) ? ~bits : bits | 0x80000000;
}

/*
 * The abbreviated key of a vector: its first elements, as many as fit.  Only
 * these are fetched from TOAST, though the whole header has to be there for
 * DENSE_TYPE to be laid over them.
 */
static Datum
DENSE_LOCAL(abbreviate)(Datum original, SortSupport ssup)
{
	int			wanted = sizeof(Datum) / sizeof(uint32);
	Size		offset = offsetof(DENSE_TYPE, dim);
	DENSE_TYPE *v;
	Datum		key = 0;
	int			i;

	v = (DENSE_TYPE *)
		PG_DETOAST_DATUM_SLICE(original, 0,
							   offsetof(DENSE_TYPE, x) - offset +
							   sizeof(DENSE_ELEMENT) * wanted);
	for (i = 0; i < wanted; i++)
	{
		/* in two steps, since a Datum may be no wider than 32 bits */
		key = (key << 16) << 16;
		key |= DENSE_LOCAL(sortable)(v, i);
	}
	pfree(v);
	return key;
}

static int
DENSE_LOCAL(compare_abbreviated)(Datum x, Datum y, SortSupport ssup)
{
	return (x > y) - (x < y);
}

/*
 * Never: even where the first elements are all the same, comparing two
 * integers first costs nothing beside comparing two vectors.
 */
static bool
DENSE_LOCAL(abort_abbreviation)(int memtupcount, SortSupport ssup)
{
	return false;
}

/*
 * btree support: sorting without a function call per comparison, and without
 * detoasting where the first elements decide.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(sortsupport))
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = DENSE_LOCAL(compare_datums);
	if (ssup->abbreviate)
	{
		ssup->comparator = DENSE_LOCAL(compare_abbreviated);
		ssup->abbrev_converter = DENSE_LOCAL(abbreviate);
		ssup->abbrev_abort = DENSE_LOCAL(abort_abbreviation);
		ssup->abbrev_full_comparator = DENSE_LOCAL(compare_datums);
	}
	PG_RETURN_VOID();
}

/*
 * A hash of the elements, with negative zeros hashed as zeros.
 */
static uint64
DENSE_LOCAL(hash_elements)(Datum datum, uint64 seed)
{
	DENSE_TYPE *v = (DENSE_TYPE *) PG_DETOAST_DATUM(datum);
	Size		size = sizeof(DENSE_ELEMENT) * v->dim;
	DENSE_ELEMENT *x = palloc(size);
	uint64		hash;
	int			i;

	for (i = 0; i < v->dim; i++)
		x[i] = (DENSE_GET(v->x[i]) == 0) ? DENSE_PUT(0) : v->x[i];
	hash = hash_bytes_extended((unsigned char *) x, size, seed);
	pfree(x);
	if ((Pointer) v != DatumGetPointer(datum))
		pfree(v);
	return hash;
}

/*
 * hash support: with seed 0 the low half of the extended hash, as hash_any
 * has it too.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(hash))
{
	PG_RETURN_UINT32((uint32) DENSE_LOCAL(hash_elements)(PG_GETARG_DATUM(0), 0));
}

/*
 * hash support for partitions and hash joins of many batches: a seed and
 * 64 bits.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(hash_extended))
{
	PG_RETURN_INT64(DENSE_LOCAL(hash_elements)(PG_GETARG_DATUM(0),
											   PG_GETARG_INT64(1)));
}
