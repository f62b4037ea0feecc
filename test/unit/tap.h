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

#endif							/* VECFEAT_TAP_H */
