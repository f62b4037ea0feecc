/*
 * kmeans.h
 *	  K-means over rows of float4.
 */
#ifndef VECFEAT_KMEANS_H
#define VECFEAT_KMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "ground/prng.h"

/* called now and then with units of work done; may longjmp away */
typedef void (*KmeansTick) (void *arg);

/*
 * Room for a run of k-means, allocated by the caller: kmeans_space() bytes
 * for at most rows rows, k centroids, n dimensions.
 */
extern size_t kmeans_space(size_t rows, int k, int n);
extern int	kmeans(const float *rows, size_t nrows, int n, int k,
				   int iterations, Prng *prng, void *space, KmeansTick tick,
				   void *tick_arg, float *centroids);
extern void centroid_norms(const float *centroids, int k, int n, float *norms);

#endif							/* VECFEAT_KMEANS_H */
