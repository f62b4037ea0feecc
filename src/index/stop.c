/*
 * stop.c
 *	  Has a scan read enough lists for its next row?
 *
 * A scan does not know how many rows will be asked for.  So the rule is that for
 * the row at hand: a search for the j nearest would have read enough when the
 * j-th comes out.  As more rows are asked for, more lists are read, and nothing
 * is done again.
 *
 * For the first rows the rule looks at the KTH least estimates, which are
 * collected while lists are scored, and so before any byte code is read; then at
 * the row at hand, too.  Later it looks at the rows that have come out.
 */
#include "compat.h"

#include "index/stop.h"

#include <math.h>

#include "page/meta.h"

/*
 * Up to this row the rule is that of this row: the first rows of a search come in
 * order, and a search for one row gets its recall by reading as much as one
 * for some.
 */
#define FIRST_ROWS		10

/* more lists need not be looked up together */
#define MOST_LIKELY		1000000

/*
 * Begins a query that wants a recall, or with probes more than 0 as many lists;
 * all lists is what the exact order takes.
 */
void
ivf_stop_begin(IvfStop *stop, const IvfQuery *query, double recall, int probes)
{
	kth_init(&stop->kth, KTH, STOP_KTH_ROOM, stop->kth_room);
	stop->improved = stop->out_improved = 1;
	stop->out = 0;
	stop->line_row = 0;
	stop->enough_lists = 0;
	stop->next = 1;
	stop->probes = 0;
	stop->recall = 0;
	stop->metric = query->space->metric;
	if (probes > 0)
	{
		stop->kind = (uint32) probes >= query->frozen->meta.leaves ?
			IVF_STOP_EXACT : IVF_STOP_PROBES;
		stop->probes = stop->kind == IVF_STOP_PROBES ? probes : 0;
	}
	else if (recall >= 1)
	{
		stop->kind = IVF_STOP_EXACT;
		stop->recall = 1;
	}
	else
	{
		IvfCalibration calibration;

		stop->kind = IVF_STOP_RECALL;
		stop->recall = recall;
		ivf_meta_calibration(query->index, &calibration);
		stop->rule = calibration.rule;
	}
}

/*
 * So many lists are nearly always read: the next ones may be looked up together.
 */
uint32
ivf_stop_likely(const IvfStop *stop)
{
	double		lists;

	if (stop->kind != IVF_STOP_RECALL)
		return Max(stop->probes, 1);
	lists = stop_lists(&stop->rule, FIRST_ROWS, stop->recall) / 2;
	return lists >= 1 && lists < MOST_LIKELY ? (uint32) lists : 1;
}

/*
 * Does the rule for the next row say so, at this distance, when the rows that have
 * come out and this one were in the lists up to improved (0: that does not count)?
 * first is what the first of two knots looks at, second the other.  If not, next
 * is when to ask again.
 */
static bool
enough(IvfStop *stop, uint32 lists, double distance, uint32 improved,
	   const float *first, const float *second)
{
	/* a damaged rule may yield no number: then all lists are read */
	if (stop_margin(&stop->line, first, second) <= 0)
	{
		stop->enough_lists = lists;
		stop->enough_row = stop->line_row;
		stop->enough_distance = distance;
		stop->enough_improved = improved > 0 ? improved : PG_UINT32_MAX;
		return true;
	}
	stop->next = stop_next(lists);
	return false;
}

/* the rule for the next row */
static void
find_line(IvfStop *stop)
{
	int64		row = Max(stop->out + 1, FIRST_ROWS);

	if (stop->line_row != row)
	{
		stop_line(&stop->rule, (double) row, stop->recall, &stop->line);
		stop->line_row = row;
	}
}

/*
 * What the nearest entries are known to be when a row at this distance is at
 * hand.  Estimates are lowered by their errors, which are large where all
 * centroids are far: such a query would seem to have found what is very near.
 */
static double
near_distance(IvfStop *stop, const IvfQuery *query, double distance)
{
	return Max(ivf_bound_distance(query, kth_limit(&stop->kth), false), distance);
}

/* the features of the least estimates */
static void
near_features(const IvfStop *stop, uint32 lists, double unread, double nearest,
			  float *feature)
{
	stop_features(stop->metric, stop->first, unread, nearest, lists, stop->improved,
				  feature);
}

/*
 * Have enough lists been read, at least one, to look for the next row in them?
 * The nearest of the others is as far as unread, on the operator's scale.
 */
bool
ivf_stop_near(IvfStop *stop, const IvfQuery *query, uint32 lists, double unread)
{
	float		feature[STOP_FEATURES];
	double		nearest;

	if (stop->kind != IVF_STOP_RECALL)
	{
		stop->next = stop->probes;
		return lists >= stop->probes;
	}
	if (stop->out >= FIRST_ROWS)
		return true;
	if (stop->kth.count < KTH)
	{
		stop->next = stop_next(lists);
		return false;
	}
	find_line(stop);
	nearest = near_distance(stop, query, -INFINITY);
	near_features(stop, lists, unread, nearest, feature);
	return enough(stop, lists, nearest, 0, feature, feature);
}

/*
 * Likewise for the row at hand to come out: it is at this distance, in the from-th
 * list that was read.
 */
bool
ivf_stop_far(IvfStop *stop, const IvfQuery *query, uint32 lists, double unread,
			 double distance, uint32 from)
{
	float		near[STOP_FEATURES];
	float		far[STOP_FEATURES];

	if (stop->kind != IVF_STOP_RECALL)
		return true;
	find_line(stop);
	from = Max(from, stop->out_improved);

	/* a query asks this of every candidate that it looks at */
	if (lists == stop->enough_lists && stop->line_row == stop->enough_row &&
		distance <= stop->enough_distance && from <= stop->enough_improved)
		return true;
	if (stop->line.knot <= STOP_NEAR_100)
	{
		double		nearest = near_distance(stop, query, distance);

		near_features(stop, lists, unread, nearest, near);
		if (stop->line.knot == STOP_NEAR_10)
			return enough(stop, lists, nearest, 0, near, near);
	}
	stop_features(stop->metric, stop->first, unread, distance, lists, from, far);
	return enough(stop, lists, distance, from,
				  stop->line.knot == STOP_NEAR_100 ? near : far, far);
}

/*
 * A row has come out.
 */
void
ivf_stop_out(IvfStop *stop, uint32 from)
{
	stop->out++;
	stop->out_improved = Max(stop->out_improved, from);
}
