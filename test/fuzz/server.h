/*
 * server.h
 *	  Stand-ins for the parts of the server that the index calls, so that the
 *	  sanitizers see every access: each page, each palloc() is an allocation of
 *	  its own.
 */
#ifndef VECFEAT_FUZZ_SERVER_H
#define VECFEAT_FUZZ_SERVER_H

#include "compat.h"

#include <setjmp.h>

#include "storage/block.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/*
 * Says what is wrong and ends the program: for what no error may hide.
 */
pg_noreturn extern void fault(const char *format,...) pg_attribute_printf(1, 2);
extern const char *fault_context;	/* put before it */

/* error.c: the error that was thrown last */
typedef struct ThrownError
{
	int			code;
	char		message[512];
	char		hint[256];
} ThrownError;

extern ThrownError thrown;

/*
 * Runs a function; false if it has thrown an error.
 */
extern bool attempt(void (*function) (void *), void *arg);

/* memory.c */
extern void memory_begin(void);

/* buffers.c: the index's pages */
extern RelationData index_relation;
extern uint32 buffer_count;
extern char **buffer_page;
extern void buffers_load(char **page, uint32 count, int tail);
extern void buffers_watch(uint64 limit);
extern void buffers_release(void);
extern bool buffers_held(void);

/* misc.c: of the row that the function to be called is declared to give */
extern int	result_columns;

/* what stands for a range: range_read() takes it apart */
typedef struct RangeValue
{
	Datum		center;
	double		radius;
} RangeValue;

/* heap.c: the table, a row a TID */
typedef enum HeapState
{
	HEAP_FREE,
	HEAP_LIVE,
	HEAP_DEAD
} HeapState;

typedef struct HeapRow
{
	HeapState	state;
	struct Vector *value;		/* NULL for NULL */
	ItemPointerData tid;
} HeapRow;

#define HEAP_ROWS_PER_BLOCK	50

extern RelationData heap_relation;
extern HeapRow *heap_rows;
extern int	heap_count;
extern SnapshotData heap_snapshot;
extern void heap_begin(int opclass, int dim);
extern int	heap_add(const float4 *x);
extern void heap_forget(int count);
extern int	heap_find(ItemPointer tid);
extern int	heap_opclass;

#endif							/* VECFEAT_FUZZ_SERVER_H */
