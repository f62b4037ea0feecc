/*
 * test_damage.c
 *	  Damages to indexes of several shapes, each followed by everything that
 *	  reads or writes an index.
 *
 *	test_damage [COUNT [FIRST [SHAPE]]]
 *
 * What must be true: sanitizers find nothing, no lock is taken twice, no walk
 * is endless, every error says that the index is damaged.  If ivf_check()
 * finds a damaged index sound, then it is: no operation fails, scans give every
 * row once and, with all lists probed, in order; and it is sound afterwards.
 */
#include "server.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <sys/time.h>

#include "access/relscan.h"
#include "catalog/index.h"
#include "commands/vacuum.h"
#include "damage.h"
#include "ground/prng.h"
#include "index/estimate.h"
#include "index/opclass.h"
#include "index/ops.h"
#include "index/wanted.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "page/format.h"
#include "page/meta.h"
#include "type/vector.h"
#include "utils/memutils.h"

#define MORE_ROWS		8		/* inserted after the damage */
#define READS_LIMIT		200000	/* pages that one operation may read, */
#define SECONDS_LIMIT	20		/* and how much of the processor it may take */

/* An index to damage. */
typedef struct Shape
{
	const char *name;
	int			weight;
	int			opclass;		/* L2, inner product, cosine */
	int			dim;
	int			built;			/* rows with a vector when it is made, */
	int			nulls;
	int			zeros;
	int			inserted;		/* and later */
	int			lists;
	int			fanout;

	/* what was made */
	int			rows;
	float4	  **vector;			/* rows; NULL for NULL */
	uint32		pages;
	char	  **page;
} Shape;

static Shape shapes[] = {
	{"two levels", 7, 0, 72, 130, 3, 0, 40, 4, 0, 0, NULL, 0, NULL},
	{"three levels", 5, 1, 20, 110, 2, 1, 20, 12, 3, 0, NULL, 0, NULL},
	{"long chains", 1, 2, 12, 70, 1400, 1400, 30, 2, 0, 0, NULL, 0, NULL},
	{"long rows", 2, 0, 2000, 40, 1, 0, 20, 2, 0, 0, NULL, 0, NULL},
	{"one list", 3, 0, 3, 0, 0, 0, 70, 0, 0, 0, NULL, 0, NULL},
	{"one list of unit vectors", 2, 2, 40, 60, 5, 3, 30, 1, 0, 0, NULL, 0, NULL},
};

static int *seen;				/* how often a row came out */
static MemoryContext operation;
static bool sound;				/* does ivf_check() say so? */
static char damage_text[DAMAGE_TEXT];
static char context_text[DAMAGE_TEXT + 200];
static int	statements;
static int	damaged;			/* and named by ivf_check() */

int			ivf_probes_all = 1000000;

/* Making an index. */

static float4 *
make_vector(Prng *prng, int dim)
{
	float4	   *x = malloc(sizeof(float4) * dim);
	int			i;

	for (i = 0; i < dim; i++)
		x[i] = (float4) (2 * prng_double(prng) - 1);
	return x;
}

static void
build(void *arg)
{
	(void) ivf_build(&heap_relation, &index_relation, BuildIndexInfo(&index_relation));
}

typedef struct Insert
{
	int			first;
	int			last;
} Insert;

static void
insert_rows(void *arg)
{
	Insert	   *insert = arg;
	IndexInfo  *info = BuildIndexInfo(&index_relation);
	int			i;

	for (i = insert->first; i <= insert->last; i++)
	{
		Datum		value = PointerGetDatum(heap_rows[i].value);
		bool		isnull = heap_rows[i].value == NULL;

		(void) ivf_insert(&index_relation, &value, &isnull, &heap_rows[i].tid,
						  &heap_relation, UNIQUE_CHECK_NO, false, info);
	}
}

static void
make_shape(Shape *shape)
{
	Prng		prng = {shape->dim};
	Insert		insert;
	int			before = shape->built + shape->nulls + shape->zeros;
	int			i;

	shape->rows = before + shape->inserted + MORE_ROWS;
	shape->vector = calloc(shape->rows, sizeof(float4 *));
	for (i = 0; i < shape->rows; i++)
	{
		bool		later = i >= before;

		if (i < shape->built || (later && i % 4 != 0))
			shape->vector[i] = make_vector(&prng, shape->dim);
		else if (later ? i % 8 == 0 : i >= shape->built + shape->nulls)
			shape->vector[i] = calloc(shape->dim, sizeof(float4));
	}

	heap_begin(shape->opclass, shape->dim);
	buffers_load(NULL, 0, 0);
	for (i = 0; i < before; i++)
		heap_add(shape->vector[i]);
	index_relation.rd_options = calloc(1, sizeof(IvfOptions));
	((IvfOptions *) index_relation.rd_options)->lists = shape->lists;
	ivf_debug_fanout = shape->fanout;
	build(NULL);
	insert.first = before;
	insert.last = before + shape->inserted - 1;
	for (i = insert.first; i <= insert.last; i++)
		heap_add(shape->vector[i]);
	insert_rows(&insert);
	free(index_relation.rd_options);
	index_relation.rd_options = NULL;

	shape->pages = buffer_count;
	shape->page = malloc(sizeof(char *) * shape->pages);
	for (i = 0; i < (int) shape->pages; i++)
	{
		shape->page[i] = malloc(BLCKSZ);
		memcpy(shape->page[i], buffer_page[i], BLCKSZ);
	}
}

/* Operations. */

extern Datum vecfeat_ivf_check(PG_FUNCTION_ARGS);
extern Datum vecfeat_ivf_info(PG_FUNCTION_ARGS);
extern Datum vecfeat_ivf_lists(PG_FUNCTION_ARGS);

static void
check(void *arg)
{
	LOCAL_FCINFO(fcinfo, 2);

	InitFunctionCallInfoData(*fcinfo, NULL, 2, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(index_relation.rd_id);
	fcinfo->args[1].value = BoolGetDatum(*(bool *) arg);
	(void) vecfeat_ivf_check(fcinfo);
}

static void
info(void *arg)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = ObjectIdGetDatum(index_relation.rd_id);
	result_columns = 26;
	(void) vecfeat_ivf_info(fcinfo);
}

static void
lists(void *arg)
{
	LOCAL_FCINFO(fcinfo, 1);
	ExprContext context = {0};
	ReturnSetInfo result = {0};

	context.ecxt_per_query_memory = CurrentMemoryContext;
	result.type = T_ReturnSetInfo;
	result.econtext = &context;
	result.allowedModes = SFRM_Materialize;
	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, (Node *) &result);
	fcinfo->args[0].value = ObjectIdGetDatum(index_relation.rd_id);
	result_columns = 8;
	(void) vecfeat_ivf_lists(fcinfo);
}

static void
read_meta(void *arg)
{
	IvfMetaData meta;

	ivf_meta_read(&index_relation, &meta);
}

typedef struct ScanWanted
{
	const Vector *query;		/* NULL: in no order */
	int			probes;
	int			limit;
} ScanWanted;

/* the operator's result for a row; NaN and NULL as numbers that come last */
static double
distance_to(const Vector *query, const HeapRow *row)
{
	double		distance;

	if (row->value == NULL)
		return INFINITY;
	distance = ivf_opclass(&index_relation)->distance(row->value->x, query->x, query->dim);
	return isnan(distance) ? DBL_MAX : distance;
}

/*
 * Reads a scan to its end, or to its limit.
 */
static void
run_scan(void *arg)
{
	ScanWanted *wanted = arg;
	IndexScanDesc scan;
	ScanKeyData key;
	double		last = -INFINITY;
	int			count = 0;
	int			i;

	memset(seen, 0, sizeof(int) * heap_count);
	memset(&key, 0, sizeof(key));
	key.sk_argument = PointerGetDatum(wanted->query);
	key.sk_flags = wanted->query ? 0 : SK_ISNULL;
	ivf_probes = wanted->probes;
	scan = ivf_begin_scan(&index_relation, 0, 1);
	ivf_rescan(scan, NULL, 0, &key, 1);
	while (count < wanted->limit && ivf_get_tuple(scan, ForwardScanDirection))
	{
		int			row = heap_find(&scan->xs_heaptid);
		double		distance;

		if (count++ > 100 * heap_count + 1000)
			fault("rows come out endlessly");
		if (row < 0 || heap_rows[row].state != HEAP_LIVE)
			continue;
		seen[row]++;
		if (!wanted->query || wanted->probes < ivf_probes_all)
			continue;
		distance = distance_to(wanted->query, &heap_rows[row]);
		if (sound && distance < last)
			fault("a row at %g comes after one at %g", distance, last);
		last = distance;
	}
	for (i = 0; i < heap_count && sound && wanted->limit == INT_MAX; i++)
	{
		if (seen[i] != (heap_rows[i].state == HEAP_LIVE))
			fault("row %d comes out %d times", i, seen[i]);
	}
	ivf_end_scan(scan);
}

typedef struct RangeWanted
{
	const Vector *center;
	double		radius;
	bool		ordered;		/* by the distance from the center, too? */
} RangeWanted;

/*
 * Reads what is within a radius.
 */
static void
run_range(void *arg)
{
	RangeWanted *wanted = arg;
	RangeValue	range = {PointerGetDatum(wanted->center), wanted->radius};
	ScanKeyData key = {0};
	ScanKeyData order = {0};
	IndexScanDesc scan;
	int			count = 0;
	int			i;

	memset(seen, 0, sizeof(int) * heap_count);
	key.sk_strategy = IVF_STRATEGY_WITHIN;
	key.sk_argument = PointerGetDatum(&range);
	order.sk_argument = PointerGetDatum(wanted->center);
	scan = ivf_begin_scan(&index_relation, 1, wanted->ordered);
	ivf_rescan(scan, &key, 1, &order, wanted->ordered);
	while (ivf_get_tuple(scan, ForwardScanDirection))
	{
		int			row = heap_find(&scan->xs_heaptid);

		if (count++ > 100 * heap_count + 1000)
			fault("rows come out endlessly");
		if (row >= 0 && heap_rows[row].state == HEAP_LIVE)
			seen[row]++;
	}
	for (i = 0; i < heap_count && sound; i++)
	{
		bool		within = heap_rows[i].state == HEAP_LIVE &&
			distance_to(wanted->center, &heap_rows[i]) <= Min(wanted->radius, FLT_MAX);

		/* what is not within may come out */
		if (seen[i] > 1 || seen[i] < within)
			fault("row %d comes out %d times", i, seen[i]);
	}
	ivf_end_scan(scan);
}

/* what the planner asks for */
static void
run_estimate(void *arg)
{
	RangeWanted *wanted = arg;
	IvfReach	reach;

	if (ivf_reach(&index_relation, heap_count, PointerGetDatum(wanted->center),
				  wanted->radius, &reach) &&
		sound && !(reach.share >= 0 && reach.share <= 1 &&
				   reach.lists >= 0 && reach.lists <= 1))
		fault("the estimate is %g of the rows, in %g of the lists", reach.share,
			  reach.lists);
}

static bool
is_dead(ItemPointer tid, void *arg)
{
	int			row;

	/* VACUUM looks TIDs up in a list; what is not in the table is not there */
	if (ItemPointerGetBlockNumberNoCheck(tid) >= RelationGetNumberOfBlocks(&heap_relation))
		return false;
	row = heap_find(tid);
	return row >= 0 && heap_rows[row].state == HEAP_DEAD;
}

static void
run_vacuum(void *arg)
{
	IndexVacuumInfo wanted = {0};

	wanted.index = &index_relation;
	(void) ivf_vacuum_cleanup(&wanted, ivf_bulk_delete(&wanted, NULL, is_dead, NULL));
}

/*
 * Runs an operation as a statement of its own; true if it has succeeded.  An
 * error must be the one that damage calls for.
 */
static bool
statement(const char *name, void (*function) (void *), void *arg)
{
	struct itimerval limit = {.it_value = {SECONDS_LIMIT, 0}};
	bool		done;

	statements++;
	snprintf(context_text, sizeof(context_text), "%s after %s", name, damage_text);
	operation = AllocSetContextCreate(TopMemoryContext, "statement",
									  ALLOCSET_DEFAULT_SIZES);
	CurrentMemoryContext = operation;
	buffers_watch(READS_LIMIT);
	(void) setitimer(ITIMER_PROF, &limit, NULL);
	done = attempt(function, arg);
	CurrentMemoryContext = TopMemoryContext;
	MemoryContextDelete(operation);
	if (done && buffers_held())
		fault("a page is still locked or pinned");
	buffers_release();
	if (!done && thrown.code != ERRCODE_INDEX_CORRUPTED &&
		!(thrown.code == ERRCODE_FEATURE_NOT_SUPPORTED && strstr(thrown.message, "format version")))
		fault("the error is: %s", thrown.message);
	if (!done && strstr(thrown.hint, "REINDEX") == NULL)
		fault("no hint with: %s", thrown.message);
	if (!done && sound)
		fault("ivf_check() finds it sound, but: %s", thrown.message);
	return done;
}

static bool
is_sound(void)
{
	bool		heap = false;
	bool		form;

	form = statement("ivf_check", check, &heap);
	heap = true;
	if (statement("ivf_check with the heap", check, &heap))
	{
		if (!form)
			fault("only ivf_check without the heap complains: %s", thrown.message);
		return true;
	}
	return false;
}

/* around a row, as far as another one */
static void
range_all_ways(const Vector *center, const HeapRow *farthest)
{
	RangeWanted any = {center, farthest->value ? distance_to(center, farthest) : 0, false};
	RangeWanted ordered = {center, any.radius, true};

	statement("a scan within a radius", run_range, &any);
	work_mem = 64;
	statement("a scan within a radius, in order", run_range, &ordered);
	work_mem = 4096;
	statement("an estimate", run_estimate, &any);
}

static void
scan_all_ways(const Shape *shape, int seed)
{
	const Vector *query = heap_rows[seed % Max(shape->built, 1)].value;
	ScanWanted	all = {query, ivf_probes_all, INT_MAX};
	ScanWanted	few = {query, 1, INT_MAX};
	ScanWanted	usual = {query, 0, 10};
	ScanWanted	unordered = {NULL, 0, INT_MAX};

	statement("a scan of all lists", run_scan, &all);
	work_mem = 64;
	statement("a scan of one list after the other", run_scan, &few);
	work_mem = 4096;
	statement("a scan of ten rows", run_scan, &usual);
	statement("a scan in no order", run_scan, &unordered);
	if (query)
		range_all_ways(query, &heap_rows[(seed / 7) % Max(shape->built, 1)]);
}

/*
 * Inserts rows, deletes them and some others, has VACUUM take out their
 * entries.
 */
static void
change(const Shape *shape)
{
	Insert		insert;
	int			i;

	for (i = 0; i < MORE_ROWS; i++)
	{
		insert.first = insert.last = heap_add(shape->vector[shape->rows - MORE_ROWS + i]);
		if (!statement("an insert", insert_rows, &insert))
			heap_rows[insert.first].state = HEAP_DEAD;
	}
	for (i = 0; i < heap_count; i++)
	{
		if (i % 9 == 0 || i >= heap_count - 3)
			heap_rows[i].state = HEAP_DEAD;
	}
	statement("VACUUM", run_vacuum, NULL);
}

static void
run_damage(uint64 seed, Shape *shape)
{
	DamageFile	file;
	char	   *page[1000];
	uint32		i;

	if (shape->pages + DAMAGE_NEW_PAGES > lengthof(page))
		fault("%u pages are too many", shape->pages);
	for (i = 0; i < shape->pages + DAMAGE_NEW_PAGES; i++)
	{
		page[i] = malloc(BLCKSZ);
		if (i < shape->pages)
			memcpy(page[i], shape->page[i], BLCKSZ);
	}
	file.page = page;
	file.count = shape->pages;
	snprintf(damage_text, sizeof(damage_text), "damage " UINT64_FORMAT " of %s", seed, shape->name);
	fault_context = damage_text;
	i = strlen(damage_text);
	if (seed > 0)
	{
		char		text[DAMAGE_TEXT];

		damage_make(seed, &file, text);
		snprintf(damage_text + i, sizeof(damage_text) - i, "%s", text);
	}
	fault_context = context_text;
	buffers_load(file.page, file.count, file.tail);
	for (i = 0; i < shape->pages + DAMAGE_NEW_PAGES; i++)
		free(page[i]);

	sound = false;
	sound = is_sound();
	damaged += !sound;
	if (seed == 0 && !sound)
		fault("it is not sound as it was made: %s", thrown.message);
	statement("reading the metapage", read_meta, NULL);
	statement("ivf_info", info, NULL);
	statement("ivf_lists", lists, NULL);
	scan_all_ways(shape, (int) (seed % 1000));
	change(shape);
	(void) is_sound();
	scan_all_ways(shape, (int) (seed % 1000));
	heap_forget(shape->rows - MORE_ROWS);
}

static void
make_heap(const Shape *shape)
{
	int			i;

	heap_begin(shape->opclass, shape->dim);
	for (i = 0; i < shape->rows - MORE_ROWS; i++)
		heap_add(shape->vector[i]);
}

static void
too_late(int signal)
{
	fault("it does not end");
}

int
main(int argc, char **argv)
{
	int			count = argc > 1 ? atoi(argv[1]) : 2000;
	int			first = argc > 2 ? atoi(argv[2]) : 1;
	int			only = argc > 3 ? atoi(argv[3]) : -1;
	int			weights = 0;
	int			cases = 0;
	int			done = 0;
	size_t		i;

	signal(SIGPROF, too_late);
	memory_begin();
	for (i = 0; i < lengthof(shapes); i++)
	{
		if (only < 0 || only == (int) i)
			weights += shapes[i].weight;
	}
	for (i = 0; i < lengthof(shapes); i++)
	{
		Shape	   *shape = &shapes[i];
		int			share = only < 0 || only == (int) i ? count * shape->weight / weights : -1;
		int			j;

		if (share < 0)
			continue;
		make_shape(shape);
		seen = calloc(shape->rows, sizeof(int));
		make_heap(shape);
		run_damage(0, shape);
		statements = damaged = 0;
		for (j = 0; j < share; j++)
			run_damage((uint64) first + done++, shape);
		free(seen);
		printf("ok %d - %s: %d damages to %u pages, %d of them named by ivf_check, %d statements\n",
			   ++cases, shape->name, share, shape->pages, damaged, statements);
		fflush(stdout);
	}
	printf("1..%d\n", cases);
	return 0;
}
