-- Distances that a scan knows are those that the function would compute.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

CREATE TABLE long (id int PRIMARY KEY, v vector(700)) WITH (autovacuum_enabled = off);
ALTER TABLE long ALTER v SET STORAGE EXTERNAL;
INSERT INTO long SELECT i, array_agg((i * 7919 + j * i * 31) % 1009 / 1009.0::float4 ORDER BY j)
FROM generate_series(1, 400) i, generate_series(1, 700) j GROUP BY i;
CREATE TABLE query (q int PRIMARY KEY, v vector(700)) WITH (autovacuum_enabled = off);
ALTER TABLE query ALTER v SET STORAGE EXTERNAL;
INSERT INTO query SELECT id / 50, v + (SELECT v FROM long WHERE id = 7) FROM long WHERE id % 50 = 0;
-- no index: nobody knows anything
CREATE TABLE truth AS SELECT q, id, long.v <-> query.v AS l2, long.v <=> query.v AS cosine,
	long.v <#> query.v AS product, l1_distance(long.v, query.v) AS l1 FROM long, query;
CREATE INDEX long_v ON long USING ivf (v);
ANALYZE long;
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.recall = 1;

-- the query from a table, and by value
SELECT count(*), count(*) FILTER (WHERE found.l2 = truth.l2) AS same
FROM (SELECT id, v <-> (SELECT v FROM query WHERE q = 3) AS l2 FROM long
	ORDER BY v <-> (SELECT v FROM query WHERE q = 3) LIMIT 100) found
	JOIN truth USING (id) WHERE q = 3;
SELECT v AS v4 FROM query WHERE q = 4 \gset
PREPARE nearest AS SELECT id, v <-> $1 AS l2, $1 <-> v AS turned FROM long ORDER BY v <-> $1 LIMIT 100;
CREATE TEMP TABLE found AS EXECUTE nearest(:'v4');
SELECT count(*), count(*) FILTER (WHERE found.l2 = truth.l2 AND turned = truth.l2) AS same
FROM found JOIN truth USING (id) WHERE q = 4;

-- another query, and other functions, of rows that a scan yields
SELECT count(*) FROM plan_of($$SELECT id FROM long ORDER BY v <-> (SELECT v FROM query WHERE q = 3) LIMIT 100$$) AS plan
WHERE plan LIKE '%Index Scan using long_v on long%';
SELECT count(*), count(*) FILTER (WHERE found.l2 = a.l2 AND found.l1 = a.l1 AND
	found.cosine = a.cosine AND found.product = a.product AND found.other = b.l2) AS same
FROM (SELECT id, v <-> (SELECT v FROM query WHERE q = 5) AS l2, v <=> (SELECT v FROM query WHERE q = 5) AS cosine,
		v <#> (SELECT v FROM query WHERE q = 5) AS product, l1_distance(v, (SELECT v FROM query WHERE q = 5)) AS l1,
		v <-> (SELECT v FROM query WHERE q = 6) AS other
	FROM long ORDER BY v <-> (SELECT v FROM query WHERE q = 5) LIMIT 100) found
	JOIN truth a USING (id) JOIN truth b USING (id) WHERE a.q = 5 AND b.q = 6;

-- a scan for each query
SELECT count(*), count(*) FILTER (WHERE near.l2 = truth.l2) AS same
FROM query CROSS JOIN LATERAL (SELECT id, long.v <-> query.v AS l2 FROM long
	ORDER BY long.v <-> query.v LIMIT 40) near JOIN truth USING (q, id);

-- scans in turn; rows that change meanwhile
BEGIN;
DECLARE a CURSOR FOR SELECT id, l2 = v <-> (SELECT v FROM query WHERE q = 1) AS same
FROM long JOIN truth USING (id) WHERE q = 1 ORDER BY v <-> (SELECT v FROM query WHERE q = 1);
DECLARE b CURSOR FOR SELECT id, l2 = v <-> (SELECT v FROM query WHERE q = 2) AS same
FROM long JOIN truth USING (id) WHERE q = 2 ORDER BY v <-> (SELECT v FROM query WHERE q = 2);
FETCH 2 FROM a;
FETCH 2 FROM b;
FETCH 2 FROM a;
UPDATE long SET v = v + v;
FETCH 2 FROM b;
FETCH 2 FROM a;
SELECT count(*) FROM (SELECT v <-> (SELECT v FROM query WHERE q = 1) AS l2 FROM long
	ORDER BY v <-> (SELECT v FROM query WHERE q = 1) LIMIT 30) near
WHERE l2 NOT IN (SELECT v <-> (SELECT v FROM query WHERE q = 1) FROM long);
FETCH 2 FROM b;
-- an error ends them all
SELECT 1 / 0;
ROLLBACK;
SELECT count(*), count(*) FILTER (WHERE found.l2 = truth.l2) AS same
FROM (SELECT id, v <-> (SELECT v FROM query WHERE q = 2) AS l2 FROM long
	ORDER BY v <-> (SELECT v FROM query WHERE q = 2) LIMIT 50) found
	JOIN truth USING (id) WHERE q = 2;
SELECT id, v <-> (SELECT v FROM query WHERE q = 2) = l2 AS same
FROM long JOIN truth USING (id) WHERE q = 2 AND id IN (1, 2) ORDER BY id;
