-- ivf_check: what it takes, and indexes of all kinds that it finds sound.
-- test/t/010_damage.pl is about those that are not.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all
\set VERBOSITY terse

CREATE TABLE items (id int, v vector(12));
INSERT INTO items SELECT i, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) END
	FROM generate_series(1, 2000) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 40);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (lists = 40);
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
CREATE INDEX items_expression ON items USING ivf ((subvector(v, 1, 5)::vector(5))) WITH (lists = 3);
CREATE INDEX items_partial ON items USING ivf (v) WITH (lists = 3) WHERE id % 3 = 0;
SET ivf.debug_fanout = 3;
CREATE INDEX items_l2_high ON items USING ivf (v) WITH (lists = 40);
CREATE INDEX items_ip_high ON items USING ivf (v vector_ip_ops) WITH (lists = 40);
CREATE INDEX items_cosine_high ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
RESET ivf.debug_fanout;

-- without the table, with it, and in a snapshot that is older than the change
SELECT ivf_check('items_l2');
SELECT ivf_check('items_l2', heapallindexed => true);
SELECT sound('items');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT sound('items');
INSERT INTO items SELECT i, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) * (i % 7) END
	FROM generate_series(2001, 3000) i;
UPDATE items SET v = v * 3 WHERE id % 11 = 0;
DELETE FROM items WHERE id % 13 = 0;
SELECT sound('items');
ROLLBACK;
SELECT sound('items');
VACUUM items;
SELECT sound('items');

-- a temporary and an unlogged table, an empty one, one without vectors
CREATE TEMPORARY TABLE passing AS SELECT id, v FROM items;
CREATE INDEX ON passing USING ivf (v);
SELECT sound('passing');
CREATE UNLOGGED TABLE unlogged AS SELECT id, v FROM items;
CREATE INDEX ON unlogged USING ivf (v vector_cosine_ops);
SELECT sound('unlogged');
CREATE TABLE without (v vector(12));
CREATE INDEX ON without USING ivf (v vector_cosine_ops);
SELECT sound('without');
INSERT INTO without SELECT NULL FROM generate_series(1, 3000);
INSERT INTO without SELECT noise(1, 12) * 0 FROM generate_series(1, 3000);
SELECT sound('without');

-- cells to which no row of the sample is nearest had no lists: a dead end for
-- inserts
CREATE TABLE wide (v vector(12));
INSERT INTO wide SELECT noise(i, 12) * (CASE i % 3 WHEN 0 THEN 3e38 WHEN 1 THEN 1e-38 ELSE 1 END)
	FROM generate_series(1, 3000) i;
SET ivf.debug_fanout = 3;
CREATE INDEX ON wide USING ivf (v) WITH (lists = 40);
RESET ivf.debug_fanout;
SELECT sound('wide');
INSERT INTO wide SELECT noise(i, 12) * (CASE i % 3 WHEN 0 THEN 3e38 WHEN 1 THEN 1e-38 ELSE 1 END)
	FROM generate_series(3001, 4000) i;
SELECT sound('wide');

-- vectors whose squared distances are zero in float4 made one list, whose
-- centroid was not the mean that readers take it for
CREATE TABLE tiny (v vector(12));
INSERT INTO tiny SELECT noise(i, 12) * 1e-30 FROM generate_series(1, 3000) i;
CREATE INDEX tiny_l2 ON tiny USING ivf (v) WITH (lists = 40);
CREATE INDEX tiny_ip ON tiny USING ivf (v vector_ip_ops) WITH (lists = 40);
SELECT (ivf_info('tiny_l2')).lists, (ivf_info('tiny_ip')).lists;
SELECT sound('tiny');

-- what it refuses
CREATE INDEX items_id ON items (id);
SELECT ivf_check('items_id');
SELECT ivf_check('items');
SELECT ivf_check(0);
SELECT ivf_check(NULL) IS NULL;
CREATE TABLE parts (id int, v vector(12)) PARTITION BY RANGE (id);
CREATE INDEX parts_v ON parts USING ivf (v);
SELECT ivf_check('parts_v');
CREATE ROLE ivf_check_user;
GRANT USAGE ON SCHEMA ivf_test TO ivf_check_user;
SET ROLE ivf_check_user;
SELECT ivf_check('ivf_test.items_l2');
RESET ROLE;

-- the index's expressions run as the table's owner, who can do no harm
GRANT CREATE ON SCHEMA ivf_test TO ivf_check_user;
SET ROLE ivf_check_user;
CREATE TABLE trap (id int, v vector(12));
CREATE FUNCTION whose(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE SET search_path = public AS $$
BEGIN
	RAISE NOTICE 'run by %', current_user;
	RETURN v;
END
$$;
CREATE INDEX trap_v ON trap USING ivf ((whose(v)::vector(12)));
INSERT INTO trap VALUES (1, noise(1, 12));
RESET ROLE;
SELECT ivf_check('trap_v', true);
SELECT current_user = session_user AS is_back;
DROP TABLE trap;
DROP FUNCTION whose(vector);
REVOKE ALL ON SCHEMA ivf_test FROM ivf_check_user;
DROP ROLE ivf_check_user;
