/*
 * compat.h
 *	  What differs among PostgreSQL 14 to 18: every version test of the tree
 *	  stands here.
 */
#ifndef VECFEAT_COMPAT_H
#define VECFEAT_COMPAT_H

#include "postgres.h"
#include "fmgr.h"

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 190000
#error "vecfeat needs PostgreSQL 14 to 18"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * Soft errors came with 16: there an input function reports through
 * fcinfo->context and returns; before, the same code throws.
 */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
#define ereturn(context, dummy_value, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

/*
 * In 18 a word before the declaration took the place of an attribute behind it.
 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/*
 * Appends a page of zeros to a relation whose extension lock the caller holds
 * (or that nobody else can see); returns its buffer, pinned and not locked.
 */
#if PG_VERSION_NUM >= 160000
#define compat_extend(relation, fork) \
	ExtendBufferedRel(BMR_REL(relation), fork, NULL, EB_SKIP_EXTENSION_LOCK)
#else
#define compat_extend(relation, fork) \
	ReadBufferExtended(relation, fork, P_NEW, RBM_NORMAL, NULL)
#endif

/*
 * Pins a block of a relation if it is in the given buffer; false if not.
 */
#if PG_VERSION_NUM >= 160000
#define compat_read_recent(relation, block, buffer) \
	ReadRecentBuffer((relation)->rd_locator, MAIN_FORKNUM, block, buffer)
#else
#define compat_read_recent(relation, block, buffer) \
	ReadRecentBuffer((relation)->rd_node, MAIN_FORKNUM, block, buffer)
#endif

/*
 * Read streams came with 17; before, a stream reads one page after the other.
 */
#if PG_VERSION_NUM >= 180000
#include "storage/read_stream.h"
#define COMPAT_STREAM_MAINTENANCE \
	(READ_STREAM_MAINTENANCE | READ_STREAM_FULL | READ_STREAM_USE_BATCHING)
#elif PG_VERSION_NUM >= 170000
#include "storage/read_stream.h"
#define COMPAT_STREAM_MAINTENANCE	(READ_STREAM_MAINTENANCE | READ_STREAM_FULL)
#else
#include "storage/bufmgr.h"
#include "utils/rel.h"
#define COMPAT_STREAM_MAINTENANCE	0

typedef struct ReadStream ReadStream;
typedef BlockNumber (*ReadStreamBlockNumberCB) (ReadStream *stream, void *arg,
												void *per_buffer_data);
struct ReadStream
{
	Relation	relation;
	ForkNumber	fork;
	BufferAccessStrategy strategy;
	ReadStreamBlockNumberCB callback;
	void	   *arg;
};

static inline ReadStream *
read_stream_begin_relation(int flags, BufferAccessStrategy strategy,
						   Relation relation, ForkNumber fork,
						   ReadStreamBlockNumberCB callback, void *arg,
						   size_t per_buffer_data_size)
{
	ReadStream *stream = (ReadStream *) palloc(sizeof(ReadStream));

	stream->relation = relation;
	stream->fork = fork;
	stream->strategy = strategy;
	stream->callback = callback;
	stream->arg = arg;
	return stream;
}

static inline Buffer
read_stream_next_buffer(ReadStream *stream, void **per_buffer_data)
{
	BlockNumber block = stream->callback(stream, stream->arg, NULL);

	return block == InvalidBlockNumber ? InvalidBuffer :
		ReadBufferExtended(stream->relation, stream->fork, block, RBM_NORMAL,
						   stream->strategy);
}

static inline void
read_stream_reset(ReadStream *stream)
{
}

static inline void
read_stream_end(ReadStream *stream)
{
	pfree(stream);
}
#endif

/*
 * Counts the start of an index scan, in the statistics and, since 18, for
 * EXPLAIN.
 */
#if PG_VERSION_NUM >= 180000
#define compat_count_index_scan(scan) \
	do { \
		pgstat_count_index_scan((scan)->indexRelation); \
		if ((scan)->instrument) \
			(scan)->instrument->nsearches++; \
	} while (0)
#else
#define compat_count_index_scan(scan) \
	pgstat_count_index_scan((scan)->indexRelation)
#endif

#if PG_VERSION_NUM >= 180000
#define compat_vacuum_delay_point()	vacuum_delay_point(false)
#else
#define compat_vacuum_delay_point()	vacuum_delay_point()
#endif

#if PG_VERSION_NUM >= 180000
#define compat_begin_index_scan(heap, index, snapshot, keys, orderbys) \
	index_beginscan(heap, index, snapshot, NULL, keys, orderbys)
#else
#define compat_begin_index_scan(heap, index, snapshot, keys, orderbys) \
	index_beginscan(heap, index, snapshot, keys, orderbys)
#endif

/* since 18 an extension may add to what EXPLAIN tells of a node */
#if PG_VERSION_NUM >= 180000
#define COMPAT_EXPLAINS_NODES
#endif

/*
 * Since 18 paths are compared by the number of disabled nodes first, and an
 * infinite cost alone does not rule one out.
 */
#if PG_VERSION_NUM >= 180000
#define compat_disable_path(index_path) \
	((index_path)->path.disabled_nodes = 2)
#else
#define compat_disable_path(index_path)	((void) 0)
#endif

/*
 * Raises "snapshot too old" where old_snapshot_threshold has let VACUUM take
 * out of a page what the snapshot sees.  17 has no such setting.
 */
#if PG_VERSION_NUM < 170000
#define compat_test_old_snapshot(snapshot, relation, page) \
	TestForOldSnapshot(snapshot, relation, page)
#else
#define compat_test_old_snapshot(snapshot, relation, page) \
	((void) (snapshot))
#endif

/* a prefix of settings that only this module defines */
#if PG_VERSION_NUM >= 150000
#define compat_reserve_settings(prefix)	MarkGUCPrefixReserved(prefix)
#else
#define compat_reserve_settings(prefix)	EmitWarningsOnPlaceholders(prefix)
#endif

/* what a check hook hands to the assign hook: the server frees it its own way */
#if PG_VERSION_NUM >= 160000
#define compat_guc_malloc(size)	guc_malloc(LOG, size)
#else
#define compat_guc_malloc(size)	malloc(size)
#endif

/*
 * What the code of a table's owner runs under in maintenance, in a nest level
 * of settings.  Since 17 that is a safe search_path, always.  Before, commands
 * keep the caller's, and functions in index expressions may count on it; but a
 * caller without the owner's rights must not choose what the owner runs.
 */
#if PG_VERSION_NUM >= 170000
#define compat_restrict_search_path(own)	RestrictSearchPath()
#else
#define compat_restrict_search_path(own) \
	do { \
		if (!(own)) \
			(void) set_config_option("search_path", "pg_catalog, pg_temp", \
									 PGC_USERSET, PGC_S_SESSION, \
									 GUC_ACTION_SAVE, true, 0, false); \
	} while (0)
#endif

#if PG_VERSION_NUM >= 170000
#define compat_can_build_in_parallel(am)	((am)->amcanbuildparallel = true)
#else
#define compat_can_build_in_parallel(am)	((void) 0)
#endif

#if PG_VERSION_NUM >= 160000
#define compat_owns_relation(relation, role) \
	object_ownercheck(RelationRelationId, relation, role)
#else
#define compat_owns_relation(relation, role)	pg_class_ownercheck(relation, role)
#endif

/* may the role do to a relation what REINDEX and VACUUM do?  A privilege since 17 */
#if PG_VERSION_NUM >= 170000
#define compat_may_maintain(relation, role) \
	(pg_class_aclcheck(relation, role, ACL_MAINTAIN) == ACLCHECK_OK)
#else
#define compat_may_maintain(relation, role)	compat_owns_relation(relation, role)
#endif

/*
 * Declares and begins a function callable from SQL.  The declaration with
 * PGDLLEXPORT comes first, because PG_FUNCTION_INFO_V1 exports the function
 * itself only since 16.
 */
#define VECFEAT_FUNCTION(name) \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS)

#endif							/* VECFEAT_COMPAT_H */
