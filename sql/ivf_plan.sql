-- Which plans are chosen.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

SET max_parallel_workers_per_gather = 0;
-- the relations that a plan reads, and how
CREATE FUNCTION scans(query text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(found[1], ', ') FROM plan_of(query) line, regexp_matches(line, '((?:Bitmap Heap|Bitmap Index|Index|Index Only|Seq) Scan.*)') found
$$;
CREATE TABLE base AS SELECT id, noise(id, 128)::vector(128) AS v FROM generate_series(0, 399) id;
CREATE TABLE items AS
	SELECT n AS id, n % 1000 AS kind, n % 1000 AS other, (a.v * 2 + b.v)::vector(128) AS v
	FROM generate_series(0, 19999) n JOIN base a ON a.id = n % 97 JOIN base b ON b.id = 100 + n % 211;
ALTER TABLE items ADD PRIMARY KEY (id);
CREATE INDEX items_kind ON items (kind);
CREATE INDEX items_v ON items USING ivf (v);
VACUUM ANALYZE items;
-- q stands for a query vector
CREATE FUNCTION with_q(query text) RETURNS text LANGUAGE sql AS $$ SELECT replace(query, 'q()', quote_literal(noise(5000, 128)) || '::vector') $$;

-- the index, for the nearest of many
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() LIMIT 1'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id, v <-> q() AS d FROM items ORDER BY d LIMIT 200'));
SELECT scans(with_q('SELECT id FROM items ORDER BY q() <-> v OFFSET 20 LIMIT 10'));
SELECT scans(with_q('SELECT * FROM items ORDER BY v <-> q() LIMIT 10 FOR UPDATE'));
SELECT scans(with_q('SELECT sum(id) FROM (SELECT id FROM items ORDER BY v <-> q() LIMIT 10) s'));
-- with a filter that many rows pass, whether it has an index or not
SELECT scans(with_q('SELECT id FROM items WHERE kind < 500 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE kind < 100 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE other < 500 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE other < 50 ORDER BY v <-> q() LIMIT 10'));
-- with a vector that is not known yet
PREPARE near(vector) AS SELECT id FROM items ORDER BY v <-> $1 LIMIT 10;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE near(NULL);
RESET plan_cache_mode;
SELECT scans('SELECT id FROM items ORDER BY v <-> (SELECT v FROM base WHERE id = 7) LIMIT 10');
SELECT scans('SELECT b.id, near.id FROM base b, LATERAL (SELECT id FROM items n ORDER BY n.v <-> b.v LIMIT 3) near');
SELECT scans('SELECT (SELECT id FROM items n ORDER BY n.v <-> b.v LIMIT 1) FROM base b');
-- to the planner the minimum is the first in order: it is as approximate as that
SELECT scans(with_q('SELECT min(v <-> q()) FROM items'));
-- exact search too is less work than a sequential scan
SET ivf.probes = 1000000;
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() LIMIT 10'));
RESET ivf.probes;

-- another index, for few rows
SELECT scans(with_q('SELECT id FROM items WHERE id = 7 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE kind = 7 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE kind IN (7, 8) ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE id BETWEEN 100 AND 120 ORDER BY v <-> q() LIMIT 1'));

-- the table, for all rows or most
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q()'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() LIMIT ALL'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() LIMIT 20000'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() OFFSET 19000 LIMIT 10'));
SELECT scans(with_q('SELECT v <-> q(), count(*) FROM items GROUP BY 1'));
SELECT scans(with_q('SELECT DISTINCT v <-> q() FROM items'));
SELECT scans(with_q('SELECT id, rank() OVER (ORDER BY v <-> q()) FROM items'));
SELECT scans(with_q('SELECT max(v <-> q()), avg(v <-> q()) FROM items'));
-- a filter that hardly any row passes
SELECT scans(with_q('SELECT id FROM items WHERE other = 7 ORDER BY v <-> q() LIMIT 100'));
-- half of them, or a filter that takes as many
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() LIMIT 10000'));
SELECT scans(with_q('SELECT id FROM items WHERE other < 5 ORDER BY v <-> q() LIMIT 50'));
-- where no distance is the order
SELECT scans('SELECT count(v) FROM items');
SELECT scans(with_q('SELECT count(*) FROM items WHERE v <-> q() < 3'));
SELECT scans('SELECT id FROM items WHERE v IS NULL');
SELECT scans(with_q('SELECT id FROM items WHERE v = q()'));
SELECT scans('SELECT v FROM items LIMIT 10');

-- an order that is not the index's
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() DESC LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() NULLS FIRST LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <=> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <#> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <+> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY l2_distance(v, q()) LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY 2 * (v <-> q()) LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY l2_normalize(v) <-> q() LIMIT 10'));
SELECT scans('SELECT id FROM items ORDER BY v <-> v LIMIT 10');
SELECT scans('SELECT a.id FROM items a JOIN base b ON a.id = b.id ORDER BY a.v <-> b.v LIMIT 10');
-- a scan by two distances does not exist
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q(), v <-> -q() LIMIT 10'));

-- tables that are read at a glance
CREATE TABLE small AS SELECT * FROM items LIMIT 100;
CREATE INDEX small_v ON small USING ivf (v);
ANALYZE small;
SELECT scans(with_q('SELECT id FROM small ORDER BY v <-> q() LIMIT 10'));
TRUNCATE small;
INSERT INTO small SELECT * FROM items WHERE id < 2000;
ANALYZE small;
SELECT scans(with_q('SELECT id FROM small ORDER BY v <-> q() LIMIT 10'));

-- the index of the operator; those of other opclasses are there too
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops);
SELECT scans(with_q('SELECT id FROM items ORDER BY v <=> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <#> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items ORDER BY v <-> q() LIMIT 10'));
-- of an expression
CREATE INDEX items_expr ON items USING ivf ((subvector(v, 1, 16)::vector(16)));
SELECT scans('SELECT id FROM items ORDER BY subvector(v, 1, 16)::vector(16) <-> noise(1, 16) LIMIT 10');
SELECT scans('SELECT id FROM items ORDER BY subvector(v, 1, 16) <-> noise(1, 16) LIMIT 10');
SELECT scans('SELECT id FROM items ORDER BY subvector(v, 2, 16)::vector(16) <-> noise(1, 16) LIMIT 10');
DROP INDEX items_cosine, items_ip, items_expr;

-- a partial index where its predicate holds
DROP INDEX items_v, items_kind;
CREATE INDEX items_few ON items USING ivf (v) WHERE kind = 7;
CREATE INDEX items_half ON items USING ivf (v) WHERE kind < 500;
SELECT scans(with_q('SELECT id FROM items WHERE kind < 500 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE kind < 400 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE kind < 600 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM items WHERE kind = 7 ORDER BY v <-> q() LIMIT 10'));
-- also without an order, when the rows are few: but never an index-only scan
SELECT scans('SELECT sum(id) FROM items WHERE kind = 7');
SELECT count(*), sum(id) FROM items WHERE kind = 7;
SET enable_bitmapscan = off;
SELECT scans('SELECT sum(id) FROM items WHERE kind = 7');
SELECT count(*), sum(id) FROM items WHERE kind = 7;
SELECT lists_read FROM ivf_last_scan();
RESET enable_bitmapscan;
SELECT scans('SELECT sum(id) FROM items WHERE kind < 500');
SELECT scans('SELECT count(*) FROM items WHERE kind = 7');
SELECT count(*) FROM items WHERE kind = 7;
DROP INDEX items_few;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM items WHERE kind < 500;
SELECT scans('SELECT sum(id) FROM items WHERE kind < 500');
SELECT count(*), sum(id) FROM items WHERE kind < 500;
SELECT count(*), sum(id) FROM items WHERE kind < 500 AND id < 100;
UPDATE items SET v = NULL WHERE id < 20;
DELETE FROM items WHERE id BETWEEN 30 AND 39;
SELECT count(*), sum(id) FROM items WHERE kind < 500;
RESET enable_seqscan;
RESET enable_bitmapscan;

-- vectors out of line
CREATE TABLE wide AS
	SELECT id, (noise(id % 50, 384) || noise(id, 384))::vector(768) AS v FROM generate_series(1, 1500) id;
CREATE INDEX wide_v ON wide USING ivf (v vector_cosine_ops);
VACUUM ANALYZE wide;
SELECT scans('SELECT id FROM wide ORDER BY v <=> noise(1, 768) LIMIT 10');
SELECT scans('SELECT id FROM wide ORDER BY v <=> noise(1, 768)');
SELECT scans('SELECT id FROM wide ORDER BY v <=> noise(1, 768) LIMIT 100');

-- what a query is expected to cost, all rows or those that it takes
CREATE FUNCTION cost_of(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END
$$;
-- does each cost so many times as much as the one before?
CREATE FUNCTION dearer(factor float8, VARIADIC costs float8[]) RETURNS boolean LANGUAGE sql AS $$
	SELECT bool_and(costs[i] >= factor * costs[i - 1]) FROM generate_series(2, cardinality(costs)) i
$$;
CREATE FUNCTION near(rows int, filter text DEFAULT 'true') RETURNS float8 LANGUAGE sql AS $$
	SELECT cost_of(with_q(format('SELECT id FROM items WHERE %s ORDER BY v <-> q() LIMIT %s', filter, rows)))
$$;
CREATE FUNCTION near_recall(recall text, rows int) RETURNS float8 LANGUAGE sql AS $$
	SELECT set_config('ivf.recall', recall, true);
	SELECT near(rows)
$$;
CREATE FUNCTION near_probes(probes int, rows int) RETURNS float8 LANGUAGE sql AS $$
	SELECT set_config('ivf.probes', probes::text, true);
	SELECT near(rows)
$$;
DROP INDEX items_half;
CREATE INDEX items_v ON items USING ivf (v);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
-- more rows, more lists
SELECT dearer(1.5, near(10), near(100), near(1000), near(10000));
-- a filter takes as many rows as a larger LIMIT
SELECT near(10, 'other < 100') / near(100) BETWEEN 0.8 AND 1.25;
SELECT near(100, 'other < 100') / near(1000) BETWEEN 0.8 AND 1.25;
-- the recall
SELECT dearer(1, near_recall('0.5', 10), near_recall('0.9', 10), near_recall('0.99', 10), near_recall('0.999', 10));
SELECT dearer(2, near_recall('0.99', 10), near_recall('1', 10));
SELECT dearer(1.1, near_probes(1, 10), near_probes(5, 10), near_probes(20, 10));
BEGIN;
SELECT near_recall('1', 10) = near_probes(1000000, 10) AS exact;
ROLLBACK;
RESET enable_seqscan;
RESET enable_bitmapscan;
-- in few dimensions an exact search reads few lists
CREATE TABLE flat AS SELECT id, noise(id, 3)::vector(3) AS v FROM generate_series(1, 20000) id;
CREATE INDEX flat_v ON flat USING ivf (v);
VACUUM ANALYZE flat;
SET ivf.recall = 1;
SELECT scans('SELECT id FROM flat ORDER BY v <-> noise(1, 3) LIMIT 10');
SELECT dearer(2, cost_of('SELECT id FROM flat ORDER BY v <-> noise(1, 3) LIMIT 10'), near(10));
SELECT scans('SELECT id FROM flat ORDER BY v <-> noise(1, 3) LIMIT 19000');
RESET ivf.recall;
-- distances know how long vectors are, and that they are out of line
CREATE FUNCTION distance_cost(relation text, distance text) RETURNS float8 LANGUAGE sql AS $$
	SELECT (cost_of(format('SELECT %s FROM %s', distance, relation)) - cost_of(format('SELECT id FROM %s', relation))) / count
	FROM (SELECT reltuples AS count FROM pg_class WHERE oid = relation::regclass) s
$$;
SET enable_indexscan = off;
SELECT dearer(2, distance_cost('flat', 'v <-> noise(1, 3)'), distance_cost('items', 'v <-> noise(1, 128)'),
	distance_cost('wide', 'v <-> noise(1, 768)'));
SELECT distance_cost('wide', 'v <-> noise(1, 768)') > 10 * distance_cost('items', 'v <-> noise(1, 128)');
SELECT abs(distance_cost('wide', 'v <-> noise(1, 768)') / distance_cost('wide', 'cosine_distance(v, noise(1, 768))') - 1) < 0.01;
ALTER TABLE wide ALTER v SET STORAGE PLAIN;
CREATE TABLE plain (LIKE wide INCLUDING STORAGE);
INSERT INTO plain SELECT id, subvector(v, 1, 384) || subvector(v, 385, 384) FROM wide;
ANALYZE plain;
SELECT distance_cost('plain', 'v <-> noise(1, 768)') < 0.6 * distance_cost('wide', 'v <-> noise(1, 768)');
RESET enable_indexscan;

-- partitions: each one's own choice
CREATE TABLE parted (id int, kind int, other int, v vector(128)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10000);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10000) TO (20000);
INSERT INTO parted SELECT * FROM items;
CREATE INDEX ON parted USING ivf (v);
ANALYZE parted;
SELECT scans(with_q('SELECT id FROM parted ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM parted WHERE id > 15000 ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM parted ORDER BY v <-> q()'));
CREATE TABLE parent (LIKE items);
CREATE TABLE child () INHERITS (parent);
INSERT INTO child SELECT * FROM items;
CREATE INDEX child_v ON child USING ivf (v);
ANALYZE child;
SELECT scans(with_q('SELECT id FROM parent ORDER BY v <-> q() LIMIT 10'));
-- and of a UNION ALL
SELECT scans(with_q('SELECT id FROM (SELECT id, v FROM parted_1 UNION ALL SELECT id, v FROM child) u ORDER BY v <-> q() LIMIT 10'));

-- within a radius: the index where it spares the most of the rows
SELECT scans(with_q('SELECT id FROM child WHERE l2_within(v, q(), 1)'));
SELECT scans(with_q('SELECT id FROM child WHERE l2_within(v, q(), 100)'));
SELECT scans(with_q('SELECT id FROM child WHERE l2_within(v, (SELECT v FROM base WHERE id = 7), 1)'));
SELECT scans('SELECT b.id, i.id FROM base b JOIN child i ON l2_within(i.v, b.v, 1) WHERE b.id < 3');
SELECT scans(with_q('SELECT id FROM child WHERE l2_within(v, q(), 1) AND id = 7'));
-- so many rows are expected: within a factor of two
CREATE FUNCTION expected(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan->0->'Plan'->>'Plan Rows';
END
$$;
CREATE FUNCTION fits(source text, function text, operator text, center vector, nearest int) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	radius float8;
	rows float8;
BEGIN
	EXECUTE format('SELECT d FROM (SELECT v %s %L AS d FROM %s) s ORDER BY d OFFSET %s LIMIT 1', operator, center, source, nearest - 1) INTO radius;
	EXECUTE format('SELECT count(*) FROM %s WHERE %s(v, %L, %L)', source, function, center, radius) INTO rows;
	RETURN expected(format('SELECT FROM %s WHERE %s(v, %L, %L)', source, function, center, radius)) BETWEEN rows / 2 AND rows * 2;
END
$$;
SELECT nearest, fits('child', 'l2_within', '<->', (SELECT v FROM child WHERE id = 77), nearest) FROM unnest('{1,100,1000,5000,15000}'::int[]) nearest;
SELECT nearest, fits('wide', 'cosine_within', '<=>', (SELECT v FROM wide WHERE id = 77), nearest) FROM unnest('{1,100,1000}'::int[]) nearest;
CREATE INDEX child_ip ON child USING ivf (v vector_ip_ops);
SELECT nearest, fits('child', 'inner_product_within', '<#>', (SELECT v FROM child WHERE id = 77), nearest) FROM unnest('{1,100,1000,5000,15000}'::int[]) nearest;
SELECT count(*) FROM child WHERE id % 500 = 3 AND fits('child', 'inner_product_within', '<#>', v, 100);
DROP INDEX child_ip;
-- nothing is asked of an index whose predicate may not hold, whose dimensions
-- differ or that is not there
DROP INDEX items_v;
CREATE INDEX items_half ON items USING ivf (v) WHERE kind < 500;
SELECT expected(with_q('SELECT FROM items WHERE l2_within(v, q(), 1)'));
SELECT expected(with_q('SELECT FROM items WHERE l2_within(v, q(), 1) AND kind < 500')) < 10 AS asked;
SELECT expected($$SELECT FROM child WHERE l2_within(v, '[1,2,3]', 1)$$);
SELECT expected($$SELECT FROM child WHERE cosine_within(v, '[1,2,3]', 1)$$);
SELECT expected(with_q($$SELECT FROM child WHERE l2_within(v, q(), 'NaN')$$));
SELECT expected(with_q($$SELECT FROM child WHERE l2_within(v, q(), 'Infinity')$$));
-- where rows are hidden, the expected number must not tell where
ALTER TABLE child ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON child USING (kind < 1000);
CREATE ROLE regress_ivf_plan;
GRANT USAGE ON SCHEMA ivf_test TO regress_ivf_plan;
GRANT SELECT ON child TO regress_ivf_plan;
SET ROLE regress_ivf_plan;
SELECT expected(with_q('SELECT FROM child WHERE l2_within(v, q(), 1)'));
RESET ROLE;
ALTER TABLE child DISABLE ROW LEVEL SECURITY;
DROP OWNED BY regress_ivf_plan;
DROP ROLE regress_ivf_plan;

-- what a disk costs does not turn it around
SET random_page_cost = 1.1;
SELECT scans(with_q('SELECT id FROM child ORDER BY v <-> q() LIMIT 10'));
SELECT scans(with_q('SELECT id FROM child ORDER BY v <-> q()'));
SELECT scans(with_q('SELECT id FROM child WHERE other = 7 ORDER BY v <-> q() LIMIT 100'));
SET random_page_cost = 10;
SELECT scans(with_q('SELECT id FROM child ORDER BY v <-> q() LIMIT 10'));
RESET random_page_cost;
