/*
 * arrays.c
 *	  Lists of encoded rows, in memory.
 */
#include "plain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_PER_LIST	128
#define SEED			42

void *
need(size_t size)
{
	/* a kernel may load whole registers */
	void	   *room = aligned_alloc(64, (size + 127) / 64 * 64);

	if (room == NULL)
	{
		fprintf(stderr, "plain: out of memory\n");
		exit(1);
	}
	return room;
}

/* the factor that makes a row a unit vector, where that is wanted */
static double
row_scale(const Set *set, const float *x)
{
	double		squares;

	if (set->metric != METRIC_COSINE)
		return 1;
	squares = vec_kernels->inner_product(x, x, set->dim);
	return squares > 0 ? 1 / sqrt(squares) : 0;
}

/*
 * Maps the elements of x to the n of v: centred, rotated, padded.
 */
void
arrays_place(const Arrays *arrays, const float *x, double *v)
{
	double		scale = row_scale(&arrays->set, x);
	int			i;

	for (i = 0; i < arrays->set.dim; i++)
		v[i] = x[i] * scale - arrays->mean[i];
	for (; i < arrays->n; i++)
		v[i] = 0;
	rotate(arrays->rotation, v);
}

static void
find_mean(Arrays *arrays, size_t rows)
{
	const Set  *set = &arrays->set;
	size_t		i;
	int			j;

	memset(arrays->mean, 0, sizeof(double) * set->dim);
	for (i = 0; i < rows; i++)
	{
		const float *x = set->rows + i * set->nrows / rows * set->dim;
		double		scale = row_scale(set, x);

		for (j = 0; j < set->dim; j++)
			arrays->mean[j] += x[j] * scale / rows;
	}
}

static void
make_clusters(Arrays *arrays, int lists)
{
	const Set  *set = &arrays->set;
	size_t		rows = (size_t) lists * SAMPLE_PER_LIST;
	double	   *v = need(sizeof(double) * arrays->n);
	float	   *sample;
	size_t		i;
	int			j;

	if (rows > set->nrows)
		rows = set->nrows;
	find_mean(arrays, rows);
	sample = need(sizeof(float) * rows * arrays->n);
	for (i = 0; i < rows; i++)
	{
		arrays_place(arrays, set->rows + i * set->nrows / rows * set->dim, v);
		for (j = 0; j < arrays->n; j++)
			sample[i * arrays->n + j] = (float) v[j];
	}
	clusters_make(&arrays->clusters, sample, rows, arrays->n, lists);
	free(sample);
	free(v);
}

static void
node_init(Node *node, const float *centroid, int room, int n, int has_rows)
{
	int			i;

	node->centroid = centroid;
	node->count = 0;
	node->blocks = (room + VEC_BLOCK - 1) / VEC_BLOCK;
	node->id = need(sizeof(uint32_t) * node->blocks * VEC_BLOCK);
	node->add = need(sizeof(float) * node->blocks * VEC_BLOCK);
	node->scale = need(sizeof(float) * node->blocks * VEC_BLOCK);
	node->err = need(sizeof(float) * node->blocks * VEC_BLOCK);
	node->columns = need((size_t) node->blocks * n / 4 * 16);
	memset(node->columns, 0, (size_t) node->blocks * n / 4 * 16);
	for (i = 0; i < node->blocks * VEC_BLOCK; i++)
	{
		node->add[i] = INFINITY;
		node->scale[i] = node->err[i] = 0;
	}
	node->factors = has_rows ? need(sizeof(ByteFactors) * room) : NULL;
	node->codes = has_rows ? need((size_t) room * n) : NULL;
}

/* adds an entry with the residual r */
static void
node_add(Node *node, uint32_t id, const float *r, int n, uint8_t *nibbles,
		 const float *zeros)
{
	int			slot = node->count++;
	int			at = slot % VEC_BLOCK;
	uint8_t    *columns = node->columns + (size_t) (slot / VEC_BLOCK) * n / 4 * 16;
	SignFactors factors;
	int			m;

	encode_signs(r, node->centroid ? node->centroid : zeros, n, 0, 0, nibbles,
				 &factors);
	node->id[slot] = id;
	node->add[slot] = factors.add;
	node->scale[slot] = factors.scale;
	node->err[slot] = factors.err;
	for (m = 0; m < n / 4; m++)
		columns[m * 16 + at % 16] |= nibbles[m] << (at < 16 ? 0 : 4);
	if (node->codes)
		encode_bytes(r, n, 0, node->codes + (size_t) slot * n, &node->factors[slot]);
}

/*
 * Clusters, assigns and encodes all rows of a set.
 */
void
arrays_make(Arrays *arrays, const Set *set, int lists)
{
	int			n = rotation_padded(set->dim);
	int		   *list = need(sizeof(int) * set->nrows);
	int		   *count;
	double	   *v = need(sizeof(double) * n);
	float	   *r = need(sizeof(float) * n);
	float	   *zeros = need(sizeof(float) * n);
	uint8_t    *nibbles = need(n / 4);
	Clusters   *clusters = &arrays->clusters;
	size_t		i;
	int			j;

	memset(zeros, 0, sizeof(float) * n);
	arrays->set = *set;
	arrays->n = n;
	arrays->mean = need(sizeof(double) * set->dim);
	arrays->rotation = need(rotation_size(n));
	rotation_init(arrays->rotation, n, SEED);
	make_clusters(arrays, lists);

	count = need(sizeof(int) * clusters->lists);
	memset(count, 0, sizeof(int) * clusters->lists);
	for (i = 0; i < set->nrows; i++)
	{
		arrays_place(arrays, set->rows + i * set->dim, v);
		for (j = 0; j < n; j++)
			r[j] = (float) v[j];
		list[i] = clusters_nearest(clusters, r);
		count[list[i]]++;
	}
	node_init(&arrays->root, NULL, clusters->lists, n, 0);
	arrays->leaf = need(sizeof(Node) * clusters->lists);
	arrays->largest = 0;
	for (j = 0; j < clusters->lists; j++)
	{
		const float *centroid = clusters->list + (size_t) j * n;

		node_add(&arrays->root, j, centroid, n, nibbles, zeros);
		node_init(&arrays->leaf[j], centroid, count[j], n, 1);
		if (arrays->leaf[j].blocks > arrays->largest)
			arrays->largest = arrays->leaf[j].blocks;
	}
	for (i = 0; i < set->nrows; i++)
	{
		Node	   *leaf = &arrays->leaf[list[i]];

		arrays_place(arrays, set->rows + i * set->dim, v);
		for (j = 0; j < n; j++)
			r[j] = (float) (v[j] - leaf->centroid[j]);
		node_add(leaf, (uint32_t) i, r, n, nibbles, zeros);
	}
	free(list);
	free(count);
	free(v);
	free(r);
	free(zeros);
	free(nibbles);
}
