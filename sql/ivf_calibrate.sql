-- ivf_calibrate, and when VACUUM calibrates.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all
\set VERBOSITY terse

-- what is known of an index's calibration
CREATE FUNCTION calibration(index regclass, OUT queries int, OUT entries bigint, OUT lists_sound boolean, OUT verdict text)
LANGUAGE sql AS $$
	SELECT calibration_queries, calibrated_entries, lists_for_recall BETWEEN 1 AND lists, verdict FROM ivf_info(index)
$$;

CREATE TABLE items (id int, v vector(8)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, noise(i, 8) FROM generate_series(1, 4000) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 40);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (lists = 40);
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 40, recall = 0.8);
SET ivf.debug_fanout = 3;
CREATE INDEX items_high ON items USING ivf (v) WITH (lists = 40);
RESET ivf.debug_fanout;
SELECT i.relname, c.* FROM pg_class i, calibration(i.oid) c WHERE i.relname LIKE 'items\_%' ORDER BY 1;

-- the same again: the sample has a seed of its own
CREATE TABLE before AS SELECT lists_for_recall FROM ivf_info('items_l2');
SELECT ivf_calibrate('items_l2');
SELECT (SELECT lists_for_recall FROM ivf_info('items_l2')) = (SELECT lists_for_recall FROM before) AS same;
SELECT ivf_calibrate('items_high');
SELECT sound('items');

-- more lists for more recall
SET ivf.recall = 0.5;
CREATE TABLE fewer AS SELECT lists_for_recall FROM ivf_info('items_l2');
SET ivf.recall = 0.99;
SELECT (SELECT lists_for_recall FROM ivf_info('items_l2')) > (SELECT lists_for_recall FROM fewer) AS more;
SET ivf.recall = 1;
SELECT recall, lists_for_recall FROM ivf_info('items_l2');
RESET ivf.recall;
SELECT recall FROM ivf_info('items_cosine');

-- VACUUM calibrates when more than a third was taken out,
DELETE FROM items WHERE id % 4 = 0;
VACUUM items;
SELECT * FROM calibration('items_l2');
DELETE FROM items WHERE id % 4 = 1;
VACUUM items;
SELECT * FROM calibration('items_l2');

-- or came: entries are counted when there is something to take out,
INSERT INTO items SELECT i, noise(i, 8) FROM generate_series(5001, 9000) i;
SELECT verdict FROM calibration('items_l2');
VACUUM items;
SELECT * FROM calibration('items_l2');
DELETE FROM items WHERE id = 5001;
VACUUM items;
SELECT * FROM calibration('items_l2');
SELECT ivf_calibrate('items_l2');
SELECT * FROM calibration('items_l2');

-- else pages tell
INSERT INTO items SELECT i, noise(i, 8) FROM generate_series(9001, 13000) i;
VACUUM items;
SELECT queries, entries BETWEEN 7000 AND 13000 AS about_all, verdict FROM calibration('items_l2');
SELECT sound('items');

-- too little to learn from: the built-in rule, and searches all the same
CREATE TABLE few (v vector(8)) WITH (autovacuum_enabled = off);
INSERT INTO few SELECT noise(i, 8) FROM generate_series(1, 90) i;
CREATE INDEX few_v ON few USING ivf (v) WITH (lists = 10);
SELECT * FROM calibration('few_v');
SELECT ivf_calibrate('few_v');
SET enable_seqscan = off;
SELECT count(*) FROM (SELECT FROM few ORDER BY v <-> noise(1, 8) LIMIT 50) s;
SELECT count(*) FROM (SELECT FROM few ORDER BY v <-> noise(1, 8)) s;
DELETE FROM few;
VACUUM few;
SELECT ivf_calibrate('few_v');
SELECT sound('few');

-- one list: nothing to calibrate
CREATE TABLE empty (v vector(8));
CREATE INDEX empty_v ON empty USING ivf (v);
SELECT ivf_calibrate('empty_v');

-- rows that are all the same, or nearly
CREATE TABLE alike (v vector(8));
INSERT INTO alike SELECT CASE i % 10 WHEN 0 THEN noise(i, 8) ELSE noise(1, 8) END FROM generate_series(1, 3000) i;
CREATE INDEX alike_v ON alike USING ivf (v) WITH (lists = 20);
SELECT queries, lists_sound FROM calibration('alike_v');
SELECT count(*) FROM (SELECT FROM alike ORDER BY v <-> noise(1, 8) LIMIT 2000) s;

-- extreme values
CREATE TABLE wide (v vector(8));
INSERT INTO wide SELECT noise(i, 8) * (CASE i % 3 WHEN 0 THEN 3e38 WHEN 1 THEN 1e-38 ELSE 1 END) FROM generate_series(1, 3000) i;
CREATE INDEX wide_v ON wide USING ivf (v) WITH (lists = 20);
CREATE INDEX wide_ip ON wide USING ivf (v vector_ip_ops) WITH (lists = 20);
SELECT lists_sound FROM calibration('wide_v');
SELECT sound('wide');

-- rights, and what is no such index
CREATE ROLE ivf_calibrate_user;
GRANT USAGE ON SCHEMA ivf_test TO ivf_calibrate_user;
GRANT SELECT ON items TO ivf_calibrate_user;
SET ROLE ivf_calibrate_user;
SELECT ivf_calibrate('ivf_test.items_l2');
RESET ROLE;
ALTER TABLE items OWNER TO ivf_calibrate_user;
GRANT CREATE ON SCHEMA ivf_test TO ivf_calibrate_user;
SET ROLE ivf_calibrate_user;
SELECT ivf_calibrate('ivf_test.items_l2');
RESET ROLE;
SELECT ivf_calibrate('items');
SELECT ivf_calibrate(0);
SELECT ivf_calibrate(NULL) IS NULL AS null_for_null;
ALTER TABLE items OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA ivf_test FROM ivf_calibrate_user;
REVOKE ALL ON items FROM ivf_calibrate_user;
DROP ROLE ivf_calibrate_user;

\set ECHO none
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA ivf_test CASCADE;
