-- What an index scan finds within a radius is what the table has.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

SET max_parallel_workers_per_gather = 0;
-- ids from a sequential scan, and from a scan of an index by a condition on it
CREATE FUNCTION in_table(query text) RETURNS int[] LANGUAGE plpgsql
SET enable_indexscan = off SET enable_bitmapscan = off SET enable_indexonlyscan = off AS $$
DECLARE
	result int[];
BEGIN
	EXECUTE format('SELECT array_agg(id) FROM (%s) s', query) INTO result;
	RETURN result;
END
$$;
CREATE FUNCTION in_index(query text) RETURNS int[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = on AS $$
DECLARE
	plan text;
	result int[];
BEGIN
	SELECT string_agg(line, E'\n') INTO plan FROM plan_of(query) line;
	IF plan !~ 'Index Cond: \(\(*v' OR plan ~ 'Seq Scan on items' THEN
		RAISE EXCEPTION 'no index scan: %', plan;
	END IF;
	EXECUTE format('SELECT array_agg(id) FROM (%s) s', query) INTO result;
	RETURN result;
END
$$;
-- how many rows there are, when both agree on which
CREATE FUNCTION agreed(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	wanted int[] := in_table(query);
	found int[] := in_index(query);
BEGIN
	IF wanted IS DISTINCT FROM found THEN
		RAISE EXCEPTION 'wanted %, found %', wanted, found;
	END IF;
	RETURN coalesce(array_length(wanted, 1), 0);
END
$$;
-- by the function, the function turned round and the operator, with few lists
-- probed and with all; rows in any order
CREATE FUNCTION within(function text, operator text, center vector, radius float8) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
	conditions text[] := ARRAY[format('%s(v, %L, %L)', function, center, radius), format('%s(%L, v, %L)', function, center, radius),
		format('v %s ROW(%L, %L)::vector_range', operator, center, radius)];
	condition text;
	counts int[];
BEGIN
	FOREACH condition IN ARRAY conditions LOOP
		FOR probes IN 0 .. 1 LOOP
			PERFORM set_config('ivf.probes', (probes * 1000000)::text, true);
			counts := counts || agreed(format('SELECT id FROM items WHERE %s ORDER BY id', condition));
		END LOOP;
	END LOOP;
	RETURN ARRAY(SELECT DISTINCT unnest(counts));
END
$$;

-- rows that lie apart, twice, and at one place; zero vectors and NULLs
-- (no other index, which the planner might take)
CREATE TABLE items (id int, kind int, v vector(8));
INSERT INTO items SELECT i, i % 10, CASE WHEN i % 50 = 0 THEN NULL WHEN i % 50 = 1 THEN array_fill(0, ARRAY[8])::vector
	WHEN i % 50 < 5 THEN noise(7, 8) ELSE noise(i % 900, 8) END FROM generate_series(1, 2000) i;
ANALYZE items;

CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 20);
SELECT r, within('l2_within', '<<->>', noise(7, 8), r) FROM unnest('{-Infinity,-1,0,1e-300,0.5,1,1.5,2,3,100,Infinity,NaN}'::float8[]) r;
-- exactly at the distance of a row, and just below
SELECT within('l2_within', '<<->>', noise(7, 8), d) AS at, within('l2_within', '<<->>', noise(7, 8), d * (1 - 1e-15)) AS below
FROM (SELECT DISTINCT v <-> noise(7, 8) AS d FROM items WHERE id IN (60, 61, 62, 63, 64, 65)) s WHERE d > 0 ORDER BY d;
SELECT r, within('l2_within', '<<->>', array_fill(1000, ARRAY[8])::vector, r) FROM unnest('{2820,2828.5,2900}'::float8[]) r;
-- beyond float4's range
SELECT r, within('l2_within', '<<->>', array_fill(1e38::real, ARRAY[8])::vector, r) FROM unnest('{1e38,Infinity}'::float8[]) r;

-- with an order, whole and cut off
SET ivf.probes = 1000000;
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %1$L, 2) AND kind > 4 ORDER BY v <-> %1$L, id', noise(8, 8)));
SELECT agreed(format('SELECT id FROM (SELECT id, v <-> %1$L AS d FROM items WHERE id %% 50 > 4 AND id < 900 AND l2_within(v, %1$L, 2) ORDER BY d LIMIT 10) s ORDER BY d', noise(8, 8)));
SELECT agreed(format('SELECT id FROM (SELECT id, v <-> %1$L AS d FROM items WHERE id %% 50 > 4 AND id < 900 AND l2_within(v, %2$L, 2) ORDER BY d LIMIT 10) s ORDER BY d', noise(8, 8), noise(9, 8)));
RESET ivf.probes;
-- two at once
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %1$L, 2) AND l2_within(v, %2$L, 1.9) ORDER BY id', noise(8, 8), noise(9, 8)));
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %1$L, 2) AND v <<->> ROW(%1$L, 0.1)::vector_range ORDER BY id', noise(8, 8)));

-- ranges known when the scan begins, and again for each outer row
CREATE TABLE queries (id int, q vector, r float8);
INSERT INTO queries SELECT i, noise(i, 8), i * 0.4 FROM generate_series(1, 6) i;
INSERT INTO queries VALUES (7, NULL, 1), (8, noise(8, 8), NULL), (9, NULL, NULL), (10, noise(1, 8), 'NaN'), (11, noise(8, 8), 2);
ANALYZE queries;
SELECT q.id, agreed(format('SELECT i.id FROM queries q, items i WHERE q.id = %s AND l2_within(i.v, q.q, q.r) ORDER BY 1', q.id)) AS function,
	agreed(format('SELECT i.id FROM queries q, items i WHERE q.id = %s AND i.v <<->> ROW(q.q, q.r)::vector_range ORDER BY 1', q.id)) AS operator
FROM queries q ORDER BY 1;
SELECT agreed('SELECT q.id * 10000 + i.id AS id FROM queries q, items i WHERE l2_within(i.v, q.q, q.r) ORDER BY 1');
SELECT agreed('SELECT id FROM items WHERE l2_within(v, (SELECT q FROM queries WHERE id = 11), 1.5) ORDER BY 1');
SELECT agreed('SELECT id FROM items WHERE v <<->> (SELECT ROW(q, r)::vector_range FROM queries WHERE id = 11) ORDER BY 1');
SELECT agreed('SELECT id FROM items WHERE v <<->> (SELECT NULL::vector_range) ORDER BY 1');

-- other dimensions
SET enable_seqscan = off;
SELECT id FROM items WHERE l2_within(v, '[1,2]', 1);
SELECT id FROM items WHERE v <<->> (SELECT ROW('[1,2]', 'NaN')::vector_range);
RESET enable_seqscan;

-- rows that come, go and move
DELETE FROM items WHERE id % 3 = 0;
UPDATE items SET v = v + noise(3, 8) WHERE id % 5 = 0;
INSERT INTO items SELECT i, 0, noise(i % 37, 8) FROM generate_series(2001, 2200) i;
SELECT r, within('l2_within', '<<->>', noise(7, 8), r) FROM unnest('{0,1,2,Infinity}'::float8[]) r;
VACUUM items;
INSERT INTO items SELECT i, 0, noise(i % 37, 8) FROM generate_series(2201, 2300) i;
SELECT r, within('l2_within', '<<->>', noise(7, 8), r) FROM unnest('{0,1,2,Infinity}'::float8[]) r;

-- the other metrics
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v vector_cosine_ops) WITH (lists = 20);
SELECT r, within('cosine_within', '<<=>>', noise(7, 8), r) FROM unnest('{-1,0,1e-15,0.2,0.5,1,1.5,2,Infinity,NaN}'::float8[]) r;
SELECT within('cosine_within', '<<=>>', array_fill(0, ARRAY[8])::vector, 2);
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v vector_ip_ops) WITH (lists = 20);
SELECT r, within('inner_product_within', '<<#>>', noise(7, 8), r) FROM unnest('{-Infinity,-3,-2,-1,0,1,3,Infinity,NaN}'::float8[]) r;
SELECT within('inner_product_within', '<<#>>', array_fill(0, ARRAY[8])::vector, -1) AS below, within('inner_product_within', '<<#>>', array_fill(0, ARRAY[8])::vector, 0) AS all;

-- nothing there
TRUNCATE items;
SELECT within('inner_product_within', '<<#>>', noise(7, 8), 0);
