/*
 * range.c
 *	  The type vector_range: a center and a radius.
 *
 * It is an ordinary composite type, so that ROW(center, radius) makes one from
 * whatever a query computes, and its text form, dumps and drivers come from
 * the server.  The price is that a superuser can alter it: who reads one looks
 * at what it consists of.
 */
#include "type/range.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static bool
row_fits(TupleDesc row, Oid center_type)
{
	return OidIsValid(center_type) && row->natts == 2 &&
		TupleDescAttr(row, 0)->atttypid == center_type &&
		TupleDescAttr(row, 1)->atttypid == FLOAT8OID;
}

/*
 * Is a type the range of another: a center of that type and a radius?
 */
bool
range_type_fits(Oid type, Oid center_type)
{
	TupleDesc	row;
	bool		result;

	if (get_typtype(type) != TYPTYPE_COMPOSITE)
		return false;
	row = lookup_rowtype_tupdesc(type, -1);
	result = row_fits(row, center_type);
	ReleaseTupleDesc(row);
	return result;
}

/*
 * Takes a range apart; false when one of its parts is NULL.  The center may be
 * in need of detoasting.  It lives as long as the range and the current memory
 * context, both.
 */
bool
range_read(Datum range, Oid center_type, Datum *center, double *radius)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(range);
	TupleDesc	row = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											 HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {0};
	Datum		values[2];
	bool		nulls[2];

	if (!row_fits(row, center_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type %s is not a range of type %s",
						format_type_be(row->tdtypeid),
						format_type_be(center_type)),
				 errdetail("A range consists of a center of that type and a radius of type double precision.")));
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_data = header;
	heap_deform_tuple(&tuple, row, values, nulls);
	ReleaseTupleDesc(row);
	if (nulls[0] || nulls[1])
		return false;
	*center = values[0];
	*radius = DatumGetFloat8(values[1]);
	return true;
}
