/*
 * dense_io.h
 *	  Template: text and binary forms, type modifiers.
 *
 * Text is "[1,2.5,-3]", with white space allowed around every token.  Binary
 * is int16 dimensions, int16 zero, the elements, all in network byte order.
 */
#include "common/shortest_dec.h"
#include "ground/decimal.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

/*
 * The first character at or after p that is not white space.  The set is
 * spelt out because isspace() depends on the locale.
 */
static const char *
DENSE_LOCAL(skip_space)(const char *p)
{
	while (*p == ' ' || (*p >= '\t' && *p <= '\r'))
		p++;
	return p;
}

/*
 * Reads the number at *p into *element and moves *p past it.  What is too
 * small for an element becomes zero; what is too large is an error.
 */
static bool
DENSE_LOCAL(parse_element)(const char **p, const char *input,
						   DENSE_ELEMENT *element, Node *escontext)
{
	const char *after;
	char	   *end;
	float		value;

	after = decimal_read(*p, &value);
	if (after)
	{
		*element = DENSE_PUT(value);
		if (!isinf(DENSE_GET(*element)))
		{
			*p = after;
			return true;
		}
	}

	errno = 0;
	value = strtof(*p, &end);
	if (end == *p)
		return dense_syntax_error(DENSE_STRING, input,
								  "A number is missing.", escontext);
	/* a NaN with too long a number behind it is out of range as well */
	if ((errno != ERANGE || isnan(value)) &&
		!dense_check_finite(value, DENSE_STRING, escontext))
		return false;
	*element = DENSE_PUT(value);
	if (isinf(DENSE_GET(*element)))
		return dense_range_error(DENSE_STRING, pnstrdup(*p, end - *p),
								 escontext);
	*p = end;
	return true;
}

/*
 * The value that input spells.  NULL when an error went to escontext.
 *
 * Commas bound the number of elements from above, so that one allocation of
 * the right size does for a long vector and a short one alike.
 */
static DENSE_TYPE *
DENSE_LOCAL(parse)(const char *input, Node *escontext)
{
	const char *p;
	int			limit = (int) Min(decimal_count(input, ',') + 1, DENSE_MAX_DIM);
	int			dim = 0;
	DENSE_TYPE *result;

	result = DENSE_LOCAL(make)(limit);

	p = DENSE_LOCAL(skip_space)(input);
	if (*p != '[')
	{
		dense_syntax_error(DENSE_STRING, input,
						   "The first character must be \"[\".", escontext);
		return NULL;
	}
	p = DENSE_LOCAL(skip_space)(p + 1);
	while (dim > 0 || *p != ']')
	{
		if (!dense_check_dim(dim + 1, DENSE_MAX_DIM, DENSE_STRING, escontext) ||
			!DENSE_LOCAL(parse_element)(&p, input, &result->x[dim], escontext))
			return NULL;
		dim++;
		p = DENSE_LOCAL(skip_space)(p);
		if (*p == ']')
			break;
		if (*p != ',')
		{
			dense_syntax_error(DENSE_STRING, input,
							   "A number must be followed by \",\" or \"]\".",
							   escontext);
			return NULL;
		}
		p = DENSE_LOCAL(skip_space)(p + 1);
	}
	if (*DENSE_LOCAL(skip_space)(p + 1) != '\0')
	{
		dense_syntax_error(DENSE_STRING, input,
						   "Nothing may follow the closing \"]\".", escontext);
		return NULL;
	}
	if (!dense_check_dim(dim, DENSE_MAX_DIM, DENSE_STRING, escontext))
		return NULL;
	Assert(dim == limit);
	return result;
}

/*
 * Text to value.  Arguments: text, (oid), typmod.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(in))
{
	char	   *input = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	DENSE_TYPE *result = DENSE_LOCAL(parse)(input, fcinfo->context);

	if (result == NULL ||
		!dense_check_typmod(result->dim, typmod, fcinfo->context))
		PG_RETURN_NULL();
	PG_RETURN_POINTER(result);
}

/*
 * Value to text: the shortest digits that read back as the same element,
 * whatever extra_float_digits says, since a client may store them.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(out))
{
	DENSE_TYPE *v = DENSE_ARG(0);
	char	   *result;
	char	   *p;
	int			i;

	result = palloc((Size) FLOAT_SHORTEST_DECIMAL_LEN * v->dim + 3);
	p = result;
	for (i = 0; i < v->dim; i++)
	{
		*p++ = (i == 0) ? '[' : ',';
		p += float_to_shortest_decimal_bufn(DENSE_GET(v->x[i]), p);
	}
	*p++ = ']';
	*p = '\0';
	PG_RETURN_CSTRING(result);
}

/*
 * Binary to value.  Arguments: message, (oid), typmod.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(recv))
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	DENSE_TYPE *result;
	int			dim;
	int			unused;
	int			i;

	dim = (int16) pq_getmsgint(buf, sizeof(int16));
	unused = (int16) pq_getmsgint(buf, sizeof(int16));
	dense_check_dim(dim, DENSE_MAX_DIM, DENSE_STRING, NULL);
	dense_check_typmod(dim, typmod, NULL);
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected unused to be 0, not %d", unused)));

	result = DENSE_LOCAL(make)(dim);
	for (i = 0; i < dim; i++)
	{
		result->x[i] = DENSE_RECV(buf);
		dense_check_finite(DENSE_GET(result->x[i]), DENSE_STRING, NULL);
	}
	PG_RETURN_POINTER(result);
}

/*
 * Value to binary.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(send))
{
	DENSE_TYPE *v = DENSE_ARG(0);
	StringInfoData buf;
	int			i;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, v->dim);
	pq_sendint16(&buf, v->unused);
	for (i = 0; i < v->dim; i++)
		DENSE_SEND(&buf, v->x[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * The modifier of type(n): see dense_typmod_in.
 */
VECFEAT_FUNCTION(DENSE_FUNCTION(typmod_in))
{
	PG_RETURN_INT32(dense_typmod_in(PG_GETARG_ARRAYTYPE_P(0), DENSE_STRING,
									DENSE_MAX_DIM));
}
