/*
 * panels.h
 *	  Vectors in the order in which a register wants them.
 *
 * k vectors of n floats make panels of VEC_LANES vectors each, the last perhaps
 * of fewer.  A panel holds the first dimension of all its vectors, then the
 * second, and so on: just as many floats as the vectors have.  Reading the last
 * panel as if it were a full one goes PANEL_SLACK floats beyond its end.
 */
#ifndef VECFEAT_PANELS_H
#define VECFEAT_PANELS_H

#include <stddef.h>

#include "ground/kernel.h"

#define PANEL_SLACK	(VEC_LANES - 1)

/* floats of the products of a row with k vectors, as kernels write them */
#define PANEL_WIDTH(k)	((size_t) ((k) + VEC_LANES - 1) / VEC_LANES * VEC_LANES)

/* rows that are worth while to multiply together */
#define PANEL_ROWS	24

extern void panels_pack(const float *rows, int k, int n, float *panels);
extern void panels_pack_here(float *rows, int k, int n, float *scratch);
extern void panels_get(const float *panels, int k, int n, int i, float *row);
extern void panels_set(float *panels, int k, int n, int i, const float *row);
extern void panels_nearest(const float *const *rows, int nrows,
						   const float *panels, const float *norms, int k,
						   int n, float *products, int *label, float *score);

#endif							/* VECFEAT_PANELS_H */
