/*
 * damage.h
 *	  Random damages to the pages of an index: the same for the harness here
 *	  and for the module that damages an index of a running server.
 */
#ifndef VECFEAT_DAMAGE_H
#define VECFEAT_DAMAGE_H

#include "compat.h"

#include "storage/block.h"

/* pages that a damage may add to a file */
#define DAMAGE_NEW_PAGES	4

/*
 * The pages of a file.  There is memory for DAMAGE_NEW_PAGES more than count
 * at the beginning.
 */
typedef struct DamageFile
{
	char	  **page;
	uint32		count;
	uint32		count_before;
	int			tail;			/* bytes of a last page that was cut, or 0 */
} DamageFile;

/* what a damage is made of, in words */
#define DAMAGE_TEXT		400

extern void damage_make(uint64 seed, DamageFile *file, char *text);

#endif							/* VECFEAT_DAMAGE_H */
