/*
 * segment.c
 *	  Shared memory that a build can do without.
 *
 * Segments may be large, and there may be no room for them, as in containers that
 * have 64 MB for this.
 */
#include "compat.h"

#include "index/parallel.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* what the progress report says, which the end of a subtransaction forgets */
typedef struct Progress
{
	ProgressCommandType command;
	Oid			target;
	int64		param[PGSTAT_NUM_PROGRESS_PARAM];
} Progress;

static void
save_progress(Progress *progress)
{
	progress->command = PROGRESS_COMMAND_INVALID;
	if (MyBEEntry == NULL)
		return;
	progress->command = MyBEEntry->st_progress_command;
	progress->target = MyBEEntry->st_progress_command_target;
	memcpy(progress->param, (const void *) MyBEEntry->st_progress_param,
		   sizeof(progress->param));
}

static void
restore_progress(const Progress *progress)
{
	int			index[PGSTAT_NUM_PROGRESS_PARAM];
	int			i;

	if (progress->command == PROGRESS_COMMAND_INVALID)
		return;
	for (i = 0; i < PGSTAT_NUM_PROGRESS_PARAM; i++)
		index[i] = i;
	pgstat_progress_start_command(progress->command, progress->target);
	pgstat_progress_update_multi_param(PGSTAT_NUM_PROGRESS_PARAM, index,
									   progress->param);
}

static void
drop_segment(dsm_segment *segment)
{
	if (segment)
		dsm_detach(segment);
}

/*
 * A segment of so many bytes, where there is room for it and for so many besides;
 * else NULL, and a message says what comes of that.  What the server makes an
 * error is taken back with a subtransaction, which has done nothing else: whatever
 * it is that keeps a build from shared memory, one that can do without must not
 * fail for it.
 */
dsm_segment *
ivf_segment_create(Size size, Size besides_size, const char *otherwise)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	dsm_segment *volatile segment = NULL;
	Progress	progress;

	save_progress(&progress);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		dsm_segment *made = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);

		if (made)
		{
			dsm_segment *besides = dsm_create(besides_size,
											  DSM_CREATE_NULL_IF_MAXSEGMENTS);

			if (besides)
				dsm_detach(besides);
			/* until it is pinned, it goes with the subtransaction */
			dsm_pin_mapping(made);
			segment = made;
		}
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		drop_segment(segment);	/* it is pinned, if there is one */
		restore_progress(&progress);
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			ReThrowError(error);
		ereport(DEBUG1,
				(errmsg_internal("%s: %s", otherwise, error->message)));
		FreeErrorData(error);
		segment = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	/* from here on it goes with what the caller's does */
	if (segment)
		dsm_unpin_mapping(segment);
	return segment;
}
