/*
 * damage.c
 *	  Random damages to the pages of an index.
 *
 * Half of them do not know what the bytes mean: bits, bytes, ranges, pages and
 * the file's end.  The others set a field of the format to a value that could
 * stand there: another page's number, a count off by one, another entry's TID.
 * Each follows from its seed.
 */
#include "damage.h"

#include <float.h>
#include <math.h>

#include "ground/prng.h"
#include "ground/rotate.h"
#include "page/format.h"
#include "page/rows.h"

typedef struct Damage
{
	DamageFile *file;
	Prng		prng;
	int			n;				/* padded dimensions, before the damage */
	char	   *text;
	size_t		length;
} Damage;

/* what a field holds */
typedef enum FieldType
{
	FIELD_BLOCK,
	FIELD_TID,
	FIELD_FLOAT4,
	FIELD_FLOAT8,
	FIELD_UINT8,
	FIELD_UINT16,
	FIELD_UINT32,
	FIELD_UINT64
} FieldType;

typedef struct Field
{
	const char *name;
	uint32		offset;
	FieldType	type;
} Field;

static const int field_size[] = {4, 6, 4, 8, 1, 2, 4, 8};

#define HEADER(name, type)	{#name, offsetof(PageHeaderData, name), type}
static const Field header_fields[] = {
	HEADER(pd_flags, FIELD_UINT16),
	HEADER(pd_lower, FIELD_UINT16),
	HEADER(pd_upper, FIELD_UINT16),
	HEADER(pd_special, FIELD_UINT16),
	HEADER(pd_pagesize_version, FIELD_UINT16),
	HEADER(pd_prune_xid, FIELD_UINT32),
};

#define SPECIAL(name, type) \
	{#name, IVF_PAGE_SPECIAL + offsetof(IvfPageOpaqueData, name), type}
static const Field special_fields[] = {
	SPECIAL(u.live.room, FIELD_BLOCK),
	SPECIAL(u.live.rows, FIELD_BLOCK),
	SPECIAL(next, FIELD_BLOCK),
	SPECIAL(owner, FIELD_BLOCK),
	SPECIAL(generation, FIELD_UINT32),
	SPECIAL(first, FIELD_UINT16),
	SPECIAL(level, FIELD_UINT8),
	SPECIAL(flags, FIELD_UINT8),
	SPECIAL(kind, FIELD_UINT16),
	SPECIAL(page_id, FIELD_UINT16),
};

#define META(name, type) \
	{#name, IVF_PAGE_START + offsetof(IvfMetaData, name), type}
static const Field meta_fields[] = {
	META(magic, FIELD_UINT32),
	META(version, FIELD_UINT32),
	META(metric, FIELD_UINT16),
	META(element_type, FIELD_UINT16),
	META(dimensions, FIELD_UINT32),
	META(seed, FIELD_UINT64),
	META(rotation_version, FIELD_UINT32),
	META(height, FIELD_UINT32),
	META(root, FIELD_BLOCK),
	META(mean, FIELD_BLOCK),
	META(nans, FIELD_BLOCK),
	META(nulls, FIELD_BLOCK),
	META(leaves, FIELD_UINT32),
	META(lists_option, FIELD_UINT32),
	META(rows_first, FIELD_BLOCK),
	META(rows_end, FIELD_BLOCK),
	META(entries, FIELD_FLOAT8),
	META(dead_slots, FIELD_FLOAT8),
	META(calibration.blocks, FIELD_BLOCK),
	META(calibration.entries, FIELD_FLOAT8),
	META(calibration.removed, FIELD_FLOAT8),
	META(calibration.rule.fit[0].weight, FIELD_FLOAT4),
	META(calibration.rule.fit[0].limit, FIELD_FLOAT4),
	META(calibration.rule.fit[0].lists, FIELD_FLOAT4),
};

#define IN(type, name, kind)	{#name, offsetof(type, name), kind}
static const Field run_fields[] = {
	IN(IvfBlockHead, rows, FIELD_BLOCK),
	IN(IvfBlockHead, rows_rest, FIELD_BLOCK),
	IN(IvfBlockHead, rows_offset, FIELD_UINT16),
	IN(IvfBlockHead, unused, FIELD_UINT16),
};

/* one of these for each of a block's slots */
static const Field slot_fields[] = {
	IN(IvfBlockHead, tid, FIELD_TID),
	IN(IvfBlockHead, add, FIELD_FLOAT4),
	IN(IvfBlockHead, scale, FIELD_FLOAT4),
	IN(IvfBlockHead, err, FIELD_FLOAT4),
};

static const Field row_fields[] = {
	IN(IvfRowHead, tid, FIELD_TID),
	IN(IvfRowHead, flags, FIELD_UINT16),
	IN(IvfRowHead, t, FIELD_FLOAT4),
	IN(IvfRowHead, norm, FIELD_FLOAT4),
	IN(IvfRowHead, code_norm, FIELD_FLOAT4),
	IN(IvfRowHead, error, FIELD_FLOAT4),
	IN(IvfRowHead, g, FIELD_FLOAT4),
	{"code", sizeof(IvfRowHead), FIELD_UINT8},
};

static const Field child_fields[] = {
	IN(IvfChildHead, tid, FIELD_TID),
	IN(IvfChildHead, flags, FIELD_UINT16),
	IN(IvfChildHead, radius, FIELD_FLOAT4),
	{"centroid", sizeof(IvfChildHead), FIELD_FLOAT4},
};

/* a number from 0 to n - 1 */
static uint32
below(Damage *damage, uint32 n)
{
	return (uint32) (prng_next(&damage->prng) % n);
}

pg_attribute_printf(2, 3)
static void
say(Damage *damage, const char *format,...)
{
	va_list		args;
	size_t		room = DAMAGE_TEXT - damage->length;
	int			written;

	va_start(args, format);
	written = vsnprintf(damage->text + damage->length, room, format, args);
	va_end(args);
	damage->length += Min((size_t) Max(written, 0), room - 1);
}

static char *
page_of(const Damage *damage, uint32 block)
{
	return damage->file->page[block];
}

static IvfPageOpaque
special_of(const Damage *damage, uint32 block)
{
	return (IvfPageOpaque) (page_of(damage, block) + IVF_PAGE_SPECIAL);
}

/*
 * A page to damage: each kind that there is as likely as every other, so that
 * the few pages of some kinds get their share.
 */
static uint32
pick_page(Damage *damage)
{
	uint32		count = damage->file->count;
	int			kind = IVF_META_PAGE + below(damage, IVF_REFINE_PAGE);
	uint32		first = below(damage, count);
	uint32		i;

	for (i = 0; i < count; i++)
	{
		if (special_of(damage, (first + i) % count)->kind == kind)
			return (first + i) % count;
	}
	return first;
}

/* a number that could be of a page, or is just beside one */
static uint32
some_block(Damage *damage, uint32 block, uint32 value)
{
	uint32		count = damage->file->count;

	switch (below(damage, 10))
	{
		case 0:
			return InvalidBlockNumber;
		case 1:
			return block;
		case 2:
			return value + 1;
		case 3:
			return value - 1;
		case 4:
			return 0;
		case 5:
			return count + below(damage, 2);
		case 6:
			return (uint32) prng_next(&damage->prng);
		default:
			return below(damage, count);
	}
}

static uint64
some_count(Damage *damage, uint64 value, int size)
{
	static const uint16 places[] = {IVF_PAGE_START, IVF_PAGE_END, IVF_PAGE_SPECIAL,
	BLCKSZ, BLCKSZ - 1, IVF_PAGE_START + IVF_COLUMN};

	switch (below(damage, 10))
	{
		case 0:
			return value + 1;
		case 1:
			return value - 1;
		case 2:
			return 0;
		case 3:
			return PG_UINT64_MAX;
		case 4:
			return PG_UINT64_MAX >> (65 - 8 * size);	/* the largest of a signed one */
		case 5:
			return value + IVF_COLUMN;
		case 6:
			return value - IVF_COLUMN;
		case 7:
			return places[below(damage, lengthof(places))];
		case 8:
			return below(damage, 64);
		default:
			return prng_next(&damage->prng);
	}
}

static double
some_float(Damage *damage, double value)
{
	switch (below(damage, 10))
	{
		case 0:
			return 0;
		case 1:
			return -value;
		case 2:
			return INFINITY;
		case 3:
			return -INFINITY;
		case 4:
			return NAN;
		case 5:
			return value * (1 + 0x1p-23);
		case 6:
			return value * 0.5;
		case 7:
			return FLT_MAX;
		case 8:
			return -FLT_MAX;
		default:
			return value * prng_double(&damage->prng) * 100;
	}
}

/* a TID that could stand in a slot of an array of so many, which is not aligned */
static ItemPointerData
some_tid(Damage *damage, uint32 block, const char *array, int slot, int count)
{
	ItemPointerData tid;
	uint64		bits;

	memcpy(&tid, array + slot * sizeof(tid), sizeof(tid));
	switch (below(damage, 8))
	{
		case 0:
			ItemPointerSetInvalid(&tid);
			break;
		case 1:
			memcpy(&tid, array + below(damage, count) * sizeof(tid), sizeof(tid));
			break;
		case 2:
			ItemPointerSetBlockNumber(&tid, some_block(damage, block,
													   ItemPointerGetBlockNumberNoCheck(&tid)));
			break;
		case 3:
			ItemPointerSet(&tid, below(damage, damage->file->count), 1);
			break;
		case 4:
			tid.ip_posid++;
			break;
		case 5:
			tid.ip_posid = 0;
			break;
		case 6:
			tid.ip_posid = PG_UINT16_MAX;
			break;
		default:
			bits = prng_next(&damage->prng);
			memcpy(&tid, &bits, sizeof(tid));
	}
	return tid;
}

/*
 * Gives the field at a page's offset, the slot-th of an array of so many, a
 * value that could stand there.
 */
static void
set_field(Damage *damage, uint32 block, uint32 base, const Field *field,
		  int slot, int count)
{
	int			size = field_size[field->type];
	uint32		offset = base + field->offset + slot * size;
	char	   *place = page_of(damage, block) + offset;
	uint64		value = 0;
	ItemPointerData tid;
	float		single;
	double		real;

	if (offset + size > BLCKSZ)
		return;
	memcpy(&value, place, size);
	say(damage, "; block %u, %s at %u: ", block, field->name, offset);
	switch (field->type)
	{
		case FIELD_BLOCK:
			value = some_block(damage, block, (uint32) value);
			say(damage, "%u", (uint32) value);
			break;
		case FIELD_TID:
			tid = some_tid(damage, block, place - slot * size, slot, count);
			memcpy(&value, &tid, sizeof(tid));
			say(damage, "(%u,%u)", ItemPointerGetBlockNumberNoCheck(&tid),
				ItemPointerGetOffsetNumberNoCheck(&tid));
			break;
		case FIELD_FLOAT4:
			memcpy(&single, place, sizeof(single));
			single = (float) some_float(damage, single);
			memcpy(&value, &single, sizeof(single));
			say(damage, "%.9g", single);
			break;
		case FIELD_FLOAT8:
			memcpy(&real, place, sizeof(real));
			real = some_float(damage, real);
			memcpy(&value, &real, sizeof(real));
			say(damage, "%g", real);
			break;
		default:
			value = some_count(damage, value, size);
			say(damage, UINT64_FORMAT, value);
	}
	memcpy(place, &value, size);
}

/*
 * Where a block's head stands on a code page, chosen among them; 0 if there is
 * none.
 */
static uint32
pick_head(Damage *damage, uint32 block)
{
	PageHeader	header = (PageHeader) page_of(damage, block);
	uint32		first = special_of(damage, block)->first;
	uint32		size = sizeof(IvfBlockHead) + IVF_COLUMN_BYTES(damage->n);
	uint32		end = Min(header->pd_lower, IVF_PAGE_END);
	uint32		heads;

	if (first < IVF_PAGE_START || first + sizeof(IvfBlockHead) > end)
		return 0;
	heads = (end - first - sizeof(IvfBlockHead)) / size + 1;
	return first + below(damage, heads) * size;
}

static void
damage_head(Damage *damage, uint32 block)
{
	uint32		head = pick_head(damage, block);

	if (head == 0)
		return;
	if (below(damage, 3) == 0)
		set_field(damage, block, head, &run_fields[below(damage, lengthof(run_fields))], 0, 1);
	else
		set_field(damage, block, head, &slot_fields[below(damage, lengthof(slot_fields))],
				  below(damage, VEC_BLOCK), VEC_BLOCK);
}

/*
 * A row: found through a code page, as nothing else tells where rows stand.
 */
static void
damage_row(Damage *damage)
{
	uint32		count = damage->file->count;
	uint32		first = below(damage, count);
	uint32		i;

	for (i = 0; i < count; i++)
	{
		uint32		block = (first + i) % count;
		IvfPageOpaque special = special_of(damage, block);
		uint32		at = special->kind == IVF_CODE_PAGE ? pick_head(damage, block) : 0;
		IvfBlockHead head;
		IvfRun		run;
		IvfPlace	place;

		if (at == 0)
			continue;
		memcpy(&head, page_of(damage, block) + at, sizeof(head));
		run = ivf_run_of(&head, special->level, damage->n);
		place = ivf_row_place(&run, below(damage, VEC_BLOCK));
		block = ivf_run_block(&run, place.page);
		if (block >= count)
			continue;
		if (special->level > 0)
			set_field(damage, block, place.offset,
					  &child_fields[below(damage, lengthof(child_fields))], 0, 1);
		else
			set_field(damage, block, place.offset,
					  &row_fields[below(damage, lengthof(row_fields))], 0, 1);
		return;
	}
}

/*
 * A field of what stands on a page of its kind.
 */
static void
damage_content(Damage *damage, uint32 block)
{
	Field		field = {"TID", IVF_PAGE_START, FIELD_TID};

	switch (special_of(damage, block)->kind)
	{
		case IVF_META_PAGE:
			set_field(damage, block, 0, &meta_fields[below(damage, lengthof(meta_fields))], 0, 1);
			break;
		case IVF_MEAN_PAGE:
			field.name = "element";
			field.type = FIELD_FLOAT4;
			set_field(damage, block, 0, &field, below(damage, 64), 1);
			break;
		case IVF_TIDS_PAGE:
			set_field(damage, block, 0, &field, below(damage, IVF_TIDS_PER_PAGE),
					  IVF_TIDS_PER_PAGE);
			break;
		case IVF_CODE_PAGE:
			damage_head(damage, block);
			break;
		default:
			damage_row(damage);
	}
}

/* bytes without a meaning, in one page */
static void
damage_bytes(Damage *damage, uint32 block)
{
	char	   *page = page_of(damage, block);
	uint32		offset = below(damage, BLCKSZ);
	uint32		length = 1 + below(damage, 1 << below(damage, 14));
	uint32		i;

	length = Min(length, BLCKSZ - offset);
	switch (below(damage, 4))
	{
		case 0:
			say(damage, "; block %u: bit at %u", block, offset);
			page[offset] ^= 1 << below(damage, 8);
			return;
		case 1:
			say(damage, "; block %u: random bytes at %u, %u of them", block, offset, length);
			for (i = 0; i < length; i++)
				page[offset + i] = (char) prng_next(&damage->prng);
			return;
		case 2:
			say(damage, "; block %u: zeros at %u, %u of them", block, offset, length);
			memset(page + offset, 0, length);
			return;
		default:
			say(damage, "; block %u: ones at %u, %u of them", block, offset, length);
			memset(page + offset, 0xFF, length);
	}
}

/* bytes of another page, or of another place of the same */
static void
damage_copies(Damage *damage, uint32 block)
{
	uint32		other = pick_page(damage);
	char	   *page = page_of(damage, block);
	char		saved[BLCKSZ];
	uint32		to = below(damage, BLCKSZ / IVF_COLUMN) * IVF_COLUMN;
	uint32		from = below(damage, 2) ? to : below(damage, BLCKSZ / IVF_COLUMN) * IVF_COLUMN;
	uint32		length = 1 + below(damage, BLCKSZ);

	length = Min(length, BLCKSZ - Max(from, to));
	memcpy(saved, page, BLCKSZ);
	switch (below(damage, 3))
	{
		case 0:
			say(damage, "; blocks %u and %u swapped", block, other);
			memmove(page, page_of(damage, other), BLCKSZ);
			memcpy(page_of(damage, other), saved, BLCKSZ);
			return;
		case 1:
			say(damage, "; block %u: a copy of %u", block, other);
			memmove(page, page_of(damage, other), BLCKSZ);
			return;
		default:
			say(damage, "; block %u: %u bytes at %u, from %u of block %u", block, length, to,
				from, other);
			memmove(page + to, page_of(damage, other) + from, length);
	}
}

/* the file's end */
static void
damage_end(Damage *damage)
{
	DamageFile *file = damage->file;
	uint32		added = 1 + below(damage, DAMAGE_NEW_PAGES);
	uint32		from = pick_page(damage);
	int			what = below(damage, 6);
	uint32		i;
	uint32		j;

	if (what < 3)
	{
		file->count = what == 0 ? 0 : what == 1 ? file->count - 1 : below(damage, file->count);
		file->tail = below(damage, 2) ? 1 + below(damage, BLCKSZ - 1) : 0;
		say(damage, "; file cut to %u pages and %d bytes", file->count, file->tail);
		return;
	}
	for (i = 0; i < added && file->count < file->count_before + DAMAGE_NEW_PAGES; i++)
	{
		char	   *page = file->page[file->count++];

		if (what == 3)
			memset(page, 0, BLCKSZ);
		else if (what == 4)
			memcpy(page, file->page[from], BLCKSZ);
		for (j = 0; j < BLCKSZ && what == 5; j++)
			page[j] = (char) prng_next(&damage->prng);
	}
	say(damage, "; file extended to %u pages, %s %u", file->count,
		what == 3 ? "zeros, not" : what == 4 ? "copies of" : "garbage, not", from);
}

/*
 * Damages the file in one way, or in several at a time; text tells how.
 */
void
damage_make(uint64 seed, DamageFile *file, char *text)
{
	Damage		damage = {file, {seed * 2654435761u}, 0, text, 0};
	const IvfMetaData *meta = IvfMeta(file->page[IVF_META_BLOCK]);
	int			times = 1;

	text[0] = '\0';
	file->tail = 0;
	file->count_before = file->count;
	damage.n = rotation_padded(meta->dimensions);
	if (below(&damage, 4) == 0)
		times += 1 + below(&damage, 3);
	while (times-- > 0 && file->count > 0)
	{
		uint32		block = pick_page(&damage);
		uint32		way = below(&damage, 20);

		if (way < 5)
			damage_bytes(&damage, block);
		else if (way < 8)
			damage_copies(&damage, block);
		else if (way < 9)
			damage_end(&damage);
		else if (way < 11)
			set_field(&damage, block, 0,
					  &header_fields[below(&damage, lengthof(header_fields))], 0, 1);
		else if (way < 14)
			set_field(&damage, block, 0,
					  &special_fields[below(&damage, lengthof(special_fields))], 0, 1);
		else
			damage_content(&damage, block);
	}
}
