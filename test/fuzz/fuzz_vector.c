/*
 * fuzz_vector.c
 *	  The text and binary forms of a vector, fed with anything.
 *
 *	fuzz_vector [EXECUTIONS [SEED]]
 *
 * Mutates a small corpus; or, built with clang -fsanitize=fuzzer, is driven by
 * that.  What must be true: what is accepted is what the grammar says, printing
 * and reading it again gives the same bits, and so does sending and receiving;
 * what is rejected is rejected with an error for a user.
 */
#include "server.h"

#include <math.h>

#include "ground/prng.h"
#include "lib/stringinfo.h"
#include "type/vector.h"
#include "utils/memutils.h"

extern Datum vecfeat_vector_in(PG_FUNCTION_ARGS);
extern Datum vecfeat_vector_out(PG_FUNCTION_ARGS);
extern Datum vecfeat_vector_recv(PG_FUNCTION_ARGS);
extern Datum vecfeat_vector_send(PG_FUNCTION_ARGS);

/* Stand-ins for what the forms take from the server. */

void
enlargeStringInfo(StringInfo buffer, int needed)
{
	if (buffer->len + needed + 1 > buffer->maxlen)
	{
		buffer->maxlen = 2 * (buffer->len + needed + 1);
		buffer->data = repalloc(buffer->data, buffer->maxlen);
	}
}

void
pq_begintypsend(StringInfo buffer)
{
	buffer->maxlen = 16;
	buffer->data = palloc(buffer->maxlen);
	buffer->len = VARHDRSZ;
	buffer->cursor = 0;
}

void
pq_sendfloat4(StringInfo buffer, float4 value)
{
	uint32		bits;
	int			i;

	memcpy(&bits, &value, sizeof(bits));
	enlargeStringInfo(buffer, sizeof(bits));
	for (i = 24; i >= 0; i -= 8)
		buffer->data[buffer->len++] = (char) (bits >> i);
}

bytea *
pq_endtypsend(StringInfo buffer)
{
	SET_VARSIZE(buffer->data, buffer->len);
	return (bytea *) buffer->data;
}

unsigned int
pq_getmsgint(StringInfo message, int bytes)
{
	unsigned int value = 0;

	if (message->len - message->cursor < bytes)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("insufficient data left in message")));
	while (bytes-- > 0)
		value = value << 8 | (unsigned char) message->data[message->cursor++];
	return value;
}

float4
pq_getmsgfloat4(StringInfo message)
{
	uint32		bits = pq_getmsgint(message, 4);
	float4		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}

struct varlena *
pg_detoast_datum_slice(struct varlena *datum, int32 first, int32 count)
{
	fault("a slice");
}

Oid
get_fn_expr_argtype(FmgrInfo *function, int number)
{
	fault("the type of an argument");
}

/* what other functions of the type call, but not its forms */
#define NOT_CALLED(name) \
extern void name(void); \
void \
name(void) \
{ \
	fault(#name " is called"); \
}

NOT_CALLED(ArrayGetIntegerTypmods)
NOT_CALLED(array_to_numbers)
NOT_CALLED(construct_array)
NOT_CALLED(dense_fetch_element)
NOT_CALLED(dense_subscript_transform)
NOT_CALLED(float_overflow_error)
NOT_CALLED(float_underflow_error)
NOT_CALLED(hash_bytes_extended)
NOT_CALLED(range_read)
NOT_CALLED(sums_begin)
NOT_CALLED(sums_forget)
NOT_CALLED(sums_of_aggregate)
NOT_CALLED(vector_cosine_distance)
NOT_CALLED(vector_inner_product)
NOT_CALLED(vector_l1_distance)
NOT_CALLED(vector_l2_distance)
NOT_CALLED(vector_negative_inner_product)
NOT_CALLED(vector_norm)

bool
errsave_start(struct Node *context, const char *domain)
{
	return errstart(ERROR, domain);
}

void
errsave_finish(struct Node *context, const char *file, int line, const char *function)
{
	errfinish(file, line, function);
}

/* The properties. */

static char context[256];

static const Vector *
call(PGFunction function, Datum argument)
{
	LOCAL_FCINFO(fcinfo, 3);

	InitFunctionCallInfoData(*fcinfo, NULL, 3, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = argument;
	fcinfo->args[1].value = ObjectIdGetDatum(InvalidOid);
	fcinfo->args[2].value = Int32GetDatum(-1);
	return (const Vector *) DatumGetPointer(function(fcinfo));
}

typedef struct Parsed
{
	Datum		input;
	PGFunction	function;
	const Vector *value;
} Parsed;

static void
parse(void *arg)
{
	Parsed	   *parsed = arg;

	parsed->value = call(parsed->function, parsed->input);
}

static const Vector *
parse_text(const char *text)
{
	Parsed		parsed = {CStringGetDatum(text), vecfeat_vector_in, NULL};

	return attempt(parse, &parsed) ? parsed.value : NULL;
}

static const Vector *
parse_binary(StringInfo message)
{
	Parsed		parsed = {PointerGetDatum(message), vecfeat_vector_recv, NULL};

	return attempt(parse, &parsed) ? parsed.value : NULL;
}

static void
same(const Vector *a, const Vector *b, const char *form)
{
	if (b == NULL)
		fault("its %s is rejected: %s", form, thrown.message);
	if (VARSIZE(a) != VARSIZE(b) || memcmp(a, b, VARSIZE(a)) != 0)
		fault("its %s is another vector", form);
}

/* what was accepted is a vector, and comes back from each form */
static void
check_value(const Vector *v)
{
	const char *text;
	const char *again;
	bytea	   *sent;
	StringInfoData message = {0};
	int			i;

	if (v->dim < 1 || v->dim > VECTOR_MAX_DIM || v->unused != 0 ||
		VARSIZE(v) != VECTOR_SIZE(v->dim))
		fault("%d dimensions in %d bytes", v->dim, (int) VARSIZE(v));
	for (i = 0; i < v->dim; i++)
	{
		if (!isfinite(v->x[i]))
			fault("element %d is %g", i, v->x[i]);
	}

	text = (const char *) call(vecfeat_vector_out, PointerGetDatum(v));
	same(v, parse_text(text), "text");
	again = (const char *) call(vecfeat_vector_out, PointerGetDatum(parse_text(text)));
	if (strcmp(text, again) != 0)
		fault("its text is %s and then %s", text, again);

	sent = (bytea *) call(vecfeat_vector_send, PointerGetDatum(v));
	message.data = VARDATA(sent);
	message.len = VARSIZE(sent) - VARHDRSZ;
	same(v, parse_binary(&message), "binary form");
	if (message.cursor != message.len)
		fault("its binary form has bytes left");
}

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\n\v\f\r");
}

/*
 * The elements of a text form, by the grammar, or 0: what is rejected as a
 * number, or for the number of dimensions, is not looked at here.
 */
static int
elements_of(const char *text)
{
	const char *p = skip_space(text);
	int			count = 0;

	if (*p++ != '[')
		return 0;
	do
	{
		char	   *end;
		double		value;

		p = skip_space(p);
		value = strtod(p, &end);
		if (end == p || isnan(value))
			return 0;
		count++;
		p = skip_space(end);
	} while (*p++ == ',');
	return p[-1] == ']' && *skip_space(p) == '\0' ? count : 0;
}

static void
check_text(const char *text)
{
	const Vector *v = parse_text(text);
	int			elements = elements_of(text);

	if (v != NULL)
	{
		if (elements != v->dim)
			fault("%d elements are read as %d", elements, v->dim);
		check_value(v);
	}
	else if (thrown.code == ERRCODE_INVALID_TEXT_REPRESENTATION)
	{
		if (elements > 0)
			fault("%d elements are rejected: %s", elements, thrown.message);
	}
	else if (thrown.code == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
	{
		if (elements > 0 && elements <= VECTOR_MAX_DIM)
			fault("%d elements are too many", elements);
	}
	else if (thrown.code != ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE &&
			 thrown.code != ERRCODE_DATA_EXCEPTION)
		fault("the error is: %s", thrown.message);
}

static void
check_binary(const char *bytes, int length)
{
	StringInfoData message = {0};
	const Vector *v;

	message.data = palloc(length);
	memcpy(message.data, bytes, length);
	message.len = message.maxlen = length;
	v = parse_binary(&message);
	if (v != NULL)
	{
		bytea	   *sent = (bytea *) call(vecfeat_vector_send, PointerGetDatum(v));

		if ((int) (VARSIZE(sent) - VARHDRSZ) != message.cursor ||
			memcmp(VARDATA(sent), bytes, message.cursor) != 0)
			fault("other bytes are sent than were received");
		check_value(v);
	}
	else if (thrown.code != ERRCODE_DATA_EXCEPTION &&
			 thrown.code != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
			 thrown.code != ERRCODE_PROTOCOL_VIOLATION)
		fault("the error is: %s", thrown.message);
}

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* a first byte that is odd announces a binary form */
int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static MemoryContext operation = NULL;

	if (operation == NULL)
	{
		memory_begin();
		operation = AllocSetContextCreate(TopMemoryContext, "operation",
										  ALLOCSET_DEFAULT_SIZES);
		fault_context = context;
	}
	if (size == 0)
		return 0;
	CurrentMemoryContext = operation;
	snprintf(context, sizeof(context), "%zu bytes: %.*s", size, (int) Min(size, 200), data);
	if (data[0] % 2 == 1)
		check_binary((const char *) data + 1, (int) size - 1);
	else
		check_text(pnstrdup((const char *) data + 1, size - 1));
	MemoryContextReset(operation);
	return 0;
}

#if !defined(FUZZ_ENGINE)

#define LARGEST		65536

static Prng prng;

static uint32
below(uint32 n)
{
	return (uint32) (prng_next(&prng) % n);
}

/* what mutations put in */
static const char *const tokens[] = {
	"[", "]", ",", " ", "\t", "\n", "\v", "\f", "\r", "-", "+", ".", "e", "E+", "0", "1", "9", "e38",
	"e-45", "3.4028235e38", "3.4028236e38", "1e39", "-1e-46", "1.1754944e-38", "1e400", "0x1p-149",
	"nan", "NaN(1)", "inf", "-Infinity", "infinit", "1,", ",,", "[]", "]]", "\xC2\xA0", "\xFF",
	"00000000000000000000000000000001", "0.10000000149011611938476562500000000000000000000",
};

#define SEED(bytes)	{bytes, sizeof(bytes) - 1}
static const struct
{
	const char *bytes;
	size_t		size;
}			corpus[] =
{
	SEED("\2[1,2,3]"), SEED("\2 [ 1.5 , -2e3 ,0x10] "), SEED("\2[]"), SEED("\2[1e-45,3.4e38]"),
	SEED("\2{1,2}"), SEED("\2[1"), SEED("\2[1,]"), SEED("\2[nan]"),
	SEED("\2[1,NaN(99999999999999999999)]"),
	SEED("\1\0\1\0\0\x3F\x80\0\0"), SEED("\1\0\2\0\0\x80\0\0\0\0\0\0\1"),
	SEED("\1\x3E\x80\0\0"),
};

static size_t
insert(uint8 *data, size_t size, size_t at, const void *bytes, size_t length)
{
	if (size + length > LARGEST)
		return size;
	memmove(data + at + length, data + at, size - at);
	memcpy(data + at, bytes, length);
	return size + length;
}

/* repeats a piece, to as many elements as a vector may have and some more */
static size_t
repeat(uint8 *data, size_t size, size_t at)
{
	size_t		length = 1 + below(4);
	uint32		times = below(20) == 0 ? 15990 + below(20) : below(40);
	uint8		piece[4];
	uint32		i;

	length = Min(length, size - at);
	memcpy(piece, data + at, length);
	if (size + length * times > LARGEST)
		return size;
	memmove(data + at + length * times, data + at, size - at);
	for (i = 0; i < times; i++)
		memcpy(data + at + length * i, piece, length);
	return size + length * times;
}

static size_t
mutate(uint8 *data, size_t size)
{
	size_t		at = 1 + below((uint32) size);
	size_t		length;
	uint8		byte = (uint8) below(256);
	const char *token = tokens[below(lengthof(tokens))];

	at = Min(at, size);
	switch (below(6))
	{
		case 0:
			if (at < size)
				data[at] = byte;
			return size;
		case 1:
			if (at < size)
				data[at] ^= 1 << below(8);
			return size;
		case 2:
			length = 1 + below(4);
			length = Min(length, size - at);
			memmove(data + at, data + at + length, size - at - length);
			return size - length;
		case 3:
			return at < size ? repeat(data, size, at) : size;
		case 4:
			return insert(data, size, at, &byte, 1);
		default:
			return insert(data, size, at, token, strlen(token));
	}
}

int
main(int argc, char **argv)
{
	int			executions = argc > 1 ? atoi(argv[1]) : 100000;
	int			seed = argc > 2 ? atoi(argv[2]) : 1;
	static uint8 data[LARGEST];
	size_t		size = 0;
	int			i;

	prng.state = seed;
	for (i = 0; i < executions; i++)
	{
		int			pick = (int) below(lengthof(corpus));

		/* half of the time it goes on from where it was, if that is not too long */
		if (size == 0 || size > 4096 || below(2) == 0)
		{
			size = corpus[pick].size;
			memcpy(data, corpus[pick].bytes, size);
		}
		size = mutate(data, size);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("ok 1 - vectors' text and binary forms: %d executions from seed %d\n1..1\n", executions, seed);
	return 0;
}

#endif							/* !FUZZ_ENGINE */
