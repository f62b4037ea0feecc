/*
 * error.c
 *	  ereport(): an error is kept and jumps back to attempt().
 */
#include "server.h"

#include <sanitizer/common_interface_defs.h>

#undef vsnprintf

ThrownError thrown;
const char *fault_context = "";
sigjmp_buf *PG_exception_stack = NULL;
ErrorContextCallback *error_context_stack = NULL;

void
fault(const char *format,...)
{
	va_list		args;

	printf("not ok - %s: ", fault_context);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	__sanitizer_print_stack_trace();
	abort();
}

bool
attempt(void (*function) (void *), void *arg)
{
	sigjmp_buf	here;
	sigjmp_buf *before = PG_exception_stack;

	if (sigsetjmp(here, 0) != 0)
	{
		PG_exception_stack = before;
		return false;
	}
	PG_exception_stack = &here;
	function(arg);
	PG_exception_stack = before;
	return true;
}

bool
errstart(int elevel, const char *domain)
{
	if (elevel < ERROR)
		return false;
	memset(&thrown, 0, sizeof(thrown));
	thrown.code = ERRCODE_INTERNAL_ERROR;
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

int
errcode(int code)
{
	thrown.code = code;
	return 0;
}

static int
keep(char *to, size_t size, const char *format, va_list args)
{
	vsnprintf(to, size, format, args);
	return 0;
}

#define KEEPER(function, member) \
int \
function(const char *format,...) \
{ \
	va_list		args; \
\
	va_start(args, format); \
	keep(thrown.member, sizeof(thrown.member), format, args); \
	va_end(args); \
	return 0; \
}

KEEPER(errmsg, message)
KEEPER(errmsg_internal, message)
KEEPER(errhint, hint)

int
errdetail(const char *format,...)
{
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	if (PG_exception_stack == NULL)
		fault("an error nobody has asked for: %s", thrown.message);
	siglongjmp(*PG_exception_stack, 1);
}

#if defined(USE_ASSERT_CHECKING)
void
ExceptionalCondition(const char *condition, const char *file, int line)
{
	fault("assertion %s", condition);
}
#endif

/* the server has printf() of its own */
#undef vsnprintf
#undef vprintf

int
pg_vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	return vsnprintf(to, size, format, args);
}

int
pg_vprintf(const char *format, va_list args)
{
	return vprintf(format, args);
}

int
pg_snprintf(char *to, size_t size, const char *format,...)
{
	va_list		args;
	int			length;

	va_start(args, format);
	length = vsnprintf(to, size, format, args);
	va_end(args);
	return length;
}

int
pg_printf(const char *format,...)
{
	va_list		args;
	int			length;

	va_start(args, format);
	length = vprintf(format, args);
	va_end(args);
	return length;
}
