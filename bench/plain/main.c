/*
 * main.c
 *	  plain ROWS QUERIES TRUTH DIMENSIONS l2|cosine LISTS
 *
 * ROWS and QUERIES are files of float4 values, TRUTH one of the int32 numbers
 * of the ten nearest rows of each query.  Prints what the arrays are, then a
 * line for each number of lists to probe that standard input asks for:
 * microseconds of CPU time a query, recall@10, and what was read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plain.h"

#define K		10
#define PASSES	3				/* over all queries, after one for the caches */

static const void *
map_file(const char *path, size_t *size)
{
	struct stat status;
	int			file = open(path, O_RDONLY);
	void	   *mapped = MAP_FAILED;

	if (file >= 0 && fstat(file, &status) == 0 && status.st_size > 0)
		mapped = mmap(NULL, status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
	if (mapped == MAP_FAILED)
	{
		perror(path);
		exit(1);
	}
	*size = status.st_size;
	close(file);
	return mapped;
}

static double
cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* how many of the rows found are as near as the true tenth */
static int
hits(const Set *set, const float *query, const int32_t *truth,
	 const uint32_t *found, int count)
{
	double		tenth = 0;
	int			good = 0;
	int			i;

	for (i = 0; i < K; i++)
	{
		double		d = set_distance(set, query, truth[i]);

		if (d > tenth)
			tenth = d;
	}
	for (i = 0; i < count; i++)
		good += set_distance(set, query, found[i]) <= tenth * (1 + 1e-12);
	return good;
}

static void
run(struct Search *state, const Set *set, const float *queries, size_t count,
	const int32_t *truth, int probes)
{
	Counters	counters = {0};
	uint32_t	found[K];
	size_t		good = 0;
	double		begin;
	double		seconds;
	int			pass;
	size_t		i;

	for (i = 0; i < count; i++)
	{
		const float *query = queries + i * set->dim;
		int			rows = search(state, query, probes, K, found, &counters);

		good += hits(set, query, truth + i * K, found, rows);
	}
	begin = cpu_seconds();
	for (pass = 0; pass < PASSES; pass++)
	{
		Counters	unused = {0};

		for (i = 0; i < count; i++)
			search(state, queries + i * set->dim, probes, K, found, &unused);
	}
	seconds = cpu_seconds() - begin;
	printf("us=%.3f recall=%.5f entries=%.1f byte_codes=%.1f rows=%.1f\n",
		   seconds / PASSES / count * 1e6, (double) good / count / K,
		   (double) counters.entries / count,
		   (double) counters.byte_codes / count, (double) counters.rows / count);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	Set			set;
	Arrays		arrays;
	struct Search *state;
	const float *queries;
	const int32_t *truth;
	size_t		size;
	size_t		query_count;
	double		begin = cpu_seconds();
	int			probes;

	if (argc != 7)
	{
		fprintf(stderr, "usage: plain ROWS QUERIES TRUTH DIMENSIONS l2|cosine LISTS\n");
		return 2;
	}
	set.dim = atoi(argv[4]);
	set.metric = strcmp(argv[5], "cosine") == 0 ? METRIC_COSINE : METRIC_L2;
	set.rows = map_file(argv[1], &size);
	set.nrows = size / sizeof(float) / set.dim;
	queries = map_file(argv[2], &size);
	query_count = size / sizeof(float) / set.dim;
	truth = map_file(argv[3], &size);
	if (size != query_count * K * sizeof(int32_t))
	{
		fprintf(stderr, "plain: %s is not of as many queries as %s\n", argv[3], argv[2]);
		return 2;
	}

	vec_kernels = vec_kernels_of(vec_best_level());
	arrays_make(&arrays, &set, atoi(argv[6]));
	state = search_make(&arrays);
	printf("lists=%d build_s=%.3f\n", arrays.clusters.lists, cpu_seconds() - begin);
	fflush(stdout);
	while (scanf("%d", &probes) == 1)
		run(state, &set, queries, query_count, truth, probes);
	return 0;
}
