/*
 * buffers.c
 *	  Buffers and generic WAL records: every page is an allocation of its own,
 *	  and a lock that the program holds already is a fault.
 */
/* declared with a type of another name in other versions */
#define ReadRecentBuffer	ReadRecentBuffer_of_the_server

#include "server.h"

#include "access/generic_xlog.h"
#include "miscadmin.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#undef ReadRecentBuffer

/*
 * Buffers are negative, as those of temporary tables are: these alone need not
 * lie side by side.
 */
Block	   *LocalBufferBlockPointers = NULL;
char	   *BufferBlocks = NULL;
BufferDescPadded *BufferDescriptors = NULL;
int			NLocBuffer = 0;
int			NBuffers = 0;

RelationData index_relation;
uint32		buffer_count = 0;
char	  **buffer_page = NULL;

static Oid	column_type = InvalidOid;
static int *lock_of = NULL;
static int *pins_of = NULL;
static uint32 room = 0;
static uint64 reads_left = PG_UINT64_MAX;
static RelcacheCallbackFunction relation_changed = NULL;

void
CacheRegisterRelcacheCallback(RelcacheCallbackFunction function, Datum arg)
{
	relation_changed = function;
}

static void
make_room(uint32 count)
{
	if (count <= room)
		return;
	buffer_page = realloc(buffer_page, sizeof(char *) * count);
	lock_of = realloc(lock_of, sizeof(int) * count);
	pins_of = realloc(pins_of, sizeof(int) * count);
	for (; room < count; room++)
	{
		buffer_page[room] = malloc(BLCKSZ);
		lock_of[room] = BUFFER_LOCK_UNLOCK;
		pins_of[room] = 0;
	}
	LocalBufferBlockPointers = (Block *) buffer_page;
	NLocBuffer = (int) room;
}

/*
 * Makes these the file's pages; a rest that is no whole page can't be seen.
 */
void
buffers_load(char **page, uint32 count, int tail)
{
	uint32		i;

	make_room(count);
	for (i = 0; i < count; i++)
		memcpy(buffer_page[i], page[i], BLCKSZ);
	buffer_count = count;
	index_relation.rd_indexcxt = TopMemoryContext;
	index_relation.rd_opcintype = &column_type;
	if (index_relation.rd_amcache)
		pfree(index_relation.rd_amcache);
	index_relation.rd_amcache = NULL;
	if (relation_changed)
		relation_changed(0, index_relation.rd_id);
}

/*
 * From here on so many pages may be read: more is an endless walk.
 */
void
buffers_watch(uint64 limit)
{
	reads_left = limit;
}

/* what the end of a transaction does */
void
buffers_release(void)
{
	uint32		i;

	for (i = 0; i < room; i++)
	{
		lock_of[i] = BUFFER_LOCK_UNLOCK;
		pins_of[i] = 0;
	}
}

bool
buffers_held(void)
{
	uint32		i;

	for (i = 0; i < room; i++)
	{
		if (lock_of[i] != BUFFER_LOCK_UNLOCK || pins_of[i] != 0)
			return true;
	}
	return false;
}

static uint32
block_of(Buffer buffer)
{
	if (buffer >= 0 || (uint32) -buffer > buffer_count)
		fault("there is no buffer %d", buffer);
	return (uint32) -buffer - 1;
}

BlockNumber
BufferGetBlockNumber(Buffer buffer)
{
	if (pins_of[block_of(buffer)] == 0)
		fault("block %u is looked at without a pin", block_of(buffer));
	return block_of(buffer);
}

BlockNumber
RelationGetNumberOfBlocksInFork(Relation relation, ForkNumber fork)
{
	if (relation == &heap_relation)
		return (BlockNumber) (heap_count / HEAP_ROWS_PER_BLOCK + 1);
	return buffer_count;
}

Buffer
ReadBufferExtended(Relation relation, ForkNumber fork, BlockNumber block,
				   ReadBufferMode mode, BufferAccessStrategy strategy)
{
	if (reads_left-- == 0)
		fault("pages are read endlessly");
	if (block == P_NEW)
	{
		block = buffer_count;
		make_room(block + 1);
		buffer_count++;
		memset(buffer_page[block], 0, BLCKSZ);
	}
	if (block >= buffer_count)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("could not read block %u in file", block)));
	pins_of[block]++;
	if (mode == RBM_ZERO_AND_LOCK)
	{
		LockBuffer(-(Buffer) block - 1, BUFFER_LOCK_EXCLUSIVE);
		memset(buffer_page[block], 0, BLCKSZ);
	}
	return -(Buffer) block - 1;
}

/* what names a file: three numbers in every version */
typedef struct FileName
{
	Oid			part[3];
} FileName;

bool
ReadRecentBuffer(FileName file, ForkNumber fork, BlockNumber block, Buffer recent)
{
	if (block_of(recent) != block)
		return false;
	(void) ReadBufferExtended(&index_relation, fork, block, RBM_NORMAL, NULL);
	return true;
}

PrefetchBufferResult
PrefetchBuffer(Relation relation, ForkNumber fork, BlockNumber block)
{
	PrefetchBufferResult result = {InvalidBuffer, false};

	if (block >= buffer_count)
		fault("block %u is prefetched, beyond the end at %u", block, buffer_count);
	return result;
}

Buffer
ReadBuffer(Relation relation, BlockNumber block)
{
	return ReadBufferExtended(relation, MAIN_FORKNUM, block, RBM_NORMAL, NULL);
}

#if defined(BMR_REL)
Buffer
ExtendBufferedRel(BufferManagerRelation bmr, ForkNumber fork,
				  BufferAccessStrategy strategy, uint32 flags)
{
	return ReadBufferExtended(bmr.rel, fork, P_NEW, RBM_NORMAL, NULL);
}
#endif

void
LockBuffer(Buffer buffer, int mode)
{
	uint32		block = block_of(buffer);

	if (pins_of[block] == 0)
		fault("block %u is locked without a pin", block);
	if ((mode == BUFFER_LOCK_UNLOCK) == (lock_of[block] == BUFFER_LOCK_UNLOCK))
		fault(mode == BUFFER_LOCK_UNLOCK ? "block %u is not locked" :
			  "block %u is locked already: the server would wait forever", block);
	lock_of[block] = mode;
}

void
ReleaseBuffer(Buffer buffer)
{
	uint32		block = block_of(buffer);

	if (--pins_of[block] < 0)
		fault("block %u is not pinned", block);
}

void
UnlockReleaseBuffer(Buffer buffer)
{
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	ReleaseBuffer(buffer);
}

void
MarkBufferDirty(Buffer buffer)
{
	if (lock_of[block_of(buffer)] != BUFFER_LOCK_EXCLUSIVE)
		fault("block %u is changed without a lock", block_of(buffer));
}

BufferAccessStrategy
GetAccessStrategy(BufferAccessStrategyType type)
{
	return NULL;
}

void
FreeAccessStrategy(BufferAccessStrategy strategy)
{
}

void
LockRelationForExtension(Relation relation, LOCKMODE mode)
{
}

void
UnlockRelationForExtension(Relation relation, LOCKMODE mode)
{
}

void
PageInit(Page page, Size size, Size special)
{
	PageHeader	header = (PageHeader) page;

	memset(page, 0, size);
	header->pd_lower = SizeOfPageHeaderData;
	header->pd_upper = header->pd_special = size - MAXALIGN(special);
	PageSetPageSizeAndVersion(page, size, PG_PAGE_LAYOUT_VERSION);
}

/* Generic WAL: pages are changed in copies. */

struct GenericXLogState
{
	int			count;
	Buffer		buffer[MAX_GENERIC_XLOG_PAGES];
	char	   *image[MAX_GENERIC_XLOG_PAGES];
};

GenericXLogState *
GenericXLogStart(Relation relation)
{
	return palloc0(sizeof(GenericXLogState));
}

Page
GenericXLogRegisterBuffer(GenericXLogState *state, Buffer buffer, int flags)
{
	int			i;

	if (lock_of[block_of(buffer)] != BUFFER_LOCK_EXCLUSIVE)
		fault("block %u is changed without a lock", block_of(buffer));
	for (i = 0; i < state->count; i++)
	{
		if (state->buffer[i] == buffer)
			return state->image[i];
	}
	if (state->count == MAX_GENERIC_XLOG_PAGES)
		fault("too many pages in a record");
	state->buffer[state->count] = buffer;
	state->image[state->count] = palloc(BLCKSZ);
	memcpy(state->image[state->count], buffer_page[block_of(buffer)], BLCKSZ);
	return state->image[state->count++];
}

/* what is between a page's data and its special area does not come through */
XLogRecPtr
GenericXLogFinish(GenericXLogState *state)
{
	while (state->count-- > 0)
	{
		char	   *image = state->image[state->count];
		char	   *page = buffer_page[block_of(state->buffer[state->count])];
		PageHeader	header = (PageHeader) image;

		if (header->pd_lower > header->pd_upper || header->pd_upper > BLCKSZ)
			fault("a record of a page whose data end at %u, free space at %u",
				  header->pd_lower, header->pd_upper);
		memset(image + header->pd_lower, 0, header->pd_upper - header->pd_lower);
		memcpy(page, image, BLCKSZ);
		pfree(image);
	}
	pfree(state);
	return 0;
}

void
GenericXLogAbort(GenericXLogState *state)
{
	while (state->count-- > 0)
		pfree(state->image[state->count]);
	pfree(state);
}

void
log_newpage_range(Relation relation, ForkNumber fork, BlockNumber from,
				  BlockNumber to, bool standard)
{
}

/* Read streams, where the server has them: a page at a time. */

#ifdef READ_STREAM_H
struct ReadStream
{
	Relation	relation;
	ReadStreamBlockNumberCB callback;
	void	   *arg;
};

ReadStream *
read_stream_begin_relation(int flags, BufferAccessStrategy strategy,
						   Relation relation, ForkNumber fork,
						   ReadStreamBlockNumberCB callback, void *arg,
						   size_t per_buffer_data_size)
{
	ReadStream *stream = palloc(sizeof(ReadStream));

	stream->relation = relation;
	stream->callback = callback;
	stream->arg = arg;
	return stream;
}

Buffer
read_stream_next_buffer(ReadStream *stream, void **per_buffer_data)
{
	BlockNumber block = stream->callback(stream, stream->arg, NULL);

	return block == InvalidBlockNumber ? InvalidBuffer :
		ReadBuffer(stream->relation, block);
}

void
read_stream_reset(ReadStream *stream)
{
}

void
read_stream_end(ReadStream *stream)
{
	pfree(stream);
}
#endif
