-- What is refused, and how it is said.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

CREATE TABLE items (id int, v vector(3), any_v vector, a real[], t text);
INSERT INTO items SELECT i, noise(i, 3), noise(i, 2), ARRAY[i], 'x' FROM generate_series(1, 50) i;

-- kinds of indexes
CREATE UNIQUE INDEX ON items USING ivf (v);
CREATE INDEX ON items USING ivf (v) INCLUDE (id);
CREATE INDEX ON items USING ivf (v, id);
CREATE INDEX ON items USING ivf (v DESC);
CREATE INDEX ON items USING ivf (v NULLS FIRST);
-- (what names the schema since 17)
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN replace(sqlerrm, 'public.', '');
END
$$;
SELECT refused('CREATE INDEX ON items USING ivf (v COLLATE "C")');
SELECT refused('ALTER TABLE items ADD EXCLUDE USING ivf (v WITH =)');
SELECT refused('ALTER TABLE items ADD EXCLUDE USING ivf (v WITH <->)');

-- columns
CREATE INDEX ON items USING ivf (any_v);
CREATE INDEX ON items USING ivf ((v + v));
CREATE INDEX ON items USING ivf (id);
CREATE INDEX ON items USING ivf (a);
CREATE INDEX ON items USING ivf (t vector_l2_ops);
CREATE INDEX ON items USING ivf (v vector_l1_ops);
CREATE INDEX ON items USING ivf (v vector_ops);
CREATE INDEX ON items USING btree (v vector_l2_ops);
CREATE INDEX ON items USING ivf (missing);
CREATE TABLE wide (v2000 vector(2000), v2001 vector(2001), v16000 vector(16000));
CREATE INDEX ON wide USING ivf (v2001);
CREATE INDEX ON wide USING ivf (v16000 vector_cosine_ops);
CREATE INDEX ON wide USING ivf (v2000);
CREATE INDEX ON wide USING ivf ((subvector(v2001, 1, 2000)::vector(2000)));
DROP TABLE wide;
-- the hint's way works
CREATE INDEX ON items USING ivf ((any_v::vector(2)));
INSERT INTO items (any_v) VALUES ('[1,2,3]');
-- a domain has the dimensions of its base
CREATE DOMAIN embedding AS vector(3);
CREATE DOMAIN shorter AS embedding;
CREATE DOMAIN loose AS vector;
CREATE TABLE domains (v embedding, w shorter, x loose);
INSERT INTO domains VALUES ('[1,2,3]', '[4,5,6]', '[1]');
CREATE INDEX ON domains USING ivf (v);
CREATE INDEX domains_w ON domains USING ivf (w);
CREATE INDEX ON domains USING ivf (x);
SELECT dimensions, entries FROM ivf_info('domains_w');
SELECT oracle('domains', 'w', '<->', '[1,1,1]');

-- options
CREATE INDEX ON items USING ivf (v) WITH (lists = -1);
CREATE INDEX ON items USING ivf (v) WITH (lists = 1000001);
CREATE INDEX ON items USING ivf (v) WITH (lists = many);
CREATE INDEX ON items USING ivf (v) WITH (list = 1);
CREATE INDEX ON items USING ivf (v) WITH (fillfactor = 70);
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 2);
ALTER INDEX items_v SET (lists = -1);
ALTER INDEX items_v SET (probes = 5);
CREATE INDEX ON items USING ivf (v) WITH (recall = 0.4);
CREATE INDEX ON items USING ivf (v) WITH (recall = 1.01);
CREATE INDEX ON items USING ivf (v) WITH (recall = high);
CREATE INDEX ON items USING ivf (v) WITH (recall);
ALTER INDEX items_v SET (recall = 0.49);
ALTER INDEX items_v SET (recall = 'NaN');
-- more lists than the memory holds; more than there are rows is no matter
SET maintenance_work_mem = '1MB';
CREATE TABLE wide (v vector(2000));
INSERT INTO wide SELECT array_fill(i, '{2000}')::vector FROM generate_series(1, 100) i;
CREATE INDEX ON wide USING ivf (v) WITH (lists = 1000000);
CREATE INDEX wide_v ON wide USING ivf (v) WITH (lists = 60);
ALTER INDEX wide_v SET (lists = 99);
REINDEX INDEX wide_v;
SELECT lists, entries FROM ivf_info('wide_v');
ALTER INDEX wide_v RESET (lists);
REINDEX INDEX wide_v;
RESET maintenance_work_mem;
CREATE INDEX wide_all ON wide USING ivf (v) WITH (lists = 1000000);
SELECT lists, entries FROM ivf_info('wide_all');
DROP TABLE wide;

-- settings
SET ivf.probes = -1;
SET ivf.probes = 1000001;
SET ivf.probes = 'all';
SET ivf.probes = 1000000;
SET ivf.probe = 1;
RESET ivf.probes;
SET ivf.recall = 0.4999;
SET ivf.recall = 1.0001;
SET ivf.recall = 0;
SET ivf.recall = 'NaN';
SET ivf.recall = 'high';
SET ivf.recall = DEFAULT;
SELECT name, setting, boot_val, min_val, max_val, context, vartype FROM pg_settings WHERE name LIKE 'ivf.%' AND name <> 'ivf.simd' ORDER BY 1;

-- what has no order can't be clustered by
CLUSTER items USING items_v;
ALTER TABLE items CLUSTER ON items_v;

-- functions about an index
SELECT ivf_info('items');
SELECT ivf_info('pg_class_oid_index');
SELECT ivf_info('missing');
SELECT ivf_info(0);
SELECT ivf_info(NULL) IS NULL AS null;
SELECT ivf_check('items');
SELECT ivf_check('pg_class_oid_index', true);
SELECT ivf_check(0);
SELECT ivf_check(NULL) IS NULL AS null;
CREATE VIEW seen AS SELECT * FROM items;
SELECT ivf_info('seen');
SELECT ivf_check('seen');
CREATE TABLE parts (id int, v vector(3)) PARTITION BY LIST (id);
CREATE INDEX parts_v ON parts USING ivf (v);
SELECT ivf_info('parts_v');
SELECT ivf_check('parts_v');
-- an index that CREATE INDEX CONCURRENTLY left behind
CREATE INDEX CONCURRENTLY items_broken ON items USING ivf ((ARRAY[1 / (id - 3), 0]::vector(2)));
SELECT ivf_info('items_broken');
SELECT ivf_check('items_broken');
DROP INDEX items_broken;

-- a column that loses its dimensions keeps the index, and the index its own
CREATE TABLE freed (id int, v vector(3), u vector(3));
INSERT INTO freed SELECT i, noise(i, 3), '[1,0,0]' FROM generate_series(1, 40) i;
CREATE INDEX freed_v ON freed USING ivf (v);
CREATE INDEX freed_u ON freed USING ivf (u vector_cosine_ops);
SELECT pg_relation_filenode('freed_v') AS file \gset
ALTER TABLE freed ALTER v TYPE vector, ALTER u TYPE vector;
SELECT pg_relation_filenode('freed_v') = :file AS kept;
INSERT INTO freed VALUES (41, '[1]', '[1,2,3]');
INSERT INTO freed VALUES (41, '[1,2,3]', '[1,2,3,4]');
UPDATE freed SET v = '[1,2]' WHERE id = 1;
INSERT INTO freed VALUES (41, '[1,2,3]', '[1,2,3]');
SELECT sound('freed') AS indexes, oracle('freed', 'v', '<->', '[1,2,3]') AS rows;
REINDEX INDEX freed_v;
DROP TABLE freed;

-- who may call them
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_ivf;
RESET client_min_messages;
CREATE ROLE regress_ivf;
GRANT USAGE ON SCHEMA ivf_test TO regress_ivf;
SET ROLE regress_ivf;
SELECT ivf_info('items_v');
SELECT ivf_check('items_v');
SET ivf.probes = 3;
SHOW ivf.probes;
RESET ivf.probes;
RESET ROLE;
GRANT pg_stat_scan_tables TO regress_ivf;
SET ROLE regress_ivf;
SELECT entries FROM ivf_info('items_v');
SELECT ivf_check('items_v', true);
RESET ROLE;
REVOKE pg_stat_scan_tables FROM regress_ivf;
GRANT CREATE ON SCHEMA ivf_test TO regress_ivf;
SET ROLE regress_ivf;
CREATE TABLE ivf_test.own (v vector(2));
CREATE INDEX own_v ON ivf_test.own USING ivf (v);
SELECT entries FROM ivf_info('ivf_test.own_v');
SELECT ivf_check('ivf_test.own_v', true);
RESET ROLE;
DROP TABLE ivf_test.own;
REVOKE CREATE ON SCHEMA ivf_test FROM regress_ivf;
REVOKE USAGE ON SCHEMA ivf_test FROM regress_ivf;
DROP ROLE regress_ivf;
