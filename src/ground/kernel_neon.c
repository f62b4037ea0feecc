/*
 * kernel_neon.c
 *	  Kernels for 64-bit ARM, all of which have NEON; in its usual byte order,
 *	  which what makes tables depends on.
 */
#if defined(__aarch64__) && !defined(__AARCH64EB__)

#include <arm_neon.h>

#define VEC_TARGET
#define PANEL_LANES	4
#define TILE_ROWS	4
#define load_codes(u)	((Lanes) convert_codes(u))

/* four int8_t */
static inline float32x4_t
convert_codes(const int8_t *u)
{
	int32_t		four;

	__builtin_memcpy(&four, u, sizeof(four));
	return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four))))));
}

#include "ground/kernel_loops.h"
#include "ground/kernel_shuffle.h"

/*
 * A column at a time.  16 bytes are added to the 16-bit sums by their halves.
 */
static void
add_columns(const uint8_t *columns, const void *table, int from, int count,
			const void *ahead, uint32_t *sums)
{
	const uint8_t *lookup = (const uint8_t *) table + table_size(4 * from);
	int			first;

	for (first = 0; first < count; first += COLUMNS_PER_PASS)
	{
		uint16x8_t	sum[4] = {vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0), vdupq_n_u16(0)};
		int			last = first + COLUMNS_PER_PASS;
		int			m;
		int			i;

		if (last > count)
			last = count;
		for (m = first; m < last; m++)
		{
			uint8x16_t	c = vld1q_u8(columns + (size_t) m * 16);
			uint8x16_t	t = vld1q_u8(lookup + (size_t) m * 16);
			uint8x16_t	low = vqtbl1q_u8(t, vandq_u8(c, vdupq_n_u8(0x0f)));
			uint8x16_t	high = vqtbl1q_u8(t, vshrq_n_u8(c, 4));

			vec_ask_ahead((const char *) ahead + (size_t) m * 16);
			sum[0] = vaddw_u8(sum[0], vget_low_u8(low));
			sum[1] = vaddw_u8(sum[1], vget_high_u8(low));
			sum[2] = vaddw_u8(sum[2], vget_low_u8(high));
			sum[3] = vaddw_u8(sum[3], vget_high_u8(high));
		}
		for (i = 0; i < 4; i++)
		{
			uint32_t   *s = sums + 8 * i;

			vst1q_u32(s, vaddw_u16(vld1q_u32(s), vget_low_u16(sum[i])));
			vst1q_u32(s + 4, vaddw_u16(vld1q_u32(s + 4), vget_high_u16(sum[i])));
		}
	}
}

const VecKernels vec_neon_kernels = {
	.name = "neon",
	COMMON_KERNELS,
	.table_size = table_size,
	.make_table = make_table,
	.add_columns = add_columns,
};

#else
/* ISO C forbids an empty translation unit */
typedef int vec_no_neon;
#endif
