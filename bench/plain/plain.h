/*
 * plain.h
 *	  The index as plain arrays in one process: what a search costs without
 *	  pages, locks, a buffer cache and an executor.
 */
#ifndef VECFEAT_PLAIN_H
#define VECFEAT_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "ground/bound.h"
#include "ground/codec.h"
#include "ground/kernel.h"
#include "ground/rotate.h"
#include "ground/signscore.h"

typedef struct Set
{
	const float *rows;
	size_t		nrows;
	int			dim;
	Metric		metric;			/* L2 or cosine */
} Set;

/* clusters.c */
typedef struct Clusters
{
	int			n;
	int			cells;
	int			lists;
	float	   *cell;			/* cells rows of n, */
	float	   *cell_norm;		/* their squared norms */
	int		   *first;			/* the lists of cell i: first[i] .. first[i + 1] - 1 */
	float	   *list;			/* lists rows of n */
	float	   *list_norm;
	float	   *cell_panels;	/* the same for kernels: the cells together, */
	float	   *list_panels;	/* the lists of each cell together */
	float	   *scratch;
} Clusters;

extern void clusters_make(Clusters *clusters, const float *sample, size_t rows,
						  int n, int lists);
extern int	clusters_nearest(const Clusters *clusters, const float *row);

/*
 * A list of entries around a centroid, in blocks of VEC_BLOCK; what is over in
 * the last one has an infinite add.
 */
typedef struct Node
{
	const float *centroid;		/* NULL: zeros */
	int			count;
	int			blocks;
	uint32_t   *id;				/* row, or list */
	float	   *add;
	float	   *scale;
	float	   *err;
	uint8_t    *columns;		/* blocks of n / 4 columns of 16 bytes */
	ByteFactors *factors;		/* of rows only */
	int8_t	   *codes;			/* of rows only: count rows of n */
} Node;

/* arrays.c */
typedef struct Arrays
{
	Set			set;
	int			n;				/* padded dimensions */
	Rotation   *rotation;
	double	   *mean;			/* dim */
	Clusters	clusters;
	Node		root;			/* of the lists' centroids */
	Node	   *leaf;			/* clusters.lists of them */
	int			largest;		/* blocks of a leaf */
} Arrays;

extern void *need(size_t size);
extern void arrays_make(Arrays *arrays, const Set *set, int lists);
extern void arrays_place(const Arrays *arrays, const float *x, double *v);

/* search.c */
typedef struct Counters
{
	uint64_t	entries;
	uint64_t	byte_codes;
	uint64_t	rows;
} Counters;

extern double set_distance(const Set *set, const float *query, uint32_t row);
extern struct Search *search_make(const Arrays *arrays);
extern int	search(struct Search *search, const float *query, int probes,
				   int k, uint32_t *found, Counters *counters);

#endif							/* VECFEAT_PLAIN_H */
