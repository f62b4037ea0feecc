/*
 * families.h
 *	  Lists of vectors, and queries, that are hard on bounds.
 */
#ifndef VECFEAT_FAMILIES_H
#define VECFEAT_FAMILIES_H

#include "ground/prng.h"
#include "pipeline.h"

#define GROUP_ENTRIES	16
#define GROUP_QUERIES	24

typedef struct Group
{
	Prng		prng;
	int			dim;
	double		span;			/* how far the list is from the mean, about */
	double		spread;			/* how far its entries are from it */
	float		mean[MAX_PADDED];
	float		centre[MAX_PADDED];
	List		list;
	int			nentries;
	Entry		entry[GROUP_ENTRIES];
	int			nqueries;
	Query		query[GROUP_QUERIES];
} Group;

typedef struct Family
{
	const char *name;
	void		(*fill) (Group *group);	/* mean, centre, the entries' x */
} Family;

extern const Family families[];
extern const int nfamilies;

extern void group_init(Group *group, const Family *family, Metric metric,
					   int dim, uint64_t seed);

#endif							/* VECFEAT_FAMILIES_H */
