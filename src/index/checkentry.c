/*
 * checkentry.c
 *	  Checks the entries of a block: its head, its rows and its columns agree
 *	  with each other.
 */
#include "compat.h"

#include "index/check.h"

#include <math.h>

/*
 * Relative to its norm, how far a row's factors may be off by rounding.  They
 * are rounded to float4 a few times.
 */
#define FACTOR_SLACK	0x1p-18

/* what float4's denormals may add to a norm of n values */
#define TINY_NORM(n)	(sqrt(n) * 0x1p-148)

/*
 * Reports damage in a slot of a block's head, or in its columns.
 */
void
ivf_slot_corrupted(IvfCheck *check, const IvfCheckBlock *block, int slot,
				   const char *detail,...)
{
	char		message[160];
	va_list		args;

	va_start(args, detail);
	vsnprintf(message, sizeof(message), detail, args);
	va_end(args);
	ivf_corrupted(check->index, block->block, "slot %d of the block at offset %u %s",
				  slot, block->offset, message);
}

/*
 * Reports damage in a row.
 */
void
ivf_row_corrupted(IvfCheck *check, const IvfCheckBlock *block, int row,
				  const char *detail,...)
{
	IvfPlace	place = ivf_row_place(&block->run, row);
	char		message[160];
	va_list		args;

	va_start(args, detail);
	vsnprintf(message, sizeof(message), detail, args);
	va_end(args);
	ivf_corrupted(check->index, ivf_run_block(&block->run, place.page),
				  "the row at offset %u %s", place.offset, message);
}

/*
 * The head of the current block.  A slot is dead when its TID is invalid, and
 * then and only then add is +infinity.
 */
void
ivf_check_slots(IvfCheck *check, IvfCheckNode *node)
{
	const IvfCheckBlock *block = &node->current;
	const IvfBlockHead *head = &block->head;
	int			i;

	for (i = 0; i < VEC_BLOCK; i++)
	{
		bool		infinite = isinf(head->add[i]) && head->add[i] > 0;

		if (!ItemPointerIsValid(&head->tid[i]))
		{
			if (!infinite)
				ivf_slot_corrupted(check, block, i, "is dead, but adds %g",
								   head->add[i]);
			continue;
		}
		if (infinite)
			ivf_slot_corrupted(check, block, i, "is live, but adds infinity");
		if (!isfinite(head->add[i]) ||
			!isfinite(head->scale[i]) || !(head->scale[i] <= 0) ||
			!isfinite(head->err[i]) || !(head->err[i] >= 0))
			ivf_slot_corrupted(check, block, i, "has factors %g, %g and %g",
							   head->add[i], head->scale[i], head->err[i]);
	}
}

/*
 * The factors of a row are those of its byte code.  code_norm can be computed
 * exactly; the error is orthogonal to the decoded vector, but for rounding, so
 * the squares of the norms add up.  A row with an infinite error stands for a
 * vector that is too large to be encoded.
 */
static void
check_factors(IvfCheck *check, IvfCheckNode *node, int slot,
			  const IvfRowHead *row, const int8 *code)
{
	double		yy = 0;
	double		left;
	bool		zero = true;
	int			i;

	if (!isfinite(row->t) || !(row->t >= 0) ||
		!isfinite(row->norm) || !(row->norm >= 0) ||
		!isfinite(row->code_norm) || !(row->error >= 0) || !isfinite(row->g) ||
		(row->g != 0 && check->space->metric != METRIC_INNER_PRODUCT))
		ivf_row_corrupted(check, &node->current, slot,
						  "has factors %g, %g, %g, %g and %g", row->t, row->norm,
						  row->code_norm, row->error, row->g);
	for (i = 0; i < check->n; i++)
	{
		yy += (code[i] + 0.5) * (code[i] + 0.5);
		zero = zero && code[i] == 0;
	}
	if ((row->t == 0 && !zero) || row->code_norm != (float4) (row->t * sqrt(yy)))
		ivf_row_corrupted(check, &node->current, slot,
						  "has a code of norm %.9g, which is stored as %.9g",
						  row->t * sqrt(yy), row->code_norm);
	if (isinf(row->error))
		left = row->norm;
	else
		left = fabs(row->norm - sqrt((double) row->code_norm * row->code_norm +
									 (double) row->error * row->error));
	if (left > FACTOR_SLACK * row->norm + TINY_NORM(check->n))
		ivf_row_corrupted(check, &node->current, slot,
						  "is of norm %.9g, but its code of norm %.9g with error %.9g",
						  row->norm, row->code_norm, row->error);
}

/*
 * Both codes of an entry have the same signs, unless its byte code is empty.
 */
static void
check_signs(IvfCheck *check, IvfCheckNode *node, int slot,
			const IvfRowHead *row, const int8 *code)
{
	int			i;

	if (row->t == 0)
		return;
	ivf_columns_get(node->current.columns, check->n / 4, slot, check->nibbles);
	for (i = 0; i < check->n; i++)
	{
		bool		positive = (check->nibbles[i / 4] & (1 << i % 4)) != 0;

		if (positive != (code[i] >= 0))
			ivf_slot_corrupted(check, &node->current, slot,
							   "has another sign in dimension %d than its row", i);
	}
}

/*
 * The radii that an entry proves to be needed: in its leaf, its norm; in the
 * nodes above, the distance from there to the decoded vector, less its error.
 */
static void
prove_radii(IvfCheck *check, IvfCheckNode *node, const IvfRowHead *row,
			const int8 *code)
{
	IvfCheckNode *up;
	int			i;

	if (node->parent == NULL || isinf(row->error))
		return;
	ivf_check_need(node, row->norm - TINY_NORM(check->n), node->current.block);
	for (up = node->parent; up->parent != NULL; up = up->parent)
	{
		double		squares = 0;
		double		slack;

		for (i = 0; i < check->n; i++)
		{
			double		d = (double) node->centroid[i] +
			row->t * (code[i] + 0.5) - up->centroid[i];

			squares += d * d;
		}
		slack = FACTOR_SLACK * (sqrt(squares) + row->norm) + TINY_NORM(check->n);
		ivf_check_need(up, sqrt(squares) - row->error - slack,
					   node->current.block);
	}
}

/*
 * An entry of a leaf.
 */
void
ivf_check_entry(IvfCheck *check, IvfCheckNode *node, int slot)
{
	IvfCheckBlock *block = &node->current;
	ItemPointer tid = &block->head.tid[slot];
	const char *bytes = ivf_check_row(block, slot);
	const IvfRowHead *row = (const IvfRowHead *) bytes;
	const int8 *code = (const int8 *) (bytes + sizeof(IvfRowHead));

	ivf_check_tid(check, block->block, block->offset, slot, tid);
	if (memcmp(&row->tid, tid, sizeof(ItemPointerData)) != 0)
		ivf_row_corrupted(check, block, slot, "is for row (%u,%u), its slot for (%u,%u)",
						  ItemPointerGetBlockNumberNoCheck(&row->tid),
						  ItemPointerGetOffsetNumberNoCheck(&row->tid),
						  ItemPointerGetBlockNumberNoCheck(tid),
						  ItemPointerGetOffsetNumberNoCheck(tid));
	if (row->flags != 0)
		ivf_row_corrupted(check, block, slot,
						  "has flags %04X, which this version does not set",
						  row->flags);
	check_factors(check, node, slot, row, code);
	check_signs(check, node, slot, row, code);
	prove_radii(check, node, row, code);
	if (check->cells && node->parent)
		ivf_check_in_cell(check, node, slot, row, code);
	if (check->rows)
		ivf_check_heap_entry(check, node, slot);
}

/*
 * The sign code of a child is that of its centroid, as seen from its parent's.
 */
static void
check_child_code(IvfCheck *check, IvfCheckNode *node, int slot,
				 const float4 *centroid)
{
	const IvfBlockHead *head = &node->current.head;
	bool		inner_product = (check->space->metric == METRIC_INNER_PRODUCT);
	SignFactors *factors = &check->entry->factors;
	double		g = 0;
	int			i;

	for (i = 0; i < check->n; i++)
		check->v[i] = centroid[i];
	ivf_residual(check->v, node->centroid, check->n, check->residual);
	if (inner_product)
		g = ivf_true_dot(check->space, check->v, node->centroid, check->n);
	encode_signs(check->residual, node->centroid, check->n, g, inner_product,
				 check->entry->nibbles, factors);
	if (head->add[slot] != factors->add || head->scale[slot] != factors->scale ||
		head->err[slot] != factors->err)
		ivf_slot_corrupted(check, &node->current, slot,
						   "has factors %.9g, %.9g and %.9g, its centroid %.9g, %.9g and %.9g",
						   head->add[slot], head->scale[slot], head->err[slot],
						   factors->add, factors->scale, factors->err);
	ivf_columns_get(node->current.columns, check->n / 4, slot, check->nibbles);
	if (memcmp(check->nibbles, check->entry->nibbles, check->n / 4) != 0)
		ivf_slot_corrupted(check, &node->current, slot,
						   "has other signs than its centroid");
}

/*
 * An entry of an inner node; returns the child's first page.
 */
BlockNumber
ivf_check_child(IvfCheck *check, IvfCheckNode *node, int slot)
{
	const IvfCheckBlock *block = &node->current;
	const ItemPointerData *tid = &block->head.tid[slot];
	const char *bytes = ivf_check_row(block, slot);
	const IvfChildHead *row = (const IvfChildHead *) bytes;
	const float4 *centroid = (const float4 *) (bytes + sizeof(IvfChildHead));
	BlockNumber child = ItemPointerGetBlockNumberNoCheck(tid);
	int			i;

	if (ItemPointerGetOffsetNumberNoCheck(tid) != FirstOffsetNumber)
		ivf_slot_corrupted(check, block, slot, "points to (%u,%u), which is no child",
						   child, ItemPointerGetOffsetNumberNoCheck(tid));
	ivf_check_pointer(check, block->block, child, "a child");
	if (memcmp(&row->tid, tid, sizeof(ItemPointerData)) != 0)
		ivf_row_corrupted(check, block, slot, "is for node %u, its slot for %u",
						  ItemPointerGetBlockNumberNoCheck(&row->tid), child);
	if (row->flags != 0)
		ivf_row_corrupted(check, block, slot,
						  "has flags %04X, which this version does not set",
						  row->flags);
	if (!(row->radius >= 0))
		ivf_row_corrupted(check, block, slot, "has radius %g", row->radius);
	for (i = 0; i < check->n; i++)
	{
		if (!isfinite(centroid[i]))
			ivf_row_corrupted(check, block, slot, "has a centroid with %g in dimension %d",
							  centroid[i], i);
	}
	check_child_code(check, node, slot, centroid);
	return child;
}
