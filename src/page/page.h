/*
 * page.h
 *	  Reading, checking, making and changing pages of an ivf index.
 */
#ifndef VECFEAT_PAGE_H
#define VECFEAT_PAGE_H

#include "access/generic_xlog.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "page/format.h"

extern void ivf_page_init(Page page, IvfPageKind kind, int level,
						  BlockNumber owner);
extern Buffer ivf_page_read(Relation index, BlockNumber block,
							IvfPageKind kind, BlockNumber owner, int lockmode);
extern Buffer ivf_page_scan(Relation index, Snapshot snapshot,
							BlockNumber block, IvfPageKind kind,
							BlockNumber owner);
/*
 * Asks the processor to have so many bytes at hand soon.
 */
static inline void
ivf_touch(const void *at, uint32 bytes)
{
	uint32		i;

	for (i = 0; i < bytes; i += 64)
		__builtin_prefetch((const char *) at + i);
	__builtin_prefetch((const char *) at + bytes - 1);
}

extern const char *ivf_page_ahead(Relation index, BlockNumber block);
extern void ivf_page_touch(Relation index, BlockNumber block, uint32 offset,
						   uint32 bytes);
extern void ivf_page_check(Relation index, BlockNumber block, Page page,
						   IvfPageKind kind, BlockNumber owner);
extern Buffer ivf_page_claim(Relation index, BlockNumber block);
extern BlockNumber ivf_extend(Relation index, int count);
extern BlockNumber ivf_page_next(Relation index, BlockNumber block, Page page);
pg_noreturn extern void ivf_corrupted(Relation index, BlockNumber block, const char *detail,...) pg_attribute_printf(3, 4);

/*
 * A sequence of WAL records that change pages.  Pages are changed in the copy
 * that ivf_change_page() returns; ivf_change_finish() writes them back, and
 * releases and unlocks the buffers that were handed over.
 */
typedef struct IvfChange
{
	Relation	index;
	GenericXLogState *state;
	int			count;
	Buffer		buffers[MAX_GENERIC_XLOG_PAGES];
	Page		pages[MAX_GENERIC_XLOG_PAGES];
} IvfChange;

extern void ivf_change_begin(IvfChange *change, Relation index);
extern Page ivf_change_page(IvfChange *change, Buffer buffer, bool whole);
extern void ivf_change_finish(IvfChange *change);

#endif							/* VECFEAT_PAGE_H */
