/*
 * ivf_damage.c
 *	  Damages an index of a running server, and takes the damage back.
 *
 * Pages are changed in the buffers, without WAL: a damage costs microseconds,
 * and no restart.
 */
#include "compat.h"

#include <fcntl.h>
#include <unistd.h>

#include "access/relation.h"
#include "catalog/storage.h"
#include "damage.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_MODULE_MAGIC;

/* an index as it was */
typedef struct Image
{
	struct Image *next;
	Oid			index;
	uint32		count;
	char	  **page;
} Image;

static Image *images = NULL;

static void
read_page(Relation index, BlockNumber block, char *copy)
{
	Buffer		buffer = ReadBuffer(index, block);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(copy, BufferGetPage(buffer), BLCKSZ);
	UnlockReleaseBuffer(buffer);
}

static Image *
image_of(Oid oid)
{
	Image	   *image = images;

	while (image && image->index != oid)
		image = image->next;
	if (image == NULL)
		elog(ERROR, "there is no image of index %u", oid);
	return image;
}

/*
 * Sets a page, which is added to the file if it does not have it.
 */
static void
write_page(Relation index, BlockNumber block, const char *page)
{
	Buffer		buffer;

	while (RelationGetNumberOfBlocks(index) <= block)
	{
		LockRelationForExtension(index, ExclusiveLock);
		ReleaseBuffer(compat_extend(index, MAIN_FORKNUM));
		UnlockRelationForExtension(index, ExclusiveLock);
	}
	buffer = ReadBuffer(index, block);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (memcmp(BufferGetPage(buffer), page, BLCKSZ) != 0)
	{
		memcpy(BufferGetPage(buffer), page, BLCKSZ);
		MarkBufferDirty(buffer);
	}
	UnlockReleaseBuffer(buffer);
}

/* adds bytes that are no whole page to the end of the file */
static void
write_tail(const char *path, int bytes)
{
	char		garbage[BLCKSZ];
	int			file = open(path, O_WRONLY | O_APPEND);

	memset(garbage, 0x5A, sizeof(garbage));
	if (file < 0 || write(file, garbage, bytes) != bytes)
		elog(ERROR, "could not write to \"%s\"", path);
	close(file);
}

static void
write_pages(Relation index, char **page, uint32 count)
{
	uint32		i;

	if (RelationGetNumberOfBlocks(index) > count)
		RelationTruncate(index, count);
	for (i = 0; i < count; i++)
		write_page(index, i, page[i]);
	/* what sessions remember of the file's length is of another file now */
	CacheInvalidateRelcache(index);
}

PG_FUNCTION_INFO_V1(ivf_damage_keep);

/*
 * Keeps an image of an index for this session, to be gone back to.
 */
Datum
ivf_damage_keep(PG_FUNCTION_ARGS)
{
	Relation	index = relation_open(PG_GETARG_OID(0), AccessShareLock);
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Image	   *image = palloc0(sizeof(Image));
	uint32		i;

	image->index = RelationGetRelid(index);
	image->count = RelationGetNumberOfBlocks(index);
	image->page = palloc(sizeof(char *) * image->count);
	for (i = 0; i < image->count; i++)
	{
		image->page[i] = palloc(BLCKSZ);
		read_page(index, i, image->page[i]);
	}
	image->next = images;
	images = image;
	MemoryContextSwitchTo(old);
	relation_close(index, AccessShareLock);
	PG_RETURN_INT32(image->count);
}

PG_FUNCTION_INFO_V1(ivf_damage);

/*
 * Damages an index, of which an image was kept: (index, seed, path of its
 * file).  Returns in words how.
 */
Datum
ivf_damage(PG_FUNCTION_ARGS)
{
	Relation	index = relation_open(PG_GETARG_OID(0), AccessExclusiveLock);
	Image	   *image = image_of(RelationGetRelid(index));
	char	   *words = palloc(DAMAGE_TEXT);
	DamageFile	file;
	uint32		i;

	file.count = image->count;
	file.page = palloc(sizeof(char *) * (image->count + DAMAGE_NEW_PAGES));
	for (i = 0; i < image->count + DAMAGE_NEW_PAGES; i++)
	{
		file.page[i] = palloc0(BLCKSZ);
		if (i < image->count)
			memcpy(file.page[i], image->page[i], BLCKSZ);
	}
	damage_make((uint64) PG_GETARG_INT64(1), &file, words);
	write_pages(index, file.page, file.count);
	if (file.tail > 0 && file.count < image->count)
		write_tail(text_to_cstring(PG_GETARG_TEXT_PP(2)), file.tail);
	relation_close(index, AccessExclusiveLock);
	PG_RETURN_TEXT_P(cstring_to_text(words));
}

PG_FUNCTION_INFO_V1(ivf_damage_undo);

/*
 * Makes an index what its image is.
 */
Datum
ivf_damage_undo(PG_FUNCTION_ARGS)
{
	Relation	index = relation_open(PG_GETARG_OID(0), AccessExclusiveLock);
	Image	   *image = image_of(RelationGetRelid(index));

	write_pages(index, image->page, image->count);
	relation_close(index, AccessExclusiveLock);
	PG_RETURN_VOID();
}
