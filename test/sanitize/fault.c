/*
 * fault.c
 *	  Faults to be found: without them nobody would know whether a server that
 *	  ends in peace was being watched.
 */
#include "postgres.h"
#include "fmgr.h"

#include <limits.h>

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(write_beyond);
PG_FUNCTION_INFO_V1(overflow);

/*
 * Writes behind the end of what malloc() gave.
 */
Datum
write_beyond(PG_FUNCTION_ARGS)
{
	char	   *volatile memory = malloc(8);

	memset(memory, 0, PG_GETARG_INT32(0));
	PG_RETURN_INT32(memory[0]);
}

/*
 * Adds one to a number, the largest of which has no next.
 */
Datum
overflow(PG_FUNCTION_ARGS)
{
	volatile int number = PG_GETARG_INT32(0);

	PG_RETURN_INT32(number + 1);
}
