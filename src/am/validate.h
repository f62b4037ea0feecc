/*
 * validate.h
 *	  Operator classes: are they sound, and what can they do.
 */
#ifndef VECFEAT_VALIDATE_H
#define VECFEAT_VALIDATE_H

#include "compat.h"

#include "access/amapi.h"

extern bool ivf_validate(Oid opclass);
extern void ivf_adjust_members(Oid opfamily, Oid opclass, List *operators,
							   List *functions);
extern bool ivf_property(Oid index, int column, IndexAMProperty property,
						 const char *name, bool *result, bool *isnull);

#endif							/* VECFEAT_VALIDATE_H */
