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
	int			nibble;

	for (m = 0; m < n / 4; m++)
	{
		for (nibble = 0; nibble < 16; nibble++)
		{
			int			match = nibble ^ flip[m];

			sum[nibble] = (uint8_t) ((match & 1 ? weight[4 * m] : 0) +
									 (match & 2 ? weight[4 * m + 1] : 0) +
									 (match & 4 ? weight[4 * m + 2] : 0) +
									 (match & 8 ? weight[4 * m + 3] : 0));
		}
		sum += 16;
	}
}
