/*
 * selectivity.c
 *	  How many rows lie within a radius.
 *
 * Functions and operators come to one place, ivf_within_selectivity(), so that
 * a condition counts the same number of rows whichever way it is written, and
 * so that the index is expected to find what the function is expected to pass.
 */
#include "compat.h"

#include "am/selectivity.h"

#include <math.h>

#include "access/htup_details.h"
#include "am/reach.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "type/range.h"

/*
 * The share of rows within a radius, from an index on the column that tells it.
 */
static bool
share_in_index(PlannerInfo *root, const IvfWithin *within,
			   const VariableStatData *column, const Const *center, double radius,
			   Selectivity *share)
{
	ListCell   *cell;

	if (column->rel == NULL)
		return false;
	foreach(cell, column->rel->indexlist)
	{
		IndexOptInfo *info = lfirst(cell);
		IvfReach	reach;

		if ((info->indpred != NIL && !info->predOK) ||
			!match_index_to_operand(column->var, 0, info) ||
			!OidIsValid(ivf_within_operator(info->opfamily[0], within)) ||
			!ivf_reach_of(root, info, center, radius, &reach))
			continue;
		*share = reach.share;
		return true;
	}
	return false;
}

/*
 * The share of a table's rows whose column, an expression with its statistics,
 * is within radius of center.  These are not NULL as values; as pointers they
 * are where the planner can't know the value.
 *
 * What ANALYZE keeps of vectors says how many there are, not where: that an index
 * tells.  What is sure is that no distance lies beyond the metric's ends.
 */
Selectivity
ivf_within_selectivity(PlannerInfo *root, const IvfWithin *within,
					   const VariableStatData *column,
					   const Const *center, const Const *radius)
{
	Selectivity vectors = 1;
	Selectivity share;

	if (HeapTupleIsValid(column->statsTuple))
		vectors -= ((Form_pg_statistic) GETSTRUCT(column->statsTuple))->stanullfrac;
	if (radius)
	{
		double		value = DatumGetFloat8(radius->constvalue);

		if (isnan(value) || value < within->least)
			return 0;
		if (value >= within->most)
			return vectors;
		if (center &&
			share_in_index(root, within, column, center, value, &share))
			return Min(share, vectors);
	}
	return vectors * DEFAULT_MATCHING_SEL;
}

static bool
is_null(const Node *node)
{
	return IsA(node, Const) && ((const Const *) node)->constisnull;
}

static const Const *
constant(const Node *node)
{
	return IsA(node, Const) ? (const Const *) node : NULL;
}

/*
 * The same for a condition whose operands are given.  One of a and b is the
 * column, whichever it is.
 */
static Selectivity
condition_selectivity(PlannerInfo *root, const IvfWithin *within,
					  Node *a, Node *b, Node *radius, int relation)
{
	VariableStatData column;
	Node	   *center;
	bool		column_first;
	Selectivity result;

	if (!get_restriction_variable(root, list_make2(a, b), relation,
								  &column, &center, &column_first))
		return DEFAULT_MATCHING_SEL;
	radius = estimate_expression_value(root, radius);
	if (is_null(center) || is_null(radius))
		result = 0;
	else
		result = ivf_within_selectivity(root, within, &column,
										constant(center), constant(radius));
	ReleaseVariableStats(column);
	return result;
}

/*
 * Answers the planner's question about a call of l2_within or its like.  Of a
 * join nothing is known.
 */
Selectivity
ivf_function_selectivity(const SupportRequestSelectivity *request)
{
	const IvfWithin *within = ivf_within_of_function(request->funcid);

	if (within == NULL || request->is_join)
		return DEFAULT_MATCHING_SEL;
	return condition_selectivity(request->root, within, linitial(request->args),
								 lsecond(request->args), lthird(request->args),
								 request->varRelid);
}

/*
 * The center and the radius of a constant range; false if it is none, or one of
 * them is NULL.  Inside a range a center has a shorter header than elsewhere; as
 * it is returned, it equals others.
 */
bool
ivf_constant_range(const Node *range, Oid center_type, Const **center,
				   double *radius)
{
	Datum		value;

	if (!IsA(range, Const) || is_null(range) ||
		!range_read(((const Const *) range)->constvalue, center_type, &value,
					radius))
		return false;
	value = PointerGetDatum(PG_DETOAST_DATUM(value));
	*center = makeConst(center_type, -1, InvalidOid, -1, value, false, false);
	return true;
}

/*
 * Takes an expression for a range apart; false when a part is known to be NULL.
 * What can't be taken apart stands for both parts, whose values are unknown.
 */
static bool
split_range(Node *range, Oid center_type, Node **center, Node **radius)
{
	*center = *radius = range;
	if (IsA(range, RowExpr) && list_length(((RowExpr *) range)->args) == 2)
	{
		*center = linitial(((RowExpr *) range)->args);
		*radius = lsecond(((RowExpr *) range)->args);
	}
	else if (IsA(range, Const))
	{
		Const	   *known;
		double		number;

		if (!ivf_constant_range(range, center_type, &known, &number))
			return false;
		*center = (Node *) known;
		*radius = (Node *) makeConst(FLOAT8OID, -1, InvalidOid, sizeof(float8),
									 Float8GetDatum(number), false, FLOAT8PASSBYVAL);
	}
	return true;
}

/*
 * The restriction estimator of the operators that take a range.  Behind another
 * operator's name it must not take its operands for what they are here.
 */
VECFEAT_FUNCTION(vecfeat_range_sel)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	const IvfWithin *within = ivf_within_of_operator(PG_GETARG_OID(1));
	List	   *args = (List *) PG_GETARG_POINTER(2);
	Node	   *range;
	Node	   *center;
	Node	   *radius;

	if (within == NULL || list_length(args) != 2)
		PG_RETURN_FLOAT8(DEFAULT_MATCHING_SEL);
	range = estimate_expression_value(root, lsecond(args));
	if (!split_range(range, exprType(linitial(args)), &center, &radius))
		PG_RETURN_FLOAT8(0);
	PG_RETURN_FLOAT8(condition_selectivity(root, within, linitial(args), center,
										   radius, PG_GETARG_INT32(3)));
}
