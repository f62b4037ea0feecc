-- What a session keeps of an index, when the index becomes another: one that
-- has another file, the same file built again, or that of before.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- Rows from a number on, another shape of index for each number: searched, and
-- so kept, then compared with the table.
CREATE FUNCTION refill(relation regclass, first int, many int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('INSERT INTO %s SELECT i, noise(i, 16) FROM generate_series(%s, %s) i', relation, first, first + many - 1);
END
$$;
CREATE FUNCTION searched(source text) RETURNS int LANGUAGE sql AS $$
	SELECT oracle(source, 'v', '<->', noise(1, 16), noise(500, 16))
$$;

--
-- REINDEX, committed and taken back
--
CREATE TABLE items (id int, v vector(16));
SELECT refill('items', 1, 600);
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 20);
SELECT searched('items');
ALTER INDEX items_v SET (lists = 7);
DELETE FROM items WHERE id <= 200;
REINDEX INDEX items_v;
SELECT searched('items');
BEGIN;
DELETE FROM items WHERE id <= 400;
SAVEPOINT s;
ALTER INDEX items_v SET (lists = 30);
REINDEX INDEX items_v;
SELECT searched('items');
ROLLBACK TO s;
SELECT searched('items');
SELECT refill('items', 1000, 50);
SELECT searched('items');
ROLLBACK;
SELECT searched('items');
SELECT refill('items', 2000, 50);
SELECT searched('items'), ivf_check('items_v', true);

-- an index of the same name, and a column of another length
DROP INDEX items_v;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 9);
SELECT searched('items');
ALTER TABLE items ALTER v TYPE vector(8) USING subvector(v, 1, 8);
SELECT oracle('items', 'v', '<->', noise(1, 8));
TRUNCATE items;
SELECT oracle('items', 'v', '<->', noise(1, 8));
INSERT INTO items SELECT i, noise(i, 8) FROM generate_series(1, 100) i;
SELECT oracle('items', 'v', '<->', noise(1, 8)), ivf_check('items_v', true);

--
-- The same file, built again: a table that is truncated where it was made, and
-- one that each transaction leaves empty
--
BEGIN;
CREATE TABLE made (id int, v vector(16));
SELECT refill('made', 1, 500);
CREATE INDEX made_v ON made USING ivf (v) WITH (lists = 20);
SELECT searched('made'), pg_relation_filenode('made_v') AS file \gset
TRUNCATE made;
SELECT pg_relation_filenode('made_v') = :file AS same_file;
SELECT refill('made', 600, 40);
SELECT searched('made'), ivf_check('made_v', true);
REINDEX TABLE made;
SELECT searched('made'), ivf_check('made_v', true);
COMMIT;

CREATE TEMPORARY TABLE fleeting (id int, v vector(16)) ON COMMIT DELETE ROWS;
CREATE INDEX fleeting_v ON fleeting USING ivf (v) WITH (lists = 20);
BEGIN;
SELECT refill('fleeting', 1, 300);
REINDEX INDEX fleeting_v;
SELECT searched('fleeting'), pg_relation_filenode('fleeting_v') AS file \gset
COMMIT;
SELECT pg_relation_filenode('fleeting_v') = :file AS same_file;
BEGIN;
SELECT refill('fleeting', 400, 30);
SELECT searched('fleeting'), ivf_check('fleeting_v', true);
COMMIT;

--
-- A scan goes on with what it began with
--
SET enable_seqscan = off;
SET enable_sort = off;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM made ORDER BY v <-> noise(1, 16);
FETCH 2 FROM c;
ANALYZE made;
SELECT count(*) FROM (SELECT id FROM made ORDER BY v <-> noise(2, 16)) s;
MOVE FORWARD ALL IN c;
COMMIT;
