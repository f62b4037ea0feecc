/*
 * dense_func.h
 *	  Template: functions of one vector.
 */
#include "utils/varbit.h"

/*
 * How many elements the vector has.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(dims))
{
	/* the header is enough: the elements may be kilobytes away, in TOAST */
	struct varlena *head = PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0,
												  sizeof(int16));
	int16		dim;

	memcpy(&dim, VARDATA_ANY(head), sizeof(dim));
	PG_RETURN_INT32(dim);
}

/*
 * Euclidean norm: [0, finite].
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(norm))
{
	DENSE_TYPE *v = DENSE_ARG(0);

	PG_RETURN_FLOAT8(DENSE_LOCAL(norm)(v->x, v->dim));
}

/*
 * The vector divided by its Euclidean norm; a zero vector stays as it is.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(l2_normalize))
{
	DENSE_TYPE *v = DENSE_ARG(0);
	DENSE_TYPE *result = DENSE_LOCAL(make)(v->dim);
	double		norm = DENSE_LOCAL(norm)(v->x, v->dim);
	int			i;

	if (norm == 0)
		PG_RETURN_POINTER(result);
	for (i = 0; i < v->dim; i++)
		result->x[i] = DENSE_PUT(DENSE_GET(v->x[i]) / norm);
	PG_RETURN_POINTER(result);
}

/*
 * As many bits as the vector has elements: 1 where an element is positive.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(binary_quantize))
{
	DENSE_TYPE *v = DENSE_ARG(0);
	VarBit	   *result = palloc0(VARBITTOTALLEN(v->dim));
	bits8	   *bits = VARBITS(result);
	int			i;

	SET_VARSIZE(result, VARBITTOTALLEN(v->dim));
	VARBITLEN(result) = v->dim;
	for (i = 0; i < v->dim; i++)
	{
		if (DENSE_GET(v->x[i]) > 0)
			bits[i / BITS_PER_BYTE] |= HIGHBIT >> (i % BITS_PER_BYTE);
	}
	PG_RETURN_VARBIT_P(result);
}

/*
 * Elements start to start + count - 1, counted from 1, as far as the vector
 * has them.  At least one must be left.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(subvector))
{
	DENSE_TYPE *v = DENSE_ARG(0);
	int64		first = PG_GETARG_INT32(1);
	int64		end = first + PG_GETARG_INT32(2);
	DENSE_TYPE *result;

	first = Max(first, 1);
	end = Min(end, (int64) v->dim + 1);
	dense_check_dim(end - first, DENSE_MAX_DIM, DENSE_STRING, NULL);
	result = DENSE_LOCAL(make)(end - first);
	memcpy(result->x, v->x + (first - 1), sizeof(DENSE_ELEMENT) * result->dim);
	PG_RETURN_POINTER(result);
}
