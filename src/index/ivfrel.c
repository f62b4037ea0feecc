/*
 * ivfrel.c
 *	  What SQL functions about an index have in common.
 */
#include "compat.h"

#include "index/ivfrel.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

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

/*
 * Opens an index for a function that looks at the table's rows, too, if the
 * current user may look into it.  Table and then index: the order in which
 * everybody locks them.
 *
 * Expressions of the index run as the table's owner, as they do in CREATE
 * INDEX, and find no function of the caller's unless he is the owner.
 */
void
ivf_open_as_owner(Oid oid, IvfOpened *opened)
{
	Oid			table = IndexGetRelation(oid, true);

	ivf_index_privilege(oid);
	GetUserIdAndSecContext(&opened->user, &opened->security);
	opened->settings = NewGUCNestLevel();
	opened->heap = NULL;
	if (OidIsValid(table))
	{
		Oid			owner;

		opened->heap = table_open(table, AccessShareLock);
		owner = opened->heap->rd_rel->relowner;
		SetUserIdAndSecContext(owner,
							   opened->security | SECURITY_RESTRICTED_OPERATION);
		compat_restrict_search_path(has_privs_of_role(opened->user, owner));
	}

	/* what is no index is complained about here */
	opened->index = ivf_index_open(oid, AccessShareLock);

	/* the name may have been given to another relation before we had the locks */
	if (opened->heap == NULL || table != IndexGetRelation(oid, false))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("could not open the table of index \"%s\"",
						RelationGetRelationName(opened->index))));
}

/*
 * Lets go of it; the current user and his settings are what they were.
 */
void
ivf_close_as_owner(IvfOpened *opened)
{
	AtEOXact_GUC(false, opened->settings);
	SetUserIdAndSecContext(opened->user, opened->security);
	index_close(opened->index, AccessShareLock);
	table_close(opened->heap, AccessShareLock);
}

/*
 * A registered snapshot of now, in which index and table agree.
 *
 * An index made after the transaction's snapshot may lack rows that this sees
 * at the end of a broken HOT chain; scans do not use it then either.
 */
Snapshot
ivf_index_snapshot(Relation index)
{
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());

	if (IsolationUsesXactSnapshot() && index->rd_index->indcheckxmin &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							   snapshot->xmin))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("index \"%s\" can't be compared with the table in this transaction's snapshot",
						RelationGetRelationName(index))));
	return snapshot;
}

/*
 * Of the function that is called, whose row has so many columns.
 */
TupleDesc
ivf_result_row(FunctionCallInfo fcinfo, int columns)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != columns)
		elog(ERROR, "return type must be a row of %d columns", columns);
	return desc;
}
