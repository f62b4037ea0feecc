/*
 * within.h
 *	  Conditions on distances: which there are, and how an index takes them.
 */
#ifndef VECFEAT_WITHIN_H
#define VECFEAT_WITHIN_H

#include "compat.h"

/*
 * One metric: the function that users call, the one behind the operator that an
 * index searches by, and between what its distances lie.
 */
typedef struct IvfWithin
{
	PGFunction	within;			/* (vector, vector, float8) */
	PGFunction	in_range;		/* (vector, vector_range) */
	double		least;
	double		most;
} IvfWithin;

extern const IvfWithin *ivf_within_of_function(Oid function);
extern const IvfWithin *ivf_within_of_operator(Oid operator);
extern Oid	ivf_within_operator(Oid opfamily, const IvfWithin *within);

#endif							/* VECFEAT_WITHIN_H */
