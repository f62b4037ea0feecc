/*
 * kernel_encode.h
 *	  Loops of the rotation and of the codes, in float8.
 *
 * A template like kernel_loops.h, which includes it.  Every result has the same
 * bits at all levels: what is stored must be what a check encodes again.
 */

/*
 * Multiplies values by signs, and begins a Hadamard transform: sums and differences
 * at distances 1, 2, 4 and so on; returns the next one.
 *
 * Compilers take a register's values apart for the first three.  Where eight of
 * them lie in one, OWN_EIGHT is defined and the file has an eight() of its own; then
 * two more steps are made before anything is stored, which is what takes longest.
 */
#ifdef OWN_EIGHT
VEC_TARGET static inline int
first_steps(double *v, const double *signs, int n)
{
	int			i;

	for (i = 0; i < n; i += 32)
	{
		StoredWide *x = (StoredWide *) (v + i);
		const StoredWide *s = (const StoredWide *) (signs + i);
		Wide		a = eight(x[0] * s[0]);
		Wide		b = eight(x[1] * s[1]);
		Wide		c = eight(x[2] * s[2]);
		Wide		d = eight(x[3] * s[3]);

		x[0] = (a + b) + (c + d);
		x[1] = (a - b) + (c - d);
		x[2] = (a + b) - (c + d);
		x[3] = (a - b) - (c - d);
	}
	return 32;
}
#else
VEC_TARGET static inline int
first_steps(double *v, const double *signs, int n)
{
	int			i;
	int			j;

	for (i = 0; i < n; i += 8)
	{
		double	   *a = v + i;
		double		x[8];
		double		s[8];
		double		t[8];

		for (j = 0; j < 8; j++)
			x[j] = a[j] * signs[i + j];
		for (j = 0; j < 8; j += 2)
		{
			s[j] = x[j] + x[j + 1];
			s[j + 1] = x[j] - x[j + 1];
		}
		for (j = 0; j < 8; j += 4)
		{
			t[j] = s[j] + s[j + 2];
			t[j + 1] = s[j + 1] + s[j + 3];
			t[j + 2] = s[j] - s[j + 2];
			t[j + 3] = s[j + 1] - s[j + 3];
		}
		for (j = 0; j < 4; j++)
		{
			a[j] = t[j] + t[j + 4];
			a[j + 4] = t[j] - t[j + 4];
		}
	}
	return 8;
}
#endif

/*
 * Multiplies n = 2^k >= 64 values by signs, and makes their Hadamard transform in
 * place, scaled to be orthogonal: two steps in one pass over the values, or at last
 * one.
 */
VEC_TARGET static inline void
hadamard(double *v, const double *signs, int n)
{
	double		scale = 1.0 / sqrt(n);
	int			width = first_steps(v, signs, n);
	int			i;
	int			j;

	for (; width * 2 < n; width *= 4)
	{
		double		factor = width * 4 == n ? scale : 1;

		for (i = 0; i < n; i += 4 * width)
		{
			for (j = i; j < i + width; j += WIDE_LANES)
			{
				StoredWide *a = (StoredWide *) (v + j);
				StoredWide *b = (StoredWide *) (v + j + width);
				StoredWide *c = (StoredWide *) (v + j + 2 * width);
				StoredWide *d = (StoredWide *) (v + j + 3 * width);
				Wide		ab = *a + *b;
				Wide		a_b = *a - *b;
				Wide		cd = *c + *d;
				Wide		c_d = *c - *d;

				*a = (ab + cd) * factor;
				*b = (a_b + c_d) * factor;
				*c = (ab - cd) * factor;
				*d = (a_b - c_d) * factor;
			}
		}
	}
	for (j = 0; width < n && j < width; j += WIDE_LANES)
	{
		StoredWide *a = (StoredWide *) (v + j);
		StoredWide *b = (StoredWide *) (v + j + width);
		Wide		sum = *a + *b;

		*b = (*a - *b) * scale;
		*a = sum * scale;
	}
}

VEC_TARGET static void
rotate_rounds(double *v, const double *signs, int n, int block, int rounds)
{
	int			half = n / 2;
	int			round;
	int			i;

	for (round = 0; round < rounds; round++, signs += n)
	{
		int			start = round % 2 == 0 ? 0 : n - block;
		int			rest = round % 2 == 0 ? block : 0;

		hadamard(v + start, signs + start, block);
		for (i = rest; i < rest + n - block; i += WIDE_LANES)
			*(StoredWide *) (v + i) *= *(const StoredWide *) (signs + i);

		for (i = 0; block < n && i < half; i += WIDE_LANES)
		{
			StoredWide *x = (StoredWide *) (v + i);
			StoredWide *y = (StoredWide *) (v + i + half);
			Wide		sum = *x + *y;

			*y = (*x - *y) * M_SQRT1_2;
			*x = sum * M_SQRT1_2;
		}
	}
}

VEC_TARGET static void
add(const float *x, int n, double *sum)
{
	int			i = 0;

	for (; i + WIDE_LANES <= n; i += WIDE_LANES)
		*(StoredWide *) (sum + i) += load_wide(x + i);
	for (; i < n; i++)
		sum[i] += x[i];
}

VEC_TARGET static void
centre(const float *x, const float *mean, double norm, int n, double *v)
{
	int			i;

	/* a division is several times as dear as all the rest */
	for (i = 0; norm == 1 && i < n; i++)
		v[i] = (double) x[i] - mean[i];
	for (; i < n; i++)
		v[i] = x[i] / norm - mean[i];
}

/* the lesser ones of two registers' values; of what is no number, y */
VEC_TARGET static inline __attribute__((always_inline)) Wide
wide_lesser(Wide x, Wide y)
{
	WideBits	less = x < y;

	return (Wide) ((less & (WideBits) x) | (~less & (WideBits) y));
}

VEC_TARGET static void
narrow(const double *v, int n, float *r)
{
	const Wide	most = (Wide) {0} + FLT_MAX;
	int			i;

	for (i = 0; i < n; i += WIDE_LANES)
		*(Half *) (r + i) = to_half(-wide_lesser(-wide_lesser(*(const StoredWide *) (v + i), most), most));
}

VEC_TARGET static double
residual(const double *v, const float *c, int n, float *r)
{
	Wide		sum[WIDE_PARTS] = {{0}};
	double		lane[VEC_LANES];
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		for (l = 0; l < WIDE_PARTS; l++)
		{
			Wide		x = *(const StoredWide *) (v + i + l * WIDE_LANES) -
				load_wide(c + i + l * WIDE_LANES);

			*(Half *) (r + i + l * WIDE_LANES) = to_half(x);
			sum[l] += x * x;
		}
	}
	memcpy(lane, sum, sizeof(lane));
	return add_lanes(lane);
}

/* bits of four dimensions make a nibble */
static const int32_t bit_of_four[VEC_LANES] = {1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8};

VEC_TARGET static void
sign_code(const float *r, const float *c, int n, uint8_t *nibbles,
		  double *squares, double *sign_r, double *sign_c)
{
	double		rr[VEC_LANES] = {0};
	double		sr[VEC_LANES] = {0};
	double		sc[VEC_LANES] = {0};
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		for (l = 0; l < VEC_LANES; l++)
		{
			double		x = r[i + l];

			rr[l] += x * x;
			sr[l] += fabs(x);
		}
	}
	for (i = 0; i < n; i += VEC_LANES)
	{
		/* plus zero: a negative zero counts as positive */
		for (l = 0; l < VEC_LANES; l++)
			sc[l] += (double) c[i + l] * copysign(1.0, r[i + l] + 0.0);
	}
	for (i = 0; i < n; i += VEC_LANES)
	{
		int32_t		bit[VEC_LANES];

		for (l = 0; l < VEC_LANES; l++)
			bit[l] = r[i + l] >= 0 ? bit_of_four[l] : 0;
		for (l = 0; l < VEC_LANES; l += 4)
			nibbles[(i + l) / 4] = (uint8_t) (bit[l] + bit[l + 1] + bit[l + 2] + bit[l + 3]);
	}
	*squares = add_lanes(rr);
	*sign_r = add_lanes(sr);
	*sign_c = add_lanes(sc);
}

VEC_TARGET static double
norm_and_largest(const float *r, int n, double *largest)
{
	double		rr[VEC_LANES] = {0};
	float		most[VEC_LANES] = {0};
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		for (l = 0; l < VEC_LANES; l++)
		{
			double		x = r[i + l];

			rr[l] += x * x;
		}
	}
	for (i = 0; i < n; i += VEC_LANES)
	{
		for (l = 0; l < VEC_LANES; l++)
		{
			float		a = fabsf(r[i + l]);

			most[l] = a > most[l] ? a : most[l];
		}
	}
	for (l = 1; l < VEC_LANES; l++)
		most[0] = most[l] > most[0] ? most[l] : most[0];
	*largest = most[0];
	return add_lanes(rr);
}

VEC_TARGET static void
byte_code(const float *r, int n, double step, int8_t *u, double *ry, double *yy)
{
	double		ry_lane[VEC_LANES] = {0};
	double		yy_lane[VEC_LANES] = {0};
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		double		code[VEC_LANES];

		for (l = 0; l < VEC_LANES; l++)
		{
			double		quotient = r[i + l] / step;
			double		whole = (double) (int32_t) quotient;

			/* downwards: a conversion cuts off */
			whole -= whole > quotient ? 1.0 : 0.0;
			whole = whole > 127 ? 127 : whole;
			code[l] = whole < -128 ? -128 : whole;
		}
		for (l = 0; l < VEC_LANES; l++)
		{
			double		y = code[l] + 0.5;

			ry_lane[l] += r[i + l] * y;
			yy_lane[l] += y * y;
		}
		for (l = 0; l < VEC_LANES; l++)
			u[i + l] = (int8_t) (int32_t) code[l];
	}
	*ry = add_lanes(ry_lane);
	*yy = add_lanes(yy_lane);
}

VEC_TARGET static double
byte_errors(const float *r, const int8_t *u, int n, double t)
{
	double		lane[VEC_LANES] = {0};
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		for (l = 0; l < VEC_LANES; l++)
		{
			double		e = r[i + l] - t * (u[i + l] + 0.5);

			lane[l] += e * e;
		}
	}
	return add_lanes(lane);
}

VEC_TARGET static void
quantise(const double *q, int n, double unit, uint8_t *weight, uint8_t *flip,
		 uint32_t *sum, double *error)
{
	double		errors[VEC_LANES] = {0};
	int32_t		sums[VEC_LANES] = {0};
	int			i;
	int			l;

	for (i = 0; i < n; i += VEC_LANES)
	{
		int32_t		whole[VEC_LANES];
		int32_t		bit[VEC_LANES];

		for (l = 0; l < VEC_LANES; l++)
			whole[l] = (int32_t) (fabs(q[i + l]) / unit + 0.5);
		for (l = 0; l < VEC_LANES; l++)
			errors[l] += fabs(fabs(q[i + l]) - unit * whole[l]);
		for (l = 0; l < VEC_LANES; l++)
			sums[l] += whole[l];
		for (l = 0; l < VEC_LANES; l++)
			weight[i + l] = (uint8_t) whole[l];
		for (l = 0; l < VEC_LANES; l++)
			bit[l] = q[i + l] >= 0 ? 0 : bit_of_four[l];
		for (l = 0; l < VEC_LANES; l += 4)
			flip[(i + l) / 4] = (uint8_t) (bit[l] + bit[l + 1] + bit[l + 2] + bit[l + 3]);
	}
	*sum = 0;
	for (l = 0; l < VEC_LANES; l++)
		*sum += (uint32_t) sums[l];
	*error = add_lanes(errors);
}
