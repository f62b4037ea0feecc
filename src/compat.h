/*
 * compat.h
 *	  What differs among PostgreSQL 14 to 18: every version test of the tree
 *	  stands here.
 */
#ifndef VECFEAT_COMPAT_H
#define VECFEAT_COMPAT_H

#include "postgres.h"
#include "fmgr.h"

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 190000
#error "vecfeat needs PostgreSQL 14 to 18"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * Soft errors came with 16: there an input function reports through
 * fcinfo->context and returns; before, the same code throws.
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
#define ereturn(context, dummy_value, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

/*
 * Declares and begins a function callable from SQL.  The declaration with
 * PGDLLEXPORT comes first, because PG_FUNCTION_INFO_V1 exports the function
 * itself only since 16.
 */
#define VECFEAT_FUNCTION(name) \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS)

#endif							/* VECFEAT_COMPAT_H */
