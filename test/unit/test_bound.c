/*
 * test_bound.c
 *	  No bound above what the operator returns, and no slack that isn't needed
 *	  for that.
 *
 * Two million pairs go through byte_bound() and, at the same time, through
 * mutants of it: copies of bound.c in which the Makefile has taken out one
 * allowance each.  A test that doesn't catch them proves nothing.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "families.h"
#include "ground/kernel.h"
#include "ground/signbound.h"
#include "mutants.h"
#include "tap.h"

#define PAIRS	2000000

typedef double (*BoundFunction) (const ListQuery *, const ByteFactors *,
								 double);

typedef struct Mutant
{
	const char *name;
	BoundFunction bound;
	int			metrics;		/* bits of the metrics that must catch it */
	long		caught[METRIC_COSINE + 1];
} Mutant;

#define L2		(1 << METRIC_L2)
#define IP		(1 << METRIC_INNER_PRODUCT)
#define COSINE	(1 << METRIC_COSINE)

#define MUTANT(name, metrics) {#name, byte_bound_##name, metrics, {0}},
static Mutant mutants[] = {
	MUTANTS
};
#define NMUTANTS	((int) (sizeof(mutants) / sizeof(mutants[0])))

static const char *const metric_name[] =
{"", "L2", "inner product", "cosine"};

static const int dims[] = {1, 2, 63, 64, 65, 128, 1000, 2000};
#define NDIMS	((int) (sizeof(dims) / sizeof(dims[0])))

/* groups in turn, so that small and large dimensions take about equal time */
static const int weights[] = {14, 14, 12, 40, 10, 10, 1, 1};

static long pairs = 0;

/* blocks whose bounds some level of kernels makes otherwise than one by one */
static long bytes_differ[VEC_LEVELS];
static long signs_differ[VEC_LEVELS];
static long blocks = 0;

/* pairs with a bound above the truth, and with one near to it or, of signs, far from 0 */
static long list_violations[METRIC_COSINE + 1];
static long list_near[METRIC_COSINE + 1];
static long sign_violations[METRIC_COSINE + 1];
static long sign_useful[METRIC_COSINE + 1];

/* the sign codes of a group's entries, as a block has them */
typedef struct SignBlock
{
	uint8_t		columns[MAX_PADDED / 4 * 16];
	float		add[VEC_BLOCK];
	float		scale[VEC_BLOCK];
	float		err[VEC_BLOCK];
} SignBlock;

/*
 * The bound of the smallest list that has the entry: its radius is made as an
 * index does it.
 */
static void
test_list(const ListQuery *query, const Entry *entry, double truth)
{
	/* a norm that the code can't hold is not 0 */
	double		radius = isinf(entry->factors.error) ? INFINITY :
	float_up(entry->factors.norm * (1 + 0x1p-20));
	double		bound = list_bound(query, radius);

	if (!(bound <= truth))
	{
		if (list_violations[query->metric]++ == 0)
			printf("# %s: list bound %.17g, operator %.17g (w %g, radius %g, reach %g)\n",
				   metric_name[query->metric], bound, truth, query->w_norm,
				   radius, query->reach);
	}
	else if (bound != 0 && truth - bound < 1e-3 * fabs(truth))
		list_near[query->metric]++;
}

static void
fill_block(const Group *group, SignBlock *block)
{
	uint8_t		nibbles[MAX_PADDED / 4];
	const List *list = &group->list;
	int			i;
	int			j;

	memset(block, 0, sizeof(*block));
	for (i = 0; i < VEC_BLOCK; i++)
		block->add[i] = INFINITY;
	for (i = 0; i < group->nentries; i++)
	{
		SignFactors factors;

		encode_signs(group->entry[i].r, list->centroid, list->n, group->entry[i].g,
					 list->metric == METRIC_INNER_PRODUCT, nibbles, &factors);
		block->add[i] = factors.add;
		block->scale[i] = factors.scale;
		block->err[i] = factors.err;
		for (j = 0; j < list->n / 4; j++)
			block->columns[16 * j + i % 16] |= nibbles[j] << (i < 16 ? 0 : 4);
	}
}

/*
 * The bounds of a query from sign codes, by a table of the query itself.
 */
static void
test_signs(const Group *group, const SignBlock *block, const Query *query,
		   const char *family)
{
	static char space[1 << 20];
	Metric		metric = group->list.metric;
	SignQuery	signs;
	double		v[MAX_PADDED];
	uint32_t	sums[VEC_BLOCK];
	double		bound[VEC_BLOCK];
	int			i;

	if (!into_list(&group->list, query->q, v))
		return;
	sign_query_init(&signs, v, group->list.n, space);
	sign_sums(&signs, block->columns, sums);
	sign_bound_block(&signs, &query->list, sums, block->add,
					 block->scale, block->err, bound);
	for (i = 0; i < group->nentries; i++)
	{
		double		truth = operator_result(metric, query->q,
											group->entry[i].x, group->dim);

		if (!(bound[i] <= truth))
		{
			if (sign_violations[metric]++ == 0)
				printf("# %s, %s, %d dimensions: sign bound %.17g, operator %.17g (w %g, r %g, reach %g, add %g, scale %g, err %g, table %g)\n",
					   family, metric_name[metric], group->dim, bound[i], truth,
					   query->list.w_norm, group->entry[i].factors.norm,
					   query->list.reach, block->add[i], block->scale[i],
					   block->err[i], signs.error);
		}
		else if (bound[i] > truth - 0.5 * fabs(truth) && bound[i] != 0)
			sign_useful[metric]++;
	}
	for (; i < VEC_BLOCK; i++)
	{
		if (bound[i] > 0)
			sign_violations[metric]++;
	}
}

/*
 * All levels of kernels make the bounds of a block that byte_bound() makes of its
 * entries, and bounds from signs that the portable ones make.
 */
static void
test_levels(const Group *group, const SignBlock *block, const Query *query)
{
	const List *list = &group->list;
	ByteColumns codes;
	VecProducts products = {0.25, list->n / 8.0, query->list.w_norm};
	uint32_t	sums[VEC_BLOCK];
	double		alone[VEC_BLOCK];
	double		signs[VEC_BLOCK];
	double		bound[VEC_BLOCK];
	int			i;
	int			level;

	memset(&codes, 0, sizeof(codes));
	for (i = 0; i < VEC_BLOCK; i++)
	{
		const Entry *entry = &group->entry[i % group->nentries];
		const ByteFactors *factors = &entry->factors;

		codes.t[i] = factors->t;
		codes.norm[i] = factors->norm;
		codes.code_norm[i] = factors->code_norm;
		codes.error[i] = factors->error;
		codes.g[i] = factors->g;
		codes.dot[i] = vec_kernels->byte_dot(entry->u, query->w, list->n);
		alone[i] = byte_bound(&query->list, factors, codes.dot[i]);
		sums[i] = (uint32_t) (list->n + 3 * i);
	}
	vec_portable_kernels.sign_bounds(&query->list, sums, &products, block->add,
									 block->scale, block->err, signs);
	blocks++;
	for (level = VEC_PORTABLE; level < VEC_LEVELS; level++)
	{
		const VecKernels *kernels = vec_kernels_of(level);

		if (kernels == NULL)
			continue;
		kernels->byte_bounds(&query->list, &codes, bound);
		bytes_differ[level] += memcmp(bound, alone, sizeof(bound)) != 0;
		kernels->sign_bounds(&query->list, sums, &products, block->add,
							 block->scale, block->err, bound);
		signs_differ[level] += memcmp(bound, signs, sizeof(bound)) != 0;
	}
}

/*
 * All pairs of a group; returns how many have a bound above the truth.
 */
static long
test_group(const Group *group, const char *family)
{
	static SignBlock block;
	long		violations = 0;
	int			i;
	int			j;
	int			m;

	fill_block(group, &block);
	for (i = 0; i < group->nqueries; i++)
	{
		const Query *query = &group->query[i];

		test_signs(group, &block, query, family);
		test_levels(group, &block, query);

		for (j = 0; j < group->nentries; j++)
		{
			const Entry *entry = &group->entry[j];
			Metric		metric = group->list.metric;
			double		truth = operator_result(metric, query->q, entry->x,
												group->dim);
			double		dot = vec_kernels->byte_dot(entry->u, query->w,
													group->list.n);
			double		bound = byte_bound(&query->list, &entry->factors, dot);

			pairs++;
			test_list(&query->list, entry, truth);
			if (!(bound <= truth))
			{
				if (violations++ == 0)
					printf("# %s, %s, %d dimensions, query %d: bound %.17g, "
						   "operator %.17g (w %g, r %g, reach %g, dot %g, "
						   "error %g, g %g, q %g, c %g)\n",
						   family, metric_name[metric], group->dim, i, bound,
						   truth, query->list.w_norm, entry->factors.norm,
						   query->list.reach, dot, entry->factors.error,
						   entry->factors.g, query->list.q_norm,
						   query->list.c_norm);
			}
			for (m = 0; m < NMUTANTS; m++)
			{
				bound = mutants[m].bound(&query->list, &entry->factors, dot);
				if (!(bound <= truth))
					mutants[m].caught[metric]++;
			}
		}
	}
	return violations;
}

static void
test_violations(void)
{
	static long violations[METRIC_COSINE + 1][32];
	Group	   *group = need(sizeof(Group));
	uint64_t	seed = 1;
	int			metric;
	int			family;
	int			d;
	int			i;

	while (pairs < PAIRS)
	{
		for (metric = METRIC_L2; metric <= METRIC_COSINE; metric++)
		{
			for (family = 0; family < nfamilies; family++)
			{
				for (d = 0; d < NDIMS; d++)
				{
					for (i = 0; i < weights[d]; i++)
					{
						group_init(group, &families[family], metric, dims[d],
								   seed++);
						violations[metric][family] +=
							test_group(group, families[family].name);
					}
				}
			}
		}
	}
	free(group);
	for (metric = METRIC_L2; metric <= METRIC_COSINE; metric++)
	{
		for (family = 0; family < nfamilies; family++)
			ok(violations[metric][family] == 0,
			   "%s, %s: no bound above the operator's result (%ld are)",
			   metric_name[metric], families[family].name,
			   violations[metric][family]);
	}
	for (metric = METRIC_L2; metric <= METRIC_COSINE; metric++)
	{
		ok(list_violations[metric] == 0,
		   "%s: no list's bound above the operator's result (%ld are)",
		   metric_name[metric], list_violations[metric]);
		ok(list_near[metric] > 0, "%s: lists' bounds come near (%ld do)",
		   metric_name[metric], list_near[metric]);
	}
	for (metric = METRIC_L2; metric <= METRIC_COSINE; metric++)
	{
		ok(sign_violations[metric] == 0,
		   "%s: no bound from signs above the operator's result (%ld are)",
		   metric_name[metric], sign_violations[metric]);
		ok(sign_useful[metric] > pairs / 100,
		   "%s: bounds from signs are more than half of it (%ld are)",
		   metric_name[metric], sign_useful[metric]);
	}
	ok(pairs >= PAIRS, "%ld pairs", pairs);
	for (i = VEC_PORTABLE; i < VEC_LEVELS; i++)
	{
		if (vec_kernels_of(i))
			ok(blocks > 0 && bytes_differ[i] == 0 && signs_differ[i] == 0,
			   "%s: bounds of blocks have the bits of single ones (%ld and %ld of %ld do not)",
			   vec_kernels_of(i)->name, bytes_differ[i], signs_differ[i], blocks);
	}
}

static void
test_mutants(void)
{
	int			metric;
	int			m;

	for (m = 0; m < NMUTANTS; m++)
	{
		for (metric = METRIC_L2; metric <= METRIC_COSINE; metric++)
		{
			if (mutants[m].metrics & (1 << metric))
				ok(mutants[m].caught[metric] > 0, "%s: mutant %s is caught (%ld times)",
				   metric_name[metric], mutants[m].name,
				   mutants[m].caught[metric]);
			else
				printf("# %s: mutant %s: %ld violations\n",
					   metric_name[metric], mutants[m].name,
					   mutants[m].caught[metric]);
		}
	}
}

/*
 * Bounds of zero would pass all that: on Gaussian clusters they must be near.
 */
static void
test_tight(void)
{
	static const int sizes[] = {64, 128, 1000, 2000};
	Group	   *group = need(sizeof(Group));
	int			metric;
	int			d;

	for (metric = METRIC_L2; metric <= METRIC_COSINE; metric++)
	{
		for (d = 0; d < 4; d++)
		{
			double		gap = 0;
			int			count = 0;
			int			seed;
			int			i;
			int			j;

			for (seed = 1; seed <= 20; seed++)
			{
				group_init(group, &families[0], metric, sizes[d], seed);
				for (i = 1; i < group->nqueries; i += 12)
				{
					const Query *query = &group->query[i];

					for (j = 0; j < group->nentries; j++)
					{
						const Entry *entry = &group->entry[j];
						double		truth = operator_result(metric, query->q,
															entry->x, sizes[d]);
						double		dot = vec_kernels->byte_dot(entry->u, query->w,
																group->list.n);
						double		bound = byte_bound(&query->list,
													   &entry->factors, dot);
						double		scale = metric == METRIC_INNER_PRODUCT ?
							query->list.w_norm * entry->factors.norm : truth;

						gap += (truth - bound) / scale;
						count++;
					}
				}
			}
			gap /= count;
			ok(gap >= 0 && gap < (metric == METRIC_COSINE ? 0.02 : 0.01),
			   "%s, %d dimensions: Gaussian bounds are %.2f %% below the truth",
			   metric_name[metric], sizes[d], gap * 100);
		}
	}
	free(group);
}

int
main(void)
{
	test_tight();
	test_violations();
	test_mutants();
	return tap_done();
}
