/*
 * entries.h
 *	  Putting entries into blocks, and taking them out.
 */
#ifndef VECFEAT_ENTRIES_H
#define VECFEAT_ENTRIES_H

#include "page/page.h"

#include "ground/codec.h"

/*
 * An entry of a leaf, encoded.
 */
typedef struct IvfEntry
{
	SignFactors factors;
	uint8	   *nibbles;		/* n / 4: the signs of four dimensions each */
	IvfRowHead	row;			/* with the TID */
	int8	   *code;			/* n */
} IvfEntry;

extern void ivf_block_clear(IvfBlockHead *head);
extern void ivf_block_set(IvfBlockHead *head, int slot, ItemPointer tid,
						  const SignFactors *factors);
extern void ivf_block_kill(IvfBlockHead *head, int slot);
extern void ivf_columns_set(uint8 *columns, int first, int count, int slot,
							const uint8 *nibbles);
extern void ivf_columns_get(const uint8 *columns, int count, int slot,
							uint8 *nibbles);
extern void ivf_row_fill(IvfRowHead *row, ItemPointer tid,
						 const ByteFactors *factors);
extern void ivf_entry_put(Relation index, BlockNumber node, int n,
						  const IvfEntry *entry);

#endif							/* VECFEAT_ENTRIES_H */
