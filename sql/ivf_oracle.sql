-- The index against the sequential scan.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- every number of dimensions that is special to codes, columns or pages; the
-- queries are a row, another point, a far one, the origin and NULL
CREATE FUNCTION compare_dimensions(dimensions int, rows int, lists int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	compared int;
BEGIN
	EXECUTE format('CREATE TABLE dims (id int, v vector(%s))', dimensions);
	INSERT INTO dims SELECT i, noise(i, dimensions) FROM generate_series(1, rows) i;
	compared := compare('dims', lists, noise(7, dimensions), noise(1000000, dimensions), noise(1000001, dimensions) * 1000,
		array_fill(0, ARRAY[dimensions])::vector, NULL);
	DROP TABLE dims;
	RETURN compared;
END
$$;
SELECT d AS dimensions, compare_dimensions(d, 300, 10) AS rows FROM unnest('{1,2,3,64,65,128}'::int[]) d;
SELECT d AS dimensions, compare_dimensions(d, 70, 4) AS rows FROM unnest('{768,2000}'::int[]) d;

-- every number of rows that is special to blocks
CREATE TABLE few (id int, v vector(3));
SELECT compare('few', 0, '[1,2,3]', '[0,0,0]', NULL);
DO $$
BEGIN
	FOR n IN 1 .. 33 LOOP
		INSERT INTO few VALUES (n, noise(n, 3));
		CONTINUE WHEN n NOT IN (1, 2, 31, 32, 33);
		FOR lists IN 0 .. 2 LOOP
			ASSERT compare('few', lists, '[1,2,3]', noise(1, 3), '[0,0,0]', NULL) = n;
		END LOOP;
	END LOOP;
END
$$;

-- all equal, all NULL, every second NULL
CREATE TABLE equal AS SELECT i AS id, '[1,2,3]'::vector(3) AS v FROM generate_series(1, 100) i;
SELECT compare('equal', 5, '[1,2,3]', '[-3,0,1]', '[0,0,0]', NULL);
CREATE TABLE missing AS SELECT i AS id, NULL::vector(3) AS v FROM generate_series(1, 2000) i;
SELECT compare('missing', 5, '[1,2,3]', '[0,0,0]', NULL);
UPDATE missing SET v = noise(id, 3) WHERE id % 2 = 0;
SELECT compare('missing', 5, '[1,2,3]', '[0,0,0]', NULL);
-- zero vectors, which have no cosine, between those and NULLs; queries likewise
UPDATE missing SET v = '[0,0,0]' WHERE id % 10 = 4;
SELECT compare('missing', 5, '[1,2,3]', '[0,0,0]', NULL);
UPDATE missing SET v = '[0,-0,0]';
SELECT compare('missing', 5, '[1,2,3]', '[0,0,0]', NULL);
SELECT distance_class(v <=> '[1,2,3]'), count(*) FROM missing GROUP BY 1;

-- duplicates, in far more than a list each
CREATE TABLE twice AS SELECT i AS id, noise(i % 7, 16)::vector(16) AS v FROM generate_series(1, 1500) i;
SELECT compare('twice', 20, noise(3, 16), noise(100, 16), array_fill(0, '{16}')::vector, NULL);

-- tight clusters far from the mean, and far from each other
CREATE TABLE tight AS
	SELECT i AS id, (noise(i % 5, 24) * 1000 + noise(i, 24) * power(10, -(i % 7)))::vector(24) AS v FROM generate_series(1, 1000) i;
SELECT compare('tight', 12, noise(3, 24) * 1000, noise(100, 24), noise(4, 24) * 1000 + noise(44, 24) * 0.001, NULL);

-- one axis each
CREATE TABLE axes AS
	SELECT i AS id, array_cat(array_cat(array_fill(0, ARRAY[i % 100]), ARRAY[i]), array_fill(0, ARRAY[99 - i % 100]))::vector(100) AS v
	FROM generate_series(1, 500) i;
SELECT compare('axes', 10, array_cat('{1}', array_fill(0, '{99}'))::vector, noise(100, 100), NULL);

-- values whose squares or sums overflow, whose squares are nothing, both in
-- one table; a float4 distance that is infinite is a distance
CREATE TABLE huge AS SELECT i AS id, (noise(i, 8) * 1e30::float8)::vector(8) AS v FROM generate_series(1, 200) i;
SELECT compare('huge', 4, noise(1, 8), noise(3, 8) * 1e30::float8, noise(300, 8) * 1e37::float8, array_fill(0, '{8}')::vector, NULL);
CREATE TABLE tiny AS SELECT i AS id, (noise(i, 8) * 1e-30::float8)::vector(8) AS v FROM generate_series(1, 200) i;
SELECT compare('tiny', 4, noise(1, 8), noise(3, 8) * 1e-30::float8, noise(300, 8) * 1e-37::float8, array_fill(0, '{8}')::vector, NULL);
CREATE TABLE mixed (LIKE huge);
INSERT INTO mixed SELECT * FROM huge UNION ALL SELECT * FROM tiny UNION ALL SELECT i, noise(i, 8) FROM generate_series(1, 200) i;
SELECT compare('mixed', 6, noise(1, 8), noise(3, 8) * 1e30::float8, noise(3, 8) * 1e-30::float8, array_fill(0, '{8}')::vector, NULL);
CREATE TABLE extreme AS SELECT i AS id,
	(CASE i % 4 WHEN 0 THEN '[3.4028235e38,3.4028235e38]' WHEN 1 THEN '[-3.4028235e38,3.4028235e38]' WHEN 2 THEN '[1e-45,-1e-45]' ELSE '[0,1e-45]' END)::vector(2) AS v
	FROM generate_series(1, 100) i;
SELECT compare('extreme', 4, '[3.4028235e38,-3.4028235e38]', '[-3.4028235e38,3.4028235e38]', '[1e-45,0]', '[1,1]', '[0,0]', NULL);

-- default lists on more rows than one holds, little memory for the scan, which
-- then drops bounds and makes them again
CREATE TABLE many AS SELECT i AS id, (noise(i % 90, 32) + noise(i % 101, 32) * 0.3)::vector(32) AS v FROM generate_series(1, 6000) i;
SELECT compare('many', 0, noise(1, 32), noise(4, 32) * 20, NULL);
SET work_mem = '64kB';
SELECT compare('many', 0, noise(1, 32), noise(4, 32) * 20, NULL);
RESET work_mem;

-- LIMIT takes the front of that
CREATE INDEX ON many USING ivf (v);
DO $$
DECLARE
	distances text := 'ARRAY(SELECT v <-> noise(9, 32) FROM many ORDER BY v <-> noise(9, 32) LIMIT %s)';
	same bool;
BEGIN
	SET LOCAL ivf.probes = 1000000;
	SET LOCAL enable_sort = off;
	FOR k IN 0 .. 40 BY 5 LOOP
		EXECUTE format('SELECT ' || distances || ' = (by_table(%L)).distances[1:%s]', k,
			'SELECT v <-> noise(9, 32) AS d, ctid AS t, tableoid FROM many ORDER BY d LIMIT 100', k) INTO same;
		ASSERT same, format('LIMIT %s', k);
	END LOOP;
END
$$;
