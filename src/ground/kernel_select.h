/*
 * kernel_select.h
 *	  The k-th smallest of some hundred floats.
 *
 * A template like kernel_loops.h, which includes it.  The answer is closed in on
 * by halves, and each time all floats are compared with the middle: some tens of
 * registers, ten times or so, and no branch that depends on a single float.
 */

/*
 * Floats order like these integers.
 */
static inline int32_t
float_order(float x)
{
	int32_t		bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits ^ ((bits >> 31) & INT32_MAX);
}

static inline float
ordered_float(int32_t order)
{
	float		x;

	order ^= (order >> 31) & INT32_MAX;
	memcpy(&x, &order, sizeof(x));
	return x;
}

VEC_TARGET static inline float
least_of_all(const float *x, int n)
{
	Lanes		least[PANEL_PARTS];
	float		of[VEC_LANES];
	int			i;
	int			p;

	memcpy(least, x, sizeof(least));
	for (i = VEC_LANES; i < n; i += VEC_LANES)
	{
		for (p = 0; p < PANEL_PARTS; p++)
		{
			Lanes		y = *(const StoredLanes *) (x + i + p * PANEL_LANES);
			Numbers		less = y < least[p];

			least[p] = (Lanes) ((less & (Numbers) y) | (~less & (Numbers) least[p]));
		}
	}
	memcpy(of, least, sizeof(of));
	for (i = 1; i < VEC_LANES; i++)
		of[0] = of[i] < of[0] ? of[i] : of[0];
	return of[0];
}

/* how many of n floats are at most a limit */
VEC_TARGET static inline int
count_up_to(const float *x, int n, float limit)
{
	Numbers		count[PANEL_PARTS];
	int32_t		of[VEC_LANES];
	int			sum = 0;
	int			i;
	int			p;

	memset(count, 0, sizeof(count));
	for (i = 0; i < n; i += VEC_LANES)
	{
		for (p = 0; p < PANEL_PARTS; p++)
			count[p] -= *(const StoredLanes *) (x + i + p * PANEL_LANES) <= limit;
	}
	memcpy(of, count, sizeof(of));
	for (i = 0; i < VEC_LANES; i++)
		sum += of[i];
	return sum;
}

/* the greatest of those */
VEC_TARGET static inline float
greatest_up_to(const float *x, int n, float limit)
{
	Lanes		most[PANEL_PARTS];
	float		of[VEC_LANES];
	int			i;
	int			p;

	for (i = 0; i < VEC_LANES; i++)
		of[i] = -INFINITY;
	memcpy(most, of, sizeof(most));
	for (i = 0; i < n; i += VEC_LANES)
	{
		for (p = 0; p < PANEL_PARTS; p++)
		{
			Lanes		y = *(const StoredLanes *) (x + i + p * PANEL_LANES);
			Numbers		more = (y <= limit) & (y > most[p]);

			most[p] = (Lanes) ((more & (Numbers) y) | (~more & (Numbers) most[p]));
		}
	}
	memcpy(of, most, sizeof(of));
	for (i = 1; i < VEC_LANES; i++)
		of[0] = of[i] > of[0] ? of[i] : of[0];
	return of[0];
}

/*
 * Halves alone would be sure to end, and guesses that take keys for evenly spread
 * are nearly always better: so they take turns.
 */
VEC_TARGET static float
kth_smallest(const float *x, int n, int k, float high)
{
	int64_t		below = (int64_t) float_order(least_of_all(x, n)) - 1;
	int64_t		enough = float_order(high < INFINITY ? high : greatest_up_to(x, n, FLT_MAX));
	int			fewer = 0;
	int			more = n;
	int			turn;

	/* fewer than k are at most the one, k or more at most the other */
	for (turn = 0; enough - below > 1; turn++)
	{
		int64_t		middle = below + (enough - below) / 2;
		float		limit;
		int			count;

		if (turn % 2 == 0)
		{
			float		from = ordered_float((int32_t) below);
			float		to = ordered_float((int32_t) enough);
			float		guess = from + (to - from) * ((k - fewer) / (float) (more - fewer));

			if (guess > from && guess < to)
				middle = float_order(guess);
		}
		limit = ordered_float((int32_t) middle);
		count = count_up_to(x, n, limit);
		if (count == k)
			return greatest_up_to(x, n, limit);
		if (count < k)
		{
			below = middle;
			fewer = count;
		}
		else
		{
			enough = middle;
			more = count;
		}
	}
	return ordered_float((int32_t) enough);
}

/*
 * Sixteen lanes have an instruction for this: where there is one, OWN_COLLECT is
 * defined and the file has a collect of its own.
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
