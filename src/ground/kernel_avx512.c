/*
 * kernel_avx512.c
 *	  Kernels for x86-64 processors with AVX-512 F, BW, DQ and VL, and for those
 *	  that have VBMI and VNNI, too.
 */
#ifdef __x86_64__

#include <immintrin.h>

#include "ground/kernel.h"

#define VEC_TARGET	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt,prefer-vector-width=512")))
#define OWN_SPLIT
#define OWN_COLLECT
#define OWN_COUNT
#define OWN_EIGHT
#define PANEL_LANES	16
#define TILE_ROWS	8
#define load_codes(u) \
	((Lanes) _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *) (u)))))
#define least_lane(x)	_mm512_reduce_min_ps((__m512) (x))
#define to_wide(x)	((Wide) _mm512_cvtps_pd((__m256) (x)))
#define to_half(x)	((Half) _mm512_cvtpd_ps((__m512d) (x)))

/* b + a in the first of a pair of lanes, a - b in the second, where mask has a bit */
#define SUM_OR_DIFFERENCE(x, swapped, mask) \
	_mm512_mask_sub_pd(_mm512_add_pd(x, swapped), mask, swapped, x)

/*
 * Hadamard transform of eight values, not scaled.
 */
VEC_TARGET static inline __m512d
eight(__m512d x)
{
	x = SUM_OR_DIFFERENCE(x, _mm512_permute_pd(x, 0x55), 0xAA);
	x = SUM_OR_DIFFERENCE(x, _mm512_permutex_pd(x, 0x4E), 0xCC);
	return SUM_OR_DIFFERENCE(x, _mm512_shuffle_f64x2(x, x, 0x4E), 0xF0);
}

VEC_TARGET static inline int
count_up_to(const float *x, int n, float limit)
{
	const __m512 most = _mm512_set1_ps(limit);
	int			count = 0;
	int			i;

	for (i = 0; i < n; i += VEC_BLOCK)
	{
		uint32_t	low = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + i), most, _CMP_LE_OQ);
		uint32_t	high = _mm512_cmp_ps_mask(_mm512_loadu_ps(x + i + 16), most, _CMP_LE_OQ);

		count += __builtin_popcount(low | high << 16);
	}
	return count;
}

#include "ground/kernel_loops.h"
#include "ground/kernel_shuffle.h"

/*
 * The 16-bit sums of eight entries by four columns, one in each quarter, as
 * eight 32-bit sums.
 */
VEC_TARGET static inline __m256i
add_quarters(__m512i shorts)
{
	__m512i		halves = _mm512_add_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(shorts)),
										  _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(shorts, 1)));

	return _mm256_add_epi32(_mm512_castsi512_si256(halves),
							_mm512_extracti64x4_epi64(halves, 1));
}

/*
 * Sums of the low nibbles and of the high, collected as in kernel_avx2.c.
 */
typedef struct ShortSums
{
	__m512i		all[2];
	__m512i		odd[2];
} ShortSums;

/*
 * Four columns and their tables, one in each quarter of a register.
 */
VEC_TARGET static inline void
add_four(ShortSums *sums, __m512i c, __m512i t)
{
	const __m512i nibble = _mm512_set1_epi8(0x0f);
	__m512i		low = _mm512_shuffle_epi8(t, _mm512_and_si512(c, nibble));
	__m512i		high = _mm512_shuffle_epi8(t, _mm512_and_si512(_mm512_srli_epi16(c, 4), nibble));

	sums->all[0] = _mm512_add_epi16(sums->all[0], low);
	sums->odd[0] = _mm512_add_epi16(sums->odd[0], _mm512_srli_epi16(low, 8));
	sums->all[1] = _mm512_add_epi16(sums->all[1], high);
	sums->odd[1] = _mm512_add_epi16(sums->odd[1], _mm512_srli_epi16(high, 8));
}

/*
 * So many columns or tables, four at most, and nothing behind them is touched;
 * what is no table adds nothing.
 */
VEC_TARGET static inline __m512i
load_rest(const uint8_t *from, int count)
{
	return _mm512_maskz_loadu_epi64((__mmask8) ((1 << 2 * count) - 1), from);
}

VEC_TARGET static void
add_columns(const uint8_t *columns, const void *table, int from, int count,
			const void *ahead, uint32_t *sums)
{
	const uint8_t *lookup = (const uint8_t *) table + table_size(4 * from);
	int			first;

	for (first = 0; first < count; first += 4 * COLUMNS_PER_PASS)
	{
		ShortSums	shorts;
		int			last = first + 4 * COLUMNS_PER_PASS;
		int			half;
		int			m;

		memset(&shorts, 0, sizeof(shorts));
		if (last > count)
			last = count;
		for (m = first; m + 3 < last; m += 4)
		{
			vec_ask_ahead((const char *) ahead + (size_t) m * 16);
			add_four(&shorts, _mm512_loadu_si512(columns + (size_t) m * 16),
					 _mm512_loadu_si512(lookup + (size_t) m * 16));
		}
		if (m < last)
			add_four(&shorts, load_rest(columns + (size_t) m * 16, last - m),
					 load_rest(lookup + (size_t) m * 16, last - m));
		for (half = 0; half < 2; half++)
		{
			__m512i		odd = shorts.odd[half];
			__m512i		even = _mm512_sub_epi16(shorts.all[half], _mm512_slli_epi16(odd, 8));
			__m256i    *sum = (__m256i *) (sums + 16 * half);

			/* bytes in their order again */
			_mm256_storeu_si256(sum, _mm256_add_epi32(_mm256_loadu_si256(sum),
													  add_quarters(_mm512_unpacklo_epi16(even, odd))));
			_mm256_storeu_si256(sum + 1, _mm256_add_epi32(_mm256_loadu_si256(sum + 1),
														  add_quarters(_mm512_unpackhi_epi16(even, odd))));
		}
	}
}

VEC_TARGET static uint32_t
split(const float *estimate, float limit, float *least)
{
	const __m512 infinity = _mm512_set1_ps(INFINITY);
	const __m512 most = _mm512_set1_ps(limit);
	__m512		low = _mm512_loadu_ps(estimate);
	__m512		high = _mm512_loadu_ps(estimate + 16);
	__mmask16	low_bits = _mm512_cmp_ps_mask(low, most, _CMP_LE_OQ);
	__mmask16	high_bits = _mm512_cmp_ps_mask(high, most, _CMP_LE_OQ);

	*least = _mm512_reduce_min_ps(_mm512_min_ps(_mm512_mask_mov_ps(low, low_bits, infinity),
												_mm512_mask_mov_ps(high, high_bits, infinity)));
	return (uint32_t) low_bits | (uint32_t) high_bits << 16;
}

/* in registers, for to store what is less alone takes some processors long */
VEC_TARGET static int
collect(const float *estimate, float limit, float *out)
{
	const __m512 most = _mm512_set1_ps(limit);
	__m512		low = _mm512_loadu_ps(estimate);
	__m512		high = _mm512_loadu_ps(estimate + 16);
	__mmask16	low_bits = _mm512_cmp_ps_mask(low, most, _CMP_LT_OQ);
	__mmask16	high_bits = _mm512_cmp_ps_mask(high, most, _CMP_LT_OQ);
	int			count = __builtin_popcount(low_bits);

	_mm512_storeu_ps(out, _mm512_maskz_compress_ps(low_bits, low));
	_mm512_storeu_ps(out + count, _mm512_maskz_compress_ps(high_bits, high));
	return count + __builtin_popcount(high_bits);
}

/*
 * With VBMI and VNNI (Intel's since Ice Lake, AMD's since Zen 4) 8 instructions for
 * four columns instead of 11, and none to put sums in order: a permutation brings
 * the codes of an entry together, one from each column; another looks them up, the
 * four tables being one of 64 bytes; and an entry's four bytes are added to a sum
 * of 32 bits.
 */
#define VNNI_TARGET	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma,popcnt,prefer-vector-width=512")))

/* of three operands: the bits of the first two, and those of the third */
#define AND_OR	0xEA

VNNI_TARGET static inline void
add_four_vnni(__m512i *sums, __m512i c, __m512i t, __m512i by_entry)
{
	const __m512i nibble = _mm512_set1_epi8(0x0f);
	const __m512i column = _mm512_set1_epi32(0x30201000);
	const __m512i one = _mm512_set1_epi8(1);
	__m512i		codes = _mm512_permutexvar_epi8(by_entry, c);
	__m512i		low = _mm512_ternarylogic_epi32(codes, nibble, column, AND_OR);
	__m512i		high = _mm512_ternarylogic_epi32(_mm512_srli_epi16(codes, 4), nibble, column, AND_OR);

	sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_permutexvar_epi8(low, t), one);
	sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_permutexvar_epi8(high, t), one);
}

VNNI_TARGET static void
add_columns_vnni(const uint8_t *columns, const void *table, int from, int count,
				 const void *ahead, uint32_t *sums)
{
	/* byte 4 i + k is that of column k and entry i */
	static const uint8_t order[64] = {
		0, 16, 32, 48, 1, 17, 33, 49, 2, 18, 34, 50, 3, 19, 35, 51,
		4, 20, 36, 52, 5, 21, 37, 53, 6, 22, 38, 54, 7, 23, 39, 55,
		8, 24, 40, 56, 9, 25, 41, 57, 10, 26, 42, 58, 11, 27, 43, 59,
		12, 28, 44, 60, 13, 29, 45, 61, 14, 30, 46, 62, 15, 31, 47, 63
	};
	const __m512i by_entry = _mm512_loadu_si512(order);
	const uint8_t *lookup = (const uint8_t *) table + table_size(4 * from);
	__m512i		sum[2] = {_mm512_loadu_si512(sums), _mm512_loadu_si512(sums + 16)};
	__m512i		second[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
	int			m;

	for (m = 0; m + 7 < count; m += 8)
	{
		vec_ask_ahead((const char *) ahead + (size_t) m * 16);
		add_four_vnni(sum, _mm512_loadu_si512(columns + (size_t) m * 16),
					  _mm512_loadu_si512(lookup + (size_t) m * 16), by_entry);
		vec_ask_ahead((const char *) ahead + (size_t) m * 16 + 64);
		add_four_vnni(second, _mm512_loadu_si512(columns + (size_t) m * 16 + 64),
					  _mm512_loadu_si512(lookup + (size_t) m * 16 + 64), by_entry);
	}
	for (; m < count; m += 4)
	{
		int			rest = count - m < 4 ? count - m : 4;

		vec_ask_ahead((const char *) ahead + (size_t) m * 16);
		add_four_vnni(sum, load_rest(columns + (size_t) m * 16, rest),
					  load_rest(lookup + (size_t) m * 16, rest), by_entry);
	}
	_mm512_storeu_si512(sums, _mm512_add_epi32(sum[0], second[0]));
	_mm512_storeu_si512(sums + 16, _mm512_add_epi32(sum[1], second[1]));
}

const VecKernels vec_avx512_kernels = {
	.name = "avx512",
	COMMON_KERNELS,
	.table_size = table_size,
	.make_table = make_table,
	.add_columns = add_columns,
};

const VecKernels vec_vnni_kernels = {
	.name = "avx512vnni",
	COMMON_KERNELS,
	.table_size = table_size,
	.make_table = make_table,
	.add_columns = add_columns_vnni,
};

#else
/* ISO C forbids an empty translation unit */
typedef int vec_no_avx512;
#endif
