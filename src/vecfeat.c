/*
 * vecfeat.c
 *	  The module itself.
 */
#include "compat.h"

PG_MODULE_MAGIC;
