/*
 * pipeline.c
 *	  What the index does with a vector and a query on the way to a bound, and
 *	  what the SQL operator says of the pair.
 *
 * The steps, and which of them are in float8, are DESIGN.md's section 2; the
 * operators are those of src/type/.
 */
#include "pipeline.h"

#include <math.h>
#include <string.h>

#include "ground/kernel.h"
#include "tap.h"

/*
 * The rotation of all tests with vectors of dim elements.
 */
const Rotation *
test_rotation(int dim)
{
	static Rotation *cache[MAX_PADDED + 1];
	int			n = rotation_padded(dim);

	if (cache[n] == NULL)
	{
		cache[n] = need(rotation_size(n));
		rotation_init(cache[n], n, 42);
	}
	return cache[n];
}

static void
hadamard_back(double *v, int n)
{
	int			width;
	int			i;

	for (width = 1; width < n; width *= 2)
	{
		for (i = 0; i < n; i++)
		{
			double		x = v[i];

			if (i & width)
				continue;
			v[i] = x + v[i + width];
			v[i + width] = x - v[i + width];
		}
	}
	for (i = 0; i < n; i++)
		v[i] /= sqrt(n);
}

/*
 * The inverse of rotate(): each of its steps is its own inverse.
 */
void
rotate_back(const Rotation *rotation, double *v)
{
	int			n = rotation->n;
	int			half = n / 2;
	int			round;
	int			i;

	for (round = 3; round >= 0; round--)
	{
		for (i = 0; i < half && rotation->block != n; i++)
		{
			double		x = v[i];

			v[i] = (x + v[i + half]) * M_SQRT1_2;
			v[i + half] = (x - v[i + half]) * M_SQRT1_2;
		}
		hadamard_back(round % 2 == 0 ? v : v + n - rotation->block,
					  rotation->block);
		for (i = 0; i < n; i++)
			v[i] *= rotation->signs[(size_t) round * n + i];
	}
}

static double
norm8(const double *v, int n)
{
	double		sum = 0;
	int			i;

	for (i = 0; i < n; i++)
		sum += v[i] * v[i];
	return sqrt(sum);
}

static double
dot8(const double *a, const double *b, int n)
{
	double		sum = 0;
	int			i;

	for (i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/*
 * x, normalised for cosine, minus the list's mean, rotated; false if the
 * index would not store it there (a zero vector under cosine).
 */
int
into_list(const List *list, const float *x, double *rotated)
{
	double		length = 1;
	int			i;

	if (list->metric == METRIC_COSINE)
		length = sqrt(vec_kernels->inner_product(x, x, list->dim));
	if (length == 0)
		return 0;
	for (i = 0; i < list->n; i++)
		rotated[i] = i < list->dim ? x[i] / length - list->mean[i] : 0;
	rotate(list->rotation, rotated);
	return 1;
}

/*
 * A list whose centroid is the place of the vector centre.  Under cosine both
 * are vectors of any length; the mean is then scaled into the unit ball.
 */
void
list_init(List *list, Metric metric, int dim, const float *mean,
		  const float *centre)
{
	double		v[MAX_PADDED];
	double		length = 1;
	int			i;

	list->metric = metric;
	list->dim = dim;
	list->rotation = test_rotation(dim);
	list->n = list->rotation->n;
	if (metric == METRIC_COSINE)
	{
		length = 2 * sqrt(vec_kernels->inner_product(mean, mean, dim));
		if (length == 0)
			length = 1;
	}
	for (i = 0; i < list->n; i++)
	{
		list->mean[i] = i < dim ? (float) (mean[i] / length) : 0;
		list->mean_rotated[i] = list->mean[i];
	}
	rotate(list->rotation, list->mean_rotated);

	if (!into_list(list, centre, v))
		memset(v, 0, sizeof(double) * list->n);
	for (i = 0; i < list->n; i++)
		list->centroid[i] = (float) v[i];
}

/*
 * Encodes entry->x; false if the index would not store it in a list.
 */
int
entry_init(Entry *entry, const List *list)
{
	double		v[MAX_PADDED];
	double		g = 0;
	int			i;

	if (!into_list(list, entry->x, v))
		return 0;
	for (i = 0; i < list->n; i++)
	{
		double		r = v[i] - list->centroid[i];

		entry->r[i] = (float) r;
		if (list->metric == METRIC_INNER_PRODUCT)
			g += r * (list->centroid[i] + list->mean_rotated[i]);
	}
	entry->g = g;
	encode_bytes(entry->r, list->n, g, entry->u, &entry->factors);
	return 1;
}

/*
 * Prepares query->q; false if its distances are not numbers.
 */
int
query_init(Query *query, const List *list)
{
	double		v[MAX_PADDED];
	double		origin[MAX_PADDED];
	double		centroid[MAX_PADDED];
	double		squares = 0;
	int			n = list->n;
	int			i;

	if (!into_list(list, query->q, v))
		return 0;
	for (i = 0; i < n; i++)
	{
		query->w[i] = (float) (v[i] - list->centroid[i]);
		squares += (double) query->w[i] * query->w[i];
		centroid[i] = list->centroid[i];
	}
	memset(&query->list, 0, sizeof(query->list));
	query->list.metric = list->metric;
	query->list.n = n;
	query->list.w_norm = sqrt(squares);
	query->list.reach = norm8(v, n) + norm8(centroid, n);
	if (list->metric == METRIC_INNER_PRODUCT)
	{
		for (i = 0; i < n; i++)
		{
			origin[i] = v[i] + list->mean_rotated[i];
			centroid[i] += list->mean_rotated[i];
		}
		query->list.q_dot_c = dot8(origin, centroid, n);
		query->list.q_norm = norm8(origin, n);
		query->list.mean_norm = norm8(list->mean_rotated, n);
		query->list.c_norm = norm8(centroid, n);
	}
	return 1;
}

/*
 * What the operator of the metric returns; beyond float4's range, infinity.
 */
double
operator_result(Metric metric, const float *a, const float *b, int dim)
{
	double		sum;
	double		aa;
	double		bb;

	switch (metric)
	{
		case METRIC_L2:
			sum = vec_kernels->l2_squared(a, b, dim);
			return isinf((float) sum) ? INFINITY : sqrt(sum);
		case METRIC_INNER_PRODUCT:
			sum = -vec_kernels->inner_product(a, b, dim);
			return isinf((float) sum) ? (double) (float) sum : sum;
		default:
			vec_kernels->cosine_sums(a, b, dim, &sum, &aa, &bb);
			sum /= sqrt(aa * bb);
			if (sum > 1)
				sum = 1;
			if (sum < -1)
				sum = -1;
			return 1 - sum;
	}
}
