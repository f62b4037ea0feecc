/*
 * test_bisector.c
 *	  No bound from a bisecting plane above what the operator returns, and no
 *	  allowance that isn't needed for that.
 *
 * Most rows lie on the plane between two centroids, as nearly as float4 says, so
 * that a comparison of their distances in float4 goes either way; the one that a
 * row is assigned to is its list's, the other the pivot.  Where the plane is at
 * right angles to the line to the query, the bound is as large as the distance.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "families.h"
#include "ground/kernel.h"
#include "ground/panels.h"
#include "mutants.h"
#include "tap.h"

#define PAIRS	400000

typedef double (*BisectorFunction) (const ListQuery *, double, double, double);

typedef struct Mutant
{
	const char *name;
	BisectorFunction bound;
	int			metrics;		/* bits of the metrics that must catch it */
	long		caught[METRIC_COSINE + 1];
} Mutant;

#define L2		(1 << METRIC_L2)
#define COSINE	(1 << METRIC_COSINE)

#define BISECTOR_MUTANT(name, metrics) {#name, bisector_bound_##name, metrics, {0}},
static Mutant mutants[] = {
	BISECTOR_MUTANTS
};
#define NMUTANTS	((int) (sizeof(mutants) / sizeof(mutants[0])))

static const char *const metric_name[] =
{"", "L2", "inner product", "cosine"};

static const int dims[] = {1, 2, 3, 8, 16, 64};
#define NDIMS	((int) (sizeof(dims) / sizeof(dims[0])))

static long pairs = 0;
static long violations[METRIC_COSINE + 1];
static long near[METRIC_COSINE + 1];

static double
norm_of(const float *v, int n)
{
	return sqrt(vec_kernels->inner_product(v, v, n));
}

/* as an index has it: in float8, and rounded */
static double
distance_to(const double *q, const float *centroid, int n)
{
	float		w[MAX_PADDED];
	int			i;

	for (i = 0; i < n; i++)
		w[i] = (float) (q[i] - centroid[i]);
	return norm_of(w, n);
}

/* which of two centroids a row is assigned to */
static int
assign(const double *x, float centroids[2][MAX_PADDED], int n)
{
	float		panels[2 * MAX_PADDED + PANEL_SLACK] = {0};
	float		products[PANEL_WIDTH(2)];
	float		norms[2];
	float		row[MAX_PADDED];
	const float *rows = row;
	float		score;
	int			label;
	int			i;

	for (i = 0; i < n; i++)
		row[i] = (float) fmax(fmin(x[i], FLT_MAX), -FLT_MAX);
	for (i = 0; i < 2; i++)
	{
		panels_set(panels, 2, n, i, centroids[i]);
		norms[i] = (float) vec_kernels->inner_product(centroids[i], centroids[i], n);
	}
	panels_nearest(&rows, 1, panels, norms, 2, n, products, &label, &score);
	return label;
}

/*
 * A query, a row and the two centroids.
 */
static void
test_pair(Metric metric, int n, const double *q, const double *x,
		  float centroids[2][MAX_PADDED], double truth, const char *family)
{
	int			own = assign(x, centroids, n);
	const float *pivot = centroids[1 - own];
	ListQuery	list = {0};
	double		distance = distance_to(q, pivot, n);
	double		apart = sqrt(vec_kernels->rank_l2(centroids[own], pivot, n));
	double		squares = 0;
	double		bound;
	int			i;

	for (i = 0; i < n; i++)
		squares += q[i] * q[i];
	list.metric = metric;
	list.n = n;
	list.w_norm = distance_to(q, centroids[own], n);
	list.reach = sqrt(squares) + norm_of(centroids[own], n);
	bound = bisector_bound(&list, distance, norm_of(pivot, n), apart);
	pairs++;
	if (!(bound <= truth))
	{
		if (violations[metric]++ == 0)
			printf("# %s, %s, %d values: bound %.17g, operator %.17g (w %g, pivot %g, apart %g, reach %g)\n",
				   metric_name[metric], family, n, bound, truth, list.w_norm,
				   distance, apart, list.reach);
	}
	else if (truth > 0 && truth - bound < 1e-3 * truth)
		near[metric]++;
	for (i = 0; i < NMUTANTS; i++)
	{
		if (!(mutants[i].bound(&list, distance, norm_of(pivot, n), apart) <= truth))
			mutants[i].caught[metric]++;
	}
}

static void
test_group(Group *group, Metric metric, const char *family)
{
	static const double steps[] = {1, 0.5, 0.01, 0.25};
	float		centroids[2][MAX_PADDED];
	double		q[MAX_PADDED];
	double		x[MAX_PADDED];
	int			n = group->list.n;
	int			i;
	int			j;
	int			s;
	int			k;

	for (i = 0; i < group->nqueries; i++)
	{
		if (!into_list(&group->list, group->query[i].q, q))
			continue;
		for (j = 0; j < group->nentries; j++)
		{
			double		truth = operator_result(metric, group->query[i].q,
												group->entry[j].x, group->dim);

			if (!into_list(&group->list, group->entry[j].x, x))
				continue;
			for (s = 0; s < 5; s++)
			{
				for (k = 0; k < n; k++)
				{
					/* last, any plane: the list's own centroid, mirrored */
					double		away = s < 4 ? steps[s] * (x[k] - q[k]) :
						group->list.centroid[k] - x[k];

					/* before that, not in the middle */
					centroids[0][k] = (float) (x[k] + (s == 3 ? 2 : 1) * away);
					centroids[1][k] = (float) (x[k] - away);
				}
				test_pair(metric, n, q, x, centroids, truth, family);
			}
		}
	}
}

int
main(void)
{
	static const Metric metrics[] = {METRIC_L2, METRIC_COSINE};
	Group	   *group = need(sizeof(Group));
	uint64_t	seed = 1;
	int			family;
	int			m;
	int			d;
	int			i;

	while (pairs < PAIRS)
	{
		for (m = 0; m < 2; m++)
		{
			for (family = 0; family < nfamilies; family++)
			{
				for (d = 0; d < NDIMS; d++)
				{
					group_init(group, &families[family], metrics[m], dims[d], seed++);
					test_group(group, metrics[m], families[family].name);
				}
			}
		}
	}
	free(group);

	ok(pairs >= PAIRS, "%ld pairs", pairs);
	for (m = 0; m < 2; m++)
	{
		Metric		metric = metrics[m];

		ok(violations[metric] == 0,
		   "%s: no plane's bound above the operator's result (%ld are)",
		   metric_name[metric], violations[metric]);
		ok(near[metric] > pairs / 100, "%s: planes' bounds come near (%ld do)",
		   metric_name[metric], near[metric]);
		for (i = 0; i < NMUTANTS; i++)
		{
			if (mutants[i].metrics & (1 << metric))
				ok(mutants[i].caught[metric] > 0, "%s: mutant %s is caught (%ld times)",
				   metric_name[metric], mutants[i].name, mutants[i].caught[metric]);
			else
				printf("# %s: mutant %s: %ld violations\n", metric_name[metric],
					   mutants[i].name, mutants[i].caught[metric]);
		}
	}
	return tap_done();
}
