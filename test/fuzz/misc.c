/*
 * misc.c
 *	  Settings, catalogs and whatever else the index asks the server for.
 */
/* declared with other qualifiers in other versions */
#define heap_form_tuple			heap_form_tuple_of_the_server
#define tuplestore_putvalues	tuplestore_putvalues_of_the_server

#include "server.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "executor/executor.h"
#include "catalog/index.h"
#include "lib/pairingheap.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/tidbitmap.h"
#include "type/range.h"
#include "utils/acl.h"
#include "utils/snapmgr.h"

#undef heap_form_tuple
#undef tuplestore_putvalues

int			work_mem = 4096;
int			maintenance_work_mem = 65536;
int			wal_level = 0;
int			old_snapshot_threshold = -1;
int			XactIsoLevel = 1;
volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void
check_stack_depth(void)
{
	static const char *deepest = NULL;
	char		here;

	if (deepest == NULL)
		deepest = &here;
	if (deepest - &here > 1024 * 1024 || &here - deepest > 1024 * 1024)
		fault("the stack is %zd bytes deep", deepest - &here);
}

bool
RecoveryInProgress(void)
{
	return false;
}

bool
ItemPointerEquals(ItemPointer a, ItemPointer b)
{
	return ItemPointerGetBlockNumberNoCheck(a) == ItemPointerGetBlockNumberNoCheck(b) &&
		ItemPointerGetOffsetNumberNoCheck(a) == ItemPointerGetOffsetNumberNoCheck(b);
}

void
tbm_add_tuples(TIDBitmap *bitmap, const ItemPointer tids, int count, bool recheck)
{
	fault("no scan makes a bitmap here");
}

bool
range_read(Datum range, Oid center_type, Datum *center, double *radius)
{
	const RangeValue *value = (const RangeValue *) DatumGetPointer(range);

	*center = value->center;
	*radius = value->radius;
	return true;
}

void
vacuum_delay_point(void)
{
}

void
pgstat_progress_update_param(int index, int64 value)
{
}

void
pgstat_progress_update_multi_param(int count, const int *index, const int64 *value)
{
}

/* Users and settings. */

int
NewGUCNestLevel(void)
{
	return 1;
}

int
set_config_option(void)
{
	return 1;
}

void
TestForOldSnapshot_impl(Snapshot snapshot, Relation relation)
{
	fault("no snapshot is too old here");
}

void
AtEOXact_GUC(bool commit, int level)
{
}

void
RestrictSearchPath(void)
{
}

Oid
GetUserId(void)
{
	return 10;
}

void
GetUserIdAndSecContext(Oid *user, int *security)
{
	*user = 10;
	*security = 0;
}

void
SetUserIdAndSecContext(Oid user, int security)
{
}

bool
has_privs_of_role(Oid member, Oid role)
{
	return true;
}

bool
pg_class_ownercheck(Oid relation, Oid role)
{
	return true;
}

AclResult
pg_class_aclcheck(Oid relation, Oid role, AclMode mode)
{
	return ACLCHECK_OK;
}

bool
object_ownercheck(Oid class, Oid object, Oid role)
{
	return true;
}

void
aclcheck_error(AclResult result, ObjectType type, const char *name)
{
	fault("no right on %s", name);
}

/* Relations and catalogs. */

Relation
relation_open(Oid oid, LOCKMODE mode)
{
	return oid == heap_relation.rd_id ? &heap_relation : &index_relation;
}

Relation
table_open(Oid oid, LOCKMODE mode)
{
	return relation_open(oid, mode);
}

void
relation_close(Relation relation, LOCKMODE mode)
{
}

void
table_close(Relation relation, LOCKMODE mode)
{
}

void
index_close(Relation relation, LOCKMODE mode)
{
}

void
pgstat_assoc_relation(Relation relation)
{
}

Oid
IndexGetRelation(Oid index, bool missing)
{
	return heap_relation.rd_id;
}

Oid
get_index_am_oid(const char *name, bool missing)
{
	return index_relation.rd_rel->relam;
}

char *
get_rel_name(Oid oid)
{
	return "rows";
}

Oid
getBaseTypeAndTypmod(Oid type, int32 *typmod)
{
	return type;
}

extern Datum vecfeat_ivf_vector_l2(PG_FUNCTION_ARGS);
extern Datum vecfeat_ivf_vector_ip(PG_FUNCTION_ARGS);
extern Datum vecfeat_ivf_vector_cosine(PG_FUNCTION_ARGS);

FmgrInfo *
index_getprocinfo(Relation index, AttrNumber column, uint16 number)
{
	static FmgrInfo info;

	return &info;
}

/* the operator class is the only function that the index calls */
Datum
FunctionCall1Coll(FmgrInfo *info, Oid collation, Datum argument)
{
	static const PGFunction function[] = {vecfeat_ivf_vector_l2, vecfeat_ivf_vector_ip,
	vecfeat_ivf_vector_cosine};

	return function[heap_opclass] (NULL);
}

/* Values. */

void
dense_check_same_dim(int a, int b)
{
	if (a != b)
		fault("dimensions %d and %d", a, b);
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}

struct varlena *
pg_detoast_datum_copy(struct varlena *datum)
{
	void	   *copy = palloc(VARSIZE(datum));

	memcpy(copy, datum, VARSIZE(datum));
	return copy;
}

text *
cstring_to_text(const char *string)
{
	Size		size = VARHDRSZ + strlen(string);
	text	   *result = palloc(size);

	SET_VARSIZE(result, size);
	memcpy(VARDATA(result), string, size - VARHDRSZ);
	return result;
}

/* functions give rows, which nobody looks at */

int			result_columns;

int
get_call_result_type(FunctionCallInfo fcinfo, Oid *type, TupleDesc *desc)
{
	*desc = CreateTemplateTupleDesc(result_columns);
	return 1;					/* TYPEFUNC_COMPOSITE */
}

TupleDesc
BlessTupleDesc(TupleDesc desc)
{
	return desc;
}

HeapTupleData *
heap_form_tuple(TupleDesc desc, const Datum *values, const bool *nulls)
{
	return palloc0(sizeof(HeapTupleData));
}

Datum
HeapTupleHeaderGetDatum(struct HeapTupleHeaderData *tuple)
{
	return 0;
}

struct Tuplestorestate *
tuplestore_begin_heap(bool random, bool across_transactions, int memory)
{
	return NULL;
}

void
tuplestore_putvalues(struct Tuplestorestate *rows, TupleDesc desc,
					 const Datum *values, const bool *nulls)
{
	if (buffers_held())
		fault("a row is put into a store while a page is locked or pinned");
}

/* Executor. */

IndexScanDesc
RelationGetIndexScan(Relation index, int keys, int orderbys)
{
	IndexScanDesc scan = palloc0(sizeof(IndexScanDescData));

	scan->indexRelation = index;
	scan->heapRelation = &heap_relation;
	scan->xs_snapshot = &heap_snapshot;
	scan->numberOfKeys = keys;
	scan->numberOfOrderBys = orderbys;
	scan->keyData = palloc0(sizeof(ScanKeyData) * (keys + 1));
	scan->orderByData = palloc0(sizeof(ScanKeyData) * (orderbys + 1));
	return scan;
}

struct IndexInfo *
BuildIndexInfo(Relation index)
{
	IndexInfo  *info = makeNode(IndexInfo);

	info->ii_Context = CurrentMemoryContext;
	return info;
}

EState *
CreateExecutorState(void)
{
	return palloc0(sizeof(EState));
}

ExprContext *
MakePerTupleExprContext(EState *estate)
{
	estate->es_per_tuple_exprcontext = palloc0(sizeof(ExprContext));
	estate->es_per_tuple_exprcontext->ecxt_per_tuple_memory =
		AllocSetContextCreate(CurrentMemoryContext, "row", ALLOCSET_DEFAULT_SIZES);
	return estate->es_per_tuple_exprcontext;
}

void
FreeExecutorState(EState *estate)
{
	pfree(estate);
}

ExprState *
ExecPrepareQual(List *qual, EState *estate)
{
	return NULL;
}

Snapshot
GetTransactionSnapshot(void)
{
	return &heap_snapshot;
}

Snapshot
RegisterSnapshot(Snapshot snapshot)
{
	return snapshot;
}

void
UnregisterSnapshot(Snapshot snapshot)
{
}

bool
TransactionIdPrecedes(TransactionId a, TransactionId b)
{
	return a < b;
}

/* Blocks are sampled all. */

typedef struct BlockSamplerData *BlockSampler;
struct BlockSamplerData
{
	BlockNumber N;
	int			n;
	BlockNumber t;
};

BlockNumber
BlockSampler_Init(BlockSampler sampler, BlockNumber blocks, int wanted, uint32 seed)
{
	sampler->N = blocks;
	sampler->t = 0;
	return blocks;
}

bool
BlockSampler_HasMore(BlockSampler sampler)
{
	return sampler->t < sampler->N;
}

BlockNumber
BlockSampler_Next(BlockSampler sampler)
{
	return sampler->t++;
}

/* A pairing heap. */

pairingheap *
pairingheap_allocate(pairingheap_comparator compare, void *arg)
{
	pairingheap *heap = palloc0(sizeof(pairingheap));

	heap->ph_compare = compare;
	heap->ph_arg = arg;
	return heap;
}

static pairingheap_node *
meld(pairingheap *heap, pairingheap_node *a, pairingheap_node *b)
{
	if (a == NULL || b == NULL)
		return a ? a : b;
	if (heap->ph_compare(a, b, heap->ph_arg) < 0)
	{
		pairingheap_node *c = a;

		a = b;
		b = c;
	}
	b->next_sibling = a->first_child;
	a->first_child = b;
	return a;
}

void
pairingheap_add(pairingheap *heap, pairingheap_node *node)
{
	node->first_child = node->next_sibling = NULL;
	heap->ph_root = meld(heap, heap->ph_root, node);
}

pairingheap_node *
pairingheap_first(pairingheap *heap)
{
	return heap->ph_root;
}

pairingheap_node *
pairingheap_remove_first(pairingheap *heap)
{
	pairingheap_node *first = heap->ph_root;
	pairingheap_node *child = first->first_child;
	pairingheap_node *pairs = NULL;

	heap->ph_root = NULL;
	while (child)
	{
		pairingheap_node *a = child;
		pairingheap_node *b = a->next_sibling;

		child = b ? b->next_sibling : NULL;
		a->next_sibling = NULL;
		if (b)
			b->next_sibling = NULL;
		a = meld(heap, a, b);
		a->next_sibling = pairs;
		pairs = a;
	}
	while (pairs)
	{
		pairingheap_node *next = pairs->next_sibling;

		pairs->next_sibling = NULL;
		heap->ph_root = meld(heap, heap->ph_root, pairs);
		pairs = next;
	}
	return first;
}
