-- The recall that a scan is asked for: whose word counts, and that 1 is exact.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

CREATE TABLE items (id int, v vector(8)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, CASE i % 100 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 8) * 0 ELSE noise(i, 8) + noise(i % 10, 8) END
	FROM generate_series(1, 3000) i;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 40);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 0;

-- what a scan wants now
CREATE FUNCTION wanted(OUT recall float8, OUT stopped text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM id FROM items ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 1;
	SELECT s.recall, s.stopped INTO wanted.recall, wanted.stopped FROM ivf_last_scan() s;
END
$$;
SHOW ivf.recall;
SELECT * FROM wanted();
SET ivf.recall = 0.5;
SELECT recall FROM wanted();
SET ivf.recall = 0.9;
SELECT recall FROM wanted();
SET ivf.recall = 1;
SELECT * FROM wanted();
RESET ivf.recall;
SELECT recall FROM wanted();

-- an index's own counts where nothing is set
ALTER INDEX items_v SET (recall = 0.8);
SELECT reloptions FROM pg_class WHERE relname = 'items_v';
SELECT recall FROM wanted();
SET ivf.recall = 0.7;
SELECT recall FROM wanted();
-- what is set counts though it is the default, too
SET ivf.recall = 0.95;
SELECT recall FROM wanted();
RESET ivf.recall;
SELECT recall FROM wanted();
SET ivf.recall TO DEFAULT;
SELECT recall FROM wanted();
-- and what is asked for in probes before both
SET ivf.probes = 3;
SELECT * FROM wanted();
SET ivf.recall = 1;
SELECT * FROM wanted();
RESET ivf.probes;
SELECT * FROM wanted();
RESET ivf.recall;
SELECT recall FROM wanted();

-- for a transaction, a subtransaction, a function
BEGIN;
SET LOCAL ivf.recall = 0.6;
SELECT recall FROM wanted();
SAVEPOINT s;
SET LOCAL ivf.recall = 0.7;
SELECT recall FROM wanted();
ROLLBACK TO s;
SELECT recall FROM wanted();
RESET ivf.recall;
SELECT recall FROM wanted();
COMMIT;
SELECT recall FROM wanted();
BEGIN;
SET ivf.recall = 0.6;
ROLLBACK;
SELECT recall FROM wanted();
ALTER FUNCTION wanted SET ivf.recall = 0.75;
SELECT recall FROM wanted();
SET ivf.recall = 0.9;
SELECT recall FROM wanted();
ALTER FUNCTION wanted RESET ivf.recall;
SELECT recall FROM wanted();
RESET ivf.recall;
SELECT recall FROM wanted();
-- a role's and a database's are set, too
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET ivf.recall = 0.65', current_database()); END $$;
\c -
SET search_path = ivf_test, public;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 0;
SHOW ivf.recall;
SELECT recall FROM wanted();
SET ivf.recall = 0.9;
SELECT recall FROM wanted();
RESET ivf.recall;
SELECT recall FROM wanted();
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ivf.recall', current_database()); END $$;
\c -
SET search_path = ivf_test, public;
SET jit = off;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET max_parallel_workers_per_gather = 0;
SELECT recall FROM wanted();

-- wrong values change nothing; REINDEX keeps the option; RESET takes it back
SET ivf.recall = 0.49;
SET ivf.recall = 1.1;
ALTER INDEX items_v SET (recall = 2);
SELECT recall FROM wanted();
REINDEX INDEX items_v;
SELECT recall FROM wanted();
ALTER INDEX items_v RESET (recall);
SELECT recall FROM wanted();
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 40, recall = 1);
SELECT * FROM wanted();
DROP INDEX items_v;

-- each partition has its own
CREATE TABLE parted (id int, v vector(2)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (500);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (500) TO (1000);
INSERT INTO parted SELECT i, ARRAY[i, 0] FROM generate_series(0, 999) i;
CREATE INDEX parted_1_v ON parted_1 USING ivf (v) WITH (lists = 5, recall = 0.6);
CREATE INDEX parted_2_v ON parted_2 USING ivf (v) WITH (lists = 5, recall = 0.7);
SELECT id FROM parted_1 ORDER BY v <-> '[3.1,0]' LIMIT 1;
SELECT recall FROM ivf_last_scan();
SELECT id FROM parted_2 ORDER BY v <-> '[3.1,0]' LIMIT 1;
SELECT recall FROM ivf_last_scan();

-- 1 is exact: every distance in its place, for each metric and height of the tree, and whatever
-- has happened to the table
CREATE FUNCTION exact(operator text, VARIADIC queries vector[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	q vector;
	query text;
	expected record;
	found record;
BEGIN
	FOREACH q IN ARRAY queries LOOP
		query := format('SELECT v %1$s %2$L::vector AS d, ctid AS t, tableoid FROM items ORDER BY v %1$s %2$L::vector', operator, q);
		expected := by_table(query);
		-- 0 probes: by recall
		found := by_index(query, 0);
		ASSERT found.distances = expected.distances, query;
		ASSERT (SELECT s.recall = 1 AND s.stopped = 'all lists read' FROM ivf_last_scan() s), 'last scan';
		-- also the first few, for which not all lists are read
		query := query || ' LIMIT 10';
		found := by_index(query, 0);
		ASSERT found.distances = expected.distances[1:10], query;
	END LOOP;
	RETURN (SELECT count(*) FROM items);
END
$$;
CREATE FUNCTION stays_exact(opclass text, operator text, fanout int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	info record;
	rows int[];
	queries vector[] := ARRAY[noise(1, 8), noise(7, 8) + noise(3, 8), noise(5001, 8) * 100];
BEGIN
	PERFORM set_config('ivf.debug_fanout', fanout::text, true);
	EXECUTE format('CREATE INDEX tree ON items USING ivf (v %s) WITH (lists = 40)', opclass);
	info := ivf_info('tree');
	rows[1] := exact(operator, VARIADIC queries);
	INSERT INTO items SELECT 10000 + i, noise(i, 8) * 2 FROM generate_series(1, 300) i;
	rows[2] := exact(operator, VARIADIC queries);
	UPDATE items SET v = noise(id + 1, 8) * 3 WHERE id % 7 = 0;
	rows[3] := exact(operator, VARIADIC queries);
	DELETE FROM items WHERE id % 3 = 0;
	rows[4] := exact(operator, VARIADIC queries);
	RETURN format('%s: %s levels, %s lists, %s rows', info.metric, info.levels, info.lists, rows);
END
$$;
SET ivf.recall = 1;
CREATE TABLE kept AS SELECT * FROM items;
SELECT stays_exact('vector_l2_ops', '<->', 0);
VACUUM items;
INSERT INTO items SELECT * FROM kept WHERE id % 3 = 0;
SELECT exact('<->', noise(1, 8), noise(5001, 8)), sound('items');
DROP INDEX tree;
TRUNCATE items;
INSERT INTO items SELECT * FROM kept;
SELECT stays_exact('vector_l2_ops', '<->', 3);
VACUUM items;
INSERT INTO items SELECT * FROM kept WHERE id % 3 = 0;
SELECT exact('<->', noise(1, 8), noise(5001, 8)), sound('items');
DROP INDEX tree;
TRUNCATE items;
INSERT INTO items SELECT * FROM kept;
SELECT stays_exact('vector_ip_ops', '<#>', 3);
VACUUM items;
INSERT INTO items SELECT * FROM kept WHERE id % 3 = 0;
SELECT exact('<#>', noise(1, 8), noise(5001, 8)), sound('items');
DROP INDEX tree;
TRUNCATE items;
INSERT INTO items SELECT * FROM kept;
SELECT stays_exact('vector_cosine_ops', '<=>', 3);
VACUUM items;
INSERT INTO items SELECT * FROM kept WHERE id % 3 = 0;
SELECT exact('<=>', noise(1, 8), noise(5001, 8)), sound('items');
DROP INDEX tree;
TRUNCATE items;
INSERT INTO items SELECT * FROM kept;
SELECT stays_exact('vector_ip_ops', '<#>', 0);
DROP INDEX tree;
SELECT stays_exact('vector_cosine_ops', '<=>', 8);

-- in few dimensions that takes few of the lists, also of rows that were inserted
CREATE TABLE few (id int, v vector(5));
INSERT INTO few SELECT i, noise(i, 5) FROM generate_series(1, 6000) i;
CREATE INDEX few_v ON few USING ivf (v) WITH (lists = 120);
INSERT INTO few SELECT i, noise(i, 5) FROM generate_series(6001, 8000) i;
CREATE FUNCTION lists_read(q vector) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	found float8[] := ARRAY(SELECT v <-> q FROM few ORDER BY v <-> q LIMIT 10);
	lists bigint := (SELECT s.lists_read FROM ivf_last_scan() s);
BEGIN
	PERFORM set_config('enable_indexscan', 'off', true), set_config('enable_seqscan', 'on', true);
	ASSERT found = ARRAY(SELECT v <-> q FROM few ORDER BY v <-> q LIMIT 10);
	PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_seqscan', 'off', true);
	RETURN lists;
END
$$;
SELECT max(lists_read(noise(i, 5))) < 40 AS few, avg(lists_read(noise(i, 5)))::int AS mean, sound('few') FROM generate_series(7901, 8100) i;
DROP TABLE few;
DROP FUNCTION lists_read(vector);

-- How many lists are enough does not depend on memory, unless it is very short: here the
-- entries up to the first list's 256th are nearly all of those that come later,
-- and most are given back before they fill the heap.
CREATE TABLE knots (id int, v vector(32)) WITH (autovacuum_enabled = off);
INSERT INTO knots SELECT i, 10 * noise(i / 8, 32) + 0.1 * noise(i, 32) FROM generate_series(0, 19999) i;
CREATE INDEX knots_v ON knots USING ivf (v) WITH (lists = 40);
CREATE FUNCTION lists_read(memory text, target float8) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
	counts bigint[];
	n bigint;
	found bigint;
	center vector;
BEGIN
	PERFORM set_config('work_mem', memory, true), set_config('ivf.recall', target::text, true);
	FOR i IN 1 .. 40 LOOP
		center := (SELECT v FROM knots WHERE id = i * 487);
		SELECT count(*) INTO n FROM (SELECT id FROM knots ORDER BY v <-> center LIMIT 100) q;
		SELECT s.lists_read INTO found FROM ivf_last_scan() s;
		counts := counts || found;
	END LOOP;
	RETURN counts;
END
$$;
SELECT target, lists_read('1MB', target) = lists_read('64MB', target) AS equal, lists_read('1MB', target) >= array_fill(1::bigint, '{40}') AS any
	FROM unnest('{0.6,0.7,0.8}'::float8[]) target;

-- A scan to its end through many short lists takes a great many chunks, each half
-- as large again: what is given back must not depend on how large they would be.
CREATE TABLE thin (id int, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO thin SELECT i, array[i * 7919::bigint % 100003 / 1000.0, i * 104729::bigint % 99991 / 1000.0, i * 31 % 97 / 10000.0, i * 17 % 89 / 10000.0]::real[]::vector
	FROM generate_series(1, 60000) i;
CREATE INDEX thin_v ON thin USING ivf (v) WITH (lists = 10000);
SET ivf.recall = 0.99;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM thin ORDER BY v <-> '[0,0,0,0]' LIMIT 1000000) q;
SET work_mem = '64kB';
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM thin ORDER BY v <-> '[20,20,0,0]' LIMIT 1000000) q;
RESET work_mem;
RESET ivf.recall;

-- byte codes of an exact scan: of all rows in many dimensions, of few in few, and in
-- a range of those alone that sign codes do not rule out, in an index of one list, too
CREATE TABLE wide (id int, v vector(64));
INSERT INTO wide SELECT i, noise(i, 64) FROM generate_series(1, 3000) i;
CREATE INDEX ON wide USING ivf (v) WITH (lists = 1);
CREATE TABLE narrow (id int, v vector(2));
INSERT INTO narrow SELECT i, ARRAY[i * 0.754877666 % 1, i * 0.569840290 % 1] FROM generate_series(1, 3000) i;
CREATE INDEX ON narrow USING ivf (v) WITH (lists = 3);
SET ivf.recall = 1;
SELECT count(*) FROM (SELECT FROM wide ORDER BY v <-> (SELECT v FROM wide WHERE id = 7) LIMIT 10) s;
SELECT byte_codes FROM ivf_last_scan();
SELECT count(*) FROM (SELECT FROM wide WHERE l2_within(v, (SELECT v FROM wide WHERE id = 7), 0.001) ORDER BY v <-> (SELECT v FROM wide WHERE id = 7)) s;
SELECT byte_codes BETWEEN 1 AND 300 AS few FROM ivf_last_scan();
SELECT count(*) FROM (SELECT FROM narrow ORDER BY v <-> '[0.5,0.5]' LIMIT 10) s;
SELECT lists_read, byte_codes BETWEEN 10 AND entries - 300 AS fewer FROM ivf_last_scan();
RESET ivf.recall;
