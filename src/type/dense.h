/*
 * dense.h
 *	  What all dense types share: vectors of which every element is stored.
 *
 * A dense type is a varlena header, int16 dim, int16 unused (zero) and dim
 * elements.  What depends on the element is written once, in the templates
 * dense_*.h, and instantiated by the type's own file: dense_template.h says
 * what that file has to define.  What does not depend on it is declared here
 * and takes the type's name for its messages.
 *
 * Functions with an escontext report bad input through it, as the server's
 * input functions do, and then return false; with NULL they throw.
 */
#ifndef VECFEAT_DENSE_H
#define VECFEAT_DENSE_H

#include "compat.h"

#include "nodes/nodes.h"
#include "nodes/subscripting.h"
#include "utils/array.h"

/* dense.c: limits, and the errors that name them */
extern bool dense_check_dim(int64 dim, int max_dim, const char *type,
							Node *escontext);
extern bool dense_check_typmod(int dim, int32 typmod, Node *escontext);
extern bool dense_check_finite(double value, const char *type,
							   Node *escontext);
extern void dense_check_same_dim(int a, int b);
extern bool dense_syntax_error(const char *type, const char *input,
							   const char *detail, Node *escontext);
extern bool dense_range_error(const char *type, const char *number,
							  Node *escontext);
extern int32 dense_typmod_in(ArrayType *modifiers, const char *type,
							 int max_dim);

/* numbers.c: the arrays that cast to a dense type */
extern double *array_to_numbers(ArrayType *array, int max_dim,
								const char *type, int *count);

/* subscript.c: v[i] */
extern void dense_subscript_transform(SubscriptingRef *sbsref,
									  List *indirection,
									  struct ParseState *pstate,
									  bool isSlice, bool isAssignment);
extern bool dense_fetch_element(Datum value, int32 subscript, int max_dim,
								Size size, void *element);

#endif							/* VECFEAT_DENSE_H */
