/*
 * write.c
 *	  Writes a new index: layout first, then the pages.
 *
 *		meta | mean | NaN rows | NULL rows |
 *		code pages of inner nodes, the root first | code pages of leaves |
 *		refine pages of inner nodes | refine pages of leaves
 *
 * How many entries every node has is known when writing begins, so all block
 * numbers are.  Each node's code pages are its own; refine pages are packed
 * across nodes.
 */
#include "compat.h"

#include "index/build.h"
#include "index/calibrate.h"

#include <math.h>

#include "access/xloginsert.h"
#include "index/parallel.h"
#include "page/blocks.h"
#include "page/meta.h"
#include "page/rows.h"
#include "page/writer.h"

/* pages that one WAL record takes */
#define LOGGED_TOGETHER	8

typedef struct Layout
{
	BlockNumber mean;
	BlockNumber nans;
	BlockNumber nulls;
	BlockNumber root;			/* first of the inner nodes' code pages */
	BlockNumber leaves;			/* first of the leaves' code pages */
	BlockNumber rows;			/* first refine page */
	BlockNumber *list;			/* first page of each leaf */
	BlockNumber *cell;			/* first page of each node above the leaves */
} Layout;

/*
 * Blocks and their rows, being filled.
 */
typedef struct NodeWriter
{
	Relation	index;
	ForkNumber	fork;
	int			n;
	int			level;
	IvfWriter	code;
	IvfWriter	rows;
	BlockNumber node;
	BlockNumber room;			/* page of the last block with dead slots */
	IvfBlockHead head;
	uint8	   *columns;
	char	   *row;			/* 32 rows, heads and bodies */
	int			count;			/* slots filled */
} NodeWriter;

/* code pages of a node with so many entries */
static BlockNumber
code_pages(uint32 entries, int n)
{
	IvfPlace	place = {0, IVF_PAGE_START};
	uint32		blocks = entries / VEC_BLOCK + (entries % VEC_BLOCK > 0);

	for (; blocks > 0; blocks--)
	{
		place_head(&place, sizeof(IvfBlockHead));
		place_advance(&place, sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(n));
	}
	return place.page + 1;
}

static BlockNumber
tid_pages(double tids)
{
	return (BlockNumber) Max(1, ceil(tids / IVF_TIDS_PER_PAGE));
}

/*
 * Decides on which block everything begins.  The sum is kept in 64 bits: block
 * numbers that wrap round would have lists overwrite each other.  That refine
 * pages come after the last block, the server will notice itself.
 */
static void
plan_layout(IvfBuild *build, Layout *layout)
{
	IvfClusters *clusters = build->clusters;
	uint64		next = IVF_META_BLOCK + 1;
	int			i;

	layout->mean = next;
	next += ivf_mean_pages(build->dim);
	layout->nans = InvalidBlockNumber;
	if (build->opclass->metric == METRIC_COSINE)
	{
		layout->nans = next;
		next += tid_pages(build->nans);
	}
	layout->nulls = next;
	next += tid_pages(build->nulls);

	layout->root = next;
	if (build->height > 1)
		next += code_pages(build->height > 2 ? clusters->cells : clusters->lists,
						   build->n);
	layout->cell = palloc(sizeof(BlockNumber) * clusters->cells);
	for (i = 0; i < clusters->cells && build->height > 2; i++)
	{
		layout->cell[i] = next;
		next += code_pages(clusters->first[i + 1] - clusters->first[i], build->n);
	}
	layout->leaves = next;
	layout->list = palloc_extended(sizeof(BlockNumber) * (Size) clusters->lists,
								   MCXT_ALLOC_HUGE);
	for (i = 0; i < clusters->lists; i++)
	{
		layout->list[i] = next;
		next += code_pages(build->list_entries[i], build->n);
	}
	if (next > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" would have more than %u pages",
						RelationGetRelationName(build->index), MaxBlockNumber)));
	layout->rows = next;
}

/* a page of the new index, to be changed once more */
static Buffer
written_page(IvfBuild *build, BlockNumber block)
{
	Buffer		buffer = ReadBufferExtended(build->index, build->fork, block,
											RBM_NORMAL, NULL);

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	return buffer;
}

/*
 * Writes the block at hand, if it has entries; rows for its dead slots too.
 */
static void
flush_block(NodeWriter *writer)
{
	uint32		head_size = IVF_ROW_HEAD(writer->level);
	uint32		body_size = IVF_ROW_BODY(writer->level, writer->n);
	Size		size = (Size) head_size + body_size;
	IvfPlace	place;
	int			i;

	if (writer->count == 0)
		return;
	memset(writer->row + writer->count * size, 0, (VEC_BLOCK - writer->count) * size);
	for (i = 0; i < VEC_BLOCK; i++)
	{
		char	   *row = writer->row + i * size;

		place = ivf_writer_head(&writer->rows, row, head_size);
		ivf_writer_body(&writer->rows, row + head_size, body_size);
		if (i == 0)
		{
			writer->head.rows = place.page;
			writer->head.rows_rest = place.page + 1;
			writer->head.rows_offset = place.offset;
		}
	}
	place = ivf_writer_head(&writer->code, &writer->head, sizeof(IvfBlockHead));
	ivf_writer_body(&writer->code, writer->columns, IVF_COLUMN_BYTES(writer->n));
	writer->room = writer->count < VEC_BLOCK ? place.page : InvalidBlockNumber;

	ivf_block_clear(&writer->head);
	memset(writer->columns, 0, IVF_COLUMN_BYTES(writer->n));
	writer->count = 0;
}

static void
begin_node(NodeWriter *writer, int level)
{
	if (level != writer->level)
	{
		writer->level = level;
		if (writer->row)
			pfree(writer->row);
		writer->row = palloc((Size) VEC_BLOCK *
							 (IVF_ROW_HEAD(level) + IVF_ROW_BODY(level, writer->n)));
	}
	ivf_writer_chain(&writer->code, level);
	writer->node = writer->code.owner;
	writer->room = InvalidBlockNumber;
}

static void
add_entry(NodeWriter *writer, ItemPointer tid, const SignFactors *factors,
		  const uint8 *nibbles, const void *row_head, const void *row_body)
{
	uint32		head_size = IVF_ROW_HEAD(writer->level);
	uint32		body_size = IVF_ROW_BODY(writer->level, writer->n);
	char	   *row = writer->row +
	(Size) writer->count * (head_size + body_size);

	ivf_block_set(&writer->head, writer->count, tid, factors);
	ivf_columns_set(writer->columns, 0, writer->n / 4, writer->count, nibbles);
	memcpy(row, row_head, head_size);
	memcpy(row + head_size, row_body, body_size);
	if (++writer->count == VEC_BLOCK)
		flush_block(writer);
}

/*
 * Ends a node: tells its first page where inserts find room.
 */
static void
end_node(IvfBuild *build, NodeWriter *writer)
{
	BlockNumber last;
	Buffer		buffer;

	flush_block(writer);
	last = BufferGetBlockNumber(writer->code.buffer);
	if (writer->room == InvalidBlockNumber)
		writer->room = last;
	if (writer->room == writer->node)
		return;

	/* not the page that the writer has at hand, which is the last */
	buffer = written_page(build, writer->node);
	IvfOpaque(BufferGetPage(buffer))->u.live.room = writer->room;
	MarkBufferDirty(buffer);
	UnlockReleaseBuffer(buffer);
}

/*
 * Adds a child to the inner node being written.
 */
static void
add_child(IvfBuild *build, NodeWriter *writer, BlockNumber child,
		  const float4 *centroid, const float4 *parent, float4 radius,
		  double *v, float4 *residual, uint8 *nibbles)
{
	bool		inner_product = (build->opclass->metric == METRIC_INNER_PRODUCT);
	IvfChildHead head;
	SignFactors factors;
	double		g = 0;
	int			i;

	for (i = 0; i < build->n; i++)
		v[i] = centroid[i];
	ivf_residual(v, parent, build->n, residual);
	if (inner_product)
		g = ivf_true_dot(build->space, v, parent, build->n);
	encode_signs(residual, parent, build->n, g, inner_product, nibbles, &factors);

	memset(&head, 0, sizeof(head));
	ItemPointerSet(&head.tid, child, FirstOffsetNumber);
	head.radius = radius;
	add_entry(writer, &head.tid, &factors, nibbles, &head, centroid);
}

/*
 * Writes the nodes above the leaves: the root, and a node for each cell in a
 * tree of three levels.
 */
static void
write_inner(IvfBuild *build, const Layout *layout, NodeWriter *writer)
{
	IvfClusters *clusters = build->clusters;
	int			n = build->n;
	double	   *v = palloc(sizeof(double) * n);
	float4	   *residual = palloc(sizeof(float4) * n);
	uint8	   *nibbles = palloc(n / 4);
	float4	   *parent = palloc0(sizeof(float4) * n);
	float4	   *child = palloc(sizeof(float4) * n);
	int			i;
	int			cell;

	begin_node(writer, build->height - 1);
	for (cell = 0; cell < clusters->cells && build->height == 3; cell++)
	{
		ivf_cell_centroid(clusters, cell, child);
		add_child(build, writer, layout->cell[cell], child, parent,
				  build->cell_radius[cell], v, residual, nibbles);
	}
	if (build->height == 3)
		end_node(build, writer);

	for (cell = 0; cell < clusters->cells; cell++)
	{
		if (build->height == 3)
		{
			begin_node(writer, 1);
			ivf_cell_centroid(clusters, cell, parent);
		}
		for (i = clusters->first[cell]; i < clusters->first[cell + 1]; i++)
		{
			ivf_list_centroid(clusters, i, cell, child);
			add_child(build, writer, layout->list[i], child, parent,
					  build->list_radius[i], v, residual, nibbles);
		}
		if (build->height == 3)
			end_node(build, writer);
	}
	if (build->height == 2)
		end_node(build, writer);
	pfree(v);
	pfree(residual);
	pfree(nibbles);
	pfree(parent);
	pfree(child);
}

/*
 * Reads the sorted rows: those without a place go to their chains, which come
 * first, the others to the leaves.
 */
static void
write_rows(IvfBuild *build, const Layout *layout, NodeWriter *writer,
		   IvfWriter *tids)
{
	IvfEntry	entry;
	double		done = 0;
	int			chain = IVF_LIST_NULLS - 1;
	int			current = -1;
	int			list;
	ItemPointerData tid;

	while (ivf_next_assigned(build, &list, &tid, &entry))
	{
		if (list < 0)
		{
			if (list != chain)
			{
				ivf_writer_end(tids);
				ivf_writer_begin(tids, build->index, build->fork, IVF_TIDS_PAGE,
								 list == IVF_LIST_NULLS ? layout->nulls : layout->nans);
				ivf_writer_chain(tids, 0);
				chain = list;
			}
			ivf_writer_head(tids, &tid, sizeof(tid));
		}
		else
		{
			while (current < list)
			{
				if (current >= 0)
					end_node(build, writer);
				begin_node(writer, 0);
				current++;
			}
			add_entry(writer, &tid, &entry.factors, entry.nibbles, &entry.row,
					  entry.code);
		}
		if ((int64) ++done % IVF_REPORT_ROWS == 0)
			ivf_build_done(done);
	}
	ivf_writer_end(tids);

	/* leaves after the last row have a page all the same */
	for (;;)
	{
		if (current >= 0)
			end_node(build, writer);
		if (current == build->clusters->lists - 1)
			break;
		begin_node(writer, 0);
		current++;
	}
}

/*
 * An empty chain of TIDs, which the rows may then be written over.
 */
static void
write_empty_chain(IvfBuild *build, BlockNumber block)
{
	IvfWriter	writer;

	ivf_writer_begin(&writer, build->index, build->fork, IVF_TIDS_PAGE, block);
	ivf_writer_chain(&writer, 0);
	ivf_writer_end(&writer);
}

/*
 * The metapage and the mean, when all other pages are written.
 */
static void
write_meta(IvfBuild *build, const Layout *layout, IvfMetaData *meta)
{
	IvfWriter	writer;
	int			i;

	memset(meta, 0, sizeof(*meta));
	meta->magic = IVF_MAGIC;
	meta->version = IVF_FORMAT_VERSION;
	meta->metric = build->opclass->metric;
	meta->element_type = build->opclass->element_type;
	meta->dimensions = build->dim;
	meta->seed = IVF_ROTATION_SEED;
	meta->rotation_version = ROTATION_VERSION;
	meta->height = build->height;
	meta->root = layout->root;
	meta->mean = layout->mean;
	meta->nans = layout->nans;
	meta->nulls = layout->nulls;
	meta->leaves = build->clusters->lists;
	meta->lists_option = build->lists_option;
	meta->rows_first = layout->rows;
	meta->rows_end = RelationGetNumberOfBlocksInFork(build->index, build->fork);
	meta->calibration.blocks = meta->rows_end;
	meta->calibration.entries = meta->entries = build->entries;
	meta->calibration.rule = stop_default;
	for (i = 0; i < build->clusters->lists; i++)
		meta->dead_slots += (VEC_BLOCK - build->list_entries[i] % VEC_BLOCK) % VEC_BLOCK;

	ivf_writer_begin(&writer, build->index, build->fork, IVF_META_PAGE,
					 IVF_META_BLOCK);
	ivf_meta_fill(ivf_writer_page(&writer), meta);
	ivf_writer_end(&writer);

	ivf_writer_begin(&writer, build->index, build->fork, IVF_MEAN_PAGE,
					 layout->mean);
	ivf_writer_chain(&writer, 0);
	ivf_writer_body(&writer, build->space->mean, sizeof(float4) * build->dim);
	ivf_writer_end(&writer);
}

static void
calibrated(int done)
{
	ivf_build_done(done);
}

/*
 * Calibrates the index, all of whose pages are written, and writes the metapage
 * once more.
 */
static void
calibrate(IvfBuild *build, IvfMetaData *meta)
{
	IvfWriter	writer;
	bool		made;

	if (build->parallel)
		made = ivf_parallel_calibrate(build, calibrated, &meta->calibration);
	else
		made = ivf_calibrate(build->index, build->memory, calibrated, &meta->calibration);
	if (!made)
		return;
	ivf_writer_begin(&writer, build->index, build->fork, IVF_META_PAGE,
					 IVF_META_BLOCK);
	ivf_meta_fill(ivf_writer_page(&writer), meta);
	ivf_writer_end(&writer);
}

/*
 * Logs pages up to, but without, the last, a few at a time: those of a record are
 * pinned together, and shared_buffers may be as small as 16.
 */
static void
log_pages(IvfBuild *build, BlockNumber block, BlockNumber last)
{
	if (!RelationNeedsWAL(build->index) && build->fork != INIT_FORKNUM)
		return;
	for (; block < last; block += Min(last - block, LOGGED_TOGETHER))
		log_newpage_range(build->index, build->fork, block,
						  block + Min(last - block, LOGGED_TOGETHER), true);
}

/*
 * Writes all pages, without WAL, and logs them when they are there: nobody can see
 * the index before, and a crash leaves a file that no catalog row knows.  Workers
 * search the index meanwhile for what its rule is learned from; the metapage, which
 * that changes, is logged last.  An init
 * fork is logged even though its relation is not: it is what a crash or a
 * promotion starts from.
 */
void
ivf_write_index(IvfBuild *build)
{
	Layout		layout;
	IvfMetaData meta;
	NodeWriter	writer;
	IvfWriter	tids;
	bool		learns = build->heap && build->height > 1;

	plan_layout(build, &layout);
	if (layout.nans != InvalidBlockNumber)
		write_empty_chain(build, layout.nans);
	write_empty_chain(build, layout.nulls);

	memset(&writer, 0, sizeof(writer));
	writer.index = build->index;
	writer.fork = build->fork;
	writer.n = build->n;
	writer.level = -1;
	writer.columns = palloc0(IVF_COLUMN_BYTES(build->n));
	ivf_block_clear(&writer.head);
	ivf_writer_begin(&writer.code, build->index, build->fork, IVF_CODE_PAGE,
					 layout.root);
	ivf_writer_begin(&writer.rows, build->index, build->fork, IVF_REFINE_PAGE,
					 layout.rows);
	ivf_writer_begin(&tids, build->index, build->fork, IVF_TIDS_PAGE, layout.nulls);
	if (build->height > 1)
		write_inner(build, &layout, &writer);
	write_rows(build, &layout, &writer, &tids);
	ivf_writer_end(&writer.code);
	ivf_writer_end(&writer.rows);
	write_meta(build, &layout, &meta);
	ereport(DEBUG1,
			(errmsg_internal("index \"%s\": %u pages written",
							 RelationGetRelationName(build->index),
							 RelationGetNumberOfBlocksInFork(build->index, build->fork))));

	if (learns)
		ivf_build_phase(IVF_PHASE_CALIBRATE, IVF_CALIBRATION_QUERIES);
	if (learns && build->parallel)
		ivf_parallel_search(build);
	log_pages(build, IVF_META_BLOCK + 1,
			  RelationGetNumberOfBlocksInFork(build->index, build->fork));
	if (learns)
		calibrate(build, &meta);
	log_pages(build, IVF_META_BLOCK, IVF_META_BLOCK + 1);
}
