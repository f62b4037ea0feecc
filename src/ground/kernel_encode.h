/*
 * kernel_encode.h
 *	  Loops of the rotation and of the codes, in float8.
 *
 * A template like kernel_loops.h, which includes it.  Every result has the same
 * bits at all levels: what is stored must be what a check encodes again.
 */

/*
 * Hadamard transform of n = 2^k >= 16 values in place, scaled to be orthogonal:
 * sums and differences at distances 1, 2, 4, ..., three or two of these steps
 * in one pass over the values.
 */
VEC_TARGET static inline void
hadamard(double *v, int n)
{
	double		scale = 1.0 / sqrt(n);
	int			width = 8;
	int			i;
	int			j;

	for (i = 0; i < n; i += 8)
	{
		double	   *a = v + i;
		double		s[8];
		double		t[8];

		for (j = 0; j < 8; j += 2)
		{
			s[j] = a[j] + a[j + 1];
			s[j + 1] = a[j] - a[j + 1];
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
	for (; width * 2 < n; width *= 4)
	{
		for (i = 0; i < n; i += 4 * width)
		{
			double	   *a = v + i;
			double	   *b = a + width;
			double	   *c = b + width;
			double	   *d = c + width;

			for (j = 0; j < width; j++)
			{
				double		ab = a[j] + b[j];
				double		a_b = a[j] - b[j];
				double		cd = c[j] + d[j];
				double		c_d = c[j] - d[j];

				a[j] = ab + cd;
				b[j] = a_b + c_d;
				c[j] = ab - cd;
				d[j] = a_b - c_d;
			}
		}
	}
	for (j = 0; width < n && j < width; j++)
	{
		double		a = v[j];
		double		b = v[j + width];

		v[j] = a + b;
		v[j + width] = a - b;
	}
	for (i = 0; i < n; i++)
		v[i] *= scale;
}

VEC_TARGET static void
rotate_rounds(double *v, const double *signs, int n, int block, int rounds)
{
	int			half = n / 2;
	int			round;
	int			i;

	for (round = 0; round < rounds; round++, signs += n)
	{
		for (i = 0; i < n; i++)
			v[i] *= signs[i];
		hadamard(round % 2 == 0 ? v : v + n - block, block);

		for (i = 0; block < n && i < half; i++)
		{
			double		x = v[i];
			double		y = v[i + half];

			v[i] = (x + y) * M_SQRT1_2;
			v[i + half] = (x - y) * M_SQRT1_2;
		}
	}
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
