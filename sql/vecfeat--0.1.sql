-- The install script of vecfeat 0.1.
-- It runs with search_path set to the extension's schema; nothing in it names
-- that schema, so the extension can be moved.

\echo Use "CREATE EXTENSION vecfeat" to load this file. \quit

--
-- The vector type
--

CREATE TYPE vector;

CREATE FUNCTION vector_in(cstring, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_in(cstring, oid, integer) IS 'I/O';

CREATE FUNCTION vector_out(vector) RETURNS cstring
	AS 'MODULE_PATHNAME', 'vecfeat_vector_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_out(vector) IS 'I/O';

CREATE FUNCTION vector_recv(internal, oid, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_recv(internal, oid, integer) IS 'I/O';

CREATE FUNCTION vector_send(vector) RETURNS bytea
	AS 'MODULE_PATHNAME', 'vecfeat_vector_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_send(vector) IS 'I/O';

CREATE FUNCTION vector_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'vecfeat_vector_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_typmod_in(cstring[]) IS 'I/O type modifier: the number of dimensions';

CREATE FUNCTION vector_subscript_handler(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_vector_subscript_handler' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_subscript_handler(internal) IS 'subscripting of vector';

CREATE FUNCTION vector_typanalyze(internal) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_dense_typanalyze' LANGUAGE C STRICT;
COMMENT ON FUNCTION vector_typanalyze(internal) IS 'ANALYZE of vector: fraction of nulls, width, number of distinct values';

CREATE TYPE vector (
	INPUT = vector_in,
	OUTPUT = vector_out,
	RECEIVE = vector_recv,
	SEND = vector_send,
	TYPMOD_IN = vector_typmod_in,
	SUBSCRIPT = vector_subscript_handler,
	ANALYZE = vector_typanalyze,
	STORAGE = external,
	ALIGNMENT = int4
);
COMMENT ON TYPE vector IS 'vector of 1 to 16000 single-precision numbers, ''[1,2,3]''';
COMMENT ON TYPE vector[] IS 'array of vectors';

--
-- Distances
--

CREATE FUNCTION vector_distance_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_distance_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_distance_support(internal) IS 'planner support for distances';

CREATE FUNCTION l2_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_vector_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_distance_support;
COMMENT ON FUNCTION l2_distance(vector, vector) IS 'Euclidean distance';

CREATE FUNCTION inner_product(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_vector_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_distance_support;
COMMENT ON FUNCTION inner_product(vector, vector) IS 'inner product';

CREATE FUNCTION vector_negative_inner_product(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_vector_negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_distance_support;
COMMENT ON FUNCTION vector_negative_inner_product(vector, vector) IS 'implementation of <#> operator';

CREATE FUNCTION cosine_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_vector_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_distance_support;
COMMENT ON FUNCTION cosine_distance(vector, vector) IS 'cosine distance: 1 minus the cosine of the angle';

CREATE FUNCTION l1_distance(vector, vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_vector_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_distance_support;
COMMENT ON FUNCTION l1_distance(vector, vector) IS 'taxicab distance: sum of absolute differences';

CREATE OPERATOR <-> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = l2_distance,
	COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (vector, vector) IS 'Euclidean distance';

CREATE OPERATOR <#> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_negative_inner_product,
	COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (vector, vector) IS 'negative inner product';

CREATE OPERATOR <=> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = cosine_distance,
	COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (vector, vector) IS 'cosine distance';

CREATE OPERATOR <+> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = l1_distance,
	COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (vector, vector) IS 'taxicab distance';

--
-- Within a radius
--

CREATE TYPE vector_range AS (center vector, radius double precision);
COMMENT ON TYPE vector_range IS 'what lies within a radius of a center';
COMMENT ON TYPE vector_range[] IS 'array of vector ranges';

CREATE FUNCTION vector_within_support(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_within_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_within_support(internal) IS 'planner support for conditions on distances';

CREATE FUNCTION vector_range_sel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_range_sel' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_range_sel(internal, oid, internal, integer) IS 'restriction selectivity of operators on vector_range';

CREATE FUNCTION l2_within(vector, vector, float8) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_l2_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_within_support;
COMMENT ON FUNCTION l2_within(vector, vector, float8) IS 'Euclidean distance at most a radius';

CREATE FUNCTION inner_product_within(vector, vector, float8) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_inner_product_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_within_support;
COMMENT ON FUNCTION inner_product_within(vector, vector, float8) IS 'negative inner product at most a radius';

CREATE FUNCTION cosine_within(vector, vector, float8) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_cosine_within' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	SUPPORT vector_within_support;
COMMENT ON FUNCTION cosine_within(vector, vector, float8) IS 'cosine distance at most a radius';

CREATE FUNCTION vector_l2_in_range(vector, vector_range) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_l2_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_l2_in_range(vector, vector_range) IS 'implementation of <<->> operator';

CREATE FUNCTION vector_inner_product_in_range(vector, vector_range) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_inner_product_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_inner_product_in_range(vector, vector_range) IS 'implementation of <<#>> operator';

CREATE FUNCTION vector_cosine_in_range(vector, vector_range) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_cosine_in_range' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_cosine_in_range(vector, vector_range) IS 'implementation of <<=>> operator';

CREATE OPERATOR <<->> (
	LEFTARG = vector, RIGHTARG = vector_range, FUNCTION = vector_l2_in_range,
	RESTRICT = vector_range_sel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR <<->> (vector, vector_range) IS 'Euclidean distance to the center at most the radius';

CREATE OPERATOR <<#>> (
	LEFTARG = vector, RIGHTARG = vector_range, FUNCTION = vector_inner_product_in_range,
	RESTRICT = vector_range_sel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR <<#>> (vector, vector_range) IS 'negative inner product to the center at most the radius';

CREATE OPERATOR <<=>> (
	LEFTARG = vector, RIGHTARG = vector_range, FUNCTION = vector_cosine_in_range,
	RESTRICT = vector_range_sel, JOIN = matchingjoinsel
);
COMMENT ON OPERATOR <<=>> (vector, vector_range) IS 'cosine distance to the center at most the radius';

--
-- Functions of one vector
--

CREATE FUNCTION vector_dims(vector) RETURNS integer
	AS 'MODULE_PATHNAME', 'vecfeat_vector_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(vector) IS 'number of dimensions';

CREATE FUNCTION vector_norm(vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_vector_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_norm(vector) IS 'Euclidean norm';

CREATE FUNCTION l2_norm(vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'vecfeat_vector_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_norm(vector) IS 'Euclidean norm';

CREATE FUNCTION l2_normalize(vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_normalize(vector) IS 'vector of the same direction and norm 1; a zero vector as it is';

CREATE FUNCTION binary_quantize(vector) RETURNS bit
	AS 'MODULE_PATHNAME', 'vecfeat_vector_binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(vector) IS 'one bit for each element: whether it is positive';

CREATE FUNCTION subvector(vector, integer, integer) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(vector, integer, integer) IS 'elements from a start, counted from 1, as many as given';

--
-- Arithmetic
--

CREATE FUNCTION vector_add(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_add(vector, vector) IS 'implementation of + operator';

CREATE FUNCTION vector_sub(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_sub' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_sub(vector, vector) IS 'implementation of - operator';

CREATE FUNCTION vector_mul(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_mul' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_mul(vector, vector) IS 'implementation of * operator';

CREATE FUNCTION vector_mul(vector, float8) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_mul_float8' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_mul(vector, float8) IS 'implementation of * operator';

CREATE FUNCTION vector_mul(float8, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_float8_mul' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_mul(float8, vector) IS 'implementation of * operator';

CREATE FUNCTION vector_neg(vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_neg' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_neg(vector) IS 'implementation of - operator';

CREATE FUNCTION vector_concat(vector, vector) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_concat' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_concat(vector, vector) IS 'implementation of || operator';

CREATE OPERATOR + (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_add,
	COMMUTATOR = +
);
COMMENT ON OPERATOR + (vector, vector) IS 'add element by element';

CREATE OPERATOR - (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_sub
);
COMMENT ON OPERATOR - (vector, vector) IS 'subtract element by element';

CREATE OPERATOR * (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, vector) IS 'multiply element by element';

CREATE OPERATOR * (
	LEFTARG = vector, RIGHTARG = float8, FUNCTION = vector_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (vector, float8) IS 'multiply every element by a number';

CREATE OPERATOR * (
	LEFTARG = float8, RIGHTARG = vector, FUNCTION = vector_mul,
	COMMUTATOR = *
);
COMMENT ON OPERATOR * (float8, vector) IS 'multiply every element by a number';

CREATE OPERATOR - (
	RIGHTARG = vector, FUNCTION = vector_neg
);
COMMENT ON OPERATOR - (NONE, vector) IS 'negate every element';

CREATE OPERATOR || (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_concat
);
COMMENT ON OPERATOR || (vector, vector) IS 'concatenate';

--
-- Order and hashing
--

CREATE FUNCTION vector_lt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_lt(vector, vector) IS 'implementation of < operator';

CREATE FUNCTION vector_le(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_le(vector, vector) IS 'implementation of <= operator';

CREATE FUNCTION vector_eq(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_eq(vector, vector) IS 'implementation of = operator';

CREATE FUNCTION vector_ne(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ne(vector, vector) IS 'implementation of <> operator';

CREATE FUNCTION vector_ge(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_ge(vector, vector) IS 'implementation of >= operator';

CREATE FUNCTION vector_gt(vector, vector) RETURNS boolean
	AS 'MODULE_PATHNAME', 'vecfeat_vector_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_gt(vector, vector) IS 'implementation of > operator';

CREATE FUNCTION vector_cmp(vector, vector) RETURNS integer
	AS 'MODULE_PATHNAME', 'vecfeat_vector_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_cmp(vector, vector) IS 'less-equal-greater';

CREATE FUNCTION vector_sortsupport(internal) RETURNS void
	AS 'MODULE_PATHNAME', 'vecfeat_vector_sortsupport' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_sortsupport(internal) IS 'sort support';

CREATE FUNCTION vector_hash(vector) RETURNS integer
	AS 'MODULE_PATHNAME', 'vecfeat_vector_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hash(vector) IS 'hash';

CREATE FUNCTION vector_hash_extended(vector, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'vecfeat_vector_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_hash_extended(vector, bigint) IS 'hash with a seed';

CREATE OPERATOR < (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_lt,
	COMMUTATOR = >, NEGATOR = >=,
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (vector, vector) IS 'less than';

CREATE OPERATOR <= (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_le,
	COMMUTATOR = >=, NEGATOR = >,
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (vector, vector) IS 'less than or equal';

CREATE OPERATOR = (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_eq,
	COMMUTATOR = =, NEGATOR = <>,
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (vector, vector) IS 'equal';

CREATE OPERATOR <> (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ne,
	COMMUTATOR = <>, NEGATOR = =,
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (vector, vector) IS 'not equal';

CREATE OPERATOR >= (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_ge,
	COMMUTATOR = <=, NEGATOR = <,
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (vector, vector) IS 'greater than or equal';

CREATE OPERATOR > (
	LEFTARG = vector, RIGHTARG = vector, FUNCTION = vector_gt,
	COMMUTATOR = <, NEGATOR = <=,
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (vector, vector) IS 'greater than';

-- No equalimage function: 0 and -0 are equal and have different bits, so a
-- btree must not keep one of them for both.
CREATE OPERATOR FAMILY vector_ops USING btree;
COMMENT ON OPERATOR FAMILY vector_ops USING btree IS 'order of vectors, element by element';
CREATE OPERATOR CLASS vector_ops DEFAULT FOR TYPE vector USING btree FAMILY vector_ops AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 vector_cmp(vector, vector),
	FUNCTION 2 vector_sortsupport(internal);
COMMENT ON OPERATOR CLASS vector_ops USING btree IS 'order of vectors, element by element';

CREATE OPERATOR FAMILY vector_ops USING hash;
COMMENT ON OPERATOR FAMILY vector_ops USING hash IS 'equality of vectors';
CREATE OPERATOR CLASS vector_ops DEFAULT FOR TYPE vector USING hash FAMILY vector_ops AS
	OPERATOR 1 =,
	FUNCTION 1 vector_hash(vector),
	FUNCTION 2 vector_hash_extended(vector, bigint);
COMMENT ON OPERATOR CLASS vector_ops USING hash IS 'equality of vectors';

--
-- Aggregates
--
-- The state is two float8 for each dimension; SSPACE is that of 512.
--

CREATE FUNCTION vector_accum(internal, vector) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_vector_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_accum(internal, vector) IS 'aggregate transition function';

CREATE FUNCTION vector_accum_inv(internal, vector) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_vector_accum_inv' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_accum_inv(internal, vector) IS 'aggregate inverse transition function';

CREATE FUNCTION vector_combine(internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_sums_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vector_combine(internal, internal) IS 'aggregate combine function';

CREATE FUNCTION vector_serialize(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'vecfeat_sums_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_serialize(internal) IS 'aggregate serial function';

CREATE FUNCTION vector_deserialize(bytea, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_sums_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_deserialize(bytea, internal) IS 'aggregate deserial function';

CREATE FUNCTION vector_sum(internal) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_sum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vector_sum(internal) IS 'aggregate final function';

CREATE FUNCTION vector_avg(internal) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_avg' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION vector_avg(internal) IS 'aggregate final function';

CREATE AGGREGATE sum(vector) (
	SFUNC = vector_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = vector_sum,
	COMBINEFUNC = vector_combine,
	SERIALFUNC = vector_serialize,
	DESERIALFUNC = vector_deserialize,
	MSFUNC = vector_accum,
	MINVFUNC = vector_accum_inv,
	MSTYPE = internal,
	MSSPACE = 8192,
	MFINALFUNC = vector_sum,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(vector) IS 'sum of vectors, element by element';

CREATE AGGREGATE avg(vector) (
	SFUNC = vector_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = vector_avg,
	COMBINEFUNC = vector_combine,
	SERIALFUNC = vector_serialize,
	DESERIALFUNC = vector_deserialize,
	MSFUNC = vector_accum,
	MINVFUNC = vector_accum_inv,
	MSTYPE = internal,
	MSSPACE = 8192,
	MFINALFUNC = vector_avg,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(vector) IS 'average (arithmetic mean) of vectors, element by element';

--
-- Casts
--

CREATE FUNCTION vector(vector, integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_to_typmod' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector(vector, integer, boolean) IS 'adjust vector to a number of dimensions';

CREATE FUNCTION array_to_vector(integer[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(integer[], integer, boolean) IS 'convert integer[] to vector';

CREATE FUNCTION array_to_vector(real[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(real[], integer, boolean) IS 'convert real[] to vector';

CREATE FUNCTION array_to_vector(double precision[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(double precision[], integer, boolean) IS 'convert double precision[] to vector';

CREATE FUNCTION array_to_vector(numeric[], integer, boolean) RETURNS vector
	AS 'MODULE_PATHNAME', 'vecfeat_vector_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_vector(numeric[], integer, boolean) IS 'convert numeric[] to vector';

CREATE FUNCTION vector_to_float4(vector, integer, boolean) RETURNS real[]
	AS 'MODULE_PATHNAME', 'vecfeat_vector_to_float4_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_to_float4(vector, integer, boolean) IS 'convert vector to real[]';

CREATE CAST (vector AS vector)
	WITH FUNCTION vector(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS vector) IS 'check the number of dimensions';

CREATE CAST (vector AS real[])
	WITH FUNCTION vector_to_float4(vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (vector AS real[]) IS 'convert vector to real[]';

CREATE CAST (integer[] AS vector)
	WITH FUNCTION array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS vector) IS 'convert integer[] to vector';

CREATE CAST (real[] AS vector)
	WITH FUNCTION array_to_vector(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS vector) IS 'convert real[] to vector';

CREATE CAST (double precision[] AS vector)
	WITH FUNCTION array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS vector) IS 'convert double precision[] to vector';

CREATE CAST (numeric[] AS vector)
	WITH FUNCTION array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS vector) IS 'convert numeric[] to vector';

--
-- The ivf index
--

CREATE FUNCTION ivfhandler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'vecfeat_ivfhandler' LANGUAGE C;
COMMENT ON FUNCTION ivfhandler(internal) IS 'ivf index access method handler';

CREATE ACCESS METHOD ivf TYPE INDEX HANDLER ivfhandler;
COMMENT ON ACCESS METHOD ivf IS 'index access method for nearest neighbours of vectors';

CREATE FUNCTION ivf_vector_l2(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_vector_l2' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ivf_vector_l2(internal) IS 'ivf support: vector by Euclidean distance';

CREATE FUNCTION ivf_vector_ip(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_vector_ip' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ivf_vector_ip(internal) IS 'ivf support: vector by negative inner product';

CREATE FUNCTION ivf_vector_cosine(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_vector_cosine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION ivf_vector_cosine(internal) IS 'ivf support: vector by cosine distance';

CREATE OPERATOR CLASS vector_l2_ops
	DEFAULT FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	OPERATOR 2 <<->> (vector, vector_range),
	FUNCTION 1 ivf_vector_l2(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING ivf IS 'orders and finds vectors by Euclidean distance';
COMMENT ON OPERATOR FAMILY vector_l2_ops USING ivf IS 'orders and finds vectors by Euclidean distance';

CREATE OPERATOR CLASS vector_ip_ops
	FOR TYPE vector USING ivf AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	OPERATOR 2 <<#>> (vector, vector_range),
	FUNCTION 1 ivf_vector_ip(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING ivf IS 'orders and finds vectors by negative inner product';
COMMENT ON OPERATOR FAMILY vector_ip_ops USING ivf IS 'orders and finds vectors by negative inner product';

CREATE OPERATOR CLASS vector_cosine_ops
	FOR TYPE vector USING ivf AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	OPERATOR 2 <<=>> (vector, vector_range),
	FUNCTION 1 ivf_vector_cosine(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING ivf IS 'orders and finds vectors by cosine distance';
COMMENT ON OPERATOR FAMILY vector_cosine_ops USING ivf IS 'orders and finds vectors by cosine distance';

CREATE FUNCTION ivf_info(index regclass,
	OUT format_version integer, OUT metric text, OUT element_type text,
	OUT dimensions integer, OUT levels integer, OUT lists integer,
	OUT entries bigint, OUT dead_slots bigint,
	OUT meta_pages bigint, OUT inner_pages bigint, OUT code_pages bigint,
	OUT refine_pages bigint, OUT free_pages bigint,
	OUT bytes_per_entry double precision, OUT lists_option integer,
	OUT dead_share double precision, OUT smallest_list bigint,
	OUT list_10_percent bigint, OUT median_list bigint,
	OUT list_90_percent bigint, OUT largest_list bigint,
	OUT recall double precision, OUT lists_for_recall double precision,
	OUT calibration_queries integer, OUT calibrated_entries bigint,
	OUT verdict text)
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_info' LANGUAGE C STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION ivf_info(regclass) IS 'what an ivf index consists of, and what to do about it';

CREATE FUNCTION ivf_lists(index regclass,
	OUT list integer, OUT first_page bigint, OUT parent_page bigint,
	OUT code_pages bigint, OUT entries bigint, OUT dead_slots bigint,
	OUT radius double precision, OUT mean_distance double precision)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_lists' LANGUAGE C STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION ivf_lists(regclass) IS 'the lists of an ivf index, in the order of its tree';

CREATE FUNCTION ivf_last_scan(OUT lists_read bigint, OUT lists bigint,
	OUT entries bigint, OUT byte_codes bigint, OUT heap_rows bigint,
	OUT recall double precision, OUT stopped text)
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_last_scan' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION ivf_last_scan() IS 'what the last ivf index scan of this session has read, and why no more';

CREATE FUNCTION ivf_measure_recall(index regclass, queries integer DEFAULT 100,
	k integer DEFAULT 10, OUT queries integer, OUT k integer,
	OUT recall double precision, OUT recall_low double precision,
	OUT target double precision, OUT milliseconds double precision,
	OUT milliseconds_exact double precision, OUT speedup double precision,
	OUT lists_read double precision, OUT lists_exact double precision)
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_measure_recall' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION ivf_measure_recall(regclass, integer, integer) IS 'recall and speed of an ivf index, measured on rows of its table';

CREATE FUNCTION ivf_calibrate(index regclass) RETURNS integer
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_calibrate' LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION ivf_calibrate(regclass) IS 'finds out anew how many lists of an ivf index searches have to read';

CREATE FUNCTION ivf_check(index regclass, heapallindexed boolean DEFAULT false)
	RETURNS void
	AS 'MODULE_PATHNAME', 'vecfeat_ivf_check' LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION ivf_check(regclass, boolean) IS 'verifies the pages of an ivf index, and that it agrees with the table';
