/*
 * format.h
 *	  Every byte of an ivf index on disk.  Nothing else defines any of it.
 *
 * src/README.md draws the picture and does the arithmetic.  In short: block 0
 * is the metapage; chains of mean pages hold the mean, chains of TID pages the
 * rows that have no place among the lists; a node of the tree is a chain of
 * code pages, on which blocks of 32 entries run on; the rows that refine the
 * entries stand on refine pages, in runs of 32 for a block.
 */
#ifndef VECFEAT_FORMAT_H
#define VECFEAT_FORMAT_H

#include "compat.h"

#include "access/transam.h"
#include "storage/block.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"

#include "ground/kernel.h"
#include "ground/stoprule.h"

#define IVF_MAGIC			0x49564631
#define IVF_FORMAT_VERSION	5
#define IVF_META_BLOCK		0
#define IVF_PAGE_ID			0xFF97

/* dimensions that an index takes; 16,000 would need no other format */
#define IVF_MAX_DIM			2000

typedef enum IvfPageKind
{
	IVF_META_PAGE = 1,
	IVF_MEAN_PAGE = 2,
	IVF_TIDS_PAGE = 3,
	IVF_CODE_PAGE = 4,
	IVF_REFINE_PAGE = 5
} IvfPageKind;

/*
 * Special area of every page.  A chain's pages stand in ascending block order,
 * so a walk along it ends.
 */
typedef struct IvfPageOpaqueData
{
	union
	{
		struct
		{
			/* first page of a chain: where inserts look for room first; a hint */
			BlockNumber room;

			/* metapage: the refine page on which the next run may begin; a hint */
			BlockNumber rows;
		}			live;
		FullTransactionId deleted;	/* kept for pages that are given back */
	}			u;
	BlockNumber next;			/* next page of the chain, or invalid */
	BlockNumber owner;			/* first page of the chain; invalid on refine
								 * pages, which lists share */
	uint32		generation;		/* of the node; 0 until nodes are replaced */
	uint16		first;			/* code page: offset of the first block head, or 0 */
	uint8		level;			/* code page: 0 in a leaf */
	uint8		flags;
	uint16		kind;			/* IvfPageKind */
	uint16		page_id;		/* IVF_PAGE_ID */
} IvfPageOpaqueData;

typedef IvfPageOpaqueData *IvfPageOpaque;

/*
 * The bytes of a page that hold data, as offsets from its start: whole columns
 * of 16 bytes, so that the page's end never cuts one.
 */
#define IVF_COLUMN			16
#define IVF_PAGE_START		MAXALIGN(SizeOfPageHeaderData)
#define IVF_PAGE_SPECIAL	(BLCKSZ - MAXALIGN(sizeof(IvfPageOpaqueData)))
#define IVF_PAGE_BYTES \
	((IVF_PAGE_SPECIAL - IVF_PAGE_START) / IVF_COLUMN * IVF_COLUMN)
#define IVF_PAGE_END		(IVF_PAGE_START + IVF_PAGE_BYTES)

/*
 * The special area, where it has to be.  Where pd_special says it is may be
 * beyond the page, and whoever has not called ivf_page_check() yet would look
 * there, or take a page for one of another kind.
 */
static inline IvfPageOpaque
IvfOpaque(Page page)
{
	return (IvfPageOpaque) ((char *) page + IVF_PAGE_SPECIAL);
}

/*
 * When a search has read enough lists, and what the index was when that was
 * found out.
 */
typedef struct IvfCalibration
{
	uint32		queries;		/* that were sampled; 0: it is the built-in rule */
	BlockNumber blocks;			/* of the file, then */
	float8		entries;		/* live, then */
	float8		removed;		/* hint: entries that VACUUM has taken out since */
	StopRule	rule;
} IvfCalibration;

/*
 * Metapage.  All is frozen when the index is built, but for what stands at the
 * end: hints, which VACUUM refreshes, and the calibration, which may be made
 * again.
 */
typedef struct IvfMetaData
{
	uint32		magic;
	uint32		version;
	uint16		metric;			/* Metric */
	uint16		element_type;	/* IvfElementType */
	uint32		dimensions;
	uint64		seed;			/* of the rotation */
	uint32		rotation_version;
	uint32		height;			/* levels of the tree: 1 is a lone leaf */
	BlockNumber root;
	BlockNumber mean;
	BlockNumber nans;			/* rows without a direction; cosine only */
	BlockNumber nulls;
	uint32		leaves;
	int32		lists_option;	/* WITH (lists) at the build */
	BlockNumber rows_first;		/* pages from here to the one before rows_end */
	BlockNumber rows_end;		/* are refine pages, filled by the build */
	float8		entries;		/* hint: live entries */
	float8		dead_slots;		/* hint: slots that inserts can reuse */
	IvfCalibration calibration;
} IvfMetaData;

#define IvfMeta(page)		((IvfMetaData *) PageGetContents(page))

typedef enum IvfElementType
{
	IVF_FLOAT4 = 1
} IvfElementType;

/*
 * Head of a block of 32 entries: always on one page.  A slot is dead when its
 * TID is invalid, and only then; add is +infinity in a dead slot and nowhere
 * else.  In an inner node the TID is (first page of the child, 1).
 *
 * The columns follow: 4 bytes for each padded dimension, 16 a column, running
 * on over page ends.
 */
typedef struct IvfBlockHead
{
	ItemPointerData tid[VEC_BLOCK];
	float4		add[VEC_BLOCK];
	float4		scale[VEC_BLOCK];
	float4		err[VEC_BLOCK];
	BlockNumber rows;			/* page where the run of rows begins */
	BlockNumber rows_rest;		/* first of the adjacent pages where it goes on */
	uint16		rows_offset;	/* where it begins on its page */
	uint16		unused[3];		/* a whole number of columns' bytes */
} IvfBlockHead;

#define IVF_COLUMN_BYTES(n)	(4 * (n))

/* flags of a row */
#define IVF_ROW_REENCODED	0x0001	/* encoded from codes, not from the heap row */

/*
 * Head of a row of a leaf, always on one page; n bytes of code follow it,
 * running on over a page end.
 */
typedef struct IvfRowHead
{
	ItemPointerData tid;
	uint16		flags;
	float4		t;
	float4		norm;
	float4		code_norm;
	float4		error;
	float4		g;
} IvfRowHead;

/*
 * Head of a row of an inner node; n float4 of the child's centroid follow.
 */
typedef struct IvfChildHead
{
	ItemPointerData tid;		/* as in the block: (first page of the child, 1) */
	uint16		flags;
	float4		radius;			/* no entry below the child is farther from its
								 * centroid; rounded up */
} IvfChildHead;

#define IVF_ROW_HEAD(level) \
	((level) == 0 ? sizeof(IvfRowHead) : sizeof(IvfChildHead))
#define IVF_ROW_BODY(level, n) \
	((level) == 0 ? (size_t) (n) : sizeof(float4) * (n))

/* TID pages hold an array of TIDs, invalid ones dead */
#define IVF_TIDS_PER_PAGE	(IVF_PAGE_BYTES / sizeof(ItemPointerData))
#define IvfPageTids(page)	((ItemPointer) ((char *) (page) + IVF_PAGE_START))

StaticAssertDecl(sizeof(IvfPageOpaqueData) == 32, "special area has padding");
StaticAssertDecl(sizeof(IvfBlockHead) == 592, "block head has padding");
StaticAssertDecl(sizeof(IvfRowHead) == 28, "row head has padding");
StaticAssertDecl(sizeof(IvfChildHead) == 12, "child head has padding");
StaticAssertDecl(sizeof(IvfCalibration) == 344, "calibration has padding");
StaticAssertDecl(sizeof(IvfMetaData) == 424, "metapage has padding");
StaticAssertDecl(sizeof(IvfBlockHead) <= IVF_PAGE_BYTES, "pages are too small");

/*
 * A place in a stream of items that run on across pages: page counts from the
 * stream's first.
 */
typedef struct IvfPlace
{
	uint32		page;
	uint32		offset;
} IvfPlace;

/*
 * Moves on to where a head of so many bytes can stand.
 */
static inline void
place_head(IvfPlace *place, uint32 bytes)
{
	if (place->offset + bytes > IVF_PAGE_END)
	{
		place->page++;
		place->offset = IVF_PAGE_START;
	}
}

/*
 * Moves past bytes that may run on over page ends.
 */
static inline void
place_advance(IvfPlace *place, uint32 bytes)
{
	place->offset += bytes;
	while (place->offset > IVF_PAGE_END)
	{
		place->offset -= IVF_PAGE_BYTES;
		place->page++;
	}
}

#endif							/* VECFEAT_FORMAT_H */
