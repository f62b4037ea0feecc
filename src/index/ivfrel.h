/*
 * ivfrel.h
 *	  What SQL functions about an index have in common.
 */
#ifndef VECFEAT_IVFREL_H
#define VECFEAT_IVFREL_H

#include "compat.h"

#include "access/tupdesc.h"
#include "storage/lockdefs.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/*
 * An index that is open with its table, while the table's owner is the current
 * user.
 */
typedef struct IvfOpened
{
	Relation	heap;
	Relation	index;
	Oid			user;			/* who was it before, */
	int			security;		/* and how */
	int			settings;		/* nest level */
} IvfOpened;

extern void ivf_index_privilege(Oid oid);
extern Relation ivf_index_open(Oid oid, LOCKMODE lockmode);
extern void ivf_open_as_owner(Oid oid, IvfOpened *opened);
extern void ivf_close_as_owner(IvfOpened *opened);
extern Snapshot ivf_index_snapshot(Relation index);
extern TupleDesc ivf_result_row(FunctionCallInfo fcinfo, int columns);

#endif							/* VECFEAT_IVFREL_H */
