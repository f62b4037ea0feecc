/*
 * families.c
 *	  Lists of vectors, and queries, that are hard on bounds.
 */
#include "families.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "tap.h"

/* the nearest float4 that a vector may hold */
static float
element(double value)
{
	if (value > FLT_MAX)
		return FLT_MAX;
	if (value < -FLT_MAX)
		return -FLT_MAX;
	return isnan(value) ? 0 : (float) value;
}

/* to[] = from[] + scale times normal deviates; from may be NULL */
static void
around(Group *g, float *to, const float *from, double scale)
{
	int			i;

	for (i = 0; i < g->dim; i++)
		to[i] = element((from ? from[i] : 0) + scale * gauss(&g->prng));
}

static void
all_around_centre(Group *g)
{
	int			i;

	for (i = 0; i < GROUP_ENTRIES; i++)
		around(g, g->entry[i].x, g->centre, g->spread);
}

/* clusters 10 to 10^6 times tighter than their distance from the mean */
static void
fill_tight(Group *g)
{
	g->span = pow(10, below(&g->prng, 5) - 2);
	g->spread = g->span / pow(10, 1 + below(&g->prng, 6));
	around(g, g->mean, NULL, g->span);
	around(g, g->centre, g->mean, g->span);
	all_around_centre(g);
}

static void
fill_offset(Group *g)
{
	double		offset = pow(10, 3 + below(&g->prng, 5));

	g->span = pow(10, below(&g->prng, 3) - 1);
	g->spread = g->span * 0.3;
	around(g, g->mean, NULL, offset);
	around(g, g->centre, g->mean, g->span);
	all_around_centre(g);
}

/* all on one scale, the mean in the middle or at the origin */
static void
fill_scale(Group *g, double scale)
{
	g->span = scale;
	g->spread = scale * pow(10, -below(&g->prng, 3));
	if (below(&g->prng, 2))
		around(g, g->mean, NULL, scale);
	if (below(&g->prng, 4))
		around(g, g->centre, NULL, scale);
	all_around_centre(g);
}

static void
fill_ordinary(Group *g)
{
	fill_scale(g, 1);
}

static void
fill_tiny(Group *g)
{
	fill_scale(g, 1e-30);
}

static void
fill_huge(Group *g)
{
	fill_scale(g, 1e30);
}

/* where squares begin to overflow float4, and sums of elements */
static void
fill_overflow(Group *g)
{
	fill_scale(g, below(&g->prng, 2) ? 1e19 : 1e38);
}

static void
fill_denormal(Group *g)
{
	fill_scale(g, pow(10, -37 - below(&g->prng, 9)));
}

static double
any_scale(Group *g)
{
	static const double scale[] =
	{1e-45, 1e-40, 1e-37, 1e-30, 1e-20, 1e-10, 1, 1e10, 1e20, 1e30, 1e37, 1e38};

	return scale[below(&g->prng, sizeof(scale) / sizeof(scale[0]))];
}

/* each vector on a scale of its own */
static void
fill_mixed(Group *g)
{
	int			i;

	fill_scale(g, any_scale(g));
	for (i = 0; i < GROUP_ENTRIES; i++)
		around(g, g->entry[i].x, NULL, any_scale(g));
}

/* each element on a scale of its own */
static void
fill_mixed_elements(Group *g)
{
	int			i;
	int			j;

	fill_scale(g, any_scale(g));
	for (i = 0; i < GROUP_ENTRIES; i++)
	{
		for (j = 0; j < g->dim; j++)
			g->entry[i].x[j] = element(any_scale(g) * gauss(&g->prng));
	}
}

static void
fill_duplicates(Group *g)
{
	int			i;

	fill_scale(g, pow(10, below(&g->prng, 9) - 4));
	for (i = 1; i < GROUP_ENTRIES; i++)
		memcpy(g->entry[i].x, g->entry[0].x, sizeof(float) * g->dim);
}

/* entries where the centroid is */
static void
fill_zero_residual(Group *g)
{
	int			i;

	fill_scale(g, pow(10, below(&g->prng, 9) - 4));
	for (i = 0; i < GROUP_ENTRIES; i++)
		memcpy(g->entry[i].x, g->centre, sizeof(float) * g->dim);
}

static void
fill_one_hot(Group *g)
{
	int			i;
	float		value = element(pow(10, below(&g->prng, 9) - 4));

	g->span = g->spread = value;
	if (below(&g->prng, 2))
		g->centre[below(&g->prng, g->dim)] = value;
	for (i = 0; i < GROUP_ENTRIES; i++)
		g->entry[i].x[below(&g->prng, g->dim)] = value;
}

/*
 * One large element in the rotated residual, the others next to nothing: the
 * byte code's error is as large as it can be.
 */
static void
fill_spike(Group *g)
{
	const Rotation *rotation = test_rotation(g->dim);
	double		v[MAX_PADDED];
	int			i;
	int			j;

	g->span = g->spread = 1;
	for (i = 0; i < GROUP_ENTRIES; i++)
	{
		memset(v, 0, sizeof(double) * rotation->n);
		v[below(&g->prng, rotation->n)] = 1;
		rotate_back(rotation, v);
		for (j = 0; j < g->dim; j++)
			g->entry[i].x[j] = element(v[j]);
	}
}

/*
 * Equal magnitudes in the rotated residual: the byte code has next to no
 * error, and only the slack is left to pay for the rounding of products.
 */
static void
fill_even(Group *g)
{
	const Rotation *rotation = test_rotation(g->dim);
	double		v[MAX_PADDED];
	double		size = 0.5 + prng_double(&g->prng);
	int			i;
	int			j;

	g->span = g->spread = size;
	for (i = 0; i < GROUP_ENTRIES; i++)
	{
		for (j = 0; j < rotation->n; j++)
			v[j] = below(&g->prng, 2) ? size : -size;
		rotate_back(rotation, v);
		for (j = 0; j < g->dim; j++)
			g->entry[i].x[j] = element(v[j]);
	}
}

/*
 * A power of two in one element: up to 64 dimensions its rotation, and so the
 * centroid, is exact in float4, however far away, and the residuals are on the
 * scale of the other elements.  Then what float8 loses shows.
 */
static void
fill_far_exact(Group *g)
{
	int			hot = below(&g->prng, g->dim);
	int			i;

	g->span = ldexp(1, below(&g->prng, 45));
	g->spread = ldexp(1, -below(&g->prng, 12));
	g->centre[hot] = (float) g->span;
	all_around_centre(g);
	for (i = 0; i < GROUP_ENTRIES; i++)
	{
		g->entry[i].x[hot] = (float) g->span;
		if (i % 2 == 0)
			memcpy(g->entry[i].x, g->centre, sizeof(float) * g->dim);
	}
}

/* a list near the origin, the mean far from it */
static void
fill_far_mean(Group *g)
{
	int			i;

	g->span = 1;
	g->spread = below(&g->prng, 2) ? 1 : 0;
	around(g, g->mean, NULL, ldexp(1, below(&g->prng, 40)));
	if (below(&g->prng, 2))
		around(g, g->centre, NULL, 1);
	all_around_centre(g);
	for (i = 0; i < GROUP_ENTRIES && below(&g->prng, 2); i++)
		memcpy(g->entry[i].x, g->centre, sizeof(float) * g->dim);
}

/* small whole numbers, as SIFT has them */
static void
fill_integers(Group *g)
{
	int			i;
	int			j;

	g->span = g->spread = 64;
	for (j = 0; j < g->dim; j++)
	{
		g->mean[j] = below(&g->prng, 128);
		g->centre[j] = below(&g->prng, 256);
		for (i = 0; i < GROUP_ENTRIES; i++)
			g->entry[i].x[j] = below(&g->prng, 256);
	}
}

const Family families[] = {
	{"ordinary", fill_ordinary},
	{"tight clusters", fill_tight},
	{"common offset", fill_offset},
	{"norms of 1e-30", fill_tiny},
	{"norms of 1e30", fill_huge},
	{"overflowing", fill_overflow},
	{"denormal", fill_denormal},
	{"mixed norms", fill_mixed},
	{"mixed elements", fill_mixed_elements},
	{"duplicates", fill_duplicates},
	{"zero residual", fill_zero_residual},
	{"one-hot", fill_one_hot},
	{"spike", fill_spike},
	{"even", fill_even},
	{"far and exact", fill_far_exact},
	{"far from the mean", fill_far_mean},
	{"integers", fill_integers}
};
const int	nfamilies = sizeof(families) / sizeof(families[0]);

/*
 * q such that w is along times the decoded residual plus off times the error
 * of the entry, as nearly as float4 can say it.  Where the vector is padded, q
 * is only the part of it in the vector's dimensions.
 */
static void
aim(Group *g, float *q, const Entry *entry, double along, double off)
{
	const List *list = &g->list;
	double		v[MAX_PADDED];
	int			i;

	for (i = 0; i < list->n; i++)
	{
		double		ry = entry->factors.t * (entry->u[i] + 0.5);

		v[i] = list->centroid[i] + along * ry + off * (entry->r[i] - ry);
	}
	rotate_back(list->rotation, v);
	for (i = 0; i < g->dim; i++)
		q[i] = element(v[i] + list->mean[i]);
}

/*
 * Query number i: by turns an entry itself, near the list, near the mean, one
 * element only, another scale, and aimed at an entry's decoded residual or at
 * the error of its code.
 */
static void
make_query(Group *g, float *q, int i)
{
	const Entry *entry = &g->entry[below(&g->prng, g->nentries)];
	double		factor = pow(2, 8 * prng_double(&g->prng) - 4);
	double		length = entry->factors.error > 0 ?
		entry->factors.code_norm / entry->factors.error : 1;

	memset(q, 0, sizeof(float) * g->dim);
	switch (i % 12)
	{
		case 0:
			memcpy(q, entry->x, sizeof(float) * g->dim);
			break;
		case 1:
			around(g, q, g->centre, g->spread);
			break;
		case 2:
			around(g, q, g->mean, g->span);
			break;
		case 3:
			q[below(&g->prng, g->dim)] = element(g->span * factor);
			break;
		case 4:
			around(g, q, NULL, any_scale(g));
			break;
		case 5:
			around(g, q, g->centre, g->spread * pow(10, below(&g->prng, 16) - 12));
			break;
		case 6:
			aim(g, q, entry, 1, 0);
			break;
		case 7:
			aim(g, q, entry, factor, 0);
			break;
		case 8:
			aim(g, q, entry, 0, factor * length);
			break;
		case 9:
			aim(g, q, entry, 1, 1 - factor / 1024);
			break;
		default:
			/* off by about what float4 can't tell from parallel */
			aim(g, q, entry, 1,
				length * 0x1p-12 * 3 * (prng_double(&g->prng) - 0.5));
			break;
	}
}

/*
 * Fills a group: list, encoded entries and queries that an index would get to
 * see.  dim is at most MAX_PADDED.
 */
void
group_init(Group *group, const Family *family, Metric metric, int dim,
		   uint64_t seed)
{
	int			i;

	memset(group, 0, sizeof(*group));
	group->prng.state = seed;
	group->dim = dim;
	family->fill(group);
	list_init(&group->list, metric, dim, group->mean, group->centre);

	for (i = 0; i < GROUP_ENTRIES; i++)
	{
		Entry	   *next = &group->entry[group->nentries];

		if (i != group->nentries)
			memcpy(next->x, group->entry[i].x, sizeof(float) * dim);
		if (entry_init(next, &group->list))
			group->nentries++;
	}
	for (i = 0; i < GROUP_QUERIES && group->nentries > 0; i++)
	{
		Query	   *next = &group->query[group->nqueries];

		make_query(group, next->q, i);
		if (query_init(next, &group->list))
			group->nqueries++;
	}
}
