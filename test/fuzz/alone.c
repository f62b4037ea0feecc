/*
 * alone.c
 *	  Of parallel builds: there is one process.
 */
#include "server.h"

#include "access/parallel.h"
#include "index/parallel.h"
#include "index/work.h"

int			ParallelWorkerNumber = -1;

bool
ivf_parallel_assign(IvfBuild *build)
{
	return false;
}

void
ivf_parallel_search(IvfBuild *build)
{
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

IvfTeam *
ivf_team_begin(IvfBuild *build, Size size, IvfWork **work, char **base)
{
	return NULL;
}

void
ivf_team_do(IvfBuild *build, IvfJob job, int count)
{
	abort();
}

void
ivf_team_end(IvfTeam *team)
{
	abort();
}

Size
add_size(Size a, Size b)
{
	return a + b;
}

Size
mul_size(Size a, Size b)
{
	return a * b;
}
