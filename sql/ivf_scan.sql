-- The many ways in which the executor uses a scan.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- points on a line, so that who is nearest can be told by the id
CREATE TABLE line (id int PRIMARY KEY, kind int, v vector(2)) WITH (autovacuum_enabled = off);
INSERT INTO line SELECT i, i % 10, ARRAY[i, 0] FROM generate_series(1, 2000) i;
INSERT INTO line VALUES (-1, 0, NULL), (-2, 1, NULL);
CREATE INDEX line_v ON line USING ivf (v) WITH (lists = 20);
ANALYZE line;
-- the index wherever it is possible; who takes it without this, ivf_plan tells
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET ivf.probes = 20;

-- rows by their places
SELECT id, l.ctid = (SELECT ctid FROM line WHERE id = l.id) AS same, tableoid::regclass
FROM line l ORDER BY v <-> '[500.1,0]' LIMIT 3;
SELECT id FROM line WHERE ctid = ANY (ARRAY(SELECT ctid FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3)) ORDER BY id;
SELECT id FROM line ORDER BY v <-> '[900.1,0]' LIMIT 2 FOR UPDATE;
SELECT id FROM line ORDER BY v <-> '[900.1,0]' LIMIT 2 FOR SHARE SKIP LOCKED;
WITH gone AS (DELETE FROM line WHERE ctid IN (SELECT ctid FROM line ORDER BY v <-> '[300.1,0]' LIMIT 3) RETURNING id)
SELECT id FROM gone ORDER BY id;
SELECT id FROM line ORDER BY v <-> '[300.1,0]' LIMIT 3;
UPDATE line SET kind = 77 FROM (SELECT ctid FROM line ORDER BY v <-> '[600.1,0]' LIMIT 2 FOR UPDATE) near WHERE line.ctid = near.ctid;
SELECT id FROM line WHERE kind = 77 ORDER BY id;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM line ORDER BY v <-> '[400.1,0]' FOR UPDATE;
FETCH 2 FROM c;
UPDATE line SET kind = -1 WHERE CURRENT OF c;
FETCH 1 FROM c;
DELETE FROM line WHERE CURRENT OF c;
FETCH 1 FROM c;
SELECT id, kind FROM line WHERE id BETWEEN 398 AND 402 ORDER BY id;
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM line ORDER BY v <-> '[400.1,0]';
FETCH 2 FROM c;
UPDATE line SET kind = -1, v = '[0,0]' WHERE CURRENT OF c;
FETCH 1 FROM c;
DELETE FROM line WHERE CURRENT OF c;
FETCH 1 FROM c;
SELECT id, kind, v FROM line WHERE id BETWEEN 398 AND 402 ORDER BY id;
ROLLBACK;
-- a whole column and a row, system columns
SELECT line, xmin <> 0 AS xmin, cmin FROM line ORDER BY v <-> '[10.2,0]' LIMIT 1;

-- rescans: the nearest of each, index inside a nested loop
EXPLAIN (COSTS OFF) SELECT q.id, array_agg(near.id) FROM line q, LATERAL (SELECT id FROM line n WHERE n.id <> q.id ORDER BY n.v <-> q.v LIMIT 2) near
	WHERE q.id % 250 = 7 GROUP BY q.id ORDER BY q.id;
SELECT q.id, array_agg(near.id ORDER BY near.id) FROM line q, LATERAL (SELECT id FROM line n WHERE n.id <> q.id ORDER BY n.v <-> q.v LIMIT 2) near
	WHERE q.id % 250 = 7 GROUP BY q.id ORDER BY q.id;
-- more rescans than a leak could hide
SELECT sum(near.id - q.id) FROM generate_series(400, 799) q(id), LATERAL (SELECT id FROM line n ORDER BY n.v <-> ARRAY[q.id, 0]::vector LIMIT 1) near;
-- NULL among the outer rows: every row at no distance
SELECT q.id, count(*) FROM (VALUES (1, '[5,0]'::vector), (2, NULL)) q(id, v), LATERAL (SELECT id FROM line n ORDER BY n.v <-> q.v) near GROUP BY q.id ORDER BY q.id;
-- subqueries as query
SELECT id FROM line ORDER BY v <-> (SELECT v + '[0.1,0]' FROM line WHERE id = 77) LIMIT 2;
SELECT id FROM line ORDER BY v <-> (SELECT v FROM line WHERE id = -1) LIMIT 0;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM line ORDER BY v <-> (SELECT v FROM line WHERE id = -1) OFFSET 0) s;
SELECT (SELECT id FROM line ORDER BY v <-> ARRAY[q, 0]::vector LIMIT 1) AS near FROM generate_series(1, 5) q;
WITH near AS MATERIALIZED (SELECT id, v FROM line ORDER BY v <-> '[50.1,0]' LIMIT 40)
SELECT id FROM near WHERE id % 7 = 0 ORDER BY v <-> '[50.1,0]' LIMIT 3;
-- the operands in either order
SELECT id FROM line ORDER BY '[70.1,0]' <-> v LIMIT 2;

-- a query of other dimensions, also where no row would do
SELECT id FROM line ORDER BY v <-> '[1,2,3]' LIMIT 1;
SELECT id FROM line ORDER BY v <-> (SELECT '[1]'::vector) LIMIT 1;
SELECT id FROM line WHERE id = 0 ORDER BY v <-> '[1,2,3]' LIMIT 1;

-- cursors
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM line ORDER BY v <-> '[800.1,0]';
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH ABSOLUTE 5 FROM c;
FETCH LAST FROM c;
MOVE BACKWARD ALL FROM c;
FETCH 1 FROM c;
DECLARE h CURSOR WITH HOLD FOR SELECT id FROM line ORDER BY v <-> '[800.1,0]' LIMIT 5;
FETCH 1 FROM h;
COMMIT;
FETCH ALL FROM h;
CLOSE h;
-- what changes in between is not seen
BEGIN;
DECLARE c CURSOR FOR SELECT id, v FROM line ORDER BY v <-> '[800.1,0]';
FETCH 1 FROM c;
DELETE FROM line WHERE id = 801;
UPDATE line SET v = '[0,1]' WHERE id = 799;
INSERT INTO line VALUES (9000, 0, '[800.2,0]');
UPDATE line SET v = '[800.3,0]' WHERE id = 802;
FETCH 4 FROM c;
MOVE ALL FROM c;
CLOSE c;
SELECT id, v FROM line ORDER BY v <-> '[800.1,0]' LIMIT 4;
ROLLBACK;
-- but what is gone can't be locked
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM line ORDER BY v <-> '[800.1,0]' FOR UPDATE;
FETCH 1 FROM c;
DELETE FROM line WHERE id = 801;
UPDATE line SET kind = -1 WHERE id = 799;
FETCH 2 FROM c;
ROLLBACK;
-- it is not tied to the settings of the moment
BEGIN;
SET LOCAL ivf.probes = 1;
DECLARE c CURSOR FOR SELECT id FROM line ORDER BY v <-> '[800.1,0]';
FETCH 2 FROM c;
SET LOCAL ivf.probes = 20;
SET LOCAL work_mem = '64kB';
FETCH 2 FROM c;
MOVE ALL FROM c;
FETCH 1 FROM c;
COMMIT;

-- prepared statements: five custom plans, then a generic one
PREPARE near(vector, int) AS SELECT id FROM line WHERE kind = $2 ORDER BY v <-> $1 LIMIT 2;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE near('[55.1,0]', 5);
EXECUTE near('[55.1,0]', 5);
EXECUTE near('[1555.1,0]', 3);
EXECUTE near(NULL, 77);
EXECUTE near('[1]', 5);
SET plan_cache_mode = force_custom_plan;
EXECUTE near('[55.1,0]', 5);
EXECUTE near(NULL, 77);
RESET plan_cache_mode;
DEALLOCATE near;
PREPARE near(real[]) AS SELECT id FROM line ORDER BY v <-> $1::vector LIMIT 2;
EXECUTE near('{55.1,0}');
DEALLOCATE near;
PREPARE near AS SELECT id FROM line ORDER BY v <-> $1 LIMIT $2;
EXECUTE near('[55.1,0]', 1);
DEALLOCATE near;
CREATE FUNCTION nearest(q vector) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT id FROM line ORDER BY v <-> q LOOP
		RETURN r.id;
	END LOOP;
END
$$;
SELECT nearest(ARRAY[i * 100 + 0.1, 0]::vector) FROM generate_series(1, 7) i;

-- orders that are not the index's
RESET enable_sort;
SELECT id FROM line WHERE v IS NOT NULL ORDER BY v <-> '[500.1,0]' DESC LIMIT 2;
SELECT id < 0 AS missing FROM line ORDER BY v <-> '[500.1,0]' DESC LIMIT 3;
SELECT id < 0 AS missing, id = 500 AS nearest FROM line ORDER BY v <-> '[500.1,0]' NULLS FIRST LIMIT 3;
SELECT id FROM line ORDER BY v <-> '[500.1,0]', id DESC LIMIT 2;
SELECT id FROM line ORDER BY v <-> '[500.5,0]', id DESC LIMIT 4;
SELECT id FROM line ORDER BY v <-> '[500.5,0]', id LIMIT 4;
SELECT id FROM line ORDER BY id / 1000, v <-> '[500.1,0]' LIMIT 2;
SELECT id FROM line ORDER BY v <=> '[500.1,0]', id LIMIT 2;
SELECT id FROM line ORDER BY (v <-> '[500.1,0]') + 0 LIMIT 2;
SELECT id FROM line WHERE id > 0 ORDER BY -(v <-> '[500.1,0]') DESC LIMIT 2;
SELECT id FROM line ORDER BY v <-> v, id LIMIT 2;
-- two distances, in two columns or in one
SELECT id FROM line ORDER BY v <-> '[500.5,0]', v <-> '[1000,0]' LIMIT 4;
SELECT id FROM line ORDER BY v <-> '[500.5,0]', v <-> '[0,0]' LIMIT 4;
SELECT id FROM line ORDER BY v <-> '[500.5,0]', v <#> '[1,0]' LIMIT 2;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM line ORDER BY v <-> '[500.5,0]', v <-> '[0,0]' OFFSET 0) s;

-- on top of the scan
SELECT v <-> '[500.5,0]' AS d, count(*) FROM line GROUP BY 1 ORDER BY 1 LIMIT 3;
SELECT count(*), sum(n) FROM (SELECT v <-> '[500.5,0]' AS d, count(*) AS n FROM line GROUP BY 1) s;
SELECT DISTINCT v <-> '[500.5,0]' AS d FROM line ORDER BY 1 LIMIT 3;
SELECT count(*) FROM (SELECT DISTINCT v <-> '[500.5,0]' FROM line) s;
SELECT DISTINCT ON (v <-> '[500.5,0]') id FROM line ORDER BY v <-> '[500.5,0]', id LIMIT 3;
SELECT DISTINCT ON (kind) kind, id FROM line WHERE kind < 3 ORDER BY kind, v <-> '[500.1,0]';
SELECT id, row_number() OVER (ORDER BY v <-> '[500.1,0]') FROM line ORDER BY 2 LIMIT 3;
SELECT max(r), count(*) FROM (SELECT row_number() OVER (ORDER BY v <-> '[500.1,0]') AS r FROM line) s;
SELECT id, rank() OVER (ORDER BY v <-> '[500.5,0]') FROM line ORDER BY 2, 1 LIMIT 4;
SELECT id, lag(id) OVER (PARTITION BY kind ORDER BY v <-> '[500.1,0]') FROM line WHERE kind = 3 ORDER BY v <-> '[500.1,0]' LIMIT 3;
SELECT min(v <-> '[500.5,0]'), max(v <-> '[500.5,0]') FROM line;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' FETCH FIRST 1 ROW WITH TIES;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' OFFSET 3 LIMIT 1;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' OFFSET 2000;
SELECT count(*) FROM line a JOIN (SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 10) b USING (id);
-- both sides of a merge join by distance
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM line a JOIN line b ON a.v <-> '[500.1,0]' = b.v <-> '[500.1,0]';
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT sum(id) FROM (
	(SELECT id FROM line ORDER BY v <-> '[100.1,0]' LIMIT 3) UNION ALL (SELECT id FROM line ORDER BY v <-> '[200.1,0]' LIMIT 3)) s;
SELECT id FROM (SELECT id, v <-> '[100.1,0]' AS d FROM line WHERE kind < 5 UNION ALL SELECT -id, v <-> '[100.2,0]' FROM line WHERE kind >= 5) s ORDER BY d LIMIT 4;

-- partitions are merged, with one missing and one without index
CREATE TABLE parted (id int, v vector(2)) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (500);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (500) TO (1000);
CREATE TABLE parted_3 PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT i, ARRAY[i * 7 % 1500, 0] FROM generate_series(0, 1499) i;
CREATE INDEX ON parted_1 USING ivf (v);
CREATE INDEX ON parted_2 USING ivf (v) WITH (lists = 5);
SELECT v FROM parted ORDER BY v <-> '[700.1,0]' LIMIT 4;
CREATE INDEX ON parted USING ivf (v);
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT v FROM parted WHERE id < 1000 ORDER BY v <-> '[700.1,0]' LIMIT 4;
SELECT v FROM parted ORDER BY v <-> '[700.1,0]' LIMIT 4;
SELECT count(*), count(DISTINCT v) FROM (SELECT v FROM parted ORDER BY v <-> '[700.1,0]' OFFSET 0) s;

-- few lists probed: every row comes out, and the first ones are of the nearest list
-- (ivf_last_scan() knows nothing of scans in parallel workers)
SET max_parallel_workers_per_gather = 0;
SET ivf.probes = 1;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3;
SELECT lists_read, lists, recall, stopped FROM ivf_last_scan();
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM line ORDER BY v <-> '[500.1,0]' OFFSET 0) s;
SELECT lists_read, lists, entries >= 2000 AS entries, heap_rows >= 1997 AS heap_rows, recall, stopped FROM ivf_last_scan();
SET ivf.probes = 7;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3;
SELECT lists_read, lists, recall, stopped FROM ivf_last_scan();
-- all of them: exact, and the lists that can't hold anything nearer need not be read for that
SET ivf.probes = 1000000;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3;
SELECT lists_read < lists AS fewer, lists, recall, stopped FROM ivf_last_scan();
-- by recall
SET ivf.probes = 0;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3;
SELECT lists_read < lists AS fewer, lists, recall, stopped FROM ivf_last_scan();
SELECT count(*) FROM (SELECT id FROM line ORDER BY v <-> '[500.1,0]' OFFSET 0) s;
SELECT lists_read, lists, recall, stopped FROM ivf_last_scan();
SET ivf.recall = 1;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3;
SELECT lists_read < lists AS fewer, lists, recall, stopped FROM ivf_last_scan();
RESET ivf.recall;
-- in no order
SELECT count(*) FROM (SELECT id FROM line ORDER BY v <-> (SELECT NULL::vector) OFFSET 0) s;
SELECT * FROM ivf_last_scan();
RESET max_parallel_workers_per_gather;
-- a filter that few rows pass has list after list read
SELECT id FROM line WHERE id IN (5, 6, 1990) AND id + 0 > 0 ORDER BY v <-> '[500.1,0]';
SELECT id FROM line WHERE kind = 77 AND id + 0 > 0 ORDER BY v <-> '[500.1,0]' LIMIT 2;
SELECT id FROM line WHERE kind = 12345 AND id + 0 > 0 ORDER BY v <-> '[500.1,0]' LIMIT 2;

-- SERIALIZABLE and READ ONLY
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 2;
INSERT INTO line VALUES (9001, 0, '[500.05,0]');
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 2;
SELECT mode FROM pg_locks WHERE relation = 'line_v'::regclass AND mode LIKE 'SI%';
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 2;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT id FROM line ORDER BY v <-> '[500.1,0]';
FETCH 1 FROM c;
DELETE FROM line WHERE id > 100;
FETCH 1 FROM c;
ROLLBACK;

-- subtransactions and errors in the middle leave nothing behind
DO $$
BEGIN
	FOR i IN 1 .. 20 LOOP
		BEGIN
			PERFORM 1 / (id - 498) FROM line ORDER BY v <-> '[500.1,0]' LIMIT 10;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
	END LOOP;
END
$$;
SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 1;

-- heap rows that the scan can't use: updated by another column (HOT), with
-- their root pruned away
CREATE TABLE chained (id int, n int, v vector(2)) WITH (fillfactor = 40, autovacuum_enabled = off);
INSERT INTO chained SELECT i, 0, ARRAY[i, 0] FROM generate_series(1, 100) i;
CREATE INDEX ON chained USING ivf (v);
UPDATE chained SET n = n + 1;
UPDATE chained SET n = n + 1;
SET ivf.probes = 1;
SELECT id, n FROM chained ORDER BY v <-> '[50.1,0]' LIMIT 2;
VACUUM chained;
UPDATE chained SET n = n + 1;
SELECT id, n FROM chained ORDER BY v <-> '[50.1,0]' LIMIT 2;
SELECT count(*), min(n), max(n) FROM (SELECT n FROM chained ORDER BY v <-> '[50.1,0]' OFFSET 0) s;
