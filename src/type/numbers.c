/*
 * numbers.c
 *	  The arrays that cast to a dense type, as plain numbers.
 */
#include "type/dense.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/numeric.h"

static double
number_of_int4(Datum d)
{
	return DatumGetInt32(d);
}

static double
number_of_float4(Datum d)
{
	return DatumGetFloat4(d);
}

static double
number_of_float8(Datum d)
{
	return DatumGetFloat8(d);
}

/*
 * Through text, rounded once to float4: the element is the one that the
 * number's digits give in the text form of a vector.
 */
static double
number_of_numeric(Datum d)
{
	char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out, d));
	float		value;

	errno = 0;
	value = strtof(digits, NULL);
	if (errno == ERANGE && isinf(value))
		float_overflow_error();
	pfree(digits);
	return value;
}

/*
 * What an array may hold: a row a type.
 */
static const struct
{
	Oid			type;
	int16		length;
	bool		by_value;
	char		align;
	double		(*number) (Datum d);
}			sources[] =
{
	{INT4OID, sizeof(int32), true, TYPALIGN_INT, number_of_int4},
	{FLOAT4OID, sizeof(float4), true, TYPALIGN_INT, number_of_float4},
	{FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, number_of_float8},
	{NUMERICOID, -1, false, TYPALIGN_INT, number_of_numeric},
};

/*
 * The elements of an array with one dimension, at least one and at most
 * max_dim elements and no NULL, as *count finite numbers.
 */
double *
array_to_numbers(ArrayType *array, int max_dim, const char *type, int *count)
{
	Size		source = 0;
	Datum	   *elements;
	bool	   *nulls;
	double	   *numbers;
	int			i;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));
	dense_check_dim(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), max_dim,
					type, NULL);
	while (sources[source].type != ARR_ELEMTYPE(array))
	{
		if (++source == lengthof(sources))
			elog(ERROR, "no cast from arrays of type %u", ARR_ELEMTYPE(array));
	}

	deconstruct_array(array, sources[source].type, sources[source].length,
					  sources[source].by_value, sources[source].align,
					  &elements, &nulls, count);
	numbers = palloc(sizeof(double) * *count);
	for (i = 0; i < *count; i++)
	{
		numbers[i] = sources[source].number(elements[i]);
		dense_check_finite(numbers[i], type, NULL);
	}
	return numbers;
}
