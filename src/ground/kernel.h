/*
 * kernel.h
 *	  The arithmetic inner loops, behind one table of functions.
 *
 * Plain C: nothing here knows a server.  There is a table for each level of
 * vector instructions; vec_kernels points to the one in use.  Whoever keeps
 * something that one table has made for itself keeps the table too.
 *
 * Distances for the SQL operators accumulate in float8, in VEC_LANES
 * independent lanes: element i goes to lane i % VEC_LANES, and the lanes are
 * added in a fixed tree (l and l + 8, then l + 4, l + 2, l + 1).  Products are
 * never fused with additions.  Any implementation in the table therefore
 * returns the same bits, on any machine; expression indexes, standbys and the
 * proof that index and sequential scan agree depend on it.
 */
#ifndef VECFEAT_KERNEL_H
#define VECFEAT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define VEC_LANES	16

/* entries in a block of codes (DESIGN: sign codes are laid out 32 at a time) */
#define VEC_BLOCK	32

/*
 * Asks for a line that is a page away.  Into the second-level cache: a processor
 * waits when more than a dozen or two lines are on their way to its first one, and
 * that many are what a block asks for.
 */
#define vec_ask_ahead(at)	__builtin_prefetch(at, 0, 2)

/* from low to high; those of one kind of processor follow each other */
typedef enum VecLevel
{
	VEC_PORTABLE,
	VEC_AVX2,
	VEC_AVX512,
	VEC_VNNI,
	VEC_NEON
} VecLevel;

#define VEC_LEVELS	(VEC_NEON + 1)

/*
 * What makes estimates of the sums of a block's codes:
 *
 *		base + add + scale (unit sum - offset) - err_weight err
 */
typedef struct VecCorrection
{
	float		unit;
	float		offset;
	float		base;
	float		err_weight;
} VecCorrection;

/*
 * What makes products of the sums of a block's codes, unit sum - offset, and how
 * far they may be off.
 */
typedef struct VecProducts
{
	double		unit;
	double		offset;
	double		error;
} VecProducts;

/* bound.h */
typedef struct ListQuery ListQuery;
typedef struct ByteColumns ByteColumns;

typedef struct VecKernels
{
	const char *name;

	/* SQL distances over float4 elements; n >= 1.  Results are unclamped. */
	double		(*l2_squared) (const float *a, const float *b, int n);
	double		(*inner_product) (const float *a, const float *b, int n);
	double		(*l1) (const float *a, const float *b, int n);
	/* <a,b>, <a,a>, <b,b> in one pass */
	void		(*cosine_sums) (const float *a, const float *b, int n,
								double *ab, double *aa, double *bb);

	/*
	 * Sign codes of one block against a quantised query of n dimensions.  A
	 * block has n / 4 columns of 16 bytes; bit k (0..3) of entry i's nibble in
	 * column m stands for dimension 4m + k; entry i < 16 is the low nibble of
	 * byte i, entry i >= 16 the high nibble of byte i - 16.  columns holds count
	 * of them, from the one of number from on.  sums[i] grows by the sum of
	 * weight[j] over their dimensions j where entry i's bit equals bit j of the
	 * query.  flip[m] is the complement of the query's nibble; the weights of
	 * any four dimensions of a column add up to at most 255.  n is a multiple
	 * of 16.  make_table turns weights and flips into the form that the
	 * implementation likes, in table_size(n) bytes.
	 *
	 * As many bytes as columns has are asked for at ahead, meanwhile, as they
	 * are going to be looked at soon: the processor has time for one line at
	 * each step, but waits when it is given many at once.
	 */
	size_t		(*table_size) (int n);
	void		(*make_table) (const uint8_t *weight, const uint8_t *flip,
							   int n, void *table);
	void		(*add_columns) (const uint8_t *columns, const void *table,
								int from, int count, const void *ahead,
								uint32_t *sums);

	/*
	 * Estimates of the VEC_BLOCK entries of a block, in float4, operation by
	 * operation as VecCorrection says: the same bits everywhere.  An entry
	 * whose add is infinite gets infinity, and no other does: what overflows
	 * becomes FLT_MAX, and what is not a number -FLT_MAX.
	 */
	void		(*correct) (const uint32_t *sums, const VecCorrection *correction,
							const float *add, const float *scale,
							const float *err, float *estimate);

	/*
	 * Bit i of the result is set where estimate i of a block's is at most the
	 * limit; least becomes the least of the others, or infinity.  None is NaN;
	 * a limit of -infinity finds the least of all, none of which is that.
	 */
	uint32_t	(*split) (const float *estimate, float limit, float *least);

	/*
	 * Certain bounds of a block's entries (bound_terms.h): lower bounds of the
	 * operator's results, from their byte codes, or from their sign codes.  Those
	 * of dead slots say nothing.
	 */
	void		(*byte_bounds) (const ListQuery *list, const ByteColumns *codes,
								double *bound);
	void		(*sign_bounds) (const ListQuery *list, const uint32_t *sums,
								const VecProducts *products, const float *add,
								const float *scale, const float *err,
								double *bound);

	/*
	 * The greatest floats that are at most a block's bounds, or least where that
	 * is more, or the bound is no number.  An entry whose add is infinite gets
	 * infinity; all else is finite, also where damaged factors make it infinite,
	 * and what least says nothing of, as it is no number, is -FLT_MAX.
	 */
	void		(*round_down) (const double *bound, double least, const float *add,
							   float *down);

	/*
	 * The k-th smallest of n floats, none of which is NaN, and k of which are
	 * finite; n is a multiple of VEC_BLOCK.  It is known to be high at most.
	 */
	float		(*kth_smallest) (const float *x, int n, int k, float high);

	/* the least estimate of each of some blocks; none is NaN */
	void		(*least_of_blocks) (const float *estimate, int blocks, float *least);

	/*
	 * The estimates of a block's that are less than the limit, in their order;
	 * returns how many.  out has room for VEC_BLOCK, and may be the block itself
	 * or begin before it.
	 */
	int			(*collect) (const float *estimate, float limit, float *out);

	/*
	 * sum of (u[j] + 1/2) w[j]: float4 products in four times VEC_LANES float4
	 * lanes, the lanes added in float8, with the same bits by all kernels.  n is
	 * a multiple of 16.  The error is at most (n / VEC_LANES + 1) 2^-24 times the
	 * sum of |u[j] + 1/2| |w[j]|.
	 */
	double		(*byte_dot) (const int8_t *u, const float *w, int n);

	/*
	 * sum of (a[j] - b[j])^2 in float4, to rank centroids by: several times as
	 * fast as l2_squared, and the same bits everywhere too.  n is a multiple
	 * of 16.
	 */
	double		(*rank_l2) (const float *a, const float *b, int n);

	/*
	 * w = v - c, rounded to float4, and the sums of squares of w and of c as
	 * inner_product() has them.  n is a multiple of 16.
	 */
	void		(*subtract) (const double *v, const float *c, int n, float *w,
							 double *ww, double *cc);

	/*
	 * The rounds of a rotation (rotate.c): signs holds n values for each; the
	 * Hadamard transform covers block of them, from the front and the back in
	 * turn.  block is a power of two, at least 64.  The same bits everywhere,
	 * as are those of the following four.
	 */
	void		(*rotate_rounds) (double *v, const double *signs, int n,
								  int block, int rounds);

	/*
	 * The loops of codec.c over a residual r of n values, a multiple of 16, in
	 * VEC_LANES float8 lanes: the nibbles of its sign code with sums of
	 * squares, |r| and +-c; sum of squares and largest |r|; u = floor(r / step)
	 * kept within int8_t, with <r,y> and <y,y>, y = u + 1/2; the sum of
	 * squares of r - t y.
	 */
	void		(*sign_code) (const float *r, const float *c, int n,
							  uint8_t *nibbles, double *squares,
							  double *sign_r, double *sign_c);
	double		(*norm_and_largest) (const float *r, int n, double *largest);
	void		(*byte_code) (const float *r, int n, double step, int8_t *u,
							  double *ry, double *yy);
	double		(*byte_errors) (const float *r, const int8_t *u, int n, double t);

	/* sum += x, element by element in float8; any n */
	void		(*add) (const float *x, int n, double *sum);

	/*
	 * v = x / norm - mean, in float8; any n.  The same bits everywhere, as of
	 * the following three.
	 */
	void		(*centre) (const float *x, const float *mean, double norm, int n,
						   double *v);

	/*
	 * v rounded to float4; what is beyond becomes the largest there is.  n is a
	 * multiple of 16.
	 */
	void		(*narrow) (const double *v, int n, float *r);

	/*
	 * r = v - c, rounded to float4; returns the sum of squares of what was not
	 * rounded yet.  n is a multiple of 16.
	 */
	double		(*residual) (const double *v, const float *c, int n, float *r);

	/*
	 * A query's weights for make_table(): weight = floor(|q| / unit + 1/2), at
	 * most 255; flip has the bits of dimensions below zero, four to a byte; the
	 * sum of the weights, and that of | |q| - unit weight |.  n is a multiple of
	 * 16.
	 */
	void		(*quantise) (const double *q, int n, double unit,
							 uint8_t *weight, uint8_t *flip, uint32_t *sum,
							 double *error);

	/*
	 * Products of rows with k vectors in panels (panels.h): out has a row of
	 * PANEL_WIDTH(k) floats for each, of which the first k count.  Element by
	 * element, multiplied and added in float4: the same bits everywhere, and
	 * with whatever other rows and vectors.
	 */
	void		(*products) (const float *const *x, int rows,
							 const float *panels, int k, int n, float *out);

	/*
	 * The least i with the least norms[i] - 2 product[i], in float4, which
	 * becomes *score; 0 and infinity where none is less than that.
	 */
	int			(*least) (const float *product, const float *norms, int k,
						  float *score);
} VecKernels;

/* each is there only where its file has code for the processor's kind */
extern const VecKernels vec_portable_kernels;
extern const VecKernels vec_avx2_kernels;
extern const VecKernels vec_avx512_kernels;
extern const VecKernels vec_vnni_kernels;
extern const VecKernels vec_neon_kernels;

extern const VecKernels *vec_kernels;

extern const VecKernels *vec_kernels_of(VecLevel level);
extern VecLevel vec_best_level(void);

#endif							/* VECFEAT_KERNEL_H */
