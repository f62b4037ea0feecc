/*
 * test_decimal.c
 *	  Decimal numbers against strtof().
 */
#include "ground/decimal.h"
#include "tap.h"

#include <errno.h>
#include <float.h>

static int	taken;

/*
 * Is what is read of a text, if anything, what strtof() reads?
 */
static int
right(const char *number, char after)
{
	char		text[400];
	const char *end;
	char	   *other;
	float		value;
	float		truth;

	snprintf(text, sizeof(text), "%s%c1]", number, after);
	end = decimal_read(text, &value);
	if (end == NULL)
		return 1;
	taken++;
	errno = 0;
	truth = strtof(text, &other);
	return end == other && strchr(",] \t\n\v\f\r", *end) && errno == 0 &&
		memcmp(&value, &truth, sizeof(value)) == 0;
}

/* a number with so many digits, as one is written or with an exponent */
static int
right_number(double x, int digits, int exponent)
{
	char		text[400];

	snprintf(text, sizeof(text), exponent ? "%.*e" : "%.*g", digits, x);
	return right(text, ",] \n"[digits % 4]);
}

static float
any_float(Prng *prng)
{
	float		x;

	do
	{
		uint32_t	bits = (uint32_t) prng_next(prng);

		/* mostly of a size that vectors have */
		if (below(prng, 4) > 0)
			bits = (bits & 0x807FFFFF) | (uint32_t) (127 - 20 + below(prng, 30)) << 23;
		memcpy(&x, &bits, sizeof(x));
	} while (!isfinite(x));
	return x;
}

/*
 * Numbers, and what is half way to the next and a little beside it, by as few
 * digits as leave any, and by so many that all do.
 */
static int
test_numbers(Prng *prng, int count)
{
	int			wrong = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		float		x = any_float(prng);
		double		half = ((double) x + nextafterf(x, INFINITY)) / 2;
		int			digits = 1 + below(prng, 18);

		wrong += !right_number(x, digits, i % 2);
		wrong += !right_number(half, digits, i % 2);
		wrong += !right_number(nextafter(half, INFINITY), digits, i % 2);
		wrong += !right_number(nextafter(half, -INFINITY), digits, i % 2);
	}
	return wrong;
}

/* 15 digits around what is half way between two whole numbers of 24 bits */
static int
test_ties(Prng *prng, int count)
{
	int			wrong = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		char		text[400];
		long		odd = 16777217 + 2 * (long) below(prng, 8000000);

		snprintf(text, sizeof(text), "%ld", odd);
		wrong += !right(text, ',');
		snprintf(text, sizeof(text), "%ld.%.7s", odd - i % 2,
				 i % 3 == 0 ? "0000001" : i % 3 == 1 ? "9999999" : "0000000");
		wrong += !right(text, ',');
	}
	return wrong;
}

static int
test_forms(void)
{
	static const char *const form[] = {
		"", "-", "+", ".", "-.", "0", "-0", "+0", "0.", ".0", "-.0", "-0.000",
		"0e5", "0e99", "0e-999", "1", "-1", "+1", "1.", ".5", "-.5", "1.5", "00001.50000",
		"1e", "1e+", "1e-", "1e5", "1E5", "1e+5", "1e-5", "1e05", "1e005", "1e0005",
		"1e22", "1e23", "1e-22", "1e-23", "1e38", "1e39", "1e-45", "1e-46",
		"3.4028235e38", "3.4028236e38", "340282346638528859811704183484516925440",
		"1.17549435e-38", "0.00000000000000000000001", "123456789012345",
		"1234567890123456", "0.123456789012345", "0.1234567890123456", "16777217",
		"0x10", "0x1p3", "1p3", "nan", "inf", "-inf", "infinity", "1.2.3", "1..2", "--1",
		"+-1", "1,5", "1 2", "1\t", "1f", "1d5", "1_0", ("\xc2\xa0" "1"),
		"0.000000000000000000000000000000000000000000000000000000000000000000000000",
	};
	static const char after[] = {',', ']', ' ', '\t', '\n', '\r', '\v', '\f', 'e', 'x', '.', '5', ';', '\x80'};
	int			wrong = 0;
	size_t		i;
	size_t		j;

	for (i = 0; i < sizeof(form) / sizeof(form[0]); i++)
	{
		for (j = 0; j < sizeof(after); j++)
			wrong += !right(form[i], after[j]);
	}
	return wrong;
}

static int
test_count(void)
{
	char		text[300];
	int			wrong = 0;
	int			n;

	for (n = 0; n < 299; n++)
	{
		memset(text, '7', sizeof(text));
		text[n] = '\0';
		wrong += decimal_count(text, ',') != 0;
		memset(text, ',', n);
		wrong += decimal_count(text, ',') != (size_t) n;
	}
	return wrong;
}

int
main(void)
{
	Prng		prng = {71};

	ok(test_forms() == 0, "what strtof() takes for a number, and what it does not");
	taken = 0;
	ok(test_numbers(&prng, 500000) == 0, "numbers, and what is between two");
	ok(taken > 500000, "most numbers are read, not left to strtof()");
	ok(test_ties(&prng, 100000) == 0, "whole numbers half way between two");
	ok(test_count() == 0, "characters are counted");
	return tap_done();
}
