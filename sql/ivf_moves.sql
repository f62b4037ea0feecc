-- What moves an index, or the extension under it: schemas, tablespaces, types,
-- rewrites, partitions, DROP and CREATE EXTENSION.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all
\set VERBOSITY terse

-- the index is compared with the table, and checked, after every step
CREATE FUNCTION as_table(relation text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM sound(relation::regclass);
	RETURN oracle(relation, 'v', '<->', noise(1, 12), noise(5000, 12) * 9);
END
$$;

-- The file of an index, to see whether it is rebuilt.
CREATE TABLE files (name text PRIMARY KEY, file oid);
CREATE FUNCTION rebuilt(index text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	before oid := (SELECT file FROM files WHERE name = index);
	now oid := pg_relation_filenode(index::regclass);
BEGIN
	INSERT INTO files VALUES (index, now) ON CONFLICT (name) DO UPDATE SET file = now;
	RETURN now <> before;
END
$$;

CREATE TABLE items (id int PRIMARY KEY, v vector(12));
INSERT INTO items SELECT i, CASE i % 10 WHEN 0 THEN NULL ELSE noise(i, 12) END FROM generate_series(1, 600) i;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 5);
SELECT as_table('items'), rebuilt('items_v');

--
-- Tablespaces
--

SET allow_in_place_tablespaces = on;
CREATE TABLESPACE regress_ivf_space LOCATION '';
ALTER TABLE items SET TABLESPACE regress_ivf_space;
SELECT as_table('items'), rebuilt('items_v');
ALTER INDEX items_v SET TABLESPACE regress_ivf_space;
SELECT as_table('items'), rebuilt('items_v'), (SELECT spcname FROM pg_class c JOIN pg_tablespace t ON t.oid = reltablespace WHERE relname = 'items_v');
INSERT INTO items SELECT i, noise(i, 12) FROM generate_series(601, 700) i;
ALTER TABLE items SET TABLESPACE pg_default;
ALTER INDEX ALL IN TABLESPACE regress_ivf_space SET TABLESPACE pg_default;
SELECT as_table('items'), rebuilt('items_v'), (SELECT reltablespace FROM pg_class WHERE relname = 'items_v');
REINDEX (TABLESPACE regress_ivf_space) INDEX items_v;
SELECT as_table('items'), rebuilt('items_v');
REINDEX (TABLESPACE pg_default) INDEX CONCURRENTLY items_v;
SELECT as_table('items'), rebuilt('items_v');
CREATE UNLOGGED TABLE unlogged TABLESPACE regress_ivf_space AS SELECT * FROM items;
CREATE INDEX unlogged_v ON unlogged USING ivf (v) TABLESPACE regress_ivf_space;
ALTER INDEX unlogged_v SET TABLESPACE pg_default;
SELECT as_table('unlogged');
ALTER TABLE unlogged SET LOGGED;
SELECT as_table('unlogged');
DROP TABLE unlogged;
DROP TABLESPACE regress_ivf_space;
RESET allow_in_place_tablespaces;

--
-- Rewrites
--

ALTER TABLE items SET UNLOGGED;
SELECT as_table('items'), rebuilt('items_v');
INSERT INTO items SELECT i, noise(i, 12) FROM generate_series(701, 750) i;
ALTER TABLE items SET LOGGED;
SELECT as_table('items'), rebuilt('items_v');
DELETE FROM items WHERE id % 7 = 0;
CLUSTER items USING items_pkey;
SELECT as_table('items'), rebuilt('items_v');
CLUSTER items USING items_v;
VACUUM FULL items;
SELECT as_table('items'), rebuilt('items_v');
TRUNCATE items;
SELECT as_table('items'), rebuilt('items_v');
BEGIN;
INSERT INTO items SELECT i, noise(i, 12) FROM generate_series(1, 300) i;
SAVEPOINT s;
TRUNCATE items RESTART IDENTITY CASCADE;
SELECT as_table('items');
ROLLBACK TO s;
SELECT as_table('items');
COMMIT;
SELECT as_table('items'), rebuilt('items_v');
ALTER TABLE items ADD note text DEFAULT 'none', ADD stamp text DEFAULT md5(pg_backend_pid()::text);
SELECT as_table('items');
ALTER TABLE items DROP note;
ALTER TABLE items SET (fillfactor = 50);
ALTER TABLE items REPLICA IDENTITY FULL;
SELECT as_table('items');
ALTER INDEX items_v RENAME TO items_w;
ALTER TABLE items RENAME TO things;
ALTER TABLE things RENAME v TO w;
CREATE SCHEMA ivf_elsewhere;
ALTER TABLE things SET SCHEMA ivf_elsewhere;
SELECT sound('ivf_elsewhere.things'), oracle('ivf_elsewhere.things', 'w', '<->', noise(1, 12)), (ivf_info('ivf_elsewhere.items_w')).lists;
ALTER TABLE ivf_elsewhere.things SET SCHEMA ivf_test;
ALTER TABLE things RENAME w TO v;
ALTER TABLE things RENAME TO items;
ALTER INDEX items_w RENAME TO items_v;
DROP SCHEMA ivf_elsewhere;

--
-- Types
--

-- the check of the dimensions is all there is between vector and vector(n)
CREATE TABLE typed (id int, v vector(3), a real[]);
INSERT INTO typed SELECT i, ARRAY[i, i % 7, i % 11], ARRAY[i, i % 5, 1] FROM generate_series(1, 200) i;
CREATE INDEX typed_v ON typed USING ivf (v) WITH (lists = 3);
ALTER TABLE typed ALTER v TYPE vector;
SELECT oracle('typed', 'v', '<->', '[1,2,3]'), sound('typed');
-- nothing is rebuilt then, so the index stays one of three dimensions
INSERT INTO typed VALUES (1000, '[1]');
INSERT INTO typed VALUES (1000, '[1,2,3,4]');
UPDATE typed SET v = '[1,2]' WHERE id = 7;
INSERT INTO typed VALUES (1000, '[1,2,3]'), (1001, NULL);
SELECT oracle('typed', 'v', '<->', '[1,2,3]'), sound('typed');
REINDEX INDEX typed_v;
ALTER TABLE typed ALTER v TYPE vector(2);
ALTER TABLE typed ALTER v TYPE vector(4);
ALTER TABLE typed ALTER v TYPE vector(3);
SELECT (ivf_info('typed_v')).dimensions, oracle('typed', 'v', '<->', '[1,2,3]'), sound('typed');
ALTER TABLE typed ALTER v TYPE vector(4) USING v || '[1]';
SELECT (ivf_info('typed_v')).dimensions, oracle('typed', 'v', '<->', '[1,2,3,4]'), sound('typed');
ALTER TABLE typed ALTER a TYPE vector(3);
CREATE INDEX typed_a ON typed USING ivf (a vector_cosine_ops);
SELECT oracle('typed', 'a', '<=>', '[1,2,3]'), sound('typed');
ALTER TABLE typed ALTER a TYPE real[];
DROP INDEX typed_a;
ALTER TABLE typed ALTER a TYPE real[];
ALTER TABLE typed ALTER a TYPE vector(3) USING (a::vector * 2);
CREATE INDEX typed_a ON typed USING ivf (a vector_ip_ops);
SELECT oracle('typed', 'a', '<#>', '[1,2,3]'), sound('typed');
ALTER TABLE typed ALTER v TYPE text;
DROP INDEX typed_v;
ALTER TABLE typed ALTER v TYPE text;
ALTER TABLE typed ALTER v TYPE vector(4) USING v::vector;
CREATE INDEX typed_v ON typed USING ivf (v);
SELECT oracle('typed', 'v', '<->', '[1,2,3,4]'), sound('typed');
CREATE DOMAIN quad AS vector(4);
ALTER TABLE typed ALTER v TYPE quad;
SELECT oracle('typed', 'v', '<->', '[1,2,3,4]'), sound('typed');
ALTER TABLE typed ALTER v TYPE vector(4);
ALTER TABLE typed ALTER v SET STORAGE plain, ALTER v SET STATISTICS 10;
UPDATE typed SET v = v * 2 WHERE id % 2 = 0;
SELECT oracle('typed', 'v', '<->', '[1,2,3,4]'), sound('typed');

--
-- Copies of definitions, partitions
--

COMMENT ON INDEX items_v IS 'by distance';
CREATE INDEX items_half ON items USING ivf ((subvector(v, 1, 6)::vector(6)) vector_cosine_ops) WITH (lists = 2) WHERE id % 2 = 0;
ALTER INDEX items_half ALTER 1 SET STATISTICS 7;
CREATE TABLE twin (LIKE items INCLUDING ALL);
SELECT replace(pg_get_indexdef(indexrelid), 'ivf_test.', '') AS definition, obj_description(indexrelid) AS comment, reloptions
FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'twin'::regclass ORDER BY 1;
INSERT INTO twin SELECT * FROM items;
SELECT as_table('twin'), sound('twin'), oracle('twin WHERE id % 2 = 0', 'subvector(v, 1, 6)::vector(6)', '<=>', '[1,2,3,4,5,6]');

CREATE TABLE parts (id int, v vector(12)) PARTITION BY LIST (id);
CREATE TABLE part_0 (id int, v vector(12));
INSERT INTO part_0 SELECT 0, noise(i, 12) FROM generate_series(1, 200) i;
CREATE INDEX part_0_v ON part_0 USING ivf (v) WITH (lists = 2);
SELECT rebuilt('part_0_v');
CREATE INDEX parts_v ON ONLY parts USING ivf (v) WITH (lists = 4);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'parts_v'::regclass;
-- an index that is there is taken, whatever its options; one that is not is made
ALTER TABLE parts ATTACH PARTITION part_0 FOR VALUES IN (0);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
SELECT c.relname, reloptions, indisvalid FROM pg_class c JOIN pg_index ON indexrelid = c.oid WHERE c.relname ~ '^part.*_v' ORDER BY 1;
ALTER INDEX parts_v ATTACH PARTITION part_0_v;
INSERT INTO parts SELECT i % 2, noise(i, 12) FROM generate_series(201, 400) i;
SELECT as_table('parts'), sound('parts'), rebuilt('part_0_v');
ALTER TABLE parts DETACH PARTITION part_0 CONCURRENTLY;
SELECT as_table('parts'), as_table('part_0'), rebuilt('part_0_v');
DROP INDEX part_0_v;
CREATE INDEX part_0_ip ON part_0 USING ivf (v vector_ip_ops);
-- for another distance it is another index
ALTER TABLE parts ATTACH PARTITION part_0 FOR VALUES IN (0);
SELECT as_table('parts'), sound('parts');
DROP INDEX parts_v;
SELECT count(*) FROM pg_class WHERE relname ~ '^part.*_v';

--
-- Temporary tables, prepared transactions
--

CREATE TEMP TABLE brief (id int, v vector(12)) ON COMMIT DELETE ROWS;
CREATE INDEX ON brief USING ivf (v);
BEGIN;
INSERT INTO brief SELECT i, noise(i, 12) FROM generate_series(1, 200) i;
SELECT as_table('brief');
COMMIT;
SELECT as_table('brief');
BEGIN;
CREATE TEMP TABLE gone (id int, v vector(12)) ON COMMIT DROP;
INSERT INTO gone SELECT i, noise(i, 12) FROM generate_series(1, 200) i;
CREATE INDEX ON gone USING ivf (v);
SELECT as_table('gone');
COMMIT;
TRUNCATE items;
INSERT INTO items (id, v) SELECT i, noise(i, 12) FROM generate_series(1, 200) i;
BEGIN;
INSERT INTO items (id, v) SELECT i, noise(i, 12) FROM generate_series(201, 300) i;
UPDATE items SET v = noise(id + 1000, 12) WHERE id % 4 = 0;
DELETE FROM items WHERE id % 10 = 1;
PREPARE TRANSACTION 'regress_ivf_one';
SELECT as_table('items');
BEGIN;
INSERT INTO items (id, v) SELECT i, noise(i, 12) FROM generate_series(401, 500) i;
PREPARE TRANSACTION 'regress_ivf_two';
SELECT as_table('items');
COMMIT PREPARED 'regress_ivf_one';
SELECT as_table('items');
ROLLBACK PREPARED 'regress_ivf_two';
SELECT as_table('items');
VACUUM items;
SELECT as_table('items');

--
-- REINDEX of everything
--

SELECT current_database() AS db \gset
SELECT rebuilt('items_v'), rebuilt('twin_v_idx') \g /dev/null
REINDEX DATABASE :"db";
SELECT rebuilt('items_v') AS items, as_table('items'), sound('items');
REINDEX (VERBOSE false) SYSTEM :"db";
SELECT rebuilt('items_v') AS items, as_table('items');
REINDEX SCHEMA ivf_test;
SELECT rebuilt('items_v') AS items, as_table('items'), sound('items'), sound('twin');

--
-- The extension in another schema
--

-- with the schema nowhere in search_path, whatever was planned before
-- (names in a prepared statement are looked up again, those in views and
-- functions are not)
PREPARE nearest(int) AS SELECT id FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = $1) LIMIT 3;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
EXECUTE nearest(20);
CREATE VIEW seen AS SELECT id, v <=> '[1,2,3,4,5,6,7,8,9,10,11,12]' AS d, v::real[] AS a, avg(v) OVER () AS middle FROM items;
CREATE FUNCTION close(int) RETURNS int LANGUAGE sql BEGIN ATOMIC
	SELECT id FROM items ORDER BY v <-> (SELECT v FROM items WHERE id = $1) OFFSET 1 LIMIT 1;
END;
CREATE TABLE checked (v vector(3) DEFAULT '[1,2,3]' CHECK (v <-> '[0,0,0]' < 10), n float8 GENERATED ALWAYS AS (l2_norm(v)) STORED);
CREATE SCHEMA ivf_elsewhere;
ALTER EXTENSION vecfeat SET SCHEMA ivf_elsewhere;
SET search_path = ivf_test;
EXECUTE nearest(20);
DEALLOCATE nearest;
SELECT id, round(d::numeric, 4) AS d, array_length(a, 1), middle OPERATOR(ivf_elsewhere.=) (SELECT ivf_elsewhere.avg(v) FROM items) AS same FROM seen ORDER BY d LIMIT 2;
SELECT close(20);
INSERT INTO checked DEFAULT VALUES RETURNING v, n;
INSERT INTO checked VALUES ('[10,10,10]');
INSERT INTO checked VALUES (ARRAY[1,1,1]);
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY v OPERATOR(ivf_elsewhere.<->) '[1,2,3,4,5,6,7,8,9,10,11,12]' LIMIT 1;
SELECT id FROM items ORDER BY v OPERATOR(ivf_elsewhere.<->) '[1,2,3,4,5,6,7,8,9,10,11,12]' LIMIT 1;
-- the default operator class needs no name, another its schema
CREATE INDEX items_default ON items USING ivf (v);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops);
CREATE INDEX items_ip ON items USING ivf (v ivf_elsewhere.vector_ip_ops) WITH (lists = 3);
UPDATE items SET v = v OPERATOR(ivf_elsewhere.*) 2 WHERE id % 9 = 0;
DELETE FROM items WHERE id % 8 = 0;
VACUUM ANALYZE items;
REINDEX TABLE CONCURRENTLY items;
SELECT ivf_elsewhere.ivf_check('items_v', true), ivf_elsewhere.ivf_check('items_half', true), ivf_elsewhere.ivf_check('items_ip', true);
SELECT count(DISTINCT v), (ivf_elsewhere.ivf_info('items_ip')).lists FROM items;
CREATE TABLE merged AS SELECT * FROM items WHERE false;
ALTER TABLE merged ADD UNIQUE (v);
INSERT INTO merged SELECT * FROM items ON CONFLICT (v) DO NOTHING;
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM items JOIN merged ON items.v OPERATOR(ivf_elsewhere.=) merged.v;
RESET enable_hashjoin;
SET enable_mergejoin = off;
SELECT count(*) FROM items JOIN merged ON items.v OPERATOR(ivf_elsewhere.=) merged.v;
RESET enable_nestloop;
RESET enable_mergejoin;
SELECT v[2], v::text, ivf_elsewhere.vector_dims(v) FROM items WHERE id = 22;
ALTER TABLE items ALTER id DROP IDENTITY IF EXISTS, DROP CONSTRAINT items_pkey, ALTER id DROP NOT NULL;
COPY items (v) FROM stdin;
[1,2,3,4,5,6,7,8,9,10,11,12]
\.
SELECT id, v FROM items WHERE id IS NULL;
ALTER EXTENSION vecfeat SET SCHEMA public;
SET search_path = ivf_test, public;
DROP SCHEMA ivf_elsewhere;
RESET plan_cache_mode;
RESET enable_seqscan;
SELECT as_table('items'), sound('items');

--
-- DROP and CREATE EXTENSION
--

CREATE TABLE kept (id int, v vector(3), a real[]);
INSERT INTO kept SELECT i, ARRAY[i, i % 7, i % 11], ARRAY[i, i % 5, 1] FROM generate_series(1, 100) i;
CREATE INDEX kept_a ON kept USING ivf ((a::vector(3)));
DROP EXTENSION vecfeat;
SET client_min_messages = warning;
DROP EXTENSION vecfeat CASCADE;
RESET client_min_messages;
SELECT attname FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attnum > 0 AND NOT attisdropped;
SELECT count(*) FROM pg_index WHERE indrelid = 'kept'::regclass;
SELECT count(*) FROM kept;
SELECT count(*) FROM pg_am WHERE amname = 'ivf';
-- the settings stay, as the library does
SHOW ivf.probes;
CREATE EXTENSION vecfeat VERSION '0.2';
CREATE EXTENSION vecfeat SCHEMA public VERSION '0.1' CASCADE;
CREATE EXTENSION IF NOT EXISTS vecfeat;
ALTER EXTENSION vecfeat UPDATE;
SELECT extversion, extrelocatable FROM pg_extension WHERE extname = 'vecfeat';
ALTER TABLE kept ADD v vector(3);
UPDATE kept SET v = a;
CREATE INDEX kept_v ON kept USING ivf (v);
CREATE INDEX kept_a ON kept USING ivf ((a::vector(3)));
SELECT ivf_check('kept_v', true), ivf_check('kept_a', true);
SELECT id FROM kept ORDER BY v <-> '[6.9,2,1]' LIMIT 2;
