/*
 * vecfeat.c
 *	  The module itself.
 */
#include "compat.h"

#include "am/explain.h"
#include "am/options.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	ivf_define_options();
	ivf_explain_scans();
}
