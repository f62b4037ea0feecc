/*
 * alone.c
 *	  Of parallel builds: there is one process.
 */
#include "server.h"

#include "access/parallel.h"
#include "index/parallel.h"

int			ParallelWorkerNumber = -1;

bool
ivf_parallel_assign(IvfBuild *build)
{
	return false;
}

bool
ivf_parallel_calibrate(IvfBuild *build, IvfCalibrateProgress progress,
					   IvfCalibration *calibration)
{
	return false;
}

void
ivf_parallel_end(IvfBuild *build)
{
}
