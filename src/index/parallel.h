/*
 * parallel.h
 *	  Several processes assign a table's rows.
 */
#ifndef VECFEAT_PARALLEL_H
#define VECFEAT_PARALLEL_H

#include "compat.h"

#include "index/build.h"

extern bool ivf_parallel_assign(IvfBuild *build);
extern void ivf_parallel_end(IvfBuild *build);

#endif							/* VECFEAT_PARALLEL_H */
