/*
 * kernel.c
 *	  Which kernels this processor can run, and which are in use.
 */
#include "ground/kernel.h"

const VecKernels *vec_kernels = &vec_portable_kernels;

/*
 * Kernels of a level, or NULL where they are not compiled in or the processor,
 * or its operating system, does not run them.
 */
const VecKernels *
vec_kernels_of(VecLevel level)
{
	switch (level)
	{
		case VEC_PORTABLE:
			return &vec_portable_kernels;
#ifdef __x86_64__
		case VEC_AVX2:
			if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
				return &vec_avx2_kernels;
			break;
		case VEC_AVX512:
			if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
				__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
				__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
				__builtin_cpu_supports("popcnt"))
				return &vec_avx512_kernels;
			break;
		case VEC_VNNI:
			if (vec_kernels_of(VEC_AVX512) && __builtin_cpu_supports("avx512vbmi") &&
				__builtin_cpu_supports("avx512vnni"))
				return &vec_vnni_kernels;
			break;
#endif
#if defined(__aarch64__) && !defined(__AARCH64EB__)
		case VEC_NEON:
			return &vec_neon_kernels;
#endif
		default:
			break;
	}
	return NULL;
}

/*
 * The highest level that runs here.
 */
VecLevel
vec_best_level(void)
{
	int			level = VEC_LEVELS - 1;

	while (vec_kernels_of((VecLevel) level) == NULL)
		level--;
	return (VecLevel) level;
}
