-- What EXPLAIN ANALYZE tells of a scan: on PostgreSQL 18, ivf_explain.out; before that
-- there is nothing of it, ivf_explain_1.out.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- points on a line, so that the lists are in one, too
CREATE TABLE line (id int PRIMARY KEY, kind int, v vector(2)) WITH (autovacuum_enabled = off);
INSERT INTO line SELECT i, i % 10, ARRAY[i, 0] FROM generate_series(1, 2000) i;
CREATE INDEX line_v ON line USING ivf (v) WITH (lists = 20);
CREATE INDEX line_kind ON line (kind) WHERE kind = 77;
ANALYZE line;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 0;

-- scans, and what is told of them: numbers but those of lists as N
CREATE FUNCTION told(query text, options text DEFAULT 'ANALYZE, ') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (%s COSTS off, SUMMARY off) %s', options, query) LOOP
		line := regexp_replace(line, ' \((actual|never).*$', '');
		IF line ~ 'Entries' THEN
			line := regexp_replace(line, '[1-9]\d*', 'N', 'g');
		END IF;
		IF line ~ 'Index Scan|Lists|Entries|Recall|Stopped|Counted' THEN
			RETURN NEXT line;
		END IF;
	END LOOP;
END
$$;

SET ivf.probes = 3;
SELECT told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$);
-- not without ANALYZE
SELECT told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$, '');
SELECT told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]'$$);
RESET ivf.probes;
-- by recall, from the setting or the index
SELECT regexp_replace(told, 'Read: \d+', 'Read: N') FROM told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$) told;
SET ivf.recall = 0.8;
SELECT told FROM told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$) told WHERE told ~ 'Recall';
SET ivf.recall = 1;
SELECT told FROM told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$) told WHERE told ~ 'Recall|Stopped';
RESET ivf.recall;

-- the sum over all loops, and over what ended in different ways
SET ivf.probes = 3;
SELECT told($$SELECT q, near.id FROM generate_series(1, 10) q, LATERAL (SELECT id FROM line ORDER BY v <-> ARRAY[q, 0]::vector LIMIT 2) near$$);
SELECT told($$SELECT q, near.count FROM generate_series(1, 3) q,
	LATERAL (SELECT count(*) FROM (SELECT id FROM line ORDER BY v <-> ARRAY[q, 0]::vector LIMIT CASE q WHEN 2 THEN NULL ELSE 2 END) s) near$$);
SELECT told($$SELECT q, near.count FROM (VALUES (1, '[5,0]'::vector), (2, NULL)) v(q, v),
	LATERAL (SELECT count(*) FROM (SELECT id FROM line n ORDER BY n.v <-> v.v LIMIT 2) s) near$$);
-- the scan is begun, but not for any row; and it is never begun
SELECT told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 0$$);
SELECT told($$SELECT (SELECT id FROM line ORDER BY v <-> ARRAY[q, 0]::vector LIMIT 1) FROM generate_series(1, 0) q$$);
-- no order
SELECT told($$SELECT count(*) FROM (SELECT id FROM line ORDER BY v <-> (SELECT NULL::vector) OFFSET 0) s$$);

-- other indexes are none of ours, also in the same plan
SELECT told($$SELECT id FROM line WHERE id = 5$$);
SELECT told($$SELECT kind, v FROM line WHERE kind = 77$$);
SELECT told($$SELECT l.id, near.id FROM line l, LATERAL (SELECT id FROM line ORDER BY v <-> l.v LIMIT 2) near WHERE l.id = 700$$);

-- ranges, in order, and as bitmaps beside another index
SELECT told FROM told($$SELECT id FROM line WHERE l2_within(v, '[500.1,0]', 5) ORDER BY v <-> '[500.1,0]'$$) told WHERE told !~ 'Read';
SET enable_bitmapscan = on;
SET enable_indexscan = off;
SELECT told FROM told($$SELECT id FROM line WHERE l2_within(v, '[500.1,0]', 5) OR id = 7$$) told WHERE told !~ 'Read';
RESET enable_indexscan;
SET enable_bitmapscan = off;

-- the structured formats
CREATE FUNCTION node(query text, format text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
BEGIN
	EXECUTE format('EXPLAIN (ANALYZE, COSTS off, SUMMARY off, FORMAT %s) %s', format, query) INTO told;
	RETURN told;
END
$$;
SELECT n->>'Lists Read' AS lists_read, n->>'Lists' AS lists, (n->>'Entries Scored')::int > 0 AS scored, (n->>'Codes Refined')::int > 0 AS refined,
	(n->>'Rows Rechecked')::int > 0 AS rechecked, n->>'Target Recall' AS recall, n->'Scan Stopped' AS stopped
FROM CAST(node($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$, 'json') AS json) told, CAST(told->0->'Plan'->'Plans'->0 AS json) n;
SET ivf.probes = 0;
SELECT n->>'Target Recall' AS recall, n->'Scan Stopped'->>'recall reached' AS reached
FROM CAST(node($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$, 'json') AS json) told, CAST(told->0->'Plan'->'Plans'->0 AS json) n;
SELECT substring(node($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$, 'yaml') FROM ' *Target Recall.*nearer: \d+') AS yaml;
SELECT substring(node($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$, 'xml') FROM ' *<Target-Recall>.*</Scan-Stopped>') AS xml;
-- nothing of it in other scans
SELECT node($$SELECT id FROM line WHERE id = 5$$, 'json') ~ 'Lists|Stopped' AS told;

-- what parallel workers read is not in the counts, and this is told
SELECT set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on', false);
SET max_parallel_workers_per_gather = 2;
SET ivf.probes = 3;
SELECT told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$);
SET max_parallel_workers_per_gather = 0;
SELECT told($$SELECT id FROM line ORDER BY v <-> '[500.1,0]' LIMIT 3$$);
