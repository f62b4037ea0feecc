/*
 * kernel_shuffle.h
 *	  Tables for processors whose byte shuffle looks up 16 bytes at once.
 *
 * A template, as kernel_loops.h is.  A column's table has the 16 sums of the
 * weights of its matching bits, by nibble.  (Andre, Kermarrec and Le Scouarnec,
 * "Cache locality is not enough: high-performance nearest neighbor search with
 * product quantization fast scan", VLDB 2015.)
 */

/* columns that may be added in 16 bits: 257 * 255 = 65535 */
#define COLUMNS_PER_PASS	256

static size_t
table_size(int n)
{
	return (size_t) n / 4 * 16;
}

static void
make_table(const uint8_t *weight, const uint8_t *flip, int n, void *table)
{
	uint8_t    *sum = table;
	int			m;
	int			bit;
	int			match;

	for (m = 0; m < n / 4; m++, weight += 4, sum += 16)
	{
		uint8_t		of[16] = {0};

		for (bit = 0; bit < 4; bit++)
		{
			for (match = 0; match < 1 << bit; match++)
				of[match | 1 << bit] = (uint8_t) (of[match] + weight[bit]);
		}
		for (match = 0; match < 16; match++)
			sum[match ^ flip[m]] = of[match];
	}
}
