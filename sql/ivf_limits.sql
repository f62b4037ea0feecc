-- Settings, options and dimensions at their limits and beyond.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all
\set VERBOSITY terse

-- Builds an index, changes the table, and compares; how many rows that were.
CREATE FUNCTION works(dimensions int, rows int, lists int, opclass text DEFAULT 'vector_l2_ops', operator text DEFAULT '<->') RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	result int;
BEGIN
	EXECUTE format('CREATE TABLE small (id int, v vector(%s))', dimensions);
	INSERT INTO small SELECT i, noise(i, dimensions) FROM generate_series(1, rows) i;
	EXECUTE format('CREATE INDEX small_v ON small USING ivf (v %s) WITH (lists = %s)', opclass, lists);
	INSERT INTO small SELECT i, noise(i, dimensions) FROM generate_series(rows + 1, rows + 40) i;
	INSERT INTO small VALUES (0, NULL), (0, array_fill(0, ARRAY[dimensions])::vector);
	DELETE FROM small WHERE id % 5 = 1;
	PERFORM sound('small');
	result := oracle('small', 'v', operator, noise(2, dimensions), noise(1000, dimensions) * 1000, NULL);
	DROP TABLE small;
	RETURN result;
END
$$;

-- dimensions
SELECT works(1, 70, 3), works(1, 70, 3, 'vector_cosine_ops', '<=>'), works(1, 70, 3, 'vector_ip_ops', '<#>');
SELECT works(2, 70, 3), works(63, 70, 3), works(64, 70, 3), works(65, 70, 3);
SELECT works(2000, 40, 2);
SELECT works(2001, 1, 0);
SELECT works(3, 50, 1000000), works(3, 0, 1000000), works(3, 1, 1);
SELECT works(3, 50, -1);
SELECT works(3, 50, 1000001);

-- children of a node: from one on, when there are more lists
SET ivf.debug_fanout = -1;
SET ivf.debug_fanout = 1000001;
SET ivf.debug_fanout = 1;
SELECT works(5, 300, 30), works(5, 300, 2), works(5, 300, 30, 'vector_ip_ops', '<#>');
SET ivf.debug_fanout = 1000000;
SELECT works(5, 300, 30);
RESET ivf.debug_fanout;

-- memory: as little and as much as there can be
SET work_mem = '64kB';
SET maintenance_work_mem = '1MB';
SELECT works(40, 1500, 30), works(2000, 60, 4);
SET work_mem = 2147483647;
SELECT works(40, 1500, 30);
SET maintenance_work_mem = 2147483647;
SELECT works(40, 1500, 30), works(2000, 60, 4);
RESET work_mem;
SELECT works(40, 1500, 30);
RESET maintenance_work_mem;

-- modifiers that no declaration gives, from who calls the functions themselves
SELECT vector_in('[1,2]', 0, -1), vector_in('[1,2]', 0, 2);
SELECT vector_in('[1,2]', 0, 0);
SELECT vector_in('[1,2]', 0, -2);
SELECT vector_in('[1,2]', 0, 2147483647);
SELECT vector('[1,2]'::vector, 0, true);
SELECT array_to_vector('{1,2}'::real[], -7, true);
SELECT vector_typmod_in('{}');
SELECT vector_typmod_in('{2147483648}');
SELECT vector_typmod_in('{{1,2},{3,4}}');
SELECT vector_typmod_in('{NULL}');

-- more than a vector can have, in every way
SELECT array_fill(1.5::real, '{1000000}')::vector;
SELECT array_fill(NULL::real, '{16000}')::vector;
SELECT vector_dims(array_fill(1, '{8000}')::vector || array_fill(1, '{8000}')::vector);
SELECT array_fill(1, '{8000}')::vector || array_fill(1, '{8001}')::vector;
SELECT sum(v) FROM (SELECT '[3.4028235e38]'::vector FROM generate_series(1, 2)) t(v);
SELECT avg(v) FROM (SELECT '[3.4028235e38]'::vector FROM generate_series(1, 1000)) t(v);
SELECT vector_dims(sum(v)) FROM (SELECT array_fill(1e38, '{16000}')::vector FROM generate_series(1, 3)) t(v);
