/*
 * decimal.h
 *	  Decimal numbers as texts of vectors have them.
 */
#ifndef VECFEAT_DECIMAL_H
#define VECFEAT_DECIMAL_H

#include <stddef.h>

extern const char *decimal_read(const char *text, float *value);
extern size_t decimal_count(const char *text, char separator);

#endif							/* VECFEAT_DECIMAL_H */
