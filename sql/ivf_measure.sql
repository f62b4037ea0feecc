-- ivf_measure_recall(): recall and speed, measured on rows of the table.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- noise is as hard as it gets: the nearest rows are in many lists
CREATE TABLE items (id int, v vector(12)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) END
	FROM generate_series(1, 3000) i;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 40);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (lists = 40);
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
CREATE INDEX items_expression ON items USING ivf ((subvector(v, 1, 5)::vector(5))) WITH (lists = 20);
CREATE INDEX items_partial ON items USING ivf (v) WITH (lists = 10) WHERE id % 3 = 0;
SET ivf.debug_fanout = 3;
CREATE INDEX items_high ON items USING ivf (v) WITH (lists = 40);
RESET ivf.debug_fanout;

-- exact is exact
SET ivf.recall = 1;
SELECT i.index, queries, k, recall, recall_low, target, milliseconds > 0 AS ms, milliseconds_exact > 0 AS ms_exact, speedup > 0 AS speedup,
	lists_read = lists_exact AS same_lists, lists_exact BETWEEN 1 AND 40 AS lists
FROM unnest('{items_v,items_ip,items_cosine,items_expression,items_partial,items_high}'::regclass[]) i(index), ivf_measure_recall(i.index) m;
SET ivf.probes = 1000000;
SELECT queries, k, recall, recall_low, target FROM ivf_measure_recall('items_v', 20, 3);
RESET ivf.probes;
RESET ivf.recall;

-- one list of many is not, and says how many were read
SET ivf.probes = 1;
SELECT i.index, queries, k, recall BETWEEN 0.05 AND 0.95 AS less, recall_low < recall AS low, target, lists_read, lists_exact > 1 AS more_lists
FROM unnest('{items_v,items_cosine,items_expression,items_partial,items_high}'::regclass[]) i(index), ivf_measure_recall(i.index) m;
-- as many queries and rows as asked for
SELECT queries, k, recall BETWEEN 0.05 AND 0.95 AS less FROM ivf_measure_recall('items_v', queries => 30, k => 5);
SELECT queries, k, recall IN (0, 1) AS one, recall = recall_low AS low FROM ivf_measure_recall('items_v', 1, 1);
SELECT queries, k FROM ivf_measure_recall('items_partial', 100000, 3);
-- more lists, more recall
CREATE FUNCTION recall_of(index regclass, probes int) RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('ivf.probes', probes::text, true);
	RETURN recall FROM ivf_measure_recall(index);
END
$$;
SELECT recall_of('items_v', 1) < recall_of('items_v', 10) AND recall_of('items_v', 10) < recall_of('items_v', 40) AS rises, recall_of('items_v', 40);

-- the same each time, and as the same searches by SQL have it
CREATE FUNCTION stable(index regclass) RETURNS bool LANGUAGE sql AS $$
	SELECT count(*) = 1 FROM (SELECT DISTINCT queries, k, recall, recall_low, target, lists_read, lists_exact
		FROM generate_series(1, 3) i, ivf_measure_recall(CASE WHEN i > 0 THEN index END)) s
$$;
SELECT stable('items_v'), stable('items_high');
-- all rows are the queries: then it is known which
CREATE TABLE few AS SELECT id, v FROM items WHERE id <= 400 AND v <> v * 0;
CREATE INDEX few_v ON few USING ivf (v) WITH (lists = 8);
ANALYZE few;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM few;
CREATE FUNCTION by_hand(k int) RETURNS float8 LANGUAGE sql AS $$
	SELECT sum((SELECT count(*) FROM (SELECT v <-> q.v AS d FROM (SELECT id, v FROM few ORDER BY v <-> q.v LIMIT k + 1) near WHERE id <> q.id LIMIT k) n
		WHERE d <= (SELECT v <-> q.v FROM few WHERE id <> q.id ORDER BY (v <-> q.v) + 0 OFFSET k - 1 LIMIT 1)))::float8 / sum(k)
	FROM few q
$$;
SELECT queries, recall = by_hand(3) AS same, recall < 1 AS less FROM ivf_measure_recall('few_v', 1000, 3);
RESET enable_seqscan;
RESET enable_bitmapscan;

-- as the settings and the index have it
RESET ivf.probes;
SELECT target, recall BETWEEN 0.8 AND 1 AS recall FROM ivf_measure_recall('items_v');
ALTER INDEX items_v SET (recall = 0.8);
SELECT target FROM ivf_measure_recall('items_v');
SET ivf.recall = 0.99;
SELECT target, recall >= 0.9 AS recall FROM ivf_measure_recall('items_v');
RESET ivf.recall;
ALTER INDEX items_v RESET (recall);

-- the last scan is still the user's
SET ivf.probes = 3;
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> noise(7, 12) LIMIT 5) s;
SELECT queries FROM ivf_measure_recall('few_v', 10);
SELECT lists_read, lists, stopped FROM ivf_last_scan();
RESET enable_seqscan;

-- what was deleted or is not committed is no query and no answer
DELETE FROM few WHERE id > 20;
UPDATE few SET v = v * 2 WHERE id % 2 = 0;
SELECT count(*) AS rows FROM few;
SELECT queries, k, recall <= 1 AS recall FROM ivf_measure_recall('few_v');
RESET ivf.probes;
SET ivf.recall = 1;
SELECT queries, k, recall FROM ivf_measure_recall('few_v', 100, 1000);
VACUUM few;
SELECT queries, k, recall FROM ivf_measure_recall('few_v', 100, 1000);
BEGIN;
DELETE FROM few WHERE id > 1;
INSERT INTO few VALUES (1000, noise(1000, 12));
SELECT count(*) FROM few;
SELECT queries, k, recall FROM ivf_measure_recall('few_v');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT queries FROM ivf_measure_recall('few_v');
ROLLBACK;

-- duplicates: as near as the k-th is near enough
CREATE TABLE same (v vector(3));
INSERT INTO same SELECT ARRAY[i % 2, 1, 1] FROM generate_series(1, 300) i;
CREATE INDEX same_v ON same USING ivf (v);
SET ivf.probes = 1;
SET ivf.recall = 0.5;
SELECT queries, recall, recall_low FROM ivf_measure_recall('same_v', 50, 20);
RESET ivf.recall;
RESET ivf.probes;

-- nothing to measure
CREATE TABLE bare (v vector(3));
CREATE INDEX bare_v ON bare USING ivf (v);
CREATE INDEX bare_cosine ON bare USING ivf (v vector_cosine_ops);
SELECT * FROM ivf_measure_recall('bare_v');
INSERT INTO bare SELECT NULL FROM generate_series(1, 100);
SELECT * FROM ivf_measure_recall('bare_v');
SET ivf.probes = 2;
SELECT * FROM ivf_measure_recall('bare_v', 10, 1);
RESET ivf.probes;
-- the only row, beside those at no distance
INSERT INTO bare VALUES ('[1,2,3]');
SELECT * FROM ivf_measure_recall('bare_v');
INSERT INTO bare SELECT '[0,0,0]' FROM generate_series(1, 100);
SELECT * FROM ivf_measure_recall('bare_cosine');
-- and another one: fewer than k
INSERT INTO bare VALUES ('[1,2,4]');
SELECT queries, k, recall, lists_read FROM ivf_measure_recall('bare_cosine');
-- rows behind pages of their own
CREATE TABLE wide (v vector(1500)) WITH (autovacuum_enabled = off);
INSERT INTO wide SELECT noise(i, 1500) FROM generate_series(1, 30) i;
CREATE INDEX wide_v ON wide USING ivf (v);
SELECT queries, k, recall > 0.8 AS recall FROM ivf_measure_recall('wide_v', 10, 4);

-- what it refuses
\set VERBOSITY terse
SELECT ivf_measure_recall('items_v', 0);
SELECT ivf_measure_recall('items_v', -1);
SELECT ivf_measure_recall('items_v', 100001);
SELECT ivf_measure_recall('items_v', 10, 0);
SELECT ivf_measure_recall('items_v', 10, 100001);
SELECT ivf_measure_recall(NULL) IS NULL, ivf_measure_recall('items_v', NULL) IS NULL;
CREATE INDEX items_id ON items (id);
SELECT ivf_measure_recall('items_id');
SELECT ivf_measure_recall('items');
SELECT ivf_measure_recall(0);
CREATE TABLE parts (id int, v vector(12)) PARTITION BY RANGE (id);
CREATE INDEX parts_v ON parts USING ivf (v);
SELECT ivf_measure_recall('parts_v');
SET statement_timeout = 200;
SELECT queries FROM ivf_measure_recall('items_v', 100000, 1000);
RESET statement_timeout;

-- whose right it is, and as whom the index's expressions run
CREATE ROLE regress_ivf_measure;
GRANT USAGE, CREATE ON SCHEMA ivf_test TO regress_ivf_measure;
GRANT SELECT ON items TO regress_ivf_measure;
SET ROLE regress_ivf_measure;
SELECT ivf_measure_recall('items_v');
CREATE TABLE trap (id int, v vector(12));
CREATE FUNCTION run_by_owner(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	ASSERT current_user = 'regress_ivf_measure';
	RETURN v;
END
$$;
CREATE INDEX trap_v ON trap USING ivf ((run_by_owner(v)::vector(12)));
INSERT INTO trap SELECT i, noise(i, 12) FROM generate_series(1, 20) i;
RESET ROLE;
SELECT queries, recall > 0.8 AS recall FROM ivf_measure_recall('trap_v');
SELECT current_user = session_user AS is_back, current_setting('search_path') AS path;
-- row-level security: the whole table is measured, and nothing of a row is told
ALTER TABLE trap ENABLE ROW LEVEL SECURITY;
ALTER TABLE trap FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON trap USING (false);
SET ROLE regress_ivf_measure;
SELECT count(*) FROM trap;
SELECT queries, k, recall > 0.8 AS recall FROM ivf_measure_recall('trap_v');
RESET ROLE;
GRANT pg_stat_scan_tables TO regress_ivf_measure;
SET ROLE regress_ivf_measure;
SELECT queries, k FROM ivf_measure_recall('items_v', 5, 2);
RESET ROLE;
DROP TABLE trap;
DROP FUNCTION run_by_owner(vector);
REVOKE ALL ON SCHEMA ivf_test FROM regress_ivf_measure;
REVOKE ALL ON items FROM regress_ivf_measure;
DROP ROLE regress_ivf_measure;
