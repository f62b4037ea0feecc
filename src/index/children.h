/*
 * children.h
 *	  The sign codes of a node's children, kept by the session.
 */
#ifndef VECFEAT_CHILDREN_H
#define VECFEAT_CHILDREN_H

#include "index/frozen.h"

/*
 * A block of an inner node; its columns follow.
 */
typedef struct IvfChildBlock
{
	float4		add[VEC_BLOCK]; /* infinite where there is no child */
	float4		scale[VEC_BLOCK];
	float4		err[VEC_BLOCK];
	IvfRun		run;			/* of the children's rows */
} IvfChildBlock;

typedef struct IvfChildren
{
	BlockNumber node;
	int			count;			/* blocks */
	Size		size;			/* bytes of each, with its columns */
	char	   *blocks;
	bool		distances;		/* is that what the factors estimate? */
	char		status;
} IvfChildren;

static inline const IvfChildBlock *
ivf_child_block(const IvfChildren *children, int block)
{
	return (const IvfChildBlock *) (children->blocks + block * children->size);
}

static inline const uint8 *
ivf_child_columns(const IvfChildBlock *block)
{
	return (const uint8 *) (block + 1);
}

extern IvfChildren ivf_children(IvfFrozen *frozen, Relation index,
								BlockNumber node, int level,
								const float4 *centroid);

#endif							/* VECFEAT_CHILDREN_H */
