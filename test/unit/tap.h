/*
 * tap.h
 *	  Test output in the Test Anything Protocol, for the programs here.
 */
#ifndef VECFEAT_TAP_H
#define VECFEAT_TAP_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ground/prng.h"

static int	tap_run = 0;
static int	tap_failed = 0;

/*
 * One test case; what it is called is a printf format.
 */
__attribute__((format(printf, 2, 3)))
static inline void
ok(int passed, const char *name, ...)
{
	va_list		args;

	tap_run++;
	if (!passed)
		tap_failed++;
	printf("%sok %d - ", passed ? "" : "not ", tap_run);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/*
 * The plan; what main() returns.
 */
static inline int
tap_done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed > 0;
}

/*
 * Memory that sanitizers watch, or no test at all.
 */
static inline void *
need(size_t size)
{
	void	   *p = malloc(size > 0 ? size : 1);

	if (p == NULL)
	{
		printf("Bail out! out of memory\n");
		exit(1);
	}
	return p;
}

/*
 * A normal deviate (Box and Muller).  libm's last bits may differ between
 * machines: only golden values must not be made from it.
 */
static inline double
gauss(Prng *prng)
{
	double		u = 1 - prng_double(prng);
	double		v = prng_double(prng);

	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* a whole number from 0 to n - 1 */
static inline int
below(Prng *prng, int n)
{
	return (int) (prng_next(prng) % (uint64_t) n);
}

/* the worse of two errors; NaN is the worst, and stays */
static inline double
worse(double worst, double error)
{
	return isnan(worst) || error <= worst ? worst : error;
}

/*
 * A digest of values in turn, for golden values: by their bits, the same
 * whatever the machine's byte order.
 */
static inline uint64_t
digest(uint64_t before, uint64_t bits)
{
	Prng		prng = {before ^ bits};

	return prng_next(&prng);
}

static inline uint64_t
digest_float8(uint64_t before, double value)
{
	uint64_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return digest(before, bits);
}

static inline uint64_t
digest_float4(uint64_t before, float value)
{
	uint32_t	bits;

	memcpy(&bits, &value, sizeof(bits));
	return digest(before, bits);
}

#endif							/* VECFEAT_TAP_H */
