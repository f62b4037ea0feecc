/*
 * stoprule.h
 *	  When has a search read enough lists?
 */
#ifndef VECFEAT_STOPRULE_H
#define VECFEAT_STOPRULE_H

#include <stdint.h>

#include "ground/bound.h"

/* what a search knows when it has read some lists, as numbers */
#define STOP_FEATURES		3

/* recalls for which a rule has limits: stop_targets[] */
#define STOP_TARGETS		8

extern const double stop_targets[STOP_TARGETS];

/*
 * A search for the k nearest stops when
 *		weight[0] + sum of weight[1 + i] feature[i] <= limit
 * where the left side is the logarithm of the odds that one of those that count
 * (StopSample) is in a list not read yet.
 */
typedef struct StopFit
{
	float		weight[1 + STOP_FEATURES];
	float		limit[STOP_TARGETS];	/* for stop_targets[], a standard error more */
	float		lists[STOP_TARGETS];	/* read then, on average */
} StopFit;

/*
 * A rule knows some k, and takes the mean of two for those between.  For up to a
 * hundred rows it looks at the KTH least estimates, which are known before any
 * row comes out, and at the row at hand; for more, at the rows that have come out.
 */
typedef enum StopKnot
{
	STOP_NEAR_10,
	STOP_NEAR_100,
	STOP_FAR_1000,
	STOP_FAR_10000,
	STOP_KNOTS
} StopKnot;

typedef struct StopRule
{
	StopFit		fit[STOP_KNOTS];
} StopRule;

/*
 * A rule for one k and one recall: the fits of two knots, the limits taken off,
 * and how much the second counts.
 */
typedef struct StopLine
{
	StopKnot	knot;			/* the first */
	double		share;
	double		weight[2][1 + STOP_FEATURES];
} StopLine;

/*
 * What a query of the sample knew after some lists, and how many of those of its
 * nearest that count were in these: all k, or the farthest of them.
 */
typedef struct StopSample
{
	float		feature[STOP_FEATURES];
	float		recall;
	uint32_t	lists;
} StopSample;

extern const StopRule stop_default;

extern void stop_features(Metric metric, double first, double unread, double nearest,
						  uint32_t lists, uint32_t improved, float *feature);
extern double stop_score(const double *weight, const float *feature);
extern double stop_margin(const StopLine *line, const float *first,
						  const float *second);
extern void stop_line(const StopRule *rule, double k, double recall,
					  StopLine *line);
extern double stop_lists(const StopRule *rule, double k, double recall);
extern uint32_t stop_next(uint32_t lists);
extern int	stop_rule_valid(const StopRule *rule);
extern void stop_fit(const StopSample *samples, const int *first, int queries,
					 double higher, float *score, StopFit *fit);

#endif							/* VECFEAT_STOPRULE_H */
