/*
 * within.c
 *	  Conditions on distances: which there are, and how an index takes them.
 *
 * Users write l2_within(v, center, radius), a function, which reads well and
 * takes its arguments from anywhere.  An index is searched by an operator with
 * one value at its right: v <<->> ROW(center, radius).  The planner asks the
 * function for it.
 *
 * Neither is looked up by a name, which would depend on the search_path and on
 * the schema that the extension lies in: what a function or an operator is,
 * its address in this library says.
 */
#include "compat.h"

#include "am/within.h"

#include "access/htup_details.h"
#include "am/cost.h"
#include "am/distcost.h"
#include "am/selectivity.h"
#include "am/validate.h"
#include "index/wanted.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "type/range.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define WITHIN_ROW(metric, distance, least, most) \
	{vecfeat_vector_##metric##_within, vecfeat_vector_##metric##_in_range, least, most},

static const IvfWithin metrics[] = {RANGE_METRICS(WITHIN_ROW)};

/*
 * The metric of a function, which may be either of the two, or NULL.
 */
const IvfWithin *
ivf_within_of_function(Oid function)
{
	FmgrInfo	info;
	int			i;

	fmgr_info(function, &info);
	for (i = 0; i < (int) lengthof(metrics); i++)
		if (info.fn_addr == metrics[i].within ||
			info.fn_addr == metrics[i].in_range)
			return &metrics[i];
	return NULL;
}

/*
 * The metric of an operator that takes a range, or NULL.
 */
const IvfWithin *
ivf_within_of_operator(Oid operator)
{
	Oid			function = get_opcode(operator);

	return OidIsValid(function) ? ivf_within_of_function(function) : NULL;
}

/*
 * The operator by which an index of this family is searched for what is within
 * a radius by a metric; InvalidOid when it can't be.
 */
Oid
ivf_within_operator(Oid opfamily, const IvfWithin *within)
{
	CatCList   *list = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(opfamily));
	Oid			operator = InvalidOid;
	int			i;

	for (i = 0; i < list->n_members && !OidIsValid(operator); i++)
	{
		Form_pg_amop member = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);

		if (member->amopstrategy == IVF_STRATEGY_WITHIN &&
			member->amoppurpose == AMOP_SEARCH &&
			ivf_within_of_operator(member->amopopr) == within)
			operator = member->amopopr;
	}
	ReleaseCatCacheList(list);
	return operator;
}

/*
 * ROW(center, radius)::range_type: one constant where the parts are, which is
 * what EXPLAIN shows then, and what a scan need not compute.
 */
static Expr *
range_expression(Oid range_type, Node *center, Node *radius)
{
	RowExpr    *row = makeNode(RowExpr);

	row->args = list_make2(center, radius);
	row->row_typeid = range_type;
	row->row_format = COERCE_EXPLICIT_CAST;
	row->location = -1;
	if (IsA(center, Const) && IsA(radius, Const))
		return evaluate_expr((Expr *) row, range_type, -1, InvalidOid);
	return (Expr *) row;
}

/*
 * The index condition that a call implies, in a list, or NIL.  As distances are
 * symmetric, the column may be either of the vectors.
 */
static List *
index_condition(SupportRequestIndexCondition *request)
{
	List	   *args;
	Node	   *center;
	Node	   *radius;
	const IvfWithin *within;
	Oid			operator;
	Oid			left;
	Oid			right;

	if (!IsA(request->node, FuncExpr) || request->indexarg > 1 ||
		request->index->amcostestimate != ivf_cost_estimate)
		return NIL;
	args = ((FuncExpr *) request->node)->args;
	center = list_nth(args, 1 - request->indexarg);
	radius = lthird(args);
	if (!is_pseudo_constant_for_index(request->root, center, request->index) ||
		!is_pseudo_constant_for_index(request->root, radius, request->index))
		return NIL;

	within = ivf_within_of_function(request->funcid);
	operator = within ? ivf_within_operator(request->opfamily, within) : InvalidOid;
	if (!OidIsValid(operator))
		return NIL;
	op_input_types(operator, &left, &right);

	/* the executor asks the function again: it decides, whatever rounds */
	request->lossy = true;
	return list_make1(make_opclause(operator, BOOLOID, false,
									list_nth(args, request->indexarg),
									range_expression(right, center, radius),
									InvalidOid, request->indexcollation));
}

/*
 * The planner support function of l2_within and its like.
 */
VECFEAT_FUNCTION(vecfeat_within_support)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestIndexCondition))
		PG_RETURN_POINTER(index_condition((SupportRequestIndexCondition *) request));
	if (IsA(request, SupportRequestSelectivity))
	{
		SupportRequestSelectivity *wanted = (SupportRequestSelectivity *) request;

		wanted->selectivity = ivf_function_selectivity(wanted);
		PG_RETURN_POINTER(wanted);
	}
	if (IsA(request, SupportRequestCost))
	{
		ivf_distance_cost((SupportRequestCost *) request);
		PG_RETURN_POINTER(request);
	}
	PG_RETURN_POINTER(NULL);
}
