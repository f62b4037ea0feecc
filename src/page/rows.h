/*
 * rows.h
 *	  The rows that refine the entries of a block.
 */
#ifndef VECFEAT_ROWS_H
#define VECFEAT_ROWS_H

#include "page/page.h"

/*
 * Where the 32 rows of a block lie, and how long they are: a stream that
 * begins on page first at offset, goes on at page rest and then on the pages
 * that follow that one.
 */
typedef struct IvfRun
{
	BlockNumber first;
	BlockNumber rest;
	uint32		offset;
	uint32		head;			/* bytes of a row's head */
	uint32		body;			/* bytes that follow, over page ends */
} IvfRun;

static inline IvfRun
ivf_run_of(const IvfBlockHead *head, int level, int n)
{
	IvfRun		run = {head->rows, head->rows_rest, head->rows_offset,
	IVF_ROW_HEAD(level), IVF_ROW_BODY(level, n)};

	return run;
}

/* block of the page-th page of a run */
static inline BlockNumber
ivf_run_block(const IvfRun *run, uint32 page)
{
	return page == 0 ? run->first : run->rest + page - 1;
}

extern IvfPlace ivf_row_place(const IvfRun *run, int row);

/* block on which a row's head stands */
static inline BlockNumber
ivf_row_block(const IvfRun *run, int row)
{
	return ivf_run_block(run, ivf_row_place(run, row).page);
}

/*
 * Can the head of one of these rows stand there?  Rows are whole numbers of
 * float4 long, so all of them are aligned.
 */
static inline bool
ivf_row_fits(const IvfRun *run, Page page, uint32 offset)
{
	return offset >= IVF_PAGE_START && offset % sizeof(float4) == 0 &&
		offset + run->head <= ((PageHeader) page)->pd_lower;
}

/*
 * Called with the head and the body of a row, while its page may be locked: it
 * must not read another.
 */
typedef void (*IvfRowFunction) (int row, const void *head, const void *body,
								void *arg);

extern void ivf_row_touch(Relation index, const IvfRun *run, int row);
extern IvfPlace ivf_run_end(const IvfRun *run);
extern void ivf_row_read(Relation index, Snapshot snapshot, const IvfRun *run,
						 int row, void *head, void *body);
extern void ivf_run_read(Relation index, Snapshot snapshot, const IvfRun *run,
						 void *rows);
extern void ivf_run_visit(Relation index, Snapshot snapshot, const IvfRun *run,
						  uint32 wanted, void *room, IvfRowFunction function,
						  void *arg);
extern float4 ivf_row_raise_radius(Relation index, const IvfRun *run, int row,
								   BlockNumber child, float4 radius);

#endif							/* VECFEAT_ROWS_H */
