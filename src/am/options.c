/*
 * options.c
 *	  Settings and index options.
 */
#include "compat.h"

#include "am/options.h"

#include "access/reloptions.h"
#include "ground/kernel.h"
#include "index/ops.h"
#include "page/pause.h"
#include "utils/guc.h"

#define MAX_LISTS	1000000
#define LEAST_RECALL	0.5

static relopt_kind ivf_relopt_kind;

static int	simd_level;

static const struct config_enum_entry simd_levels[] = {
	{"portable", VEC_PORTABLE, false},
	{"avx2", VEC_AVX2, false},
	{"avx512", VEC_AVX512, false},
	{"avx512vnni", VEC_VNNI, false},
	{"neon", VEC_NEON, false},
	{NULL, 0, false}
};

static bool
check_simd(int *level, void **extra, GucSource source)
{
	if (vec_kernels_of((VecLevel) *level))
		return true;
	GUC_check_errdetail("This processor does not have these instructions.");
	return false;
}

static void
assign_simd(int level, void *extra)
{
	vec_kernels = vec_kernels_of((VecLevel) level);
}

/*
 * Whether the setting was set, by whatever means, goes with its value through
 * RESET and the end of transactions.
 */
static bool
check_recall(double *recall, void **extra, GucSource source)
{
	bool	   *is_set = compat_guc_malloc(sizeof(bool));

	if (is_set == NULL)
		return false;
	*is_set = (source != PGC_S_DEFAULT);
	*extra = is_set;
	return true;
}

static void
assign_recall(double recall, void *extra)
{
	ivf_recall_is_set = *(bool *) extra;
}

/*
 * Registers them, when the library is loaded.
 */
void
ivf_define_options(void)
{
	ivf_relopt_kind = add_reloption_kind();
	add_int_reloption(ivf_relopt_kind, "lists",
					  "Number of lists; 0 chooses it from the number of rows.",
					  0, 0, MAX_LISTS, AccessExclusiveLock);
	add_real_reloption(ivf_relopt_kind, "recall",
					   "Share of the nearest rows that index scans find, unless ivf.recall is set.",
					   IVF_RECALL, LEAST_RECALL, 1, ShareUpdateExclusiveLock);

	DefineCustomIntVariable("ivf.probes",
							"Lists that an index scan reads before the first row comes out.",
							"0 reads as many as ivf.recall takes. "
							"More lists are read as more rows are asked for.",
							&ivf_probes, 0, 0, MAX_LISTS, PGC_USERSET, 0,
							NULL, NULL, NULL);
	DefineCustomRealVariable("ivf.recall",
							 "Share of the nearest rows that index scans find on average.",
							 "Where it is not set, an index's own option \"recall\" counts. "
							 "1 is exact.",
							 &ivf_recall, IVF_RECALL, LEAST_RECALL, 1,
							 PGC_USERSET, 0, check_recall, assign_recall, NULL);
	DefineCustomIntVariable("ivf.debug_fanout",
							"Lists above which a new index gets another level, for tests.",
							"0 is the built-in limit.",
							&ivf_debug_fanout, 0, 0, MAX_LISTS, PGC_USERSET,
							GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("ivf.simd",
							 "Vector instructions that are used.",
							 "The best that the processor has, unless set lower. "
							 "Distances do not depend on it.",
							 &simd_level, vec_best_level(), simd_levels,
							 PGC_SUSET, 0, check_simd, assign_simd, NULL);
	ivf_pause_define();
	compat_reserve_settings("ivf");
}

/*
 * amoptions
 */
bytea *
ivf_options(Datum options, bool validate)
{
	static const relopt_parse_elt table[] = {
		{.optname = "lists", .opttype = RELOPT_TYPE_INT, .offset = offsetof(IvfOptions, lists)},
		{.optname = "recall", .opttype = RELOPT_TYPE_REAL, .offset = offsetof(IvfOptions, recall)},
	};

	return (bytea *) build_reloptions(options, validate, ivf_relopt_kind,
									  sizeof(IvfOptions), table, lengthof(table));
}
