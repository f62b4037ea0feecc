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
 * Two columns at a time, one in each half of a register.  A 16-bit lane of
 * all collects the sums of an even byte and 256 times those of the odd byte
 * after it, modulo 2^16; odd those of the odd byte, which are taken off at the
 * end.
 */
VEC_TARGET static void
score_block(const uint8_t *columns, const void *table, int n, const void *ahead,
			uint32_t *sums)
{
	const __m256i *code = (const __m256i *) columns;
	const __m256i *lookup = (const __m256i *) table;
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	int			pairs = n / 8;
	int			first;

	memset(sums, 0, sizeof(uint32_t) * VEC_BLOCK);
	for (first = 0; first < pairs; first += COLUMNS_PER_PASS)
	{
		__m256i		all[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
		__m256i		odd[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
		int			last = first + COLUMNS_PER_PASS;
		int			m;
		int			half;

		if (last > pairs)
			last = pairs;
		for (m = first; m < last; m++)
		{
			__m256i		c = _mm256_loadu_si256(code + m);
			__m256i		t = _mm256_loadu_si256(lookup + m);
			__m256i		low = _mm256_shuffle_epi8(t, _mm256_and_si256(c, nibble));
			__m256i		high = _mm256_shuffle_epi8(t, _mm256_and_si256(_mm256_srli_epi16(c, 4), nibble));

			vec_ask_ahead((const char *) ahead + (size_t) m * 32);
			all[0] = _mm256_add_epi16(all[0], low);
			odd[0] = _mm256_add_epi16(odd[0], _mm256_srli_epi16(low, 8));
			all[1] = _mm256_add_epi16(all[1], high);
			odd[1] = _mm256_add_epi16(odd[1], _mm256_srli_epi16(high, 8));
		}
		for (half = 0; half < 2; half++)
		{
			__m256i		even = _mm256_sub_epi16(all[half], _mm256_slli_epi16(odd[half], 8));
			__m128i		even_low = _mm256_castsi256_si128(even);
			__m128i		even_high = _mm256_extracti128_si256(even, 1);
			__m128i		odd_low = _mm256_castsi256_si128(odd[half]);
			__m128i		odd_high = _mm256_extracti128_si256(odd[half], 1);
			__m256i    *sum = (__m256i *) (sums + 16 * half);
			__m256i		part[2];
			int			i;

			/* the two columns of a pair in 32 bits, and bytes in their order */
			part[0] = _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm_unpacklo_epi16(even_low, odd_low)),
									   _mm256_cvtepu16_epi32(_mm_unpacklo_epi16(even_high, odd_high)));
			part[1] = _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm_unpackhi_epi16(even_low, odd_low)),
									   _mm256_cvtepu16_epi32(_mm_unpackhi_epi16(even_high, odd_high)));
			for (i = 0; i < 2; i++)
				_mm256_storeu_si256(sum + i, _mm256_add_epi32(_mm256_loadu_si256(sum + i), part[i]));
		}
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
	.score_block = score_block,
};

#else
/* ISO C forbids an empty translation unit */
typedef int vec_no_avx2;
#endif
