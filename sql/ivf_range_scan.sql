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
CREATE FUNCTION in_bitmap(query text) RETURNS int[] LANGUAGE plpgsql
SET enable_seqscan = off SET enable_indexscan = off SET enable_sort = on AS $$
DECLARE
	plan text;
	result int[];
BEGIN
	SELECT string_agg(line, E'\n') INTO plan FROM plan_of(query) line;
	IF plan !~ 'Bitmap Index Scan on items_v' OR plan ~ '(Seq|Index) Scan (using .* )?on items( |$)' THEN
		RAISE EXCEPTION 'no bitmap scan: %', plan;
	END IF;
	EXECUTE format('SELECT array_agg(id) FROM (%s) s', query) INTO result;
	RETURN result;
END
$$;
-- how many rows there are, when all agree on which
CREATE FUNCTION agreed(query text, by_index boolean = true, by_bitmap boolean = true) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	wanted int[] := in_table(query);
	found int[] := CASE WHEN by_index THEN in_index(query) ELSE wanted END;
	found_by_bitmap int[] := CASE WHEN by_bitmap THEN in_bitmap(query) ELSE wanted END;
BEGIN
	IF wanted IS DISTINCT FROM found THEN
		RAISE EXCEPTION 'wanted %, found %', wanted, found;
	END IF;
	IF wanted IS DISTINCT FROM found_by_bitmap THEN
		RAISE EXCEPTION 'wanted %, found by a bitmap %', wanted, found_by_bitmap;
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

-- exactly at the distance of every row in turn
SELECT count(*), bool_and(found = 1) AS all_came FROM (
	SELECT cardinality(in_index(format('SELECT id FROM items WHERE l2_within(v, %L, %L) AND id = %s', noise(7, 8), v <-> noise(7, 8), id))) AS found
	FROM items WHERE v IS NOT NULL AND id <= 300) s;

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

-- with an order around the same point, another one, one known later and NULL
SELECT agreed('SELECT id FROM items WHERE l2_within(v, (SELECT q FROM queries WHERE id = 11), 1.5) ORDER BY v <-> (SELECT q FROM queries WHERE id = 11), id');
SET enable_sort = off;
CREATE FUNCTION in_order(query text) RETURNS TABLE (rows bigint, descents bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
	distances float8[];
BEGIN
	IF (SELECT string_agg(line, E'\n') FROM plan_of(query) line) !~ 'Order By: ' THEN
		RAISE EXCEPTION 'not in order';
	END IF;
	EXECUTE format('SELECT array_agg(d) FROM (%s) s', query) INTO distances;
	rows := coalesce(cardinality(distances), 0);
	SELECT count(*) INTO descents FROM generate_series(2, rows) i WHERE distances[i] < distances[i - 1];
	RETURN NEXT;
END
$$;
SELECT rows, descents FROM in_order(format('SELECT v <-> %1$L AS d FROM items WHERE l2_within(v, %1$L, 1.5) ORDER BY v <-> %1$L', noise(8, 8)));
SELECT rows, descents FROM in_order(format('SELECT v <-> %1$L AS d FROM items WHERE l2_within(v, %1$L, 1.5) ORDER BY v <-> %1$L LIMIT 7', noise(8, 8)));
SELECT rows, descents FROM in_order(format('SELECT v <-> %1$L AS d FROM items WHERE l2_within(v, %1$L, -1) ORDER BY v <-> %1$L LIMIT 7', noise(8, 8)));
-- around another point the order is approximate, but nothing is lost
SELECT rows FROM in_order(format('SELECT v <-> %2$L AS d FROM items WHERE l2_within(v, %1$L, 1.5) ORDER BY v <-> %2$L', noise(8, 8), noise(9, 8)));
SELECT rows FROM in_order(format('SELECT v <-> (SELECT NULL::vector) AS d FROM items WHERE l2_within(v, %1$L, 1.5) ORDER BY v <-> (SELECT NULL::vector)', noise(8, 8)));
RESET enable_sort;

-- rescans, some of them for NULLs
SELECT agreed('SELECT q.id * 10000 + coalesce(i.id, 0) AS id FROM queries q LEFT JOIN items i ON i.v <<->> ROW(q.q, q.r)::vector_range ORDER BY 1');
SELECT agreed('SELECT q.id * 10000 + n.id AS id FROM queries q, LATERAL (SELECT id FROM items WHERE l2_within(v, q.q, q.r) AND id < 900 AND id % 50 > 4 ORDER BY v <-> q.q LIMIT 1) n ORDER BY 1', by_bitmap => false);

-- bitmaps, with those of other indexes and of this one
CREATE INDEX items_kind ON items (kind);
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %L, 2) OR kind = 3 ORDER BY id', noise(8, 8)), by_index => false);
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %L, 2) AND kind = 3 ORDER BY id', noise(8, 8)), by_index => false, by_bitmap => false);
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %L, 1) OR v <<->> ROW(%L, 1.2)::vector_range ORDER BY id', noise(8, 8), noise(9, 8)), by_index => false);
SELECT agreed(format('SELECT id FROM items WHERE (l2_within(v, %1$L, 1) OR kind = 1) AND (l2_within(v, %1$L, 2) OR kind = 2) ORDER BY id', noise(8, 8)), by_index => false);
-- lossy ones
SET work_mem = '64kB';
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %L, 3) ORDER BY id', noise(8, 8)));
RESET work_mem;
DROP INDEX items_kind;

-- cursors see what was there when they were opened, and go on as far as wanted
CREATE FUNCTION moved(rows int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	c refcursor := 'c';
	count bigint;
BEGIN
	MOVE FORWARD rows FROM c;
	GET DIAGNOSTICS count = ROW_COUNT;
	RETURN count;
END
$$;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
BEGIN;
SELECT format('DECLARE c SCROLL CURSOR FOR SELECT id FROM items WHERE l2_within(v, %L, 2)', noise(8, 8)) \gexec
SELECT moved(100);
SAVEPOINT before;
UPDATE items SET v = NULL WHERE id % 2 = 0;
INSERT INTO items SELECT 5000 + i, 0, noise(8, 8) FROM generate_series(1, 500) i;
SELECT moved(100), moved(-50), moved(10000);
ROLLBACK TO before;
SELECT moved(-10000), moved(10000);
COMMIT;
BEGIN;
SELECT format('DECLARE c CURSOR FOR SELECT id FROM items WHERE l2_within(v, %L, 0.5) FOR UPDATE', noise(8, 8)) \gexec
SELECT moved(2);
UPDATE items SET kind = -1 WHERE CURRENT OF c;
SELECT moved(10000);
SELECT count(*) FROM items WHERE kind = -1;
ROLLBACK;
RESET enable_seqscan;
RESET enable_bitmapscan;

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

-- one list, and a tree of more levels
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 1);
SELECT levels FROM ivf_info('items_v');
SELECT r, within('l2_within', '<<->>', noise(7, 8), r) FROM unnest('{0,1,2,Infinity}'::float8[]) r;
SET ivf.debug_fanout = 3;
DO $$
DECLARE
	metric text[];
BEGIN
	FOREACH metric SLICE 1 IN ARRAY '{{vector_l2_ops,l2_within,<<->>},{vector_ip_ops,inner_product_within,<<#>>},{vector_cosine_ops,cosine_within,<<=>>}}'::text[] LOOP
		DROP INDEX items_v;
		EXECUTE format('CREATE INDEX items_v ON items USING ivf (v %s) WITH (lists = 20)', metric[1]);
		RAISE INFO '% levels: %', (SELECT levels FROM ivf_info('items_v')),
			(SELECT array_agg(n) FROM unnest('{-2,0,0.3,1,2,Infinity}'::float8[]) r, unnest(within(metric[2], metric[3], noise(7, 8), r)) n);
	END LOOP;
END
$$;
RESET ivf.debug_fanout;

-- unlogged, with a predicate, on an expression
ALTER TABLE items SET UNLOGGED;
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v) WHERE kind < 5;
SELECT agreed(format('SELECT id FROM items WHERE l2_within(v, %L, 2) AND kind < 5 ORDER BY id', noise(8, 8)));
SELECT agreed(format('SELECT id FROM items WHERE (l2_within(v, %L, 1) AND kind < 5) OR (v <<->> ROW(%L, 1)::vector_range AND kind < 3) ORDER BY id', noise(8, 8), noise(7, 8)), by_index => false);
-- the predicate alone: with rows that have no vector
SELECT agreed('SELECT id FROM items WHERE kind < 5 ORDER BY id', by_index => false);
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf ((subvector(v, 2, 5)::vector(5)));
ANALYZE items;
SELECT agreed(format('SELECT id FROM items WHERE l2_within(subvector(v, 2, 5)::vector(5), %L, 1) ORDER BY id', noise(8, 5)), by_index => false);

-- nothing there
TRUNCATE items;
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v vector_ip_ops);
SELECT within('inner_product_within', '<<#>>', noise(7, 8), 0);
