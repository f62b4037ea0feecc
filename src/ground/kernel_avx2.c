/*
 * kernel_avx2.c
 *	  Kernels for x86-64 processors with AVX2 and FMA (2013 and later).
 */
#ifdef __x86_64__

#include <immintrin.h>

#define VEC_TARGET	__attribute__((target("avx2,fma")))
#define OWN_SPLIT
#define OWN_COLLECT
#define PANEL_LANES	8
#define TILE_ROWS	6
#define load_codes(u) \
	((Lanes) _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) (u)))))
#define least_lane(x)	least_of_eight((__m256) (x))
#define to_wide(x)	((Wide) _mm256_cvtps_pd((__m128) (x)))
#define to_half(x)	((Half) _mm256_cvtpd_ps((__m256d) (x)))

VEC_TARGET static inline float
least_of_eight(__m256 x)
{
	__m128		four = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	four = _mm_min_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_min_ss(four, _mm_movehdup_ps(four)));
}

#include "ground/kernel_loops.h"
#include "ground/kernel_shuffle.h"

/*
 * A 16-bit lane of all collects the sums of an even byte and 256 times those of
 * the odd byte after it, modulo 2^16; odd those of the odd byte, which are taken
 * off at the end.  One of each for the low nibbles, one for the high.
 */
typedef struct ShortSums
{
	__m256i		all[2];
	__m256i		odd[2];
} ShortSums;

/*
 * Two columns and their tables, one in each half of a register.
 */
VEC_TARGET static inline void
add_pair(ShortSums *sums, __m256i c, __m256i t)
{
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	__m256i		low = _mm256_shuffle_epi8(t, _mm256_and_si256(c, nibble));
	__m256i		high = _mm256_shuffle_epi8(t, _mm256_and_si256(_mm256_srli_epi16(c, 4), nibble));

	sums->all[0] = _mm256_add_epi16(sums->all[0], low);
	sums->odd[0] = _mm256_add_epi16(sums->odd[0], _mm256_srli_epi16(low, 8));
	sums->all[1] = _mm256_add_epi16(sums->all[1], high);
	sums->odd[1] = _mm256_add_epi16(sums->odd[1], _mm256_srli_epi16(high, 8));
}

/*
 * The two columns of a pair in 32 bits, and bytes in their order.
 */
VEC_TARGET static inline void
add_shorts(__m256i all, __m256i odd, uint32_t *sums)
{
	__m256i		even = _mm256_sub_epi16(all, _mm256_slli_epi16(odd, 8));
	__m128i		even_low = _mm256_castsi256_si128(even);
	__m128i		even_high = _mm256_extracti128_si256(even, 1);
	__m128i		odd_low = _mm256_castsi256_si128(odd);
	__m128i		odd_high = _mm256_extracti128_si256(odd, 1);
	__m256i    *sum = (__m256i *) sums;
	__m256i		part[2];
	int			i;

	part[0] = _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm_unpacklo_epi16(even_low, odd_low)),
							   _mm256_cvtepu16_epi32(_mm_unpacklo_epi16(even_high, odd_high)));
	part[1] = _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm_unpackhi_epi16(even_low, odd_low)),
							   _mm256_cvtepu16_epi32(_mm_unpackhi_epi16(even_high, odd_high)));
	for (i = 0; i < 2; i++)
		_mm256_storeu_si256(sum + i, _mm256_add_epi32(_mm256_loadu_si256(sum + i), part[i]));
}

VEC_TARGET static void
add_columns(const uint8_t *columns, const void *table, int from, int count,
			const void *ahead, uint32_t *sums)
{
	const uint8_t *lookup = (const uint8_t *) table + table_size(4 * from);
	int			first;

	for (first = 0; first < count; first += 2 * COLUMNS_PER_PASS)
	{
		ShortSums	shorts;
		int			last = first + 2 * COLUMNS_PER_PASS;
		int			half;
		int			m;

		memset(&shorts, 0, sizeof(shorts));
		if (last > count)
			last = count;
		for (m = first; m + 1 < last; m += 2)
		{
			vec_ask_ahead((const char *) ahead + (size_t) m * 16);
			add_pair(&shorts, _mm256_loadu_si256((const __m256i *) (columns + (size_t) m * 16)),
					 _mm256_loadu_si256((const __m256i *) (lookup + (size_t) m * 16)));
		}
		/* a last one alone: where there is no table, nothing is added */
		if (m < last)
			add_pair(&shorts, _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *) (columns + (size_t) m * 16))),
					 _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *) (lookup + (size_t) m * 16))));
		for (half = 0; half < 2; half++)
			add_shorts(shorts.all[half], shorts.odd[half], sums + 16 * half);
	}
}

VEC_TARGET static uint32_t
split(const float *estimate, float limit, float *least)
{
	const __m256 infinity = _mm256_set1_ps(INFINITY);
	__m256		rest = infinity;
	uint32_t	bits = 0;
	int			i;

	for (i = 0; i < VEC_BLOCK; i += 8)
	{
		__m256		e = _mm256_loadu_ps(estimate + i);
		__m256		below = _mm256_cmp_ps(e, _mm256_set1_ps(limit), _CMP_LE_OQ);

		bits |= (uint32_t) _mm256_movemask_ps(below) << i;
		rest = _mm256_min_ps(rest, _mm256_blendv_ps(e, infinity, below));
	}
	*least = least_of_eight(rest);
	return bits;
}

/* few are less, most of the time */
VEC_TARGET static int
collect(const float *estimate, float limit, float *out)
{
	uint32_t	bits = 0;
	int			count = 0;
	int			i;

	for (i = 0; i < VEC_BLOCK; i += 8)
	{
		__m256		e = _mm256_loadu_ps(estimate + i);

		bits |= (uint32_t) _mm256_movemask_ps(_mm256_cmp_ps(e, _mm256_set1_ps(limit), _CMP_LT_OQ)) << i;
	}
	for (; bits != 0; bits &= bits - 1)
		out[count++] = estimate[__builtin_ctz(bits)];
	return count;
}

const VecKernels vec_avx2_kernels = {
	.name = "avx2",
	COMMON_KERNELS,
	.table_size = table_size,
	.make_table = make_table,
	.add_columns = add_columns,
};

#else
/* ISO C forbids an empty translation unit */
typedef int vec_no_avx2;
#endif
