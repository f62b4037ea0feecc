/*
 * frozen.h
 *	  What of an index stays as it was built, kept by the session.
 */
#ifndef VECFEAT_FROZEN_H
#define VECFEAT_FROZEN_H

#include "compat.h"

#include "index/space.h"
#include "page/rows.h"

struct IvfKeptRows_hash;
struct IvfLeafTable;
struct IvfKeptChildren_hash;
struct IvfInserter;

typedef struct IvfFrozen
{
	IvfMetaData meta;			/* its hints are those of some moment */
	const IvfSpace *space;

	/* frozen.c's own */
	Oid			index;
	MemoryContext context;
	struct IvfKeptRows_hash *rows;	/* of inner nodes */
	struct IvfLeafTable *leaves;	/* leaftable.c's; NULL until it is asked for */
	struct IvfKeptChildren_hash *children;	/* children.c's; likewise */
	struct IvfInserter *inserter;	/* insert.c's; NULL until a row comes */
	Size		bytes;			/* of what is kept of nodes */
	int			users;
	bool		forgotten;		/* to be freed with its last user */
	uint64		last_used;
} IvfFrozen;

/*
 * A child as its row in an inner node describes it.
 */
typedef struct IvfChild
{
	BlockNumber node;
	const float4 *centroid;		/* n */
	float4		radius;			/* as it was at some moment: it grows */
} IvfChild;

extern IvfFrozen *ivf_frozen(Relation index, MemoryContext user);
extern IvfChild ivf_frozen_child(IvfFrozen *frozen, Relation index,
								 const IvfRun *run, int row, float4 *room);
extern void ivf_frozen_raise(IvfFrozen *frozen, const IvfRun *run, int row,
							 float4 radius);
extern bool ivf_frozen_has_room(const IvfFrozen *frozen, Size size);
extern void ivf_frozen_keeps(IvfFrozen *frozen, Size size);
extern void ivf_frozen_touch(const IvfFrozen *frozen, const IvfRun *run, int row);

#endif							/* VECFEAT_FROZEN_H */
