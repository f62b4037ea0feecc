/*
 * rotate.h
 *	  A random orthogonal map that costs O(D log D).
 */
#ifndef VECFEAT_ROTATE_H
#define VECFEAT_ROTATE_H

#include <stddef.h>
#include <stdint.h>

/* the version of the map that an index stores beside its seed */
#define ROTATION_VERSION	1

typedef struct Rotation
{
	int			n;				/* padded dimensions */
	int			block;			/* the largest power of two <= n */
	double		signs[];		/* ROTATION_ROUNDS * n values of +1 or -1 */
} Rotation;

extern int	rotation_padded(int dim);
extern size_t rotation_size(int n);
extern void rotation_init(Rotation *rotation, int n, uint64_t seed);
extern void rotate(const Rotation *rotation, double *v);

#endif							/* VECFEAT_ROTATE_H */
