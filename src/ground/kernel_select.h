/*
 * kernel_select.h
 *	  The least of many floats: of each block, those below a limit, the k-th.
 *
 * A template like kernel_loops.h, which includes it.  No branch depends on a
 * single float.
 */

/* registers of a block */
#define BLOCK_PARTS	(VEC_BLOCK / PANEL_LANES)

/* the greater and the less of two registers' floats, lane by lane */
VEC_TARGET static inline Lanes
greater(Lanes a, Lanes b)
{
	Numbers		more = a > b;

	return (Lanes) ((more & (Numbers) a) | (~more & (Numbers) b));
}

VEC_TARGET static inline Lanes
lesser(Lanes a, Lanes b)
{
	Numbers		less = a < b;

	return (Lanes) ((less & (Numbers) a) | (~less & (Numbers) b));
}

/* where there are instructions for this, a file has a way of its own */
#ifndef least_lane
VEC_TARGET static inline float
least_lane(Lanes x)
{
	float		of[PANEL_LANES];
	int			i;
	int			l;

	memcpy(of, &x, sizeof(of));
	for (i = PANEL_LANES / 2; i > 0; i /= 2)
	{
		for (l = 0; l < i; l++)
			of[l] = of[l] < of[l + i] ? of[l] : of[l + i];
	}
	return of[0];
}
#endif

VEC_TARGET static void
least_of_blocks(const float *estimate, int blocks, float *least)
{
	int			i;
	int			p;

	for (i = 0; i < blocks; i++, estimate += VEC_BLOCK)
	{
		Lanes		part = *(const StoredLanes *) estimate;

		for (p = 1; p < BLOCK_PARTS; p++)
			part = lesser(part, *(const StoredLanes *) (estimate + p * PANEL_LANES));
		least[i] = least_lane(part);
	}
}

/* a 64th of a number, or a 32nd */
#define FIRST_STEP	(1 << 17)

/*
 * Floats order like these integers.
 */
static inline int32_t
float_order(float x)
{
	int32_t		bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits < 0 ? bits ^ INT32_MAX : bits;
}

static inline float
ordered_float(int32_t order)
{
	float		x;

	order = order < 0 ? order ^ INT32_MAX : order;
	memcpy(&x, &order, sizeof(x));
	return x;
}

/* how many of n floats are at most a limit */
#ifndef OWN_COUNT
VEC_TARGET static inline int
count_up_to(const float *x, int n, float limit)
{
	Numbers		count[BLOCK_PARTS] = {{0}};
	Numbers		sum = {0};
	int32_t		of[PANEL_LANES];
	int			i;
	int			p;

	for (i = 0; i < n; i += VEC_BLOCK)
	{
		for (p = 0; p < BLOCK_PARTS; p++)
			count[p] -= *(const StoredLanes *) (x + i + p * PANEL_LANES) <= limit;
	}
	for (p = 0; p < BLOCK_PARTS; p++)
		sum += count[p];
	memcpy(of, &sum, sizeof(of));
	for (i = PANEL_LANES / 2; i > 0; i /= 2)
	{
		for (p = 0; p < i; p++)
			of[p] += of[p + i];
	}
	return of[0];
}
#endif

/* the greatest of those that are at most a limit */
VEC_TARGET static inline float
greatest_up_to(const float *x, int n, float limit)
{
	const Lanes none = (Lanes) {0} - INFINITY;
	Lanes		most[BLOCK_PARTS];
	int			i;
	int			p;

	for (p = 0; p < BLOCK_PARTS; p++)
		most[p] = none;
	for (i = 0; i < n; i += VEC_BLOCK)
	{
		for (p = 0; p < BLOCK_PARTS; p++)
		{
			Lanes		y = *(const StoredLanes *) (x + i + p * PANEL_LANES);
			Numbers		in = y <= limit;

			y = (Lanes) ((in & (Numbers) y) | (~in & (Numbers) none));
			most[p] = greater(y, most[p]);
		}
	}
	for (p = 1; p < BLOCK_PARTS; p++)
		most[0] = greater(most[0], most[p]);
	return -least_lane(-most[0]);
}

/*
 * Where floats are looked for between two orders, of which few and many are at
 * most so far: in turns the half, which is sure to end, and, nearly always better,
 * where the k-th would be if they were evenly spread.
 */
static inline int64_t
guess_order(int64_t below, int64_t enough, int few, int many, int k, int turn)
{
	int64_t		half = below + (enough - below) / 2;
	float		from;
	float		to;
	float		guess;

	if (turn % 2 != 0)
		return half;
	from = ordered_float((int32_t) below);
	to = ordered_float((int32_t) enough);
	guess = from + (to - from) * ((k - few) / (float) (many - few));
	return guess > from && guess < to ? float_order(guess) : half;
}

/*
 * The answer is near the high end, if that was the answer before the last floats
 * came: so it is looked for in steps from there first, each eight times as long.
 */
VEC_TARGET static float
kth_smallest(const float *x, int n, int k, float high)
{
	int64_t		below = (int64_t) float_order(-FLT_MAX) - 1;
	int64_t		enough = float_order(high < INFINITY ? high : greatest_up_to(x, n, FLT_MAX));
	int64_t		step = FIRST_STEP;
	int			few = 0;
	int			many = n;
	int			turn = 0;

	/* fewer than k are at most the one, k or more at most the other */
	while (enough - below > 1)
	{
		int64_t		order = enough - step;
		float		limit;
		int			count;

		if (order <= below)
			step = 0;
		if (step == 0)
			order = guess_order(below, enough, few, many, k, turn++);
		limit = ordered_float((int32_t) order);
		count = count_up_to(x, n, limit);
		if (count == k)
			return greatest_up_to(x, n, limit);
		if (count < k)
		{
			below = order;
			few = count;
			step = 0;
		}
		else
		{
			enough = order;
			many = count;
			step *= 8;
		}
	}
	return ordered_float((int32_t) enough);
}

/*
 * Where there are instructions for this, OWN_COLLECT is defined and the file has a
 * collect of its own.
 */
#ifndef OWN_COLLECT
VEC_TARGET static int
collect(const float *estimate, float limit, float *out)
{
	float		all[VEC_BLOCK];
	int			count = 0;
	int			i;

	memcpy(all, estimate, sizeof(all));
	for (i = 0; i < VEC_BLOCK; i++)
	{
		out[count] = all[i];
		count += all[i] < limit;
	}
	return count;
}
#endif
