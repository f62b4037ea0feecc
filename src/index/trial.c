/*
 * trial.c
 *	  Searches of an index for entries of its own, to learn from.
 */
#include "compat.h"

#include "index/trial.h"

#include <float.h>
#include <math.h>

#include "ground/prng.h"
#include "index/leaves.h"
#include "index/stop.h"
#include "miscadmin.h"
#include "page/blocks.h"
#include "page/meta.h"
#include "page/sweep.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

/*
 * Candidates of a search for 100, those with the least estimates: of these byte
 * codes are read.  The more dimensions, the less estimates are off, so that beyond
 * 128 fewer are enough.  (Of the hundred nearest, 0.012 were not among the 800 of a
 * million SIFT vectors; of 50,000 of 768 dimensions, 0.0005 not among the 385.)
 * Of more, a smaller part is enough: at the border of many it matters less who is in.
 */
#define CANDIDATES_FOR_100(n) \
	(100 + (int) (700 * ((n) > 128 ? sqrt(128.0 / (n)) : 1)))
#define CANDIDATES_FOR_1000	4000
#define CANDIDATES_FOR_MORE(k)	(2 * (k))

/*
 * Lists are read until so many times as many as changed the KTH least estimates,
 * or all the candidates of a search for more, have been; and so many more.  (Of
 * the hundred nearest, 0.0000 to 0.003 were beyond the former in six sets; of
 * more, next to nothing is beyond the last candidate.)
 */
#define PATIENCE_FOR_100	2
#define PATIENCE_FOR_MORE	1.2
#define PATIENCE_MORE		16

/* places of the file that are looked at to find one entry */
#define DRAWS				10000

struct IvfTrials
{
	Relation	index;
	IvfFrozen  *frozen;
	uint64		seed;
	Prng		prng;			/* of the trial at hand */
	MemoryContext context;		/* of all */
	MemoryContext query_context;	/* of one */
	IvfLeaf    *leaf;			/* by node */
	uint32		leaves;
	BlockNumber blocks;

	/* in the query's context */
	IvfQuery   *query;
	IvfTrial   *trial;
	ItemPointerData self;
	IvfLeaf    *list;			/* read, in order */
	uint32		lists;
	uint32		list_room;
	IvfRun	   *run;			/* of each block that was scored, */
	uint32	   *run_list;		/* and the list that it is of, from 0 */
	uint32		runs;
	uint32		run_room;
	TopK		top;
	Kth			kth;
	float		kth_room[STOP_KTH_ROOM];
	uint32		improved;		/* list at which kth last changed, */
	uint32		top_improved;	/* and at which top did */
	int			moment_room;
};

static int
compare_nodes(const void *a, const void *b)
{
	BlockNumber x = ((const IvfLeaf *) a)->node;
	BlockNumber y = ((const IvfLeaf *) b)->node;

	return x < y ? -1 : x > y;
}

/* a query in the space of the index, all zeros */
static IvfQuery *
make_query(IvfTrials *trials)
{
	IvfQuery   *query = palloc(sizeof(IvfQuery));

	ivf_query_init(query, trials->index, NULL, trials->frozen);
	memset(query->v, 0, sizeof(double) * query->space->n);
	return query;
}

/*
 * Lists all leaves, by their nodes.
 */
static void
list_leaves(IvfTrials *trials)
{
	const IvfMetaData *meta = &trials->frozen->meta;
	MemoryContext old = MemoryContextSwitchTo(trials->query_context);
	IvfQuery   *query = make_query(trials);
	IvfLeaves  *walk;
	IvfLeaf		leaf;
	IvfView		view;
	const float4 *w;

	ivf_query_placed(query);
	walk = ivf_leaves_make(query, trials->frozen, meta->leaves, false,
						   (Size) work_mem * 1024);
	trials->leaf = MemoryContextAllocHuge(trials->context,
										  sizeof(IvfLeaf) * (Size) meta->leaves);
	while (trials->leaves < meta->leaves &&
		   ivf_leaves_next(walk, 1, &leaf, &view, &w))
		trials->leaf[trials->leaves++] = leaf;
	ivf_leaves_end(walk);
	qsort(trials->leaf, trials->leaves, sizeof(IvfLeaf), compare_nodes);
	MemoryContextSwitchTo(old);
	MemoryContextReset(trials->query_context);
}

/*
 * Prepares to search an index on which the caller holds a lock; context is where
 * all is kept.  NULL if there is nothing to learn: all is in one list.
 */
IvfTrials *
ivf_trials_begin(Relation index, uint64 seed, MemoryContext context)
{
	IvfTrials  *trials = MemoryContextAllocZero(context, sizeof(IvfTrials));

	trials->index = index;
	trials->frozen = ivf_frozen(index, context);
	if (trials->frozen->meta.height == 1)
		return NULL;
	trials->seed = seed;
	trials->context = context;
	trials->query_context = AllocSetContextCreate(context, "ivf trial",
												  ALLOCSET_DEFAULT_SIZES);
	trials->blocks = RelationGetNumberOfBlocks(index);
	if (trials->frozen->meta.rows_first > trials->frozen->meta.rows_end ||
		trials->frozen->meta.rows_end > trials->blocks)
		ivf_corrupted(index, IVF_META_BLOCK,
					  "the build's rows are on blocks %u to %u, and the file has %u",
					  trials->frozen->meta.rows_first,
					  trials->frozen->meta.rows_end, trials->blocks);
	list_leaves(trials);
	return trials;
}

/*
 * Looks at a random slot of the index; false if there is no entry, or nothing at
 * all.  Each entry is as likely as any other.
 */
static bool
draw_slot(IvfTrials *trials, BlockNumber *node, IvfRun *run, int *row)
{
	const IvfMetaData *meta = &trials->frozen->meta;
	int			n = trials->frozen->space->n;
	uint64		random = prng_next(&trials->prng);
	BlockNumber others = trials->blocks - (meta->rows_end - meta->rows_first);
	BlockNumber block = (BlockNumber) (prng_double(&trials->prng) * others);
	int			most = IVF_PAGE_BYTES / (sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n)) + 1;
	int			number = (random >> 8) % most;
	int			slot = random % VEC_BLOCK;
	bool		found = false;
	Buffer		buffer;
	Page		page;

	/* the build's rows are passed over */
	if (block >= meta->rows_first)
		block += meta->rows_end - meta->rows_first;
	buffer = ReadBuffer(trials->index, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	if (!PageIsNew(page) && ivf_is_leaf_page(trials->index, meta, block, page))
	{
		uint32		offset;

		ivf_page_check(trials->index, block, page, IVF_CODE_PAGE, InvalidBlockNumber);
		offset = ivf_first_head(trials->index, block, page, n);
		while (offset != 0 && number-- > 0)
			offset = ivf_next_head(page, offset, n);
		if (offset != 0 && ItemPointerIsValid(&ivf_block_at(page, offset)->tid[slot]))
		{
			*node = IvfOpaque(page)->owner;
			*run = ivf_run_of(ivf_block_at(page, offset), 0, n);
			*row = slot;
			found = true;
		}
	}
	UnlockReleaseBuffer(buffer);
	return found;
}

/*
 * Makes a random entry the query: its residual's byte code, and its leaf's
 * centroid.  False if there are hardly any.
 */
static bool
draw_query(IvfTrials *trials)
{
	IvfQuery   *query = make_query(trials);
	int			n = query->space->n;
	int8	   *code = palloc(n);
	float4	   *room = palloc(sizeof(float4) * n);
	int			draw;

	trials->query = query;
	for (draw = 0; draw < DRAWS; draw++)
	{
		IvfLeaf		key = {0};
		const IvfLeaf *leaf;
		IvfRun		run;
		IvfRowHead	head;
		IvfChild	child;
		int			row;
		int			i;

		CHECK_FOR_INTERRUPTS();
		if (!draw_slot(trials, &key.node, &run, &row))
			continue;
		leaf = bsearch(&key, trials->leaf, trials->leaves, sizeof(IvfLeaf), compare_nodes);
		if (leaf == NULL)
			ivf_corrupted(trials->index, key.node, "no list begins there");
		ivf_row_read(trials->index, NULL, &run, row, &head, code);
		if (!ItemPointerIsValid(&head.tid))
			continue;
		trials->self = head.tid;
		child = ivf_frozen_child(trials->frozen, trials->index, &leaf->run, leaf->row, room);
		for (i = 0; i < n; i++)
			query->v[i] = child.centroid[i] + head.t * (code[i] + 0.5);
		ivf_query_placed(query);
		return true;
	}
	return false;
}

/* IvfBlockFunction */
static void
keep_block(const float4 *bounds, const IvfRun *run, void *arg)
{
	IvfTrials  *trials = arg;
	float4		limit = topk_limit(&trials->top);
	float4		least;
	uint32		bits = vec_kernels->split(bounds, limit, &least);

	if (trials->runs == trials->run_room)
	{
		trials->run_room *= 2;
		trials->run = repalloc_huge(trials->run, sizeof(IvfRun) * (Size) trials->run_room);
		trials->run_list = repalloc_huge(trials->run_list,
										 sizeof(uint32) * (Size) trials->run_room);
	}
	for (; bits != 0; bits &= bits - 1)
	{
		int			i = pg_rightmost_one_pos32(bits);

		topk_add(&trials->top, topk_item(bounds[i], trials->runs * VEC_BLOCK + i));
		trials->top_improved = trials->lists;
	}
	if (kth_add(&trials->kth, bounds) > 0)
		trials->improved = trials->lists;
	trials->run[trials->runs] = *run;
	trials->run_list[trials->runs] = trials->lists - 1;
	trials->runs++;
}

/* what is known when so many lists have been read */
static void
keep_moment(IvfTrials *trials, double unread)
{
	IvfTrial   *trial = trials->trial;
	IvfMoment  *moment;

	if (trial->moments == trials->moment_room)
	{
		trials->moment_room *= 2;
		trial->moment = repalloc(trial->moment, sizeof(IvfMoment) * trials->moment_room);
	}
	moment = &trial->moment[trial->moments++];
	moment->lists = trials->lists;
	moment->unread = unread;
	moment->nearest = ivf_bound_distance(trials->query, kth_limit(&trials->kth), false);
	moment->improved = trials->kth.count >= KTH ? trials->improved : 0;
}

/*
 * Scores lists, nearest first, until it is most unlikely that any other has one
 * of the nearest entries.
 */
static void
read_lists(IvfTrials *trials, int k)
{
	IvfLeaves  *walk = ivf_leaves_make(trials->query, trials->frozen, 64, false,
									   (Size) work_mem * 1024);
	uint32		next = 1;
	double		unread;
	IvfLeaf		leaf;
	IvfView		view;
	const float4 *w;

	while (trials->lists < PATIENCE_MORE +
		   (k <= 100 ? PATIENCE_FOR_100 * trials->improved :
			PATIENCE_FOR_MORE * trials->top_improved) &&
		   ivf_leaves_next(walk, IVF_LEAVES_AHEAD, &leaf, &view, &w))
	{
		if (trials->lists == trials->list_room)
		{
			trials->list_room *= 2;
			trials->list = repalloc_huge(trials->list,
										 sizeof(IvfLeaf) * (Size) trials->list_room);
		}
		if (trials->lists == 0)
			trials->trial->first = leaf.distance;
		trials->list[trials->lists++] = leaf;
		trials->query->follows = ivf_leaves_follows(walk);
		(void) kth_limit(&trials->kth);
		ivf_score_node(trials->query, &view, w, false, keep_block, trials);

		/* when all are read, nothing is nearer than what was */
		if (trials->lists == next)
		{
			keep_moment(trials, ivf_leaves_peek(walk, &unread) ? unread : leaf.distance);
			next = stop_next(next);
		}
	}
	ivf_leaves_end(walk);
}

/*
 * A bit for each candidate: by the run that its row is in, so that they are
 * looked at in the order in which they were scored, and lie.
 */
static uint32 *
mark_candidates(IvfTrials *trials)
{
	uint32	   *wanted = MemoryContextAllocExtended(CurrentMemoryContext,
												   sizeof(uint32) * (Size) Max(trials->runs, 1),
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int			i;

	topk_finish(&trials->top);
	for (i = 0; i < trials->top.count; i++)
	{
		uint32		place = topk_place(trials->top.items[i]);

		wanted[place / VEC_BLOCK] |= UINT32_C(1) << place % VEC_BLOCK;
	}
	return wanted;
}

/* what is being found, in no order, and the list that is looked at */
typedef struct Resolving
{
	const IvfQuery *query;
	ItemPointerData self;
	IvfView		view;
	const float4 *w;
	uint32		list;			/* from 0 */
	IvfFound   *found;
	int			count;
} Resolving;

/* IvfRowFunction */
static void
resolve_row(int row, const void *head, const void *body, void *arg)
{
	Resolving  *resolving = arg;
	IvfRowHead	at;
	IvfFound   *found = &resolving->found[resolving->count];

	memcpy(&at, head, sizeof(at));
	if (!ItemPointerIsValid(&at.tid) ||
		ItemPointerEquals(&at.tid, &resolving->self))
		return;
	found->list = resolving->list + 1;
	found->distance = ivf_row_distance(resolving->query, &resolving->view,
									   resolving->w, &at, body);
	resolving->count++;
}

/* the rows of a run that are wanted will be read soon */
static void
touch_rows(const IvfTrials *trials, const IvfRun *run, uint32 wanted)
{
	for (; wanted != 0; wanted &= wanted - 1)
		ivf_row_touch(trials->index, run, pg_rightmost_one_pos32(wanted));
}

/*
 * Sorts what was found by distance, rounded to float4, and by the order in which it
 * was scored; items has room for twice as many.
 */
static void
sort_found(const Resolving *resolving, TopKItem *items, IvfTrial *trial)
{
	int			count = resolving->count;
	int			i;

	for (i = 0; i < count; i++)
		items[i] = topk_item((float4) resolving->found[i].distance, i);
	topk_sort(items, count, items + count);
	trial->found = palloc(sizeof(IvfFound) * Max(count, 1));
	for (i = 0; i < count; i++)
		trial->found[i] = resolving->found[topk_place(items[i])];
	trial->count = count;
}

/*
 * Finds out the distances of the entries that were collected, by their byte
 * codes, and sorts them; the query's own is left out.
 */
static void
resolve(IvfTrials *trials)
{
	IvfQuery   *query = trials->query;
	int			n = query->space->n;
	float4	   *room = palloc(sizeof(float4) * n);
	float4	   *w = palloc(sizeof(float4) * n);
	uint32	   *wanted = mark_candidates(trials);
	Resolving	resolving = {.query = query,.self = trials->self,.w = w,
	.list = PG_UINT32_MAX};
	uint32		run;

	resolving.found = palloc(sizeof(IvfFound) * Max(trials->top.count, 1));
	for (run = 0; run < trials->runs; run++)
	{
		if (run + 1 < trials->runs)
			touch_rows(trials, &trials->run[run + 1], wanted[run + 1]);
		if (wanted[run] == 0)
			continue;
		if (trials->run_list[run] != resolving.list)
		{
			const IvfLeaf *leaf = &trials->list[trials->run_list[run]];
			IvfChild	child = ivf_frozen_child(trials->frozen, trials->index,
												 &leaf->run, leaf->row, room);

			CHECK_FOR_INTERRUPTS();
			ivf_view(query, leaf->node, 0, child.centroid, &resolving.view, w);
			resolving.list = trials->run_list[run];
		}
		ivf_run_visit(trials->index, NULL, &trials->run[run], wanted[run], query->row,
					  resolve_row, &resolving);
	}
	sort_found(&resolving, trials->top.items, trials->trial);
}

/*
 * Searches for the k nearest entries, at least 100, of a random one.  Which one
 * follows from the trial's number, whatever other trials were run: its generator
 * begins anywhere in the cycle that all numbers draw from.  NULL if none is
 * there.  The result lasts until the next trial.
 */
IvfTrial *
ivf_trial_run(IvfTrials *trials, int number, int k)
{
	Prng		begin = {trials->seed + number};
	MemoryContext old;
	int			candidates = k <= 100 ? CANDIDATES_FOR_100(trials->frozen->space->n) :
	k <= 1000 ? CANDIDATES_FOR_1000 : CANDIDATES_FOR_MORE(k);
	IvfTrial   *trial = NULL;

	trials->prng.state = prng_next(&begin);
	MemoryContextReset(trials->query_context);
	old = MemoryContextSwitchTo(trials->query_context);
	if (draw_query(trials))
	{
		trials->trial = trial = palloc0(sizeof(IvfTrial));
		trials->moment_room = 64;
		trial->moment = palloc(sizeof(IvfMoment) * trials->moment_room);
		trial->metric = trials->frozen->space->metric;
		trials->lists = trials->runs = 0;
		trials->list_room = trials->run_room = 1024;
		trials->list = palloc(sizeof(IvfLeaf) * trials->list_room);
		trials->run = palloc(sizeof(IvfRun) * trials->run_room);
		trials->run_list = palloc(sizeof(uint32) * trials->run_room);
		kth_init(&trials->kth, KTH, STOP_KTH_ROOM, trials->kth_room);
		trials->improved = trials->top_improved = 0;
		topk_init(&trials->top, candidates, 4 * candidates,
				  palloc(sizeof(TopKItem) * 4 * candidates));
		read_lists(trials, k);
		resolve(trials);
		trial->scored = (double) trials->runs * VEC_BLOCK;
	}
	MemoryContextSwitchTo(old);
	return trial;
}
