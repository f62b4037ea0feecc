/*
 * kernel_portable.c
 *	  Kernels for any processor.
 */
#define VEC_TARGET
#define load_codes(u)	((Lanes) convert_codes(u))

#include <stdint.h>
#include <string.h>

/* two vectors' first halves, an element of each in turn */
#ifdef __clang__
#define INTERLEAVE_8(a, b) \
	__builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define INTERLEAVE_16(a, b)	__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#else
#define INTERLEAVE_8(a, b) \
	__builtin_shuffle(a, b, (int8x16) {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23})
#define INTERLEAVE_16(a, b)	__builtin_shuffle(a, b, (int16x8) {0, 8, 1, 9, 2, 10, 3, 11})
#endif

/* gcc has a way from integers to floats since version 9 */
#if defined(__clang__) || __GNUC__ >= 9
#define CONVERT(x)	__builtin_convertvector(x, float32x4)
#else
#define CONVERT(x)	((float32x4) {(x)[0], (x)[1], (x)[2], (x)[3]})
#endif

typedef int8_t int8x16 __attribute__((vector_size(16)));
typedef int16_t int16x8 __attribute__((vector_size(16)));
typedef int32_t int32x4 __attribute__((vector_size(16)));
typedef float float32x4 __attribute__((vector_size(16)));

/*
 * Four int8_t: each fills its lane, so it does not matter which of the lane's
 * bytes the processor takes for the highest.
 */
static inline float32x4
convert_codes(const int8_t *u)
{
	int8x16		code = {0};
	int16x8		twice;

	memcpy(&code, u, 4);
	twice = (int16x8) INTERLEAVE_8(code, code);
	return CONVERT((int32x4) INTERLEAVE_16(twice, twice) >> 24);
}

#include "ground/kernel_loops.h"

/* columns that may be added in 16 bits: 257 * 255 = 65535 */
#define COLUMNS_PER_PASS	256

/* sixteen bytes at once, in the registers that every target of gcc has */
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint16_t Shorts __attribute__((vector_size(16)));

/*
 * Five rows of 16 equal bytes a column: the query's complement, then the
 * weights of its four dimensions.  Broadcasting them while scoring would cost
 * more than the scoring.
 */
#define TABLE_ROWS	5

static size_t
table_size(int n)
{
	return (size_t) n / 4 * TABLE_ROWS * sizeof(Bytes);
}

static void
make_table(const uint8_t *weight, const uint8_t *flip, int n, void *table)
{
	uint8_t    *row = table;
	int			m;
	int			k;

	for (m = 0; m < n / 4; m++)
	{
		memset(row, flip[m] * 0x11, sizeof(Bytes));
		row += sizeof(Bytes);
		for (k = 0; k < 4; k++)
		{
			memset(row, weight[4 * m + k], sizeof(Bytes));
			row += sizeof(Bytes);
		}
	}
}

/* the row of weights in the bytes of match that have the bit, 0 in the others */
static inline Bytes
weigh(Bytes match, uint8_t bit, Bytes weights)
{
	Bytes		mask = (Bytes) {} + bit;

	return (Bytes) ((match & mask) == mask) & weights;
}

/*
 * Without a byte shuffle a table lookup would be a scalar load per entry and
 * column.  Since the table is additive (weight of the matching bits), the bits
 * are tested instead, sixteen entries at a time.
 *
 * The 16-bit sums are kept by even and odd bytes, which two shifts separate;
 * they are put in order once a pass.
 */
static void
add_columns(const uint8_t *columns, const void *table, int from, int count,
			const void *ahead, uint32_t *sums)
{
	const uint8_t *row = (const uint8_t *) table + table_size(4 * from);
	int			first;

	for (first = 0; first < count; first += COLUMNS_PER_PASS)
	{
		Shorts		even[2] = {};
		Shorts		odd[2] = {};
		int			last = first + COLUMNS_PER_PASS;
		int			m;
		int			half;
		int			i;

		if (last > count)
			last = count;
		for (m = first; m < last; m++)
		{
			Bytes		w[TABLE_ROWS];
			Bytes		match;
			Bytes		low;
			Bytes		high;

			vec_ask_ahead((const char *) ahead + 16 * m);
			memcpy(&match, columns + 16 * m, sizeof(match));
			memcpy(w, row + m * sizeof(w), sizeof(w));
			match ^= w[0];
			low = weigh(match, 0x01, w[1]) + weigh(match, 0x02, w[2]) +
				weigh(match, 0x04, w[3]) + weigh(match, 0x08, w[4]);
			high = weigh(match, 0x10, w[1]) + weigh(match, 0x20, w[2]) +
				weigh(match, 0x40, w[3]) + weigh(match, 0x80, w[4]);
			even[0] += (Shorts) low & 0xff;
			odd[0] += (Shorts) low >> 8;
			even[1] += (Shorts) high & 0xff;
			odd[1] += (Shorts) high >> 8;
		}
		for (half = 0; half < 2; half++)
		{
			for (i = 0; i < 8; i++)
			{
				/* which of a pair of bytes the low half is, the machine says */
				uint16_t	pair = 1;
				int			low_first = *(uint8_t *) &pair;

				sums[16 * half + 2 * i] += low_first ? even[half][i] : odd[half][i];
				sums[16 * half + 2 * i + 1] += low_first ? odd[half][i] : even[half][i];
			}
		}
	}
}

const VecKernels vec_portable_kernels = {
	.name = "portable",
	COMMON_KERNELS,
	.table_size = table_size,
	.make_table = make_table,
	.add_columns = add_columns,
};
