/*
 * guard.c
 *	  Scans that would show rows to code that must not see them.
 *
 * A scan computes distances before the executor has looked at the query's
 * conditions, and so on rows that row-level security then hides.  That is no
 * harm where a column is indexed: the distance is computed in here, without an
 * error, and goes nowhere.  But an index on an expression has the expression
 * computed on those rows, with the user's rights and search_path; and a function
 * in it that raises a notice, or calls another by an unqualified name, would
 * show them to the user.  A sequential scan asks the security conditions first.
 */
#include "compat.h"

#include "am/guard.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "nodes/nodeFuncs.h"
#include "utils/syscache.h"

/*
 * Is the function written in a language that users write in?  Those in C are
 * superusers' work.  Each has been computed on the row when the row was
 * indexed, and being immutable it does now what it did then: it succeeds.
 */
static bool
written_by_user(Oid function, void *context)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->prolang != INTERNALlanguageId &&
		form->prolang != ClanguageId && !form->proleakproof;
	ReleaseSysCache(tuple);
	return result;
}

static bool
runs_users_code(Node *node, void *context)
{
	if (node == NULL)
		return false;

	/* a domain's constraints */
	if (IsA(node, CoerceToDomain))
		return true;
	return check_functions_in_node(node, written_by_user, context) ||
		expression_tree_walker(node, runs_users_code, context);
}

/*
 * Would the scan compute what users wrote on rows that conditions of a lower
 * security level than the query's own are to hide?  An order counts as the
 * query's own.
 */
bool
ivf_shows_hidden_rows(PlannerInfo *root, IndexPath *path)
{
	const IndexOptInfo *info = path->indexinfo;

	return path->indexorderbys != NIL && info->indexprs != NIL &&
		info->rel->baserestrict_min_security < root->qual_security_level &&
		runs_users_code((Node *) info->indexprs, NULL);
}
