/*
 * ivfrel.c
 *	  Opening an index that a user names.
 */
#include "compat.h"

#include "index/ivfrel.h"

#include "access/relation.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

/*
 * Raises an error unless the current user may look into an index: who owns
 * its table or may maintain it, or is a member of pg_stat_scan_tables.  SELECT
 * is not enough: row-level security may hide from its holder the rows that
 * are counted here.  What is no index goes through, for ivf_index_open() to
 * complain about.
 */
void
ivf_index_privilege(Oid oid)
{
	Oid			table = IndexGetRelation(oid, true);

	if (OidIsValid(table) && !compat_owns_relation(table, GetUserId()) &&
		!compat_may_maintain(table, GetUserId()) &&
		!has_privs_of_role(GetUserId(), ROLE_PG_STAT_SCAN_TABLES))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
}

/*
 * Opens an index for a function that reads its pages.  Refuses what is no ivf
 * index, has no pages of its own or ones that can't be read here.
 */
Relation
ivf_index_open(Oid oid, LOCKMODE lockmode)
{
	Relation	index = relation_open(oid, lockmode);

	if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a partitioned index",
						RelationGetRelationName(index)),
				 errhint("Name the index of a partition.")));
	if (index->rd_rel->relkind != RELKIND_INDEX ||
		index->rd_rel->relam != get_index_am_oid("ivf", false))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an ivf index",
						RelationGetRelationName(index))));
	if (RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary indexes of other sessions")));
	if (!index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid",
						RelationGetRelationName(index)),
				 errhint("REINDEX INDEX %s;", RelationGetRelationName(index))));
	if (RecoveryInProgress() && !RelationIsPermanent(index))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" is not logged and has no contents during recovery",
						RelationGetRelationName(index))));
	return index;
}
