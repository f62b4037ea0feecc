/*
 * opclass.c
 *	  What an operator class tells the index: element type and metric.
 */
#include "compat.h"

#include "index/opclass.h"

#include "access/genam.h"

#include "type/distance.h"
#include "type/vector.h"

static int
vector_dimensions(const void *value)
{
	return ((const Vector *) value)->dim;
}

static const float4 *
vector_elements(const void *value, float4 *space)
{
	return ((const Vector *) value)->x;
}

#define VECTOR_OPCLASS(metric_id, name, operator) \
	{ \
		.metric = metric_id, \
		.metric_name = name, \
		.element_type = IVF_FLOAT4, \
		.type_name = "vector", \
		.dimensions = vector_dimensions, \
		.elements = vector_elements, \
		.distance = operator, \
	}

static const IvfOpclass vector_l2 =
VECTOR_OPCLASS(METRIC_L2, "l2", vector_l2_distance);
static const IvfOpclass vector_ip =
VECTOR_OPCLASS(METRIC_INNER_PRODUCT, "inner product", vector_negative_inner_product);
static const IvfOpclass vector_cosine =
VECTOR_OPCLASS(METRIC_COSINE, "cosine", vector_cosine_distance);

VECFEAT_FUNCTION(vecfeat_ivf_vector_l2)
{
	PG_RETURN_POINTER(&vector_l2);
}

VECFEAT_FUNCTION(vecfeat_ivf_vector_ip)
{
	PG_RETURN_POINTER(&vector_ip);
}

VECFEAT_FUNCTION(vecfeat_ivf_vector_cosine)
{
	PG_RETURN_POINTER(&vector_cosine);
}

/*
 * The elements of a value of the indexed type, in the current context.
 *
 * They are as many as the index has dimensions, whatever the column's type
 * says now: ALTER TABLE ... TYPE vector takes vector(3)'s number away and
 * keeps the index's file.
 */
const float4 *
ivf_elements(Relation index, const IvfOpclass *opclass, int dim, Datum value)
{
	const void *detoasted = PG_DETOAST_DATUM(value);

	if (opclass->dimensions(detoasted) != dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", dim,
						opclass->dimensions(detoasted)),
				 errdetail("Index \"%s\" was made for vectors of %d dimensions.",
						   RelationGetRelationName(index), dim)));
	return opclass->elements(detoasted, palloc(sizeof(float4) * dim));
}

/*
 * The operator class of the index's only column.  What is returned is
 * constant.
 */
const IvfOpclass *
ivf_opclass(Relation index)
{
	FmgrInfo   *proc = index_getprocinfo(index, 1, IVF_OPCLASS_PROC);

	return (const IvfOpclass *)
		DatumGetPointer(FunctionCall1Coll(proc, InvalidOid, PointerGetDatum(NULL)));
}
