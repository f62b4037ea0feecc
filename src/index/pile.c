/*
 * pile.c
 *	  Entries that several processes put into memory that they share.
 *
 * What a sort by several processes does for entries that memory holds is dear: each
 * process writes its share to a file, and the leader reads, merges and copies them.
 * Here they are put where the leader finds them, in the order in which they come,
 * and only their lists and TIDs are sorted.
 *
 * Nothing is locked: a slot belongs to who has raised the counter past it, and is
 * read when that process has ended.
 */
#include "compat.h"

#include "index/pile.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "utils/memutils.h"

struct IvfPile
{
	pg_atomic_uint64 next;		/* slot, may be beyond the last */
	uint32		room;			/* slots, */
	Size		size;			/* of so many bytes */
	/* the slots follow */
};

#define PILE_HEAD	MAXALIGN(sizeof(IvfPile))

/* the head of a slot; the payload follows */
typedef struct Slot
{
	int64		tid;
	int32		list;
} Slot;

#define SLOT_HEAD	MAXALIGN(sizeof(Slot))

typedef struct Piled
{
	int64		tid;
	uint32		slot;
} Piled;

struct IvfPileReader
{
	const IvfPile *pile;
	Piled	   *item;			/* by list; of those up to the one at hand, by TID */
	uint32	   *start;			/* lists + 1: where a list's items begin */
	int			lists;
	int			list;			/* at hand, */
	uint32		next;			/* and the item */
};

#define ST_SORT sort_items
#define ST_ELEMENT_TYPE Piled
#define ST_COMPARE(a, b) ((a)->tid < (b)->tid ? -1 : (a)->tid > (b)->tid)
#define ST_SCOPE static
#define ST_CHECK_FOR_INTERRUPTS
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * Bytes of a pile with room for so many entries, each with so many bytes.
 */
Size
ivf_pile_size(uint32 room, Size payload)
{
	return add_size(PILE_HEAD, mul_size(room, SLOT_HEAD + MAXALIGN(payload)));
}

/*
 * An empty pile, where there are so many bytes.
 */
void
ivf_pile_init(IvfPile *pile, uint32 room, Size payload)
{
	pg_atomic_init_u64(&pile->next, 0);
	pile->room = room;
	pile->size = SLOT_HEAD + MAXALIGN(payload);
}

static Slot *
slot_at(const IvfPile *pile, uint32 slot)
{
	return (Slot *) (unconstify(char *, (const char *) pile) + PILE_HEAD + pile->size * slot);
}

/*
 * Adds an entry; returns where its bytes are to be put, NULL if the pile is full.
 */
void *
ivf_pile_put(IvfPile *pile, int list, int64 tid)
{
	uint64		place = pg_atomic_fetch_add_u64(&pile->next, 1);
	Slot	   *slot;

	if (place >= pile->room)
		return NULL;
	slot = slot_at(pile, (uint32) place);
	slot->tid = tid;
	slot->list = list;
	return (char *) slot + SLOT_HEAD;
}

/*
 * How many entries have been put there.
 */
uint32
ivf_pile_count(const IvfPile *pile)
{
	uint64		put = pg_atomic_read_u64(unconstify(pg_atomic_uint64 *, &pile->next));

	return (uint32) Min(put, pile->room);
}

/*
 * Bytes that it takes to read a pile in order.
 */
Size
ivf_pile_reader_size(uint32 room, int lists)
{
	return add_size(mul_size(sizeof(Piled), room), mul_size(sizeof(uint32), (Size) lists + 1));
}

/*
 * Prepares to read a pile in order of list and TID; nobody adds to it any more.
 */
IvfPileReader *
ivf_pile_read(const IvfPile *pile, int lists)
{
	IvfPileReader *reader = palloc0(sizeof(IvfPileReader));
	uint32		count = ivf_pile_count(pile);
	uint32	   *start;
	uint32		i;
	int			l;

	reader->pile = pile;
	reader->lists = lists;
	reader->item = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(Piled) * (Size) Max(count, 1));
	reader->start = start =
		MemoryContextAllocExtended(CurrentMemoryContext, sizeof(uint32) * ((Size) lists + 1),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (i = 0; i < count; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		start[slot_at(pile, i)->list + 1]++;
	}
	for (l = 0; l < lists; l++)
		start[l + 1] += start[l];
	/* each list's start moves to the next one's while its items are put */
	for (i = 0; i < count; i++)
	{
		const Slot *slot = slot_at(pile, i);
		Piled	   *item = &reader->item[start[slot->list]++];

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		item->tid = slot->tid;
		item->slot = i;
	}
	memmove(start + 1, start, sizeof(uint32) * lists);
	start[0] = 0;
	reader->list = -1;
	return reader;
}

/* an entry will be read soon: they lie anywhere */
static void
ask_ahead(const IvfPile *pile, uint32 slot)
{
	const char *at = (const char *) slot_at(pile, slot);
	Size		i;

	for (i = 0; i < pile->size; i += PG_CACHE_LINE_SIZE / 2)
		__builtin_prefetch(at + i);
}

/*
 * The first entry that was not passed yet; false if there is none.
 */
bool
ivf_pile_peek(IvfPileReader *reader, int *list, int64 *tid, const void **payload)
{
	const Piled *item;

	while (reader->list < 0 || reader->next == reader->start[reader->list + 1])
	{
		uint32		begin;

		if (reader->list == reader->lists - 1)
			return false;
		begin = reader->start[++reader->list];
		sort_items(reader->item + begin, reader->start[reader->list + 1] - begin);
	}
	item = &reader->item[reader->next];
	*list = reader->list;
	*tid = item->tid;
	*payload = (const char *) slot_at(reader->pile, item->slot) + SLOT_HEAD;
	return true;
}

/*
 * Passes the entry that was peeked at.
 */
void
ivf_pile_pass(IvfPileReader *reader)
{
	reader->next++;
	if (reader->next + 1 < reader->start[reader->list + 1])
		ask_ahead(reader->pile, reader->item[reader->next + 1].slot);
}

void
ivf_pile_end(IvfPileReader *reader)
{
	pfree(reader->item);
	pfree(reader->start);
	pfree(reader);
}
