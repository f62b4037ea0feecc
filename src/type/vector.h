/*
 * vector.h
 *	  The vector type: its layout in memory and on disk.
 */
#ifndef VECFEAT_VECTOR_H
#define VECFEAT_VECTOR_H

#include "compat.h"

#define VECTOR_MAX_DIM	16000

/*
 * A vector of dim float4 elements.  unused is zero: client libraries that
 * read the binary form insist on it.  No element is NaN or infinite.
 */
typedef struct Vector
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int16		dim;
	int16		unused;
	float4		x[FLEXIBLE_ARRAY_MEMBER];
} Vector;

#define VECTOR_SIZE(dim)		(offsetof(Vector, x) + sizeof(float4) * (dim))
#define DatumGetVector(d)		((Vector *) PG_DETOAST_DATUM(d))
#define PG_GETARG_VECTOR_P(n)	DatumGetVector(PG_GETARG_DATUM(n))
#define PG_RETURN_VECTOR_P(p)	PG_RETURN_POINTER(p)

#endif							/* VECFEAT_VECTOR_H */
