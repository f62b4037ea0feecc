/*
 * kmeans.h
 *	  K-means over rows of float4.
 *
 * Several processes may do it together: what they share lies where the caller
 * says, and the two steps that take long can be done piece by piece.
 */
#ifndef VECFEAT_KMEANS_H
#define VECFEAT_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "ground/prng.h"

/* called now and then with units of work done; may longjmp away */
typedef void (*KmeansTick) (void *arg);

typedef enum KmeansStep
{
	KMEANS_ASSIGN,				/* a piece is some rows */
	KMEANS_AVERAGE				/* a piece is a cluster */
} KmeansStep;

/* has all pieces of a step done, by whomever, and in any order */
typedef void (*KmeansTogether) (KmeansStep step, int pieces, void *arg);

typedef struct Kmeans
{
	/* set by the caller */
	const float *rows;
	const int  *place;			/* numbers of the rows that count; NULL: all */
	size_t		nrows;
	int			n;				/* a multiple of 16 */
	int			k;
	int			seed_rows;		/* for each seed, from which it is chosen; 0: all */
	float	   *centroids;		/* k */
	KmeansTick	tick;			/* or NULL */
	void	   *tick_arg;
	KmeansTogether together;	/* or NULL: all is done here */
	void	   *together_arg;
	int		   *seeded;			/* or NULL: where k comes to stand when it is known */

	/* in memory that all share */
	float	   *norms;			/* k: squared norms of the centroids */
	float	   *panels;			/* the centroids once more, and PANEL_SLACK */
	float	   *distance;		/* nrows: squared, to the nearest seed; then less
								 * the row's squared norm, to its centroid */
	int		   *label;			/* nrows */
	int		   *order;			/* nrows: those that may be seeds, then all, by label */
	int		   *start;			/* k + 1: where a label's rows begin in order */

	/* of each process */
	float	   *products;		/* PANEL_ROWS by PANEL_WIDTH(k) */
	double	   *sum;			/* n */
} Kmeans;

/*
 * Room for a run, allocated by the caller: bytes that are shared, and that each
 * process has for itself.
 */
extern size_t kmeans_space(size_t rows, int k, int n);
extern size_t kmeans_own_space(int k, int n);
extern void kmeans_place(Kmeans *run, void *space, void *own);
extern int	kmeans(Kmeans *run, int iterations, Prng *prng);
extern void kmeans_piece(Kmeans *run, KmeansStep step, int piece);
extern void labels_count(const int *label, size_t rows, int labels, int *start);
extern void labels_sort(const int *label, size_t rows, int labels, int *start,
						int *order);
extern void centroid_norms(const float *centroids, int k, int n, float *norms);

#endif							/* VECFEAT_KMEANS_H */
