/*
 * opclass.h
 *	  What an operator class tells the index: element type and metric.
 */
#ifndef VECFEAT_OPCLASS_H
#define VECFEAT_OPCLASS_H

#include "compat.h"

#include "utils/rel.h"

#include "ground/bound.h"
#include "page/format.h"

/* support function number: returns the IvfOpclass */
#define IVF_OPCLASS_PROC	1
#define IVF_SUPPORT_PROCS	1

/*
 * One row of the table of element types and metrics.  A value is a detoasted
 * datum of the type.
 */
typedef struct IvfOpclass
{
	Metric		metric;
	const char *metric_name;
	IvfElementType element_type;
	const char *type_name;

	int			(*dimensions) (const void *value);
	/* the value's elements as float4; converted into space if need be */
	const float4 *(*elements) (const void *value, float4 *space);
	/* the ordering operator itself */
	double		(*distance) (const float4 *a, const float4 *b, int dim);
} IvfOpclass;

extern const IvfOpclass *ivf_opclass(Relation index);
extern const float4 *ivf_elements(Relation index, const IvfOpclass *opclass,
								  int dim, Datum value);

#endif							/* VECFEAT_OPCLASS_H */
