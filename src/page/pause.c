/*
 * pause.c
 *	  Points at which a test can hold up a backend; empty in a normal build.
 *
 *	  SET ivf.pause_at = 'insert slot';		the first time it comes there
 *	  SET ivf.pause_at = 'scan row 7';		the seventh time
 *	  SET ivf.pause_lock = 3;				what it waits for, 1 otherwise
 *
 * The backend goes on when it could have taken pg_advisory_lock_shared(3).
 * While it is at the point it holds the advisory lock (1, 3), for others to
 * know.  It pauses once for each time that the setting is set.
 *
 * Where no page is locked it waits in the lock's queue, and the isolation
 * tester sees what it waits for.  Under a page lock that would be a wait that
 * can't be cancelled and that the deadlock detector does not understand: there
 * it tries again and again, and gives up after a while.
 */
#include "compat.h"

#include "page/pause.h"

#ifdef VECFEAT_TEST

#include <ctype.h>
#include <limits.h>

#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define POLL_MS		5
#define GIVE_UP_MS	120000

static char *pause_at;
static int	pause_lock = 1;

/* what pause_at says: the point's name ends before the number */
static int	name_length;
static int	arrivals_left;

static void
assign_pause_at(const char *value, void *extra)
{
	int			length = value ? strlen(value) : 0;
	int			digits = 0;

	while (length > digits && isdigit((unsigned char) value[length - digits - 1]))
		digits++;
	if (digits > 0 && length > digits && value[length - digits - 1] == ' ')
	{
		arrivals_left = atoi(value + length - digits);
		name_length = length - digits - 1;
	}
	else
	{
		arrivals_left = length > 0 ? 1 : 0;
		name_length = length;
	}
}

void
ivf_pause_define(void)
{
	DefineCustomStringVariable("ivf.pause_at",
							   "Point at which this session pauses, for tests.",
							   NULL, &pause_at, "", PGC_SUSET,
							   GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL,
							   NULL, assign_pause_at, NULL);
	DefineCustomIntVariable("ivf.pause_lock",
							"Advisory lock that it waits for there.",
							NULL, &pause_lock, 1, 1, INT_MAX, PGC_SUSET,
							GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL,
							NULL, NULL, NULL);
}

/* pg_advisory_lock(low), or of two numbers */
static LOCKTAG
advisory(uint32 high, uint32 low)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, high, low, high > 0 ? 2 : 1);
	return tag;
}

static void
poll_lock(const LOCKTAG *tag)
{
	TimestampTz start = GetCurrentTimestamp();

	while (LockAcquire(tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		if (TimestampDifferenceExceeds(start, GetCurrentTimestamp(), GIVE_UP_MS))
			elog(ERROR, "nobody ended the pause at \"%s\"", pause_at);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

void
ivf_pause(const char *point)
{
	LOCKTAG		there = advisory(1, pause_lock);
	LOCKTAG		tag = advisory(0, pause_lock);

	if (arrivals_left == 0 || (int) strlen(point) != name_length ||
		memcmp(point, pause_at, name_length) != 0 || --arrivals_left > 0)
		return;

	(void) LockAcquire(&there, ShareLock, false, true);
	if (InterruptHoldoffCount > 0)
		poll_lock(&tag);
	else
		(void) LockAcquire(&tag, ShareLock, false, false);
	LockRelease(&tag, ShareLock, false);
	LockRelease(&there, ShareLock, false);
}

#endif							/* VECFEAT_TEST */
