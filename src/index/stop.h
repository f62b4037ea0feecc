/*
 * stop.h
 *	  Has a scan read enough lists for its next row?
 */
#ifndef VECFEAT_STOP_H
#define VECFEAT_STOP_H

#include "compat.h"

#include "ground/kth.h"
#include "ground/stoprule.h"
#include "index/score.h"

/* room for estimates among which the KTH least are */
#define STOP_KTH_ROOM	KTH_ROOM(2 * KTH)

/* how a scan decides */
typedef enum IvfStopKind
{
	IVF_STOP_PROBES,			/* so many lists are read, whatever the query */
	IVF_STOP_RECALL,			/* by the calibrated rule */
	IVF_STOP_EXACT				/* when no list can hold anything nearer */
} IvfStopKind;

typedef struct IvfStop
{
	IvfStopKind kind;
	uint32		probes;			/* IVF_STOP_PROBES: lists */
	double		recall;			/* the target; 0: probes were asked for */
	StopRule	rule;
	Metric		metric;

	/* what is known of the query */
	double		first;			/* distance of the nearest list: the caller's */
	Kth			kth;			/* the least estimates */
	float		kth_room[STOP_KTH_ROOM];
	uint32		improved;		/* list at which they last changed */
	uint32		out_improved;	/* the last list from which a row has come out */
	int64		out;			/* rows that have */

	/* the rule for a row, as it was last needed */
	int64		line_row;
	StopLine	line;
	uint32		next;			/* looked at when so many lists have been read */

	/* these lists were enough for this row at this distance; 0: none were */
	uint32		enough_lists;
	int64		enough_row;
	double		enough_distance;
	uint32		enough_improved;
} IvfStop;

extern void ivf_stop_begin(IvfStop *stop, const IvfQuery *query, double recall,
						   int probes);
extern uint32 ivf_stop_likely(const IvfStop *stop);
extern bool ivf_stop_near(IvfStop *stop, const IvfQuery *query, uint32 lists,
						  double unread);
extern bool ivf_stop_far(IvfStop *stop, const IvfQuery *query, uint32 lists,
						 double unread, double distance, uint32 from);
extern void ivf_stop_out(IvfStop *stop, uint32 from);

#endif							/* VECFEAT_STOP_H */
