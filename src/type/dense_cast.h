/*
 * dense_cast.h
 *	  Template: casts to a declared dimension, from and to arrays.
 */
#include "catalog/pg_type.h"

/*
 * To type(n): the value itself, which must have n dimensions.
 * Arguments: value, typmod, (explicit).
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(to_typmod))
{
	DENSE_TYPE *v = DENSE_ARG(0);

	dense_check_typmod(v->dim, PG_GETARG_INT32(1), NULL);
	PG_RETURN_POINTER(v);
}

/*
 * From an array of any type that array_to_numbers knows.  Numbers too small
 * for an element become zero.  Arguments: array, typmod, (explicit).
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(from_array))
{
	int			dim;
	double	   *numbers = array_to_numbers(PG_GETARG_ARRAYTYPE_P(0),
										   DENSE_MAX_DIM, DENSE_STRING, &dim);
	DENSE_TYPE *result;
	int			i;

	dense_check_typmod(dim, PG_GETARG_INT32(1), NULL);
	result = DENSE_LOCAL(make)(dim);
	for (i = 0; i < dim; i++)
		result->x[i] = DENSE_LOCAL(round)(numbers[i]);
	PG_RETURN_POINTER(result);
}

/*
 * To real[].
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(to_float4_array))
{
	DENSE_TYPE *v = DENSE_ARG(0);
	Datum	   *elements = palloc(sizeof(Datum) * v->dim);
	int			i;

	for (i = 0; i < v->dim; i++)
		elements[i] = Float4GetDatum(DENSE_GET(v->x[i]));
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, v->dim, FLOAT4OID,
										  sizeof(float4), true, TYPALIGN_INT));
}
