/*
 * page.c
 *	  Reading, checking, making and changing pages of an ivf index.
 */
#include "compat.h"

#include "page/page.h"

#include "page/pause.h"
#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "storage/buf_internals.h"
#include "storage/lmgr.h"

/*
 * What a session remembers of an index's file, in rd_amcache: that goes when the
 * catalogs change, so none of it may be needed.
 */
typedef struct FileMemory
{
	BlockNumber blocks;			/* the file has at least so many */
	uint32		reads;
	uint32		slots;			/* a power of 2 */
	Buffer		recent[FLEXIBLE_ARRAY_MEMBER];	/* where a block was, modulo slots */
} FileMemory;

/* slots for each block of 2 GB */
#define MOST_SLOTS		(256 * 1024)

/* of so many reads one goes to the buffer table in any case */
#define TABLE_READS		32

/*
 * Reports damage found on a block.  The sentence says what is wrong.
 */
void
ivf_corrupted(Relation index, BlockNumber block, const char *detail,...)
{
	char		message[256];
	va_list		args;

	va_start(args, detail);
	vsnprintf(message, sizeof(message), detail, args);
	va_end(args);

	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" is damaged at block %u: %s",
					RelationGetRelationName(index), block, message),
			 errhint("REINDEX INDEX %s;", RelationGetRelationName(index))));
}

/*
 * Makes an empty page.  An invalid owner means the page itself, which the
 * caller then sets: only refine pages have none.
 */
void
ivf_page_init(Page page, IvfPageKind kind, int level, BlockNumber owner)
{
	IvfPageOpaque opaque;

	PageInit(page, BLCKSZ, sizeof(IvfPageOpaqueData));
	opaque = IvfOpaque(page);
	opaque->u.live.room = InvalidBlockNumber;
	opaque->u.live.rows = InvalidBlockNumber;
	opaque->next = InvalidBlockNumber;
	opaque->owner = owner;
	opaque->level = level;
	opaque->kind = kind;
	opaque->page_id = IVF_PAGE_ID;
}

/*
 * Raises an error unless the page is of the kind, and of the owner if one is
 * given.  Nothing else on the page may be trusted before.
 */
void
ivf_page_check(Relation index, BlockNumber block, Page page, IvfPageKind kind,
			   BlockNumber owner)
{
	PageHeader	header = (PageHeader) page;

	if (PageIsNew(page))
		ivf_corrupted(index, block, "the page is empty");
	if (header->pd_special != IVF_PAGE_SPECIAL ||
		PageGetPageSize(page) != BLCKSZ ||
		IvfOpaque(page)->page_id != IVF_PAGE_ID)
		ivf_corrupted(index, block, "it is no page of an ivf index");
	/* an insert begins its rows where those before end: TIDs alone are shorter */
	if (header->pd_lower < IVF_PAGE_START || header->pd_lower > IVF_PAGE_END ||
		(kind != IVF_TIDS_PAGE && header->pd_lower % sizeof(float4) != 0) ||
		header->pd_upper != IVF_PAGE_SPECIAL)
		ivf_corrupted(index, block, "its data end at offset %u, free space at %u",
					  header->pd_lower, header->pd_upper);
	if (IvfOpaque(page)->kind != kind)
		ivf_corrupted(index, block, "the page is of kind %u, expected %u",
					  IvfOpaque(page)->kind, kind);
	if (owner != InvalidBlockNumber && IvfOpaque(page)->owner != owner)
		ivf_corrupted(index, block, "the page belongs to %u, expected %u",
					  IvfOpaque(page)->owner, owner);
}

static FileMemory *
file_memory(Relation index)
{
	FileMemory *file = index->rd_amcache;

	if (file == NULL)
	{
		BlockNumber blocks = RelationGetNumberOfBlocks(index);
		uint32		slots = pg_nextpower2_32(Max(Min(blocks, MOST_SLOTS), 16));

		file = MemoryContextAllocZero(index->rd_indexcxt,
									  offsetof(FileMemory, recent) +
									  sizeof(Buffer) * slots);
		file->blocks = blocks;
		file->slots = slots;
		index->rd_amcache = file;
	}
	return file;
}

/*
 * Raises an error unless the file has the block: pointers never lead beyond
 * its end, because a page is extended, and the extension can't be undone,
 * before anything points to it.
 *
 * The relation remembers how many pages there were.  That is right for as long
 * as it has the same file, as no page of an index is ever given back.
 */
static void
check_exists(Relation index, BlockNumber block)
{
	FileMemory *file = file_memory(index);

	if (block < file->blocks)
		return;
	file->blocks = RelationGetNumberOfBlocks(index);
	if (block >= file->blocks)
		ivf_corrupted(index, block, "the file ends before it, at %u pages",
					  file->blocks);
}

/*
 * Pins a page.  The buffer table is large, and a search that reads hundreds of
 * pages waits for memory at each look into it; where a page was last is where
 * it is now, nearly always, and the server can tell at once.
 *
 * But a page that is found so is not counted as used again.  So that the pages
 * that are read most are not taken for idle, and given up, when buffers are
 * scarce, some reads take the long way.
 */
static Buffer
read_page(Relation index, BlockNumber block)
{
	FileMemory *file = file_memory(index);
	uint32		slot = block & (file->slots - 1);
	Buffer		buffer = file->recent[slot];

	if (BufferIsValid(buffer) && ++file->reads % TABLE_READS != 0 &&
		compat_read_recent(index, block, buffer))
	{
		pgstat_count_buffer_read(index);
		pgstat_count_buffer_hit(index);
		return buffer;
	}
	buffer = ReadBuffer(index, block);
	file_memory(index)->recent[slot] = buffer;
	return buffer;
}

/*
 * A page is going to be read soon.  Where it was read before, the processor is
 * asked to have its buffer's descriptor at hand, and where its bytes were is
 * returned, for the caller to ask for: should the page have moved, they are some
 * other page's.  Where it was not, the kernel is asked to read it, and NULL is
 * returned.
 */
const char *
ivf_page_ahead(Relation index, BlockNumber block)
{
	FileMemory *file = file_memory(index);
	Buffer		buffer = file->recent[block & (file->slots - 1)];

	/* what a damaged pointer leads to, its reader will say */
	if (buffer == InvalidBuffer && block < file->blocks)
		(void) PrefetchBuffer(index, MAIN_FORKNUM, block);
	/* a temporary table's buffers are few, and not side by side */
	if (buffer <= 0)
		return NULL;
	__builtin_prefetch(GetBufferDescriptor(buffer - 1), 1);
	return BufferGetPage(buffer);
}

/*
 * Some bytes of a page are going to be read soon, and what is looked at on every
 * page.
 */
void
ivf_page_touch(Relation index, BlockNumber block, uint32 offset, uint32 bytes)
{
	const char *page = ivf_page_ahead(index, block);

	if (page == NULL)
		return;
	ivf_touch(page, SizeOfPageHeaderData);
	ivf_touch(page + IVF_PAGE_SPECIAL, sizeof(IvfPageOpaqueData));
	if (offset < IVF_PAGE_SPECIAL)
		ivf_touch(page + offset, Min(bytes, IVF_PAGE_SPECIAL - offset));
}

/*
 * Pins, locks and checks a page.
 *
 * The kind is looked at before the lock is taken, too: it does not change once
 * something points to the page.  A pointer gone wrong may lead to a page that
 * the caller has locked already, and then to wait for the lock is to wait
 * forever, without a chance to be cancelled.
 */
Buffer
ivf_page_read(Relation index, BlockNumber block, IvfPageKind kind,
			  BlockNumber owner, int lockmode)
{
	Buffer		buffer;
	Page		page;

	if (block == InvalidBlockNumber)
		ivf_corrupted(index, IVF_META_BLOCK, "a pointer to a page is invalid");
	check_exists(index, block);
	buffer = read_page(index, block);
	page = BufferGetPage(buffer);
	if (((PageHeader) page)->pd_special == IVF_PAGE_SPECIAL &&
		IvfOpaque(page)->kind != kind)
		ivf_corrupted(index, block, "the page is of kind %u, expected %u",
					  IvfOpaque(page)->kind, kind);
	LockBuffer(buffer, lockmode);
	ivf_page_check(index, block, page, kind, owner);
	return buffer;
}

/*
 * Pins, locks for reading and checks a page whose entries are to be those that
 * a snapshot sees.  What a scan might miss an entry on is read through here:
 * under old_snapshot_threshold VACUUM takes out entries that old snapshots see,
 * and the heap, which would complain, is never asked for a row that has no
 * entry.  Without a snapshot, what is there now is what is wanted.
 */
Buffer
ivf_page_scan(Relation index, Snapshot snapshot, BlockNumber block,
			  IvfPageKind kind, BlockNumber owner)
{
	Buffer		buffer = ivf_page_read(index, block, kind, owner,
									   BUFFER_LOCK_SHARE);

	compat_test_old_snapshot(snapshot, index, BufferGetPage(buffer));
	return buffer;
}

/*
 * The page after this one in its chain, or an invalid block.
 */
BlockNumber
ivf_page_next(Relation index, BlockNumber block, Page page)
{
	BlockNumber next = IvfOpaque(page)->next;

	if (next != InvalidBlockNumber && next <= block)
		ivf_corrupted(index, block, "the chain turns back to block %u", next);
	return next;
}

/*
 * Adds count adjacent pages of zeros to the file and returns the first.  The
 * extension lock is ours alone meanwhile, so nobody's page comes between.
 * Extensions are not WAL-logged: after a crash such pages may be there without
 * anybody who knows them, and every reader must bear that.
 */
BlockNumber
ivf_extend(Relation index, int count)
{
	BlockNumber first = InvalidBlockNumber;
	int			i;

	LockRelationForExtension(index, ExclusiveLock);
	for (i = 0; i < count; i++)
	{
		Buffer		buffer = compat_extend(index, MAIN_FORKNUM);

		if (i == 0)
			first = BufferGetBlockNumber(buffer);
		ReleaseBuffer(buffer);
	}
	UnlockRelationForExtension(index, ExclusiveLock);
	return first;
}

/*
 * Pins and locks a page from ivf_extend(), to be initialised.
 */
Buffer
ivf_page_claim(Relation index, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(index, block);

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	return buffer;
}

/*
 * Starts a sequence of records.
 */
void
ivf_change_begin(IvfChange *change, Relation index)
{
	change->index = index;
	change->state = GenericXLogStart(index);
	change->count = 0;
}

/*
 * Hands over a pinned and exclusively locked buffer; returns the image to
 * change.  whole asks for a full page image: for new pages.
 *
 * A fifth page begins a new record: those before are written and released.
 * So whatever makes the rest reachable must be handed over last, and the
 * sequence may be cut by a crash at any point before it.
 *
 * Registering a buffer twice would silently give the first image again, and
 * after PageInit lose what was put there: hence the assertion.
 */
Page
ivf_change_page(IvfChange *change, Buffer buffer, bool whole)
{
	int			i;

	for (i = 0; i < change->count; i++)
	{
		if (change->buffers[i] == buffer)
			elog(ERROR, "buffer %d is already part of the change", buffer);
	}
	if (change->count == MAX_GENERIC_XLOG_PAGES)
	{
		ivf_change_finish(change);
		IVF_PAUSE("change cut");
		ivf_change_begin(change, change->index);
	}
	change->buffers[change->count] = buffer;
	change->pages[change->count] =
		GenericXLogRegisterBuffer(change->state, buffer,
								  whole ? GENERIC_XLOG_FULL_IMAGE : 0);
	return change->pages[change->count++];
}

/*
 * Writes the last record of the sequence and releases its buffers.
 */
void
ivf_change_finish(IvfChange *change)
{
	GenericXLogFinish(change->state);
	while (change->count > 0)
		UnlockReleaseBuffer(change->buffers[--change->count]);
}
