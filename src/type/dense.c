/*
 * dense.c
 *	  Limits of the dense types, and the errors that name them.
 */
#include "type/dense.h"

#include <math.h>

/*
 * Whether a value of type may have dim elements: 1 to max_dim.
 */
bool
dense_check_dim(int64 dim, int max_dim, const char *type, Node *escontext)
{
	if (dim < 1)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", type)));
	if (dim > max_dim)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions",
						type, max_dim)));
	return true;
}

/*
 * Whether a value of dim elements fits a column declared with typmod; any
 * does when typmod is -1.
 */
bool
dense_check_typmod(int dim, int32 typmod, Node *escontext)
{
	if (typmod != -1 && typmod != dim)
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", typmod, dim)));
	return true;
}

/*
 * Whether value may be an element: distances and orders of vectors stay total
 * because no element is NaN or infinite.
 */
bool
dense_check_finite(double value, const char *type, Node *escontext)
{
	if (isnan(value))
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in %s", type)));
	if (isinf(value))
		ereturn(escontext, false,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("infinite value not allowed in %s", type)));
	return true;
}

/*
 * Throws unless two operands have the same number of elements.
 */
void
dense_check_same_dim(int a, int b)
{
	if (a != b)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different vector dimensions %d and %d", a, b)));
}

/*
 * Reports that input is not a text form of type; detail is a whole sentence.
 */
bool
dense_syntax_error(const char *type, const char *input, const char *detail,
				   Node *escontext)
{
	ereturn(escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", type, input),
			 errdetail("%s", detail)));
}

/*
 * Reports that number, a finite one, is too large for an element of type.
 */
bool
dense_range_error(const char *type, const char *number, Node *escontext)
{
	ereturn(escontext, false,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("\"%s\" is out of range for type %s", number, type)));
}

/*
 * The typmod of type(n), which is n itself: 1 to max_dim.
 */
int32
dense_typmod_in(ArrayType *modifiers, const char *type, int max_dim)
{
	int32	   *values;
	int			count;

	values = ArrayGetIntegerTypmods(modifiers, &count);
	if (count != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type %s takes one modifier, its dimensions", type)));
	if (values[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1", type)));
	if (values[0] > max_dim)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d",
						type, max_dim)));
	return values[0];
}
