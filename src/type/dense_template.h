/*
 * dense_template.h
 *	  The names that the templates dense_*.h are written in.
 *
 * A dense type's own file defines the macros below, includes this file and
 * then the templates, each once.  Every function that SQL calls comes out as
 * vecfeat_<type>_<operation>, every other one as <type>_<operation>.
 *
 *	DENSE_NAME			the type's name in SQL, as a token
 *	DENSE_TYPE			the C struct: vl_len_, dim, unused, x[]
 *	DENSE_ELEMENT		the C type of an element
 *	DENSE_MAX_DIM		the most elements that a value may have
 *	DENSE_GET(e)		an element's value as float4, exactly
 *	DENSE_PUT(d)		the element nearest to the float8 d; an element whose
 *						DENSE_GET is infinite when d is too large for any
 *	DENSE_SEND(buf, e)	append the element's binary form to a StringInfo
 *	DENSE_RECV(buf)		read it
 *
 * The templates also call <type>_norm and <type>_<distance>, which for vector
 * are those of distance.h: a second type brings the same over its elements.
 */
#include "fmgr.h"
#include "utils/float.h"

#include <math.h>

#include "type/dense.h"

#define DENSE_JOIN(a, b)	CppConcat(a, b)
#define DENSE_LOCAL(op)		DENSE_JOIN(DENSE_NAME, _##op)
#define DENSE_FUNCTION(op)	DENSE_JOIN(vecfeat_, DENSE_LOCAL(op))
#define DENSE_STRING		CppAsString2(DENSE_NAME)

#define DENSE_ARG(n)		((DENSE_TYPE *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/*
 * A new value of dim elements, all zero.  dim must have been checked.
 */
static DENSE_TYPE *
DENSE_LOCAL(make)(int dim)
{
	Size		size = offsetof(DENSE_TYPE, x) + sizeof(DENSE_ELEMENT) * dim;
	DENSE_TYPE *result = palloc0(size);

	SET_VARSIZE(result, size);
	result->dim = dim;
	return result;
}

/*
 * The element nearest to the result of a computation on finite elements.
 * Throws when the result has none.
 */
static inline DENSE_ELEMENT
DENSE_LOCAL(round)(double value)
{
	DENSE_ELEMENT e = DENSE_PUT(value);

	if (unlikely(isinf(DENSE_GET(e))))
		float_overflow_error();
	return e;
}
