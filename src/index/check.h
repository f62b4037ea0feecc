/*
 * check.h
 *	  The steps of ivf_check().
 */
#ifndef VECFEAT_CHECK_H
#define VECFEAT_CHECK_H

#include "compat.h"

#include "index/sorter.h"
#include "index/space.h"
#include "page/rows.h"

typedef struct IvfCheckHeap IvfCheckHeap;	/* checkheap.c */
typedef struct IvfCheckCells IvfCheckCells; /* checkcell.c */

typedef struct IvfCheck
{
	Relation	heap;
	Relation	index;
	IvfMetaData meta;
	IvfSpace   *space;
	int			n;				/* padded dimensions */
	BlockNumber blocks;			/* pages of the file when the check began, */
	BlockNumber blocks_now;		/* and when it was last looked at */
	BlockNumber heap_blocks;	/* likewise of the table */
	uint8	   *reached;		/* a bit for each of blocks: is it in a chain? */
	uint32		leaves;			/* reached */
	IvfSorter  *tids;			/* (TID, where it stands), of all entries */
	IvfSorter  *extents;		/* (begin, end, code page), of all runs */
	IvfCheckCells *cells;		/* NULL if lists are no cells */
	IvfCheckHeap *rows;			/* NULL if the heap is not to be compared */

	/* room for what is computed anew */
	double	   *v;				/* n */
	float4	   *residual;		/* n */
	uint8	   *nibbles;		/* n / 4 */
	IvfEntry   *entry;
} IvfCheck;

/*
 * A copy of a block: its head, and what its live entries' columns and rows are.
 */
typedef struct IvfCheckBlock
{
	BlockNumber block;			/* page of the head, */
	uint32		offset;			/* and where it stands there */
	IvfBlockHead head;
	IvfRun		run;
	uint8	   *columns;
	char	   *rows;
} IvfCheckBlock;

/*
 * A node being walked; parent leads to those above it.
 */
typedef struct IvfCheckNode
{
	struct IvfCheckNode *parent;	/* NULL: the root */
	BlockNumber node;
	int			level;
	const float4 *centroid;
	IvfRun		run;			/* where its row in the parent lies */
	int			row;
	double		needed;			/* the radius that the entries seen call for, */
	BlockNumber needed_by;		/* and the page of the one that calls for it */

	/* where the walk stands */
	BlockNumber block;
	uint32		offset;
	uint32		carry;			/* bytes of columns left for the next page */
	bool		entered;		/* has the page's beginning been looked at? */
	BlockNumber room;			/* as the first page says; invalid once it was met */
	IvfCheckBlock current;
} IvfCheckNode;

/* check.c */
extern void ivf_check_pointer(IvfCheck *check, BlockNumber from, BlockNumber to,
							  const char *what);
extern void ivf_check_reach(IvfCheck *check, BlockNumber block);
extern void ivf_check_tid(IvfCheck *check, BlockNumber block, uint32 offset,
						  int slot, ItemPointer tid);

/* checkmeta.c */
extern void ivf_check_meta(IvfCheck *check);
extern void ivf_check_chains(IvfCheck *check);

/* checknode.c */
extern void ivf_check_tree(IvfCheck *check);
extern void ivf_check_need(IvfCheckNode *node, double radius, BlockNumber block);

/* checkentry.c */
pg_noreturn extern void ivf_slot_corrupted(IvfCheck *check, const IvfCheckBlock *block, int slot,
							   const char *detail,...) pg_attribute_printf(4, 5);
pg_noreturn extern void ivf_row_corrupted(IvfCheck *check, const IvfCheckBlock *block, int row,
							  const char *detail,...) pg_attribute_printf(4, 5);
extern void ivf_check_slots(IvfCheck *check, IvfCheckNode *node);
extern void ivf_check_entry(IvfCheck *check, IvfCheckNode *node, int slot);
extern BlockNumber ivf_check_child(IvfCheck *check, IvfCheckNode *node, int slot);

/* checkcell.c */
extern void ivf_check_cells_begin(IvfCheck *check);
extern void ivf_check_cell(IvfCheck *check, uint32 leaf, const float4 *centroid);
extern void ivf_check_in_cell(IvfCheck *check, IvfCheckNode *node, int slot,
							  const IvfRowHead *row, const int8 *code);

/* checkpages.c */
extern void ivf_check_pages(IvfCheck *check);

/* checkheap.c */
extern IvfCheckHeap *ivf_check_heap_begin(IvfCheck *check);
extern void ivf_check_heap_entry(IvfCheck *check, IvfCheckNode *node, int slot);
extern void ivf_check_heap_chain(IvfCheck *check, BlockNumber block,
								 ItemPointer tid, bool nulls);
extern void ivf_check_heap_pause(IvfCheck *check);
extern IvfSorter *ivf_check_heap_scan(IvfCheck *check);
extern void ivf_check_heap_end(IvfCheck *check);

/* checksort.c */
extern void ivf_check_extents(IvfCheck *check);
extern void ivf_check_tids(IvfCheck *check);

/* a row of a block's run, its head and then its body */
static inline const char *
ivf_check_row(const IvfCheckBlock *block, int row)
{
	return block->rows + (Size) row * (block->run.head + block->run.body);
}

#endif							/* VECFEAT_CHECK_H */
