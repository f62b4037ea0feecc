/*
 * meta.h
 *	  The metapage and the chain of pages with the mean.
 */
#ifndef VECFEAT_META_H
#define VECFEAT_META_H

#include "page/page.h"

extern void ivf_meta_read(Relation index, IvfMetaData *meta);
extern void ivf_meta_fill(Page page, const IvfMetaData *meta);
extern void ivf_meta_hints(Relation index, double entries, double dead_slots,
						   double removed);
extern void ivf_meta_calibration(Relation index, IvfCalibration *calibration);
extern void ivf_meta_calibrate(Relation index, const IvfCalibration *calibration);
extern void ivf_mean_read(Relation index, const IvfMetaData *meta, float4 *mean);
extern int	ivf_mean_pages(int dimensions);
extern void ivf_mean_fill(Page page, const float4 *mean, int dimensions,
						  int number);
extern bool ivf_is_leaf_page(Relation index, const IvfMetaData *meta,
							 BlockNumber block, Page page);

#endif							/* VECFEAT_META_H */
