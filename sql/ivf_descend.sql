-- An insert goes to the nearest list, where a search for its vector looks first.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

CREATE TABLE items (id int, v vector(64)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, noise(i, 64) + noise(i % 40, 64) * 2::real FROM generate_series(1, 3000) i;
CREATE TABLE rows AS SELECT i AS id, noise(i, 64) + noise(i % 50, 64) * 2::real AS v FROM generate_series(5001, 5400) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 60);
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 60);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (lists = 60);

-- how many entries each list has
CREATE FUNCTION sizes(index regclass) RETURNS bigint[] LANGUAGE sql AS $$
	SELECT array_agg(entries ORDER BY list) FROM ivf_lists(index)
$$;
-- lists are formed by distance for both
SELECT sizes('items_l2') = sizes('items_ip') AS same, cardinality(sizes('items_ip')) AS lists;
INSERT INTO items SELECT * FROM rows;

SET enable_seqscan = off;
-- estimates say which centroids are looked at, so a few rows come to another
SET ivf.probes = 1;
SELECT count(*) FROM rows r, LATERAL (SELECT id FROM items ORDER BY v <-> r.v LIMIT 1) s WHERE s.id = r.id;
SELECT count(*) FROM rows r, LATERAL (SELECT id FROM items ORDER BY v <=> r.v LIMIT 1) s WHERE s.id = r.id;
-- a search for an inner product looks elsewhere first
SELECT sizes('items_l2') = sizes('items_ip') AS same, (SELECT sum(n) FROM unnest(sizes('items_ip')) n) AS entries;
RESET ivf.probes;
SELECT ivf_check('items_l2', true), ivf_check('items_cosine', true), ivf_check('items_ip', true);
