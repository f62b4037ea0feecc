/*
 * rotate.c
 *	  A random orthogonal map that costs O(D log D).
 *
 * Each round flips signs at random and applies a fast Hadamard transform (the
 * subsampled randomised Hadamard transform of Ailon and Chazelle, "The fast
 * Johnson-Lindenstrauss transform", 2009).  Where the length is no power of
 * two, the transform covers the largest power of two from the front and from
 * the back in turn, and 45 degree turns between the halves mix the two parts
 * (Kac's walk).  Every step is orthogonal, so distances and inner products
 * keep their values; after it, coordinates of any vector look Gaussian, which
 * sign codes need: without it, one-hot or sparse vectors defeat them.
 *
 * All in float8: the error is at most 2^-46 of the vector's norm for up to
 * 16,384 dimensions (below 4 * (14 + 3) rounded operations a coordinate), and
 * the bounds of bound.c pay for it.
 */
#include "ground/rotate.h"

#include "ground/kernel.h"
#include "ground/prng.h"

#define ROTATION_ROUNDS		4

/* codes want columns of 4 dimensions and kernels 16 lanes; short ones err less padded */
#define PADDING				16
#define MIN_PADDED			64

/*
 * The length to which vectors of dim elements are padded with zeros.
 */
int
rotation_padded(int dim)
{
	int			n = (dim + PADDING - 1) / PADDING * PADDING;

	return n < MIN_PADDED ? MIN_PADDED : n;
}

/*
 * Bytes of a Rotation for n padded dimensions.
 */
size_t
rotation_size(int n)
{
	return offsetof(Rotation, signs) + sizeof(double) * ROTATION_ROUNDS * n;
}

/*
 * Fills a Rotation of rotation_size(n) bytes; the map depends on n and seed
 * alone.  n is what rotation_padded() returned.
 */
void
rotation_init(Rotation *rotation, int n, uint64_t seed)
{
	Prng		prng = {seed};
	uint64_t	bits = 0;
	int			i;

	rotation->n = n;
	rotation->block = 1;
	while (rotation->block * 2 <= n)
		rotation->block *= 2;

	for (i = 0; i < ROTATION_ROUNDS * n; i++)
	{
		if (i % 64 == 0)
			bits = prng_next(&prng);
		rotation->signs[i] = (bits & 1) ? 1.0 : -1.0;
		bits >>= 1;
	}
}

/*
 * Applies the map to rotation->n values in place.
 */
void
rotate(const Rotation *rotation, double *v)
{
	vec_kernels->rotate_rounds(v, rotation->signs, rotation->n, rotation->block,
							   ROTATION_ROUNDS);
}
