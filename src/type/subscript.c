/*
 * subscript.c
 *	  v[i] for any dense type: parsing the subscript, finding the element.
 */
#include "type/dense.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_expr.h"
#include "utils/builtins.h"

/*
 * Parse analysis of v[i]: exactly one integer, read only; a real comes out.
 */
void
dense_subscript_transform(SubscriptingRef *sbsref, List *indirection,
						  struct ParseState *pstate, bool isSlice,
						  bool isAssignment)
{
	char	   *type = format_type_be(sbsref->refcontainertype);
	A_Indices  *indices = linitial_node(A_Indices, indirection);
	Node	   *subscript;
	Node	   *number;

	if (isSlice)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("type %s does not support slices", type),
				 errhint("Use subvector(value, start, count)."),
				 parser_errposition(pstate, exprLocation((Node *) sbsref))));
	if (isAssignment)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("elements of type %s cannot be assigned to", type),
				 parser_errposition(pstate, exprLocation((Node *) sbsref))));
	if (list_length(indirection) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type %s takes one subscript", type),
				 parser_errposition(pstate, exprLocation((Node *) sbsref))));

	subscript = transformExpr(pstate, indices->uidx, pstate->p_expr_kind);
	number = coerce_to_target_type(pstate, subscript, exprType(subscript),
								   INT4OID, -1, COERCION_ASSIGNMENT,
								   COERCE_IMPLICIT_CAST, -1);
	if (number == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the subscript of type %s must be an integer", type),
				 parser_errposition(pstate, exprLocation(subscript))));

	sbsref->refupperindexpr = list_make1(number);
	sbsref->reflowerindexpr = NIL;
	sbsref->refrestype = FLOAT4OID;
	sbsref->reftypmod = -1;
}

/*
 * Copies the element of value at subscript, counted from 1, to *element, and
 * returns false when there is none.  Reads no more of the value than that
 * element: where it is in TOAST, one chunk of it.
 */
bool
dense_fetch_element(Datum value, int32 subscript, int max_dim, Size size,
					void *element)
{
	struct varlena *slice;

	if (subscript < 1 || subscript > max_dim)
		return false;
	/* offsets count from behind the length word: dim and unused come first */
	slice = PG_DETOAST_DATUM_SLICE(value,
								   2 * sizeof(int16) + size * (subscript - 1),
								   size);
	if (VARSIZE_ANY_EXHDR(slice) < size)
		return false;
	memcpy(element, VARDATA_ANY(slice), size);
	pfree(slice);
	return true;
}
