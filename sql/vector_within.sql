-- Within a radius: functions, operators, the type of ranges, and estimates.

SELECT l2_within('[0,0]'::vector, '[3,4]', 5) AS at, l2_within('[0,0]'::vector, '[3,4]', 4.999) AS beyond, l2_within('[0,0]'::vector, '[3,4]', 6) AS inside;
SELECT inner_product_within('[1,2]'::vector, '[3,4]', -11) AS at, inner_product_within('[1,2]'::vector, '[3,4]', -12) AS beyond;
SELECT cosine_within('[1,0]'::vector, '[0,2]', 1) AS at, cosine_within('[1,0]'::vector, '[0,2]', 0.5) AS beyond;
-- a range is written in every way that a row is
SELECT '[0,0]'::vector <<->> ROW('[3,4]', 5)::vector_range AS row, '[0,0]'::vector <<->> '("[3,4]",5)' AS text,
	'[0,0]'::vector <<->> ROW('[3,4]'::vector, 5) AS no_cast, '[0,0]'::vector <<->> ('[3,4]', 4) AS bare;
SELECT '("[1, 2]", 3e0)'::vector_range, (r).center, (r).radius FROM (SELECT ROW('[1]', 'Infinity')::vector_range) s(r);
SELECT '("[1,2",3)'::vector_range;
SELECT '("[1,2]",3,4)'::vector_range;
SELECT ARRAY[ROW('[1]', 1), ROW('[2]', NULL)]::vector_range[];

-- exactly what the distance operators say, for vectors of zeros and beyond
-- float4's range too, at every distance that occurs and beside it
CREATE TABLE vectors AS
	SELECT v FROM unnest('{"[0,0]","[-0,0]","[1,0]","[0,1]","[-1,0]","[3,4]","[3e38,3e38]","[-3e38,3e38]","[1e-45,0]","[0.1,0.2]"}'::vector[]) v
	UNION ALL SELECT ARRAY[sin(i), cos(i * i)]::vector FROM generate_series(1, 20) i;
CREATE TABLE pairs AS SELECT a.v AS a, b.v AS b FROM vectors a, vectors b;
-- the condition says what "within" means: SQL has NaN above all numbers
CREATE FUNCTION agrees(distance text, function text, operator text, OUT triples bigint, OUT within bigint, OUT functions bool, OUT operators bool) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format($q$
		WITH told AS (
			SELECT a, b, r, d <= r AND d <> 'NaN' AND r <> 'NaN' AS wanted
			FROM (SELECT a, b, a %1$s b AS d FROM pairs) s,
				unnest(ARRAY[d, d * (1 - 1e-15), d * (1 + 1e-15), '-Infinity', -1, '-0', 0, 1, 2, 3, 'Infinity', 'NaN']) r)
		SELECT count(*), count(*) FILTER (WHERE wanted), bool_and(%2$s(a, b, r) IS NOT DISTINCT FROM wanted),
			bool_and((a %3$s ROW(b, r)::vector_range) IS NOT DISTINCT FROM wanted)
		FROM told $q$, distance, function, operator) INTO triples, within, functions, operators;
END
$$;
SELECT * FROM agrees('<->', 'l2_within', '<<->>');
SELECT * FROM agrees('<#>', 'inner_product_within', '<<#>>');
SELECT * FROM agrees('<=>', 'cosine_within', '<<=>>');
-- the cases that are easily wrong
SELECT cosine_within('[0,0]'::vector, '[1,0]', 'Infinity') AS no_direction, l2_within('[1]'::vector, '[1]', 'NaN') AS nan,
	l2_within('[1]'::vector, '[1]', 0) AS itself, l2_within('[1]'::vector, '[1]', -1e-300) AS negative,
	l2_within('[3e38]'::vector, '[-3e38]', 'Infinity') AS infinite, inner_product_within('[3e38]'::vector, '[3e38]', '-Infinity') AS least;

-- long vectors, and ranges that are stored, out of line and compressed
CREATE TABLE ranges (id int, range vector_range);
INSERT INTO ranges SELECT n, ROW(array_fill(n, ARRAY[4000])::vector, n * 40)::vector_range FROM generate_series(1, 3) n;
INSERT INTO ranges VALUES (4, ROW(NULL, 1)), (5, ROW('[1]', NULL)), (6, ROW(NULL, NULL)), (7, NULL);
SELECT r.id, w.id, w.v <<->> r.range AS within
FROM (SELECT id, (range).center AS v FROM ranges WHERE id <= 3) w, ranges r ORDER BY 1, 2;
SELECT w.id FROM ranges w, ranges r WHERE r.id = 3 AND w.id <= 3 AND (w.range).center <<->> r.range ORDER BY 1;

-- NULL where any part is, for both
SELECT l2_within(NULL, '[1]'::vector, 1), l2_within('[1]'::vector, NULL, 1), l2_within('[1]'::vector, '[1]', NULL);
SELECT '[1]'::vector <<->> ROW(NULL, 1)::vector_range, '[1]'::vector <<#>> ROW('[1]', NULL)::vector_range,
	'[1]'::vector <<=>> ROW(NULL, NULL)::vector_range, '[1]'::vector <<=>> NULL::vector_range, NULL::vector <<->> ROW('[1]', 1)::vector_range;

-- dimensions must agree
SELECT l2_within('[1,2]'::vector, '[3]', 1);
SELECT inner_product_within('[1,2]'::vector, '[3]', 'NaN');
SELECT cosine_within('[1,2]'::vector, '[3]', NULL);
SELECT '[1,2]'::vector <<->> ROW('[3]', 1)::vector_range;
SELECT '[1,2]'::vector <<=>> ROW('[3]', 1)::vector_range;

-- a type that was altered is not taken for what it was
BEGIN;
ALTER TYPE vector_range ADD ATTRIBUTE also int;
SELECT '[1]'::vector <<->> ROW('[1]', 1, 1)::vector_range;
ROLLBACK;
BEGIN;
DROP TABLE ranges;
ALTER TYPE vector_range ALTER ATTRIBUTE radius TYPE text;
SELECT '[1]'::vector <<->> ROW('[1]', 1)::vector_range;
ROLLBACK;

-- in a plan: a table without an index for it, and conditions beside it
CREATE TABLE items (id int PRIMARY KEY, v vector(2));
INSERT INTO items SELECT i, CASE WHEN i % 4 > 0 THEN ARRAY[i % 100, i / 100]::vector END FROM generate_series(1, 4000) i;
CREATE INDEX ON items (v);
ANALYZE items;
EXPLAIN (COSTS OFF) SELECT * FROM items WHERE l2_within(v, '[50,20]', 1);
EXPLAIN (COSTS OFF) SELECT * FROM items WHERE v <<->> ROW('[50,20]', 1)::vector_range;
EXPLAIN (COSTS OFF) SELECT * FROM items WHERE id < 10 AND l2_within('[5,0]', v, 1);
SELECT * FROM items WHERE l2_within(v, '[50,20]', 1) ORDER BY id;
SELECT * FROM items WHERE v <<->> ROW('[50,20]', 1)::vector_range ORDER BY id;
SELECT * FROM items WHERE id < 10 AND l2_within('[5,0]', v, 1) ORDER BY id;
SELECT count(*) FROM items a, items b WHERE a.id <= 10 AND l2_within(a.v, b.v, 1);
SELECT count(*) FROM items a, items b WHERE a.id <= 10 AND a.v <<->> ROW(b.v, 1)::vector_range;

-- as many rows are expected, however it is written
CREATE FUNCTION rows_expected(condition text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) SELECT FROM items WHERE ' || condition INTO plan;
	RETURN plan->0->'Plan'->'Plan Rows';
END
$$;
SET max_parallel_workers_per_gather = 0;
SELECT radius, rows_expected(format('l2_within(v, ''[1,1]'', %L)', radius)) AS function, rows_expected(format('l2_within(''[1,1]'', v, %L)', radius)) AS turned,
	rows_expected(format('v <<->> ROW(''[1,1]'', %L)::vector_range', radius)) AS operator
FROM unnest('{-1,0,1,Infinity,NaN}'::float8[]) radius;
SELECT radius, rows_expected(format('cosine_within(v, ''[1,1]'', %L)', radius)) AS function,
	rows_expected(format('v <<=>> ROW(''[1,1]'', %L)::vector_range', radius)) AS operator
FROM unnest('{-1,0,1,2,NaN}'::float8[]) radius;
SELECT radius, rows_expected(format('inner_product_within(v, ''[1,1]'', %L)', radius)) AS function,
	rows_expected(format('v <<#>> ROW(''[1,1]'', %L)::vector_range', radius)) AS operator
FROM unnest('{-Infinity,-1,0,Infinity,NaN}'::float8[]) radius;
-- when a value is not known, or known to be NULL
SELECT rows_expected('l2_within(v, (SELECT ''[1,1]''::vector), 1)') AS center, rows_expected('v <<->> ROW((SELECT ''[1,1]''::vector), 1)::vector_range') AS center,
	rows_expected('l2_within(v, ''[1,1]'', (SELECT 1))') AS radius, rows_expected('v <<->> (SELECT ROW(''[1,1]'', 1)::vector_range)') AS range,
	rows_expected('v <<->> ROW(''[1,1]'', NULL)::vector_range') AS no_radius, rows_expected('l2_within(v, v, 1)') AS itself;
-- NOT counts the rest
SELECT rows_expected('NOT l2_within(v, ''[1,1]'', 1)');
-- behind another operator it takes nothing for what it is not
CREATE FUNCTION anything(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE OPERATOR <<?>> (LEFTARG = int, RIGHTARG = int, FUNCTION = anything, RESTRICT = vector_range_sel, JOIN = matchingjoinsel);
SELECT rows_expected('id <<?>> 7');

SELECT proname, prosupport, procost FROM pg_proc WHERE proname LIKE '%\_within' ORDER BY 1;
SELECT oprname, oprcom, oprnegate, oprrest, oprjoin, procost FROM pg_operator JOIN pg_proc p ON p.oid = oprcode
WHERE oprright = 'vector_range'::regtype ORDER BY oprname COLLATE "C";

DROP OPERATOR <<?>> (int, int);
DROP FUNCTION agrees, rows_expected, anything;
DROP TABLE vectors, pairs, ranges, items;
