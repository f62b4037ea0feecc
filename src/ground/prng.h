/*
 * prng.h
 *	  A small generator with a private state.
 *
 * What it yields goes to disk (the rotation, the seeds of k-means), so it must
 * be the same for the same seed on every machine and version, and drawing from
 * it must not disturb the session's random().  SplitMix64 (Steele, Lea and
 * Flood, "Fast splittable pseudorandom number generators", 2014).
 */
#ifndef VECFEAT_PRNG_H
#define VECFEAT_PRNG_H

#include <stdint.h>

typedef struct Prng
{
	uint64_t	state;
} Prng;

static inline uint64_t
prng_next(Prng *prng)
{
	uint64_t	z = (prng->state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* uniform in [0, 1) */
static inline double
prng_double(Prng *prng)
{
	return (prng_next(prng) >> 11) * 0x1p-53;
}

#endif							/* VECFEAT_PRNG_H */
