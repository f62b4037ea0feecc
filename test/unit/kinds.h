/*
 * kinds.h
 *	  Elements of all the kinds that kernels meet.
 */
#ifndef KINDS_H
#define KINDS_H

#include <float.h>

#include "tap.h"

/*
 * Elements: by turns Gaussian, positive, whole, on all scales that float4 has,
 * as large as they can be, denormal, and zeros of both signs.
 */
#define NKINDS	7

static inline void
fill(Prng *prng, float *v, int n, int kind)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		double		sign = below(prng, 2) ? 1 : -1;

		switch (kind)
		{
			case 0:
				v[i] = (float) gauss(prng);
				break;
			case 1:
				v[i] = (float) prng_double(prng);
				break;
			case 2:
				v[i] = (float) (below(prng, 511) - 255);
				break;
			case 3:
				v[i] = (float) (sign * ldexp(1 + prng_double(prng),
											 below(prng, 275) - 149));
				break;
			case 4:
				v[i] = (float) (sign * FLT_MAX);
				break;
			case 5:
				v[i] = (float) (sign * ldexp(below(prng, 1 << 23), -149));
				break;
			default:
				v[i] = (float) (sign * 0.0);
				break;
		}
	}
}

#endif							/* KINDS_H */
