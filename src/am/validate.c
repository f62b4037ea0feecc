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
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* the only strategy: ORDER BY distance */
#define ORDER_STRATEGY	1

#define COMPLAIN(...) \
	do { \
		ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg(__VA_ARGS__))); \
		valid = false; \
	} while (0)

/*
 * Members of a family: support functions return the table of functions for a
 * type, operators order by a distance.
 */
static bool
validate_functions(CatCList *list, const char *family, Oid type)
{
	bool		valid = true;
	bool		found = false;
	int			i;

	for (i = 0; i < list->n_members; i++)
	{
		Form_pg_amproc member = (Form_pg_amproc) GETSTRUCT(&list->members[i]->tuple);

		if (member->amproclefttype != member->amprocrighttype)
			COMPLAIN("operator family \"%s\" of access method %s contains support function %s with different left and right input types",
					 family, "ivf", format_procedure(member->amproc));
		if (member->amprocnum != IVF_OPCLASS_PROC)
			COMPLAIN("operator family \"%s\" of access method %s contains function %s with invalid support number %d",
					 family, "ivf", format_procedure(member->amproc), member->amprocnum);
		else if (!check_amproc_signature(member->amproc, INTERNALOID, true, 1, 1,
										 INTERNALOID))
			COMPLAIN("operator family \"%s\" of access method %s contains function %s with wrong signature for support number %d",
					 family, "ivf", format_procedure(member->amproc), member->amprocnum);
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

		if (member->amopstrategy != ORDER_STRATEGY)
			COMPLAIN("operator family \"%s\" of access method %s contains operator %s with invalid strategy number %d",
					 family, "ivf", format_operator(member->amopopr), member->amopstrategy);
		else if (member->amoppurpose != AMOP_ORDER ||
				 !opfamily_can_sort_type(member->amopsortfamily,
										 get_op_rettype(member->amopopr)))
			COMPLAIN("operator family \"%s\" of access method %s contains operator %s that is not for ORDER BY",
					 family, "ivf", format_operator(member->amopopr));
		else if (!check_amop_signature(member->amopopr, FLOAT8OID,
									   member->amoplefttype, member->amoprighttype))
			COMPLAIN("operator family \"%s\" of access method %s contains operator %s with wrong signature",
					 family, "ivf", format_operator(member->amopopr));
		else if (member->amoplefttype == type && member->amoprighttype == type)
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
 * amadjustmembers: an operator class can't do without its support function
 * and its operator; what else a family may come to hold is loose.
 */
void
ivf_adjust_members(Oid opfamily, Oid opclass, List *operators, List *functions)
{
	ListCell   *cell;

	foreach(cell, list_concat_copy(operators, functions))
	{
		OpFamilyMember *member = lfirst(cell);

		if (member->is_func && member->number != IVF_OPCLASS_PROC)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("support function number %d is invalid for access method %s",
							member->number, "ivf")));
		if (!member->is_func && !OidIsValid(member->sortfamily))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("operators of access method %s must be FOR ORDER BY",
							"ivf")));
		member->ref_is_hard = OidIsValid(opclass);
		member->ref_is_family = !OidIsValid(opclass);
		member->refobjid = OidIsValid(opclass) ? opclass : opfamily;
	}
}

/*
 * amproperty: an index can order by distance; the server can't know.
 */
bool
ivf_property(Oid index, int column, IndexAMProperty property, const char *name,
			 bool *result, bool *isnull)
{
	if (property != AMPROP_DISTANCE_ORDERABLE || column == 0)
		return false;
	*result = true;
	*isnull = false;
	return true;
}
