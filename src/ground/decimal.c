/*
 * decimal.c
 *	  Decimal numbers as texts of vectors have them.
 */
#include "ground/decimal.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* so many digits make a number below 2^53 */
#define MOST_DIGITS		15

/* powers of ten that float8 holds exactly */
#define MOST_POWER		22

static const double power[MOST_POWER + 1] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/*
 * Is a positive float8 half way between two float4?  It has 29 bits more.
 */
static inline int
half_way(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return (bits & 0x1FFFFFFF) == 0x10000000;
}

/*
 * Collects digits; *digits counts those from the first that is not zero.
 */
static inline const char *
read_digits(const char *p, uint64_t *number, int *digits)
{
	for (; *p >= '0' && *p <= '9'; p++)
	{
		*number = *number * 10 + (uint64_t) (*p - '0');
		*digits += *number != 0;
		if (*digits > MOST_DIGITS)
			return NULL;
	}
	return p;
}

/*
 * Reads the exponent after an "e"; NULL unless it is short.
 */
static const char *
read_exponent(const char *p, int *exponent)
{
	int			negative = *p == '-';
	int			number = 0;
	const char *first;

	if (*p == '-' || *p == '+')
		p++;
	for (first = p; *p >= '0' && *p <= '9' && p - first < 3; p++)
		number = number * 10 + (*p - '0');
	*exponent += negative ? -number : number;
	return p == first ? NULL : p;
}

/*
 * What strtof() reads, where that is a number as most are: then *value has the
 * same bits, and what follows it is returned, a comma, a closing bracket or
 * white space.  NULL where strtof() has to be asked.
 *
 * Few digits and a small power of ten are both exact in float8, so one operation
 * with them is rounded once (Clinger, "How to read floating point numbers
 * accurately", 1990).  Rounding to float4 is a second time, but gives what once
 * would have given: what is half way between two float4 is a float8, so the
 * first rounding does not cross it; only what has come to be just there may have
 * come from either side.
 */
const char *
decimal_read(const char *text, float *value)
{
	const char *p = text;
	int			negative = *p == '-';
	int			digits = 0;
	int			exponent = 0;
	uint64_t	number = 0;
	const char *first;
	double		x;

	if (FLT_EVAL_METHOD != 0)
		return NULL;
	if (*p == '-' || *p == '+')
		p++;
	first = p;
	if ((p = read_digits(p, &number, &digits)) == NULL)
		return NULL;
	if (*p == '.')
	{
		const char *fraction = p + 1;

		if ((p = read_digits(fraction, &number, &digits)) == NULL)
			return NULL;
		exponent = (int) (fraction - p);
		first++;
	}
	if (p == first)
		return NULL;
	if ((*p == 'e' || *p == 'E') && (p = read_exponent(p + 1, &exponent)) == NULL)
		return NULL;
	if (*p != ',' && *p != ']' && *p != ' ' && !(*p >= '\t' && *p <= '\r'))
		return NULL;

	x = (double) number;
	if (number != 0)
	{
		if (exponent < -MOST_POWER || exponent > MOST_POWER)
			return NULL;
		x = exponent < 0 ? x / power[-exponent] : x * power[exponent];
		if (x < FLT_MIN || x > FLT_MAX || half_way(x))
			return NULL;
	}
	*value = (float) (negative ? -x : x);
	return p;
}

/*
 * How often a character stands in a text.
 */
size_t
decimal_count(const char *text, char separator)
{
	size_t		length = strlen(text);
	size_t		count = 0;
	size_t		i;

	for (i = 0; i < length; i++)
		count += text[i] == separator;
	return count;
}
