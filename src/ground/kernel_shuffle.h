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

/*
 * Eight sums are the bytes of a number: those of nibbles 0 to 7, and 8 to 15 with
 * the last bit's weight.  Byte i of with[flipped][bit] is 1 where i has the bit,
 * or, flipped, where it has not.  (Byte 0 is the lowest: none of these processors
 * has them the other way round.)
 */
static void
make_table(const uint8_t *weight, const uint8_t *flip, int n, void *table)
{
	static const uint64_t with[2][3] = {
		{UINT64_C(0x0100010001000100), UINT64_C(0x0101000001010000), UINT64_C(0x0101010100000000)},
		{UINT64_C(0x0001000100010001), UINT64_C(0x0000010100000101), UINT64_C(0x0000000001010101)}
	};
	uint8_t    *sum = table;
	int			m;

	for (m = 0; m < n / 4; m++, weight += 4, sum += 16)
	{
		uint64_t	three = weight[0] * with[flip[m] & 1][0] +
			weight[1] * with[flip[m] >> 1 & 1][1] +
			weight[2] * with[flip[m] >> 2 & 1][2];
		uint64_t	last = weight[3] * UINT64_C(0x0101010101010101);
		uint64_t	flipped = 0 - (uint64_t) (flip[m] >> 3 & 1);
		uint64_t	low = three + (last & flipped);
		uint64_t	high = three + (last & ~flipped);

		memcpy(sum, &low, sizeof(low));
		memcpy(sum + sizeof(low), &high, sizeof(high));
	}
}
