/*
 * validate.c
 *	  Operator classes: are they sound, and what can they do.
 */
#include "compat.h"

#include "am/validate.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "index/opclass.h"
#include "index/wanted.h"
#include "type/range.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#define COMPLAIN(...) \
	do { \
		ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg(__VA_ARGS__))); \
		valid = false; \
	} while (0)

/*
 * What is wrong with a support function, or NULL.  It returns the table of
 * functions for a type and metric: one that returns something else would be
 * taken for such a pointer.
 */
static const char *
function_fault(Oid function, int number, Oid left, Oid right)
{
	if (number != IVF_OPCLASS_PROC)
		return "with an invalid support number";
	if (left != right)
		return "with different left and right input types";
	if (!check_amproc_signature(function, INTERNALOID, true, 1, 1, INTERNALOID))
		return "with a wrong signature";
	return NULL;
}

/*
 * What is wrong with an ordering operator, or NULL.  A scan takes the query for
 * a value of the column's type, and its own order for that of float8 distances.
 */
static const char *
order_fault(Oid operator, Oid left, Oid right, Oid sort_family)
{
	if (!OidIsValid(sort_family) ||
		!opfamily_can_sort_type(sort_family, get_op_rettype(operator)))
		return "that is not for ORDER BY";
	if (left != right)
		return "with different left and right input types";
	if (!check_amop_signature(operator, FLOAT8OID, left, right))
		return "with a wrong signature";
	return NULL;
}

/*
 * What is wrong with a search operator, or NULL.  A scan takes what is at its
 * right for a center of the column's type and a radius.
 */
static const char *
search_fault(Oid operator, Oid left, Oid right, Oid sort_family)
{
	if (OidIsValid(sort_family))
		return "that is not for search";
	if (!range_type_fits(right, left))
		return "whose right input type is not a range of the left one";
	if (!check_amop_signature(operator, BOOLOID, left, right))
		return "with a wrong signature";
	return NULL;
}

/*
 * What is wrong with an operator, or NULL.
 */
static const char *
operator_fault(Oid operator, int strategy, Oid left, Oid right, Oid sort_family)
{
	switch (strategy)
	{
		case IVF_STRATEGY_ORDER:
			return order_fault(operator, left, right, sort_family);
		case IVF_STRATEGY_WITHIN:
			return search_fault(operator, left, right, sort_family);
		default:
			return "with an invalid strategy number";
	}
}

static bool
validate_functions(CatCList *list, const char *family, Oid type)
{
	bool		valid = true;
	bool		found = false;
	int			i;

	for (i = 0; i < list->n_members; i++)
	{
		Form_pg_amproc member = (Form_pg_amproc) GETSTRUCT(&list->members[i]->tuple);
		const char *fault = function_fault(member->amproc, member->amprocnum,
										   member->amproclefttype,
										   member->amprocrighttype);

		if (fault)
			COMPLAIN("operator family \"%s\" of access method %s contains support function %s %s",
					 family, "ivf", format_procedure(member->amproc), fault);
		else if (member->amproclefttype == type)
			found = true;
	}
	if (!found)
		COMPLAIN("operator family \"%s\" of access method %s is missing support function %d for type %s",
				 family, "ivf", IVF_OPCLASS_PROC, format_type_be(type));
	return valid;
}

static bool
validate_operators(CatCList *list, const char *family, Oid type)
{
	bool		valid = true;
	bool		found = false;
	int			i;

	for (i = 0; i < list->n_members; i++)
	{
		Form_pg_amop member = (Form_pg_amop) GETSTRUCT(&list->members[i]->tuple);
		const char *fault = operator_fault(member->amopopr, member->amopstrategy,
										   member->amoplefttype,
										   member->amoprighttype,
										   member->amopsortfamily);

		if (fault)
			COMPLAIN("operator family \"%s\" of access method %s contains operator %s %s",
					 family, "ivf", format_operator(member->amopopr), fault);
		else if (member->amoplefttype == type &&
				 member->amopstrategy == IVF_STRATEGY_ORDER)
			found = true;
	}
	if (!found)
		COMPLAIN("operator family \"%s\" of access method %s is missing the ordering operator for type %s",
				 family, "ivf", format_type_be(type));
	return valid;
}

static char *
family_name(Oid family)
{
	HeapTuple	tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(family));
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator family %u", family);
	name = pstrdup(NameStr(((Form_pg_opfamily) GETSTRUCT(tuple))->opfname));
	ReleaseSysCache(tuple);
	return name;
}

/*
 * amvalidate
 */
bool
ivf_validate(Oid opclass)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass form;
	char	   *family;
	CatCList   *list;
	bool		valid;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	family = family_name(form->opcfamily);

	list = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(form->opcfamily));
	valid = validate_functions(list, family, form->opcintype);
	ReleaseCatCacheList(list);

	list = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(form->opcfamily));
	valid = validate_operators(list, family, form->opcintype) && valid;
	ReleaseCatCacheList(list);

	ReleaseSysCache(tuple);
	return valid;
}

/*
 * amadjustmembers: refuses what would make the server read memory that is not
 * there, or rows come in a wrong order.  An operator class can't do without
 * its support function and its operators; what else a family may come to hold
 * is loose.
 */
void
ivf_adjust_members(Oid opfamily, Oid opclass, List *operators, List *functions)
{
	ListCell   *cell;

	foreach(cell, list_concat_copy(operators, functions))
	{
		OpFamilyMember *member = lfirst(cell);
		const char *fault = member->is_func ?
		function_fault(member->object, member->number, member->lefttype,
					   member->righttype) :
		operator_fault(member->object, member->number, member->lefttype,
					   member->righttype, member->sortfamily);

		if (fault)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("access method %s can't have %s %s %s", "ivf",
							member->is_func ? "support function" : "operator",
							member->is_func ? format_procedure(member->object) :
							format_operator(member->object), fault)));
		member->ref_is_hard = OidIsValid(opclass);
		member->ref_is_family = !OidIsValid(opclass);
		member->refobjid = OidIsValid(opclass) ? opclass : opfamily;
	}
}

/*
 * amproperty: what the server can't know is that an index can order by
 * distance, and that no operator is there that could exclude: of a row and a
 * range neither is like the other.
 */
bool
ivf_property(Oid index, int column, IndexAMProperty property, const char *name,
			 bool *result, bool *isnull)
{
	*isnull = false;
	switch (property)
	{
		case AMPROP_DISTANCE_ORDERABLE:
			*result = true;
			return column != 0;
		case AMPROP_CAN_EXCLUDE:
			*result = false;
			return true;
		default:
			return false;
	}
}
