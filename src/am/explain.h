/*
 * explain.h
 *	  What EXPLAIN ANALYZE tells of scans of ivf indexes.
 */
#ifndef VECFEAT_EXPLAIN_H
#define VECFEAT_EXPLAIN_H

#include "compat.h"

extern void ivf_explain_scans(void);

#endif							/* VECFEAT_EXPLAIN_H */
