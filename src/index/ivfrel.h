/*
 * ivfrel.h
 *	  Opening an index that a user names.
 */
#ifndef VECFEAT_IVFREL_H
#define VECFEAT_IVFREL_H

#include "compat.h"

#include "storage/lockdefs.h"
#include "utils/rel.h"

extern void ivf_index_privilege(Oid oid);
extern Relation ivf_index_open(Oid oid, LOCKMODE lockmode);

#endif							/* VECFEAT_IVFREL_H */
