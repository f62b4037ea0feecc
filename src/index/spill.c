/*
 * spill.c
 *	  Candidates with known distances that memory has no room for.
 *
 * They are sorted, on disk if they are many, and read back in order.  A sort
 * can't be added to once it is read: what is left of it is sorted again with
 * what is new.  The queue sees to it that there is as much new as there is
 * left, so that a candidate is sorted a logarithmic number of times.
 */
#include "compat.h"

#include "index/spill.h"

#include "miscadmin.h"

/* what is sorted with a candidate's distance */
typedef struct Spilled
{
	uint32		node;
	int			row;
	IvfRun		run;
	ItemPointerData tid;
} Spilled;

/*
 * An empty spill in the current context, whose sorts take so many kilobytes.
 */
IvfSpill *
ivf_spill_make(int memory)
{
	IvfSpill   *spill = palloc0(sizeof(IvfSpill));

	spill->memory = memory;
	return spill;
}

/*
 * A number that sorts as a distance does, which is not NaN, and back.
 */
static int64
number_of(double key)
{
	int64		bits;

	key += 0.0;					/* -0 is 0 */
	memcpy(&bits, &key, sizeof(bits));
	return bits < 0 ? bits ^ PG_INT64_MAX : bits;
}

static double
key_of(int64 number)
{
	int64		bits = number < 0 ? number ^ PG_INT64_MAX : number;
	double		key;

	memcpy(&key, &bits, sizeof(key));
	return key;
}

/*
 * Adds a candidate whose distance is known, between ivf_spill_begin() and
 * ivf_spill_sort().
 */
void
ivf_spill_add(IvfSpill *spill, const IvfCandidate *candidate)
{
	Spilled		spilled;

	/* its padding goes to a file */
	memset(&spilled, 0, sizeof(spilled));
	spilled.node = candidate->node;
	spilled.row = candidate->row;
	spilled.run = candidate->run;
	spilled.tid = candidate->tid;
	ivf_sorter_put(spill->next, number_of(candidate->key), 0, &spilled,
				   sizeof(spilled));
	spill->count++;
}

/*
 * Takes what follows in the sort as the first; no more than there is.
 */
static void
read_first(IvfSpill *spill)
{
	IvfCandidate *first = &spill->first;
	Spilled		spilled;
	const void *data;
	int64		number;
	int64		minor;

	if (!ivf_sorter_next(spill->sorter, &number, &minor, &data))
		elog(ERROR, "the sorted candidates end early");
	memcpy(&spilled, data, sizeof(spilled));
	first->key = key_of(number);
	first->stage = IVF_STAGE_EXACT;
	first->node = spilled.node;
	first->row = spilled.row;
	first->run = spilled.run;
	first->tid = spilled.tid;
}

/*
 * Starts to add candidates to those that are left.
 */
void
ivf_spill_begin(IvfSpill *spill)
{
	int64		left = spill->count;

	spill->count = 0;
	spill->next = ivf_sorter_begin(spill->memory, NULL);
	if (left > 0)
	{
		ivf_spill_add(spill, &spill->first);
		while (spill->count < left)
		{
			CHECK_FOR_INTERRUPTS();
			read_first(spill);
			ivf_spill_add(spill, &spill->first);
		}
		ivf_sorter_end(spill->sorter);
		spill->sorter = NULL;
	}
}

/* ends the sort when it has been read to its end */
static void
read_or_end(IvfSpill *spill)
{
	if (spill->count > 0)
		read_first(spill);
	else
	{
		ivf_sorter_end(spill->sorter);
		spill->sorter = NULL;
	}
}

/*
 * No more are added for now.
 */
void
ivf_spill_sort(IvfSpill *spill)
{
	ivf_sorter_sort(spill->next);
	spill->sorter = spill->next;
	spill->next = NULL;
	read_or_end(spill);
}

void
ivf_spill_remove_first(IvfSpill *spill)
{
	spill->count--;
	read_or_end(spill);
}

/*
 * Lets go of the files.
 */
void
ivf_spill_end(IvfSpill *spill)
{
	if (spill->sorter)
		ivf_sorter_end(spill->sorter);
	if (spill->next)
		ivf_sorter_end(spill->next);
	spill->sorter = spill->next = NULL;
	spill->count = 0;
}
