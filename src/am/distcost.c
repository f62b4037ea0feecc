/*
 * distcost.c
 *	  What distances cost that are computed on a table's rows.
 *
 * The planner takes a function for equally expensive wherever it is called, and
 * does not know what it costs to fetch a value that is stored out of line: each
 * is a search of the TOAST table's index, and more bytes than dozens of the
 * table's own rows have.  A sequential scan with a sort by distance would
 * seem to be cheap then, the cheaper the longer the vectors are.  So distances
 * are asked for their cost (SupportRequestCost), in whatever plan, and the
 * index's scans reckon with the same.
 */
#include "compat.h"

#include "am/distcost.h"

#include <math.h>

#include "access/detoast.h"
#include "access/heaptoast.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "type/vector.h"
#include "utils/lsyscache.h"

/*
 * In units of cpu_operator_cost: a call, and an element.  An operator that this
 * unit is meant for compares two numbers that the processor has at hand.  A
 * distance's are converted, multiplied and added, 8 or 16 at a time; and they
 * come from memory, of which a condition on another column reads nothing.
 */
#define CALL_COST		10
#define ELEMENT_COST	0.5

/*
 * Finding a value out of line: relations are opened and locked, three levels of
 * an index descended, for each of which nbtree's own estimate is 50 units, and
 * chunks copied.
 */
#define DETOAST_COST	300

/*
 * The cost of a distance between two vectors that are at hand.
 */
Cost
ivf_computing_cost(double dimensions)
{
	return (CALL_COST + ELEMENT_COST * dimensions) * cpu_operator_cost;
}

/*
 * The cost of fetching a column's value, where it is out of line: the average
 * width says for how many rows that is so, for ANALYZE counts a pointer as what
 * it is.  0 where the length of the vectors is not known.
 */
static Cost
column_cost(PlannerInfo *root, const Var *var)
{
	RangeTblEntry *entry = planner_rt_fetch(var->varno, root);
	double		bytes;
	double		width;
	double		share;

	if (entry->rtekind != RTE_RELATION || var->varattno <= 0 ||
		var->vartypmod <= 0)
		return 0;
	bytes = VECTOR_SIZE(var->vartypmod);

	/* so short ones have a short header, and stay where they are */
	if (bytes <= VARATT_SHORT_MAX)
		return 0;
	width = get_attavgwidth(entry->relid, var->varattno);
	if (width > 0)
		share = Max(0, 1 - width / bytes);
	else
		share = bytes > TOAST_TUPLE_THRESHOLD ? 1 : 0;
	return share * (DETOAST_COST * cpu_operator_cost +
					ceil(bytes / TOAST_MAX_CHUNK_SIZE) * cpu_tuple_cost +
					bytes / BLCKSZ * seq_page_cost);
}

/*
 * The cost of fetching the vectors that an expression is made of.
 */
Cost
ivf_detoasting_cost(PlannerInfo *root, Node *expression)
{
	List	   *vars;
	ListCell   *cell;
	Oid			type;
	Cost		cost = 0;

	if (root == NULL)
		return 0;
	type = exprType(expression);
	vars = pull_var_clause(expression, PVC_RECURSE_AGGREGATES |
						   PVC_RECURSE_WINDOWFUNCS | PVC_RECURSE_PLACEHOLDERS);
	foreach(cell, vars)
	{
		const Var  *var = lfirst_node(Var, cell);

		if (var->vartype == type)
			cost += column_cost(root, var);
	}
	list_free(vars);
	return cost;
}

/* an operand's dimensions, or 0 where they are not known */
static double
operand_dimensions(Node *operand)
{
	const Const *value = (const Const *) operand;

	if (exprTypmod(operand) > 0)
		return exprTypmod(operand);
	if (!IsA(operand, Const) || value->constisnull)
		return 0;
	return (toast_raw_datum_size(value->constvalue) - (double) VECTOR_SIZE(0)) /
		sizeof(float4);
}

/*
 * Answers the planner's question what a call costs whose first two arguments
 * are vectors.
 */
void
ivf_distance_cost(SupportRequestCost *request)
{
	List	   *args = NIL;
	double		dimensions = 0;
	int			i;

	if (request->node && IsA(request->node, FuncExpr))
		args = ((FuncExpr *) request->node)->args;
	else if (request->node && IsA(request->node, OpExpr))
		args = ((OpExpr *) request->node)->args;

	request->startup = request->per_tuple = 0;
	for (i = 0; i < 2 && i < list_length(args); i++)
	{
		Node	   *operand = list_nth(args, i);

		dimensions = Max(dimensions, operand_dimensions(operand));
		request->per_tuple += ivf_detoasting_cost(request->root, operand);
	}
	request->per_tuple += ivf_computing_cost(dimensions);
}

/*
 * The planner support function of distances.
 */
VECFEAT_FUNCTION(vecfeat_distance_support)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (!IsA(request, SupportRequestCost))
		PG_RETURN_POINTER(NULL);
	ivf_distance_cost((SupportRequestCost *) request);
	PG_RETURN_POINTER(request);
}
