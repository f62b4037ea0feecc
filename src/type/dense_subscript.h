/*
 * dense_subscript.h
 *	  Template: the executor's side of v[i].
 */
#include "executor/execExpr.h"

/*
 * v[i] for v and i that are not NULL.
 */
static void
DENSE_LOCAL(subscript_fetch)(ExprState *state, ExprEvalStep *op,
							 ExprContext *econtext)
{
	SubscriptingRefState *subscripts = op->d.sbsref.state;
	DENSE_ELEMENT element;

	*op->resnull = subscripts->upperindexnull[0] ||
		!dense_fetch_element(*op->resvalue,
							 DatumGetInt32(subscripts->upperindex[0]),
							 DENSE_MAX_DIM, sizeof(element), &element);
	*op->resvalue = *op->resnull ? (Datum) 0 : Float4GetDatum(DENSE_GET(element));
}

static void
DENSE_LOCAL(subscript_setup)(const SubscriptingRef *sbsref,
							 SubscriptingRefState *sbsrefstate,
							 SubscriptExecSteps *methods)
{
	/* the transformation lets no assignment through */
	methods->sbs_check_subscripts = NULL;
	methods->sbs_fetch = DENSE_LOCAL(subscript_fetch);
	methods->sbs_assign = NULL;
	methods->sbs_fetch_old = NULL;
}

/*
 * The type's subscripting handler.  A subscript out of range gives NULL, so a
 * fetch throws nothing that depends on data.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(subscript_handler))
{
	static const SubscriptRoutines routines = {
		.transform = dense_subscript_transform,
		.exec_setup = DENSE_LOCAL(subscript_setup),
		.fetch_strict = true,
		.fetch_leakproof = true,
		.store_leakproof = false,
	};

	PG_RETURN_POINTER(&routines);
}
