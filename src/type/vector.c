/*
 * vector.c
 *	  The vector type: the dense templates over float4.
 */
#include "type/vector.h"

#include "type/distance.h"

#define DENSE_NAME			vector
#define DENSE_TYPE			Vector
#define DENSE_ELEMENT		float4
#define DENSE_MAX_DIM		VECTOR_MAX_DIM
#define DENSE_GET(e)		((float4) (e))
#define DENSE_PUT(d)		((float4) (d))
#define DENSE_SEND(buf, e)	pq_sendfloat4(buf, e)
#define DENSE_RECV(buf)		pq_getmsgfloat4(buf)

#include "type/dense_template.h"

#include "type/dense_io.h"
#include "type/dense_distance.h"
#include "type/dense_within.h"
#include "type/dense_func.h"
#include "type/dense_arith.h"
#include "type/dense_compare.h"
#include "type/dense_cast.h"
#include "type/dense_subscript.h"
#include "type/dense_agg.h"
