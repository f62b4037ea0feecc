/*
 * pipeline.h
 *	  What the index does with a vector and a query on the way to a bound, and
 *	  what the SQL operator says of the pair.
 */
#ifndef VECFEAT_PIPELINE_H
#define VECFEAT_PIPELINE_H

#include "ground/bound.h"
#include "ground/rotate.h"

#define MAX_PADDED	2048

/* one list of an index: everything in the rotated space but for mean */
typedef struct List
{
	Metric		metric;
	int			dim;
	int			n;
	const Rotation *rotation;
	float		mean[MAX_PADDED];
	double		mean_rotated[MAX_PADDED];
	float		centroid[MAX_PADDED];
} List;

typedef struct Entry
{
	float		x[MAX_PADDED];	/* as in the heap */
	float		r[MAX_PADDED];
	double		g;				/* inner product: <c,r> from the true origin */
	int8_t		u[MAX_PADDED];
	ByteFactors factors;
} Entry;

typedef struct Query
{
	float		q[MAX_PADDED];	/* as in the SQL statement */
	float		w[MAX_PADDED];
	ListQuery	list;
} Query;

extern const Rotation *test_rotation(int dim);
extern void rotate_back(const Rotation *rotation, double *v);
extern void list_init(List *list, Metric metric, int dim, const float *mean,
					  const float *centre);
extern int	into_list(const List *list, const float *x, double *rotated);
extern int	entry_init(Entry *entry, const List *list);
extern int	query_init(Query *query, const List *list);
extern double operator_result(Metric metric, const float *a, const float *b,
							  int dim);

#endif							/* VECFEAT_PIPELINE_H */
