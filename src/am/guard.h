/*
 * guard.h
 *	  Scans that would show rows to code that must not see them.
 */
#ifndef VECFEAT_GUARD_H
#define VECFEAT_GUARD_H

#include "compat.h"

#include "nodes/pathnodes.h"

extern bool ivf_shows_hidden_rows(PlannerInfo *root, IndexPath *path);

#endif							/* VECFEAT_GUARD_H */
