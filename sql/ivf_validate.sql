-- The operator classes and what the access method says that it can do.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

SELECT opcname, opcdefault, opcintype::regtype, amvalidate(oc.oid)
FROM pg_opclass oc JOIN pg_am am ON am.oid = opcmethod WHERE amname = 'ivf' ORDER BY 1;
SELECT f.opfname, amopstrategy, amoppurpose, amopopr::regoperator, s.opfname AS sorted_by
FROM pg_amop JOIN pg_opfamily f ON f.oid = amopfamily LEFT JOIN pg_opfamily s ON s.oid = amopsortfamily JOIN pg_am am ON am.oid = amopmethod
WHERE amname = 'ivf' ORDER BY 1, 2;

SELECT property, pg_indexam_has_property(oid, property)
FROM pg_am, unnest('{can_order,can_unique,can_multi_col,can_exclude,can_include,bogus}'::text[]) property
WHERE amname = 'ivf';
CREATE TABLE items (id int, v vector(3));
CREATE INDEX items_v ON items USING ivf (v);
SELECT property, pg_index_has_property('items_v', property)
FROM unnest('{clusterable,index_scan,bitmap_scan,backward_scan,bogus}'::text[]) property;
SELECT property, pg_index_column_has_property('items_v', 1, property)
FROM unnest('{asc,desc,nulls_first,nulls_last,orderable,distance_orderable,returnable,search_array,search_nulls,bogus}'::text[]) property;
SELECT pg_index_column_has_property('items_v', 2, 'distance_orderable') AS no_such_column,
	pg_index_column_has_property('items_v', 0, 'distance_orderable') AS no_column;

-- what can't work is refused at once
SET client_min_messages = warning;
CREATE FUNCTION distance_text(vector, vector) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT ($1 <-> $2)::text';
CREATE FUNCTION distance_of(vector, real[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 <-> $2::vector';
CREATE FUNCTION wrong_support(vector) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TYPE loose_range AS (center vector, radius real);
CREATE TYPE wide_range AS (center vector, radius float8, also int);
CREATE TYPE real_range AS (center real[], radius float8);
CREATE FUNCTION in_loose(vector, loose_range) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION in_wide(vector, wide_range) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION in_real(vector, real_range) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION from_range(vector, vector_range) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 <-> ($2).center';
CREATE OPERATOR <<~>> (LEFTARG = vector, RIGHTARG = loose_range, FUNCTION = in_loose);
CREATE OPERATOR <<~>> (LEFTARG = vector, RIGHTARG = wide_range, FUNCTION = in_wide);
CREATE OPERATOR <<~>> (LEFTARG = vector, RIGHTARG = real_range, FUNCTION = in_real);
CREATE OPERATOR <<~>> (LEFTARG = vector, RIGHTARG = vector_range, FUNCTION = from_range);
CREATE OPERATOR <~> (LEFTARG = vector, RIGHTARG = vector, FUNCTION = distance_text);
CREATE OPERATOR <~> (LEFTARG = vector, RIGHTARG = real[], FUNCTION = distance_of);
RESET client_min_messages;
CREATE OPERATOR CLASS for_search FOR TYPE vector USING ivf AS
	OPERATOR 1 =, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS wrong_strategy FOR TYPE vector USING ivf AS
	OPERATOR 2 <-> FOR ORDER BY float_ops, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS wrong_strategy FOR TYPE vector USING ivf AS
	OPERATOR 3 <-> FOR ORDER BY float_ops, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS wrong_result FOR TYPE vector USING ivf AS
	OPERATOR 1 <~> FOR ORDER BY text_ops, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS wrong_sort FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY text_ops, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS two_types FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, OPERATOR 1 <~> (vector, real[]) FOR ORDER BY float_ops, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS search_first FOR TYPE vector USING ivf AS
	OPERATOR 1 <<->> (vector, vector_range), FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS range_ordering FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, OPERATOR 2 <<~>> (vector, vector_range) FOR ORDER BY float_ops, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS no_range FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, OPERATOR 2 =, FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS loose_range FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, OPERATOR 2 <<~>> (vector, loose_range), FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS wide_range FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, OPERATOR 2 <<~>> (vector, wide_range), FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS real_range FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, OPERATOR 2 <<~>> (vector, real_range), FUNCTION 1 ivf_vector_l2(internal);
CREATE OPERATOR CLASS wrong_function FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, FUNCTION 1 wrong_support(vector);
CREATE OPERATOR CLASS other_function FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, FUNCTION 1 (vector, real[]) ivf_vector_l2(internal);
CREATE OPERATOR CLASS more_functions FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, FUNCTION 1 ivf_vector_l2(internal), FUNCTION 2 ivf_vector_l2(internal);

-- what is missing is for amvalidate to say
CREATE FUNCTION valid(class text) RETURNS bool LANGUAGE sql AS $$
	SELECT amvalidate(oc.oid) FROM pg_opclass oc JOIN pg_am am ON am.oid = opcmethod WHERE amname = 'ivf' AND opcname = class
$$;
CREATE OPERATOR CLASS no_function FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops;
SELECT valid('no_function');
CREATE OPERATOR CLASS no_operator FOR TYPE vector USING ivf AS
	FUNCTION 1 ivf_vector_l2(internal);
SELECT valid('no_operator');
CREATE OPERATOR CLASS only_search FOR TYPE vector USING ivf AS
	OPERATOR 2 <<->> (vector, vector_range), FUNCTION 1 ivf_vector_l2(internal);
SELECT valid('only_search');
CREATE OPERATOR CLASS nothing FOR TYPE vector USING ivf AS
	STORAGE vector;
SELECT valid('nothing');
-- an index can't be made then
CREATE INDEX ON items USING ivf (v no_function);

-- one that is sound
CREATE OPERATOR CLASS sound_ops FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, FUNCTION 1 ivf_vector_l2(internal);
SELECT valid('sound_ops');
DROP INDEX items_v;
INSERT INTO items SELECT i, noise(i, 3) FROM generate_series(1, 100) i;
CREATE INDEX ON items USING ivf (v sound_ops);
SELECT oracle('items', 'v', '<->', noise(1, 3)), sound('items');

-- it may do without search, and come to it later
ALTER OPERATOR FAMILY sound_ops USING ivf ADD OPERATOR 2 <<->> (vector, vector_range);
SELECT valid('sound_ops');
ALTER OPERATOR FAMILY sound_ops USING ivf DROP OPERATOR 2 (vector, vector_range);

-- its members depend on it; a family gets no more than a class
ALTER OPERATOR FAMILY sound_ops USING ivf ADD OPERATOR 1 = (vector, vector);
ALTER OPERATOR FAMILY sound_ops USING ivf ADD OPERATOR 1 <~> (vector, real[]) FOR ORDER BY float_ops;
ALTER OPERATOR FAMILY sound_ops USING ivf ADD FUNCTION 1 (real[], real[]) wrong_support(vector);
ALTER OPERATOR FAMILY sound_ops USING ivf DROP OPERATOR 1 (vector, vector);
ALTER OPERATOR FAMILY sound_ops USING ivf DROP FUNCTION 1 (vector);
-- of another type it does, and loses it again
ALTER OPERATOR FAMILY sound_ops USING ivf ADD FUNCTION 1 (real[], real[]) ivf_vector_l2(internal);
SELECT valid('sound_ops');
ALTER OPERATOR FAMILY sound_ops USING ivf DROP FUNCTION 1 (real[], real[]);

-- damage that no command does
SET allow_system_table_mods = on;
CREATE FUNCTION damaged(catalog text, change text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	result bool;
BEGIN
	EXECUTE format('UPDATE %1$s SET %2$s WHERE %3$sfamily = (SELECT opcfamily FROM pg_opclass WHERE opcname = %4$L)',
		catalog, change, replace(catalog, 'pg_', ''), 'sound_ops');
	result := valid('sound_ops');
	-- takes the change back
	RAISE EXCEPTION USING errcode = 'ZZ000', message = result::text;
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
	RETURN sqlerrm;
END
$$;
SELECT damaged('pg_amop', 'amopstrategy = 2');
SELECT damaged('pg_amop', $$amopsortfamily = 0, amoppurpose = 's'$$);
SELECT damaged('pg_amop', $$amoprighttype = 'real[]'::regtype$$);
SELECT damaged('pg_amop', $$amoplefttype = 'real[]'::regtype, amoprighttype = 'real[]'::regtype$$);
SELECT damaged('pg_amop', $$amopopr = '<~>(vector,vector)'::regoperator, amopsortfamily = (SELECT oid FROM pg_opfamily WHERE opfname = 'text_ops' AND opfmethod = 403)$$);
SELECT damaged('pg_amop', 'amopstrategy = 3');
SELECT damaged('pg_amop', $$amopstrategy = 2, amopopr = '<<~>>(vector,wide_range)'::regoperator, amoprighttype = 'wide_range'::regtype, amopsortfamily = 0, amoppurpose = 's'$$);
SELECT damaged('pg_amop', $$amopstrategy = 2, amopopr = '<<~>>(vector,vector_range)'::regoperator, amoprighttype = 'vector_range'::regtype, amopsortfamily = 0, amoppurpose = 's'$$);
SELECT damaged('pg_amproc', 'amprocnum = 2');
SELECT damaged('pg_amproc', $$amproc = 'wrong_support(vector)'::regprocedure$$);
SELECT damaged('pg_amproc', $$amprocrighttype = 'real[]'::regtype$$);
RESET allow_system_table_mods;
SELECT valid('sound_ops');
SELECT amvalidate(0);
