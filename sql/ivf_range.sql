-- Conditions on distances: which the index is asked for, and as what.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

SET max_parallel_workers_per_gather = 0;
-- a plan, but for what versions of the server write in different ways
CREATE FUNCTION shown(query text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(replace(line, ' (returns $0)', ''), '\(InitPlan 1\)\.col1|\$0', 'initplan')
	FROM plan_of(query) line WHERE line !~ 'Disabled:'
$$;
CREATE TABLE items (id int PRIMARY KEY, kind int, v vector(2));
INSERT INTO items SELECT i, i % 10, ARRAY[i % 100, i / 100]::vector FROM generate_series(1, 4000) i;
CREATE TABLE queries (id int, q vector(2), r float8);
INSERT INTO queries SELECT i, ARRAY[i, i]::vector, i FROM generate_series(1, 10) i;
CREATE INDEX items_v ON items USING ivf (v);
ANALYZE items, queries;
SET enable_seqscan = off;
-- bitmaps come later
SET enable_bitmapscan = off;

-- a constant
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1)$$);
-- the other way round, and with what comes to constants
SELECT shown($$SELECT id FROM items WHERE l2_within('[50,20]', v, 1)$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, ARRAY[50,20]::vector, 2.0 / 2)$$);
-- the operator itself needs no filter
SELECT shown($$SELECT id FROM items WHERE v <<->> ROW('[50,20]', 1)::vector_range$$);
SELECT shown($$SELECT id FROM items WHERE v <<->> '("[50,20]",1)'$$);
-- with an order, a limit, other conditions, and two of them
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1) ORDER BY v <-> '[50,20]' LIMIT 10$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 9) AND kind = 3$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 9) AND l2_within(v, '[55,20]', 9)$$);
SELECT shown($$UPDATE items SET kind = 0 WHERE l2_within(v, '[50,20]', 1)$$);
-- to be computed when the scan begins
PREPARE near(vector, float8) AS SELECT id FROM items WHERE l2_within(v, $1, $2);
SELECT shown($$EXECUTE near('[50,20]', 1)$$);
SET plan_cache_mode = force_generic_plan;
SELECT shown($$EXECUTE near('[50,20]', 1)$$);
RESET plan_cache_mode;
SELECT shown($$SELECT id FROM items WHERE l2_within(v, (SELECT q FROM queries WHERE id = 7), 1)$$);
SELECT shown($$SELECT id FROM items WHERE v <<->> (SELECT ROW(q, r)::vector_range FROM queries WHERE id = 7)$$);
-- for each row of another table
SELECT shown($$SELECT q.id, i.id FROM queries q JOIN items i ON l2_within(i.v, q.q, q.r)$$);
SELECT shown($$SELECT q.id, i.id FROM queries q JOIN items i ON l2_within(q.q, i.v, 1)$$);
SELECT shown($$SELECT q.id, near.id FROM queries q, LATERAL (SELECT id FROM items WHERE l2_within(v, q.q, q.r) ORDER BY v <-> q.q LIMIT 3) near$$);

-- not what is not a condition on the column and a range known beforehand
SELECT shown($$SELECT id FROM items WHERE NOT l2_within(v, '[50,20]', 1)$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, v, 1)$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', id)$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', setseed(0)::text::float8)$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1) OR kind = 3$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v + v, '[50,20]', 1)$$);
-- of another metric
SELECT shown($$SELECT id FROM items WHERE cosine_within(v, '[50,20]', 1)$$);
SELECT shown($$SELECT id FROM items WHERE v <<#>> ROW('[50,20]', 1)::vector_range$$);
-- NULL is nothing to look for
SELECT shown($$SELECT id FROM items WHERE l2_within(v, NULL, 1)$$);

-- the other metrics
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v vector_cosine_ops);
SELECT shown($$SELECT id FROM items WHERE cosine_within(v, '[50,20]', 0.1)$$);
SELECT shown($$SELECT id FROM items WHERE v <<=>> ROW('[50,20]', 0.1)::vector_range$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1)$$);
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v vector_ip_ops);
SELECT shown($$SELECT id FROM items WHERE inner_product_within(v, '[50,20]', -1000)$$);
SELECT shown($$SELECT id FROM items WHERE v <<#>> ROW('[50,20]', -1000)::vector_range$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1)$$);
DROP INDEX items_v;

-- on an expression, with a predicate, of a domain, of partitions
CREATE INDEX items_e ON items USING ivf (((v * 2)::vector(2))) WHERE kind = 3;
SELECT shown($$SELECT id FROM items WHERE l2_within((v * 2)::vector(2), '[50,20]', 1) AND kind = 3$$);
SELECT shown($$SELECT id FROM items WHERE l2_within((v * 2)::vector(2), '[50,20]', 1)$$);
DROP INDEX items_e;
CREATE DOMAIN place AS vector(2);
CREATE TABLE places (id int, v place);
CREATE INDEX ON places USING ivf (v);
SELECT shown($$SELECT id FROM places WHERE l2_within(v, '[50,20]', 1)$$);
SELECT shown($$SELECT p.id FROM places p, queries q WHERE l2_within(p.v, q.q::place, 1)$$);
CREATE TABLE parts (id int, v vector(2)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
CREATE INDEX ON parts USING ivf (v);
SELECT shown($$SELECT id FROM parts WHERE l2_within(v, '[50,20]', 1)$$);

-- an index of a class without such an operator, and a family of another access
-- method that has it
CREATE OPERATOR CLASS order_ops FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, FUNCTION 1 ivf_vector_l2(internal);
CREATE INDEX items_v ON items USING ivf (v order_ops);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1)$$);
DROP INDEX items_v;
CREATE INDEX items_v ON items (v);
ALTER OPERATOR FAMILY vector_ops USING btree ADD OPERATOR 2 <<->> (vector, vector_range);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1)$$);
ALTER OPERATOR FAMILY vector_ops USING btree DROP OPERATOR 2 (vector, vector_range);
DROP INDEX items_v;

-- wherever the extension lies
CREATE INDEX items_v ON items USING ivf (v);
CREATE SCHEMA elsewhere;
BEGIN;
ALTER EXTENSION vecfeat SET SCHEMA elsewhere;
SET LOCAL search_path = ivf_test;
SELECT shown($$SELECT id FROM items WHERE elsewhere.l2_within(v, '[50,20]', 1)$$);
SELECT shown($$SELECT i.id FROM items i, queries WHERE elsewhere.l2_within(v, q, r)$$);
ROLLBACK;
DROP SCHEMA elsewhere;

-- as bitmaps: alone, of two ranges, and with other indexes
SET enable_indexscan = off;
SET enable_bitmapscan = on;
CREATE INDEX items_kind ON items (kind);
ANALYZE items;
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1)$$);
SELECT shown($$SELECT id FROM items WHERE l2_within('[50,20]', v, 1)$$);
SELECT shown($$SELECT id FROM items WHERE v <<->> ROW('[50,20]', 1)::vector_range$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1) ORDER BY v <-> '[50,20]' LIMIT 10$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1) OR id = 3$$);
SELECT shown($$SELECT id FROM items WHERE v <<->> ROW('[50,20]', 1)::vector_range OR v <<->> ROW('[7,7]', 1)::vector_range$$);
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1) OR l2_within('[7,7]', v, 1)$$);
SELECT shown($$SELECT id FROM items WHERE v <<->> (SELECT ROW(q, r)::vector_range FROM queries WHERE id = 7)$$);
SELECT shown($$SELECT q.id, i.id FROM queries q JOIN items i ON l2_within(i.v, q.q, q.r)$$);
SELECT shown($$UPDATE items SET kind = 0 WHERE l2_within(v, '[50,20]', 1)$$);
DROP INDEX items_kind;
RESET enable_indexscan;
SET enable_bitmapscan = off;

-- conditions of row-level security come first, so the index is not asked for
-- what might show rows that they hide
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON items USING (kind < 5);
CREATE ROLE regress_ivf_range;
GRANT USAGE ON SCHEMA ivf_test TO regress_ivf_range;
GRANT SELECT ON items TO regress_ivf_range;
SET ROLE regress_ivf_range;
SELECT shown($$SELECT id FROM items WHERE l2_within(v, '[50,20]', 1)$$);
RESET ROLE;
DROP OWNED BY regress_ivf_range;
DROP ROLE regress_ivf_range;
