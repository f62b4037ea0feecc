-- Scans that need more candidates than memory has room for.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all
SET enable_seqscan = off;
SET enable_sort = off;
SET work_mem = '64kB';

-- on an arc around the query only exact distances tell rows apart
CREATE TABLE ring (id int, v vector(2));
INSERT INTO ring SELECT i, ARRAY[cos(i % 997 * 0.0015) * r, sin(i % 997 * 0.0015) * r] FROM generate_series(1, 30000) i, LATERAL (SELECT 1 + i % 7919 * 1e-6 AS r) s;
CREATE INDEX ON ring USING ivf (v) WITH (lists = 1);
CREATE VIEW memory AS SELECT sum(total_bytes) < 1000000 AS bounded FROM pg_backend_memory_contexts WHERE name ~ '^(ivf|TupleSort|Caller) ';
BEGIN;
DECLARE c CURSOR FOR SELECT id % 7919 AS place FROM ring ORDER BY v <-> '[0,0]';
FETCH 5 FROM c;
SELECT * FROM memory;
MOVE 20000 FROM c;
FETCH 2 FROM c;
SELECT * FROM memory;
-- in a subtransaction, which does not own what was sorted
SAVEPOINT s;
FETCH 1 FROM c;
MOVE 4000 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
MOVE ALL FROM c;
SELECT * FROM memory;
COMMIT;
SELECT oracle('ring', 'v', '<->', '[0,0]', '[1,0]', '[0.00001,0]', '[100,100]');
-- rescans and ends in the middle of a sort
SELECT q, (SELECT count(*) FROM (SELECT FROM ring ORDER BY v <-> ARRAY[q, 0]::real[]::vector LIMIT 3) s) FROM generate_series(0, 0.00003, 0.00001) q;
SELECT count(*) FROM pg_ls_tmpdir();

-- ranges of a table of which memory does not keep all bounds: byte codes come first
SELECT count(*) FROM ring WHERE l2_within(v, '[0,0]', 1.004);
SELECT count(*) FROM ring WHERE l2_within(v, '[1,0]', 0.05);
SET enable_bitmapscan = off;
SELECT count(*) FROM ring WHERE l2_within(v, '[0,0]', 1.004);
SELECT count(*) FROM ring WHERE l2_within(v, '[1,0]', 0.05);
SELECT count(*) FROM (SELECT FROM ring WHERE l2_within(v, '[1,0]', 0.05) ORDER BY v <-> '[1,0]') s;
SET enable_indexscan = off;
SET enable_seqscan = on;
SELECT count(*) FILTER (WHERE l2_within(v, '[0,0]', 1.004)), count(*) FILTER (WHERE l2_within(v, '[1,0]', 0.05)) FROM ring;
RESET enable_bitmapscan;
RESET enable_indexscan;
SET enable_seqscan = off;

-- more lists than there is room for
CREATE TABLE grid (id int, v vector(2));
INSERT INTO grid SELECT i, ARRAY[i % 61, i / 61] FROM generate_series(0, 3599) i;
CREATE INDEX ON grid USING ivf (v) WITH (lists = 1800);
CREATE INDEX ON grid USING ivf (v vector_ip_ops) WITH (lists = 1800);
INSERT INTO grid VALUES (3600, '[0,59]'), (3601, '[0,59.25]');
SELECT oracle('grid', 'v', '<->', '[30,30]', '[-10,-7]', '[0,59.125]');
SELECT oracle('grid', 'v', '<#>', '[1,2]', '[-1,0.5]');
-- radii that grow while an exact scan rests: its lists' bounds are those of before
SET ivf.recall = 1;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM grid ORDER BY v <-> '[30,30]';
MOVE 20 FROM c;
INSERT INTO grid SELECT 10000 + i, ARRAY[i % 61 + 0.47, i / 61 + 0.47] FROM generate_series(0, 3599) i;
MOVE ALL FROM c;
\echo :ROW_COUNT
ROLLBACK;
RESET ivf.recall;
SELECT sound('ring'), sound('grid');

-- so many lists that they are sorted, too: by how near anything in them can be
CREATE TABLE many (id int, v vector(2));
INSERT INTO many SELECT i, ARRAY[i * 0.754877666 % 1, i * 0.569840290 % 1] FROM generate_series(1, 26000) i;
CREATE INDEX ON many USING ivf (v) WITH (lists = 13000);
SET ivf.recall = 1;
SELECT count(*), count(*) FILTER (WHERE distance < before) AS out_of_order
	FROM (SELECT distance, lag(distance) OVER () AS before FROM (SELECT v <-> '[0.3,0.4]' AS distance FROM many ORDER BY v <-> '[0.3,0.4]') s) s;
RESET ivf.recall;
