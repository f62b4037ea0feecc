-- Rows that come, change and go.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- the index is compared with the table, and checked, after every step
CREATE FUNCTION as_table(relation text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM sound(relation::regclass);
	RETURN oracle(relation, 'v', '<->', noise(1, 12), noise(5000, 12) * 9);
END
$$;

CREATE TABLE items (id int, note text, v vector(12)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, 'note ' || i, noise(i, 12) FROM generate_series(1, 1000) i;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 8);
SELECT as_table('items');

-- one row, many, NULL, COPY
INSERT INTO items VALUES (1001, 'one', noise(1001, 12));
INSERT INTO items SELECT i, 'many', noise(i, 12) FROM generate_series(1002, 1100) i;
INSERT INTO items VALUES (1101, 'none', NULL), (1102, 'none', NULL);
COPY items FROM stdin;
1103	copied	[1,2,3,4,5,6,7,8,9,10,11,12]
1104	copied	\N
1105	copied	[0,0,0,0,0,0,0,0,0,0,0,0]
\.
SELECT as_table('items');
INSERT INTO items SELECT 2000, 'returned', v FROM items WHERE id = 3 RETURNING id, v = noise(3, 12) AS same;
SELECT as_table('items');

-- the vector, another column (HOT or not), NULL to vector and back
UPDATE items SET v = noise(id + 10000, 12) WHERE id % 10 = 1;
UPDATE items SET note = 'changed' WHERE id % 10 = 2;
UPDATE items SET v = noise(id, 12) WHERE note = 'none';
UPDATE items SET v = NULL WHERE id % 100 = 7;
SELECT as_table('items');
DELETE FROM items WHERE id % 3 = 0;
SELECT as_table('items');
VACUUM items;
SELECT as_table('items');
INSERT INTO items SELECT i, 'again', noise(i, 12) FROM generate_series(3000, 3300) i;
SELECT as_table('items');
MERGE INTO items USING (VALUES (1, noise(77, 12)), (7777, noise(78, 12))) new (id, v) ON items.id = new.id
	WHEN MATCHED THEN UPDATE SET v = new.v WHEN NOT MATCHED THEN INSERT VALUES (new.id, 'merged', new.v);
SELECT as_table('items');
-- all of it
DELETE FROM items;
SELECT as_table('items');
VACUUM items;
SELECT as_table('items');
INSERT INTO items SELECT i, 'new', noise(i, 12) FROM generate_series(1, 500) i;
SELECT as_table('items');

-- what is undone does not come out
BEGIN;
INSERT INTO items SELECT i, 'undone', noise(i, 12) FROM generate_series(501, 600) i;
SELECT as_table('items');
ROLLBACK;
SELECT as_table('items');
BEGIN;
UPDATE items SET v = noise(id + 1, 12) WHERE id < 50;
SAVEPOINT a;
INSERT INTO items SELECT i, 'kept?', noise(i, 12) FROM generate_series(601, 650) i;
SELECT as_table('items');
ROLLBACK TO a;
DELETE FROM items WHERE id BETWEEN 50 AND 60;
SAVEPOINT b;
UPDATE items SET v = NULL WHERE id = 70;
SELECT as_table('items');
RELEASE b;
COMMIT;
SELECT as_table('items');
BEGIN;
TRUNCATE items;
INSERT INTO items VALUES (1, 'one', noise(1, 12));
SELECT as_table('items');
ROLLBACK;
SELECT as_table('items');
VACUUM items;
SELECT as_table('items'), (ivf_info('items_v')).entries = (SELECT count(*) FROM items) AS entries;

-- dead slots are used again
CREATE TABLE rounds (id int PRIMARY KEY, v vector(12)) WITH (autovacuum_enabled = off);
INSERT INTO rounds SELECT i, noise(i, 12) FROM generate_series(1, 3000) i;
CREATE INDEX rounds_v ON rounds USING ivf (v) WITH (lists = 10);
SELECT pg_relation_size('rounds_v') AS size \gset
-- VACUUM can't run in a function
UPDATE rounds SET v = noise(id + 1, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 2, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 3, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 4, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 5, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 6, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 7, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 8, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 9, 12);
VACUUM (INDEX_CLEANUP on) rounds;
UPDATE rounds SET v = noise(id + 10, 12);
VACUUM (INDEX_CLEANUP on) rounds;
SELECT pg_relation_size('rounds_v') < 2 * :size AS small, as_table('rounds'), (ivf_info('rounds_v')).entries;

-- VACUUM reads the pages that can hold entries, and not those with the build's rows
CREATE TABLE long_rows (id int, v vector(800)) WITH (autovacuum_enabled = off);
INSERT INTO long_rows SELECT i, noise(i, 800) FROM generate_series(1, 1500) i;
CREATE INDEX long_rows_v ON long_rows USING ivf (v) WITH (lists = 4);
INSERT INTO long_rows SELECT i, noise(i, 800) FROM generate_series(1501, 1600) i;
DELETE FROM long_rows WHERE id % 10 = 0;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_get_blocks_fetched('long_rows_v'::regclass) AS before \gset
VACUUM (INDEX_CLEANUP on) long_rows;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_get_blocks_fetched('long_rows_v'::regclass) - :before < refine_pages / 2 AS few, entries, dead_slots >= 160 AS dead_slots
	FROM ivf_info('long_rows_v');
SELECT sound('long_rows'), oracle('long_rows', 'v', '<->', noise(1, 800), NULL);

-- TRUNCATE, REINDEX, CLUSTER and VACUUM FULL by another index
TRUNCATE rounds;
SELECT as_table('rounds'), lists, entries, verdict FROM ivf_info('rounds_v');
INSERT INTO rounds SELECT i, noise(i, 12) FROM generate_series(1, 2500) i;
SELECT as_table('rounds'), lists, entries, verdict FROM ivf_info('rounds_v');
REINDEX INDEX rounds_v;
SELECT as_table('rounds'), lists, entries, verdict FROM ivf_info('rounds_v');
REINDEX TABLE CONCURRENTLY rounds;
SELECT as_table('rounds'), lists, entries FROM ivf_info('rounds_v');
DELETE FROM rounds WHERE id % 2 = 0;
CLUSTER rounds USING rounds_pkey;
SELECT as_table('rounds'), lists, entries FROM ivf_info('rounds_v');
DELETE FROM rounds WHERE id % 3 = 0;
VACUUM FULL rounds;
SELECT as_table('rounds'), lists, entries FROM ivf_info('rounds_v');
CREATE INDEX CONCURRENTLY rounds_v2 ON rounds USING ivf (v) WITH (lists = 3);
DROP INDEX rounds_v;
SELECT as_table('rounds'), lists, entries FROM ivf_info('rounds_v2');
REINDEX INDEX CONCURRENTLY rounds_v2;
DROP TABLE items;
ALTER TABLE rounds ALTER v TYPE vector(11) USING subvector(v, 1, 11);
SELECT dimensions, lists, entries, oracle('rounds', 'v', '<->', noise(1, 11)) FROM ivf_info('rounds_v2');
ALTER TABLE rounds RENAME v TO w;
ALTER TABLE rounds SET UNLOGGED;
SELECT oracle('rounds', 'w', '<->', noise(1, 11)), sound('rounds');
ALTER TABLE rounds SET LOGGED;
SELECT oracle('rounds', 'w', '<->', noise(1, 11)), sound('rounds');

-- an index on a table with rows that are dead, or not yet born, to some
CREATE TABLE aged (id int, v vector(12)) WITH (autovacuum_enabled = off);
INSERT INTO aged SELECT i, noise(i, 12) FROM generate_series(1, 300) i;
UPDATE aged SET v = noise(id + 1, 12) WHERE id % 2 = 0;
DELETE FROM aged WHERE id % 5 = 0;
BEGIN;
INSERT INTO aged SELECT i, noise(i, 12) FROM generate_series(301, 350) i;
UPDATE aged SET id = -id WHERE id % 7 = 0;
DELETE FROM aged WHERE id % 11 = 0;
CREATE INDEX ON aged USING ivf (v);
COMMIT;
SELECT as_table('aged');

-- unlogged, temporary
CREATE UNLOGGED TABLE unlogged (id int, v vector(12));
CREATE INDEX ON unlogged USING ivf (v);
INSERT INTO unlogged SELECT i, noise(i, 12) FROM generate_series(1, 100) i;
SELECT as_table('unlogged');
REINDEX TABLE unlogged;
SELECT as_table('unlogged');
CREATE TEMP TABLE temporary (id int, v vector(12)) ON COMMIT DELETE ROWS;
CREATE INDEX ON temporary USING ivf (v);
BEGIN;
INSERT INTO temporary SELECT i, noise(i, 12) FROM generate_series(1, 100) i;
SELECT as_table('temporary');
COMMIT;
SELECT as_table('temporary');

-- partial
CREATE TABLE part (id int, kind int, v vector(12));
INSERT INTO part SELECT i, i % 3, CASE WHEN i % 9 <> 0 THEN noise(i, 12) END FROM generate_series(1, 500) i;
CREATE INDEX part_v ON part USING ivf (v) WHERE kind = 1;
SELECT oracle('part WHERE kind = 1', 'v', '<->', noise(1, 12), NULL), (ivf_info('part_v')).entries;
UPDATE part SET kind = kind + 1 WHERE id % 2 = 0;
INSERT INTO part SELECT i, i % 3, noise(i, 12) FROM generate_series(501, 600) i;
DELETE FROM part WHERE id % 4 = 0;
SELECT oracle('part WHERE kind = 1', 'v', '<->', noise(1, 12), NULL), sound('part');
SELECT oracle('part WHERE kind = 1 AND id < 300', 'v', '<->', noise(1, 12), NULL);
DROP INDEX part_v;
CREATE INDEX part_v ON part USING ivf (v) WHERE v IS NOT NULL;
SELECT oracle('part WHERE v IS NOT NULL', 'v', '<->', noise(1, 12)), sound('part');

-- expressions
CREATE TABLE expr (id int, v vector(12), a real[]);
INSERT INTO expr SELECT i, v, v::real[] FROM generate_series(1, 300) i, noise(i, 12) v;
CREATE INDEX ON expr USING ivf ((subvector(v, 1, 4)::vector(4)));
CREATE INDEX ON expr USING ivf ((l2_normalize(v)::vector(12)) vector_ip_ops);
CREATE INDEX ON expr USING ivf ((a::vector(12)) vector_cosine_ops);
INSERT INTO expr SELECT i, v, v::real[] FROM generate_series(301, 400) i, noise(i, 12) v;
INSERT INTO expr VALUES (0, NULL, NULL), (0, array_fill(0, '{12}')::vector, array_fill(0, '{12}'));
DELETE FROM expr WHERE id % 10 = 9;
SELECT oracle('expr', 'subvector(v, 1, 4)::vector(4)', '<->', '[1,1,0,1]', noise(1, 4));
SELECT oracle('expr', 'l2_normalize(v)::vector(12)', '<#>', noise(1, 12), noise(2, 12));
SELECT oracle('expr', 'a::vector(12)', '<=>', noise(1, 12), noise(2, 12));
SELECT sound('expr');
VACUUM expr;
REINDEX TABLE expr;
SELECT sound('expr');
-- an expression that fails on some row, now or later
CREATE INDEX ON expr USING ivf ((CASE WHEN id = 1 / (id - 5) THEN v ELSE v END::vector(12)));
INSERT INTO expr VALUES (1000, '[1,2,3,4,5,6,7,8,9,10,11,12]', '{1,2}');
SELECT sound('expr');

-- partitions
CREATE TABLE parts (id int, v vector(12)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200) PARTITION BY HASH (id);
CREATE TABLE parts_2a PARTITION OF parts_2 FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE parts_2b PARTITION OF parts_2 FOR VALUES WITH (modulus 2, remainder 1);
CREATE INDEX parts_v ON parts USING ivf (v) WITH (lists = 3);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (200) TO (1000);
INSERT INTO parts SELECT i, noise(i, 12) FROM generate_series(0, 500) i;
SELECT as_table('parts'), sound('parts');
UPDATE parts SET id = id + 77 WHERE id % 3 = 0;
CREATE TABLE attached (id int, v vector(12));
INSERT INTO attached SELECT i, noise(i, 12) FROM generate_series(1000, 1100) i;
ALTER TABLE parts ATTACH PARTITION attached FOR VALUES FROM (1000) TO (2000);
SELECT as_table('parts'), sound('parts');
REINDEX INDEX parts_v;
ALTER TABLE parts DETACH PARTITION parts_2;
SELECT as_table('parts'), sound('parts'), as_table('parts_2'), sound('parts_2');
DROP TABLE parts_3;
SELECT as_table('parts'), sound('parts');

-- out of line: compressed, not compressed, and dead ones whose values are gone
CREATE TABLE toasted (id int, v vector(1500));
INSERT INTO toasted SELECT i, noise(i, 1500) FROM generate_series(1, 40) i;
INSERT INTO toasted SELECT i, array_fill(i, '{1500}') FROM generate_series(41, 60) i;
CREATE INDEX toasted_v ON toasted USING ivf (v) WITH (lists = 3);
DELETE FROM toasted WHERE id % 4 = 0;
UPDATE toasted SET v = noise(id + 100, 1500) WHERE id % 4 = 1;
SELECT oracle('toasted', 'v', '<->', noise(1, 1500), array_fill(50, '{1500}')::vector), sound('toasted');
VACUUM toasted;
INSERT INTO toasted SELECT i, noise(i, 1500) FROM generate_series(61, 80) i;
SELECT oracle('toasted', 'v', '<->', noise(1, 1500), array_fill(50, '{1500}')::vector), sound('toasted');
REINDEX INDEX toasted_v;
SELECT oracle('toasted', 'v', '<->', noise(1, 1500), array_fill(50, '{1500}')::vector), sound('toasted');
ALTER TABLE toasted ALTER v SET STORAGE extended;
UPDATE toasted SET v = array_fill(id, '{1500}') WHERE id % 2 = 1;
SELECT oracle('toasted', 'v', '<->', noise(1, 1500), array_fill(50, '{1500}')::vector), sound('toasted');

-- an index made on an empty table is one list until REINDEX, and says so
CREATE TABLE later (id int, v vector(12)) WITH (autovacuum_enabled = off);
CREATE INDEX later_v ON later USING ivf (v);
SELECT levels, lists, entries, dead_slots, bytes_per_entry, verdict FROM ivf_info('later_v');
INSERT INTO later SELECT i, noise(i, 12) FROM generate_series(1, 1999) i;
SELECT levels, lists, entries, verdict FROM ivf_info('later_v');
INSERT INTO later SELECT i, noise(i, 12) FROM generate_series(2000, 3000) i;
SELECT levels, lists, entries, verdict FROM ivf_info('later_v');
SELECT as_table('later');
REINDEX INDEX later_v;
SELECT levels, lists, entries, verdict FROM ivf_info('later_v');
SELECT as_table('later');
DELETE FROM later WHERE id > 2500;
VACUUM later;
SELECT levels, lists, entries, dead_slots >= 500 AS dead, verdict FROM ivf_info('later_v');
SELECT as_table('later');

-- foreign keys, triggers and generated columns see nothing special
CREATE TABLE generated (id int PRIMARY KEY, a real[], v vector(12) GENERATED ALWAYS AS (a::vector) STORED);
CREATE INDEX ON generated USING ivf (v);
INSERT INTO generated SELECT i, noise(i, 12)::real[] FROM generate_series(1, 50) i;
UPDATE generated SET a = noise(id + 1, 12)::real[] WHERE id < 20;
INSERT INTO generated VALUES (1, noise(99, 12)::real[]), (99, noise(99, 12)::real[]) ON CONFLICT (id) DO UPDATE SET a = excluded.a;
SELECT as_table('generated'), sound('generated');
CREATE MATERIALIZED VIEW seen AS SELECT * FROM generated;
CREATE UNIQUE INDEX ON seen (id);
CREATE INDEX ON seen USING ivf (v);
DELETE FROM generated WHERE id < 10;
REFRESH MATERIALIZED VIEW seen;
SELECT as_table('seen'), sound('seen');
INSERT INTO generated VALUES (100, noise(100, 12)::real[]);
REFRESH MATERIALIZED VIEW CONCURRENTLY seen;
SELECT as_table('seen'), sound('seen');
