/*
 * pile.h
 *	  Entries that several processes put into memory that they share.
 */
#ifndef VECFEAT_PILE_H
#define VECFEAT_PILE_H

#include "compat.h"

#include "storage/itemptr.h"

typedef struct IvfPile IvfPile;
typedef struct IvfPileReader IvfPileReader;

extern Size ivf_pile_size(uint32 room, Size payload);
extern void ivf_pile_init(IvfPile *pile, uint32 room, Size payload);
extern void *ivf_pile_put(IvfPile *pile, int list, int64 tid);
extern uint32 ivf_pile_count(const IvfPile *pile);

extern Size ivf_pile_reader_size(uint32 room, int lists);
extern IvfPileReader *ivf_pile_read(const IvfPile *pile, int lists);
extern bool ivf_pile_peek(IvfPileReader *reader, int *list, int64 *tid,
						  const void **payload);
extern void ivf_pile_pass(IvfPileReader *reader);
extern void ivf_pile_end(IvfPileReader *reader);

#endif							/* VECFEAT_PILE_H */
