/*
 * options.h
 *	  Settings and index options.
 */
#ifndef VECFEAT_OPTIONS_H
#define VECFEAT_OPTIONS_H

#include "compat.h"

extern void ivf_define_options(void);
extern bytea *ivf_options(Datum options, bool validate);

#endif							/* VECFEAT_OPTIONS_H */
