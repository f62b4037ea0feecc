-- Options, the shape of the tree, and what a build depends on.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

CREATE TABLE items (id int, v vector(8)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, noise(i, 8) FROM generate_series(1, 3000) i;

-- as many lists as asked for, when there are enough distinct rows
CREATE FUNCTION lists_made(source text, lists int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	info record;
BEGIN
	EXECUTE format('CREATE INDEX made ON %s USING ivf (v) WITH (lists = %s)', source, lists);
	info := ivf_info('made');
	ASSERT info.lists_option = lists, 'option';
	ASSERT info.levels = CASE WHEN info.lists = 1 THEN 1 ELSE 2 END, 'levels';
	DROP INDEX made;
	RETURN info.lists;
END
$$;
SELECT lists, lists_made('items', lists) AS made FROM unnest('{0,1,2,3,31,32,33,64,100}'::int[]) lists;
-- at most as many as there are rows, or distinct ones
CREATE TABLE distinct_rows (LIKE items);
INSERT INTO distinct_rows SELECT i, noise(i % 5, 8) FROM generate_series(1, 400) i;
SELECT lists, lists_made('distinct_rows', lists) AS made FROM unnest('{0,2,4,5,6,50}'::int[]) lists;
TRUNCATE distinct_rows;
SELECT lists, lists_made('distinct_rows', lists) AS made FROM unnest('{0,1,50}'::int[]) lists;
INSERT INTO distinct_rows VALUES (1, NULL), (2, '[0,0,0,0,0,0,0,0]');
SELECT lists, lists_made('distinct_rows', lists) AS made FROM unnest('{0,1,50}'::int[]) lists;
INSERT INTO distinct_rows VALUES (3, '[1,0,0,0,0,0,0,0]');
SELECT lists, lists_made('distinct_rows', lists) AS made FROM unnest('{0,1,50}'::int[]) lists;

-- a changed option is for the next build
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 12);
SELECT * FROM ivf_info('items_v') \gset a_
SELECT :'a_metric' AS metric, :'a_element_type' AS element_type, :a_format_version AS format_version, :a_dimensions AS dimensions,
	:a_levels AS levels, :a_lists AS lists, :a_entries AS entries, :a_free_pages AS free_pages, :a_lists_option AS lists_option;
SELECT (:a_meta_pages + :a_inner_pages + :a_code_pages + :a_refine_pages + :a_free_pages) * current_setting('block_size')::int = pg_relation_size('items_v') AS pages,
	round((pg_relation_size('items_v') / 3000.0)::numeric, 1) = :a_bytes_per_entry AS bytes_per_entry;
ALTER INDEX items_v SET (lists = 5);
SELECT reloptions FROM pg_class WHERE relname = 'items_v';
SELECT lists, lists_option FROM ivf_info('items_v');
SELECT oracle('items', 'v', '<->', noise(1, 8)), sound('items');
INSERT INTO items SELECT i, noise(i, 8) FROM generate_series(3001, 3100) i;
SELECT lists, lists_option FROM ivf_info('items_v');
REINDEX INDEX items_v;
SELECT lists, lists_option FROM ivf_info('items_v');
ALTER INDEX items_v RESET (lists);
SELECT lists, lists_option FROM ivf_info('items_v');
REINDEX INDEX CONCURRENTLY items_v;
SELECT lists, lists_option, verdict FROM ivf_info('items_v');
SELECT oracle('items', 'v', '<->', noise(1, 8)), sound('items');
DROP INDEX items_v;

-- three levels
SET ivf.debug_fanout = 8;
CREATE FUNCTION three_levels(opclass text, operator text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	info record;
BEGIN
	EXECUTE format('CREATE INDEX tree ON items USING ivf (v %s) WITH (lists = 64)', opclass);
	info := ivf_info('tree');
	PERFORM oracle('items', 'v', operator, noise(1, 8), noise(5001, 8) * 100, NULL), sound('items');
	INSERT INTO items SELECT i, noise(i, 8) * 2 FROM generate_series(10001, 10500) i;
	UPDATE items SET v = noise(id + 1, 8) WHERE id % 4 = 0;
	DELETE FROM items WHERE id % 17 = 0;
	INSERT INTO items VALUES (0, NULL), (0, '[0,0,0,0,0,0,0,0]');
	PERFORM oracle('items', 'v', operator, noise(1, 8), noise(5001, 8) * 100, NULL), sound('items');
	RETURN format('%s: %s levels, %s lists', info.metric, info.levels, info.lists);
END
$$;
SELECT three_levels('vector_l2_ops', '<->');
VACUUM items;
SELECT oracle('items', 'v', '<->', noise(1, 8), NULL), sound('items');
INSERT INTO items SELECT i, noise(i, 8) FROM generate_series(20001, 20200) i;
SELECT oracle('items', 'v', '<->', noise(1, 8), NULL), sound('items');
-- every list can be reached: a row finds itself, mostly in the first lists that the
-- way down three levels leads to
SET enable_seqscan = off;
SET ivf.probes = 4;
SELECT count(*) > 800 AS found FROM (SELECT id, v FROM items WHERE id BETWEEN 1 AND 1000 AND v IS NOT NULL OFFSET 0) q,
	LATERAL (SELECT v FROM items n ORDER BY n.v <-> q.v LIMIT 1) near WHERE near.v = q.v;
RESET enable_seqscan;
RESET ivf.probes;
DROP INDEX tree;
SELECT three_levels('vector_ip_ops', '<#>');
DROP INDEX tree;
SELECT three_levels('vector_cosine_ops', '<=>');
DROP INDEX tree;
-- only above the limit, and not when one list is enough
CREATE INDEX tree ON items USING ivf (v) WITH (lists = 8);
SELECT levels, lists FROM ivf_info('tree');
DROP INDEX tree;
CREATE INDEX tree ON items USING ivf (v) WITH (lists = 1);
SELECT levels, lists FROM ivf_info('tree');
DROP INDEX tree;
RESET ivf.debug_fanout;

-- the same heap gives the same pages, but for LSNs and the checksums over them
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pageinspect SCHEMA ivf_test;
RESET client_min_messages;
CREATE FUNCTION pages(index regclass) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(md5(overlay(get_raw_page(index::text, block) PLACING '\x00000000000000000000' FROM 1)), '' ORDER BY block)
	FROM generate_series(0, pg_relation_size(index) / current_setting('block_size')::int - 1) block
$$;
CREATE FUNCTION same_pages(relation text, options text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	first text;
	same bool;
BEGIN
	EXECUTE format('CREATE INDEX built ON %s USING ivf (v) %s', relation, options);
	first := pages('built');
	DROP INDEX built;
	-- the session's own random numbers, and what the planner knows, don't matter
	PERFORM setseed(0.5);
	EXECUTE format('ANALYZE %s', relation);
	EXECUTE format('CREATE INDEX built ON %s USING ivf (v) %s', relation, options);
	same := pages('built') = first;
	REINDEX INDEX built;
	same := same AND pages('built') = first;
	DROP INDEX built;
	RETURN same AND length(first) > 0;
END
$$;
SELECT same_pages('items', ''), same_pages('items', 'WITH (lists = 40)');
SET ivf.debug_fanout = 8;
SELECT same_pages('items', 'WITH (lists = 40)');
RESET ivf.debug_fanout;
CREATE TABLE empty (LIKE items);
SELECT same_pages('empty', ''), same_pages('distinct_rows', '');
-- a sample that memory can't hold, and a sort on disk
CREATE TABLE larger AS SELECT i AS id, (a.v || b.v || a.v || b.v)::vector(32) AS v
	FROM generate_series(1, 9000) i JOIN items a ON a.id = 1 + i % 90 JOIN items b ON b.id = 1001 + i % 101;
SET maintenance_work_mem = '1MB';
SELECT same_pages('larger', ''), same_pages('larger', 'WITH (lists = 300)');
RESET maintenance_work_mem;
DROP EXTENSION pageinspect;

-- what the planner learns from a build and from VACUUM
CREATE FUNCTION told(VARIADIC relations text[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT relname || ' ' || reltuples FROM pg_class WHERE relname = ANY (relations) ORDER BY relname COLLATE "C"
$$;
CREATE TABLE told (id int, v vector(8));
INSERT INTO told SELECT i, CASE WHEN i % 5 > 0 THEN noise(i, 8) END FROM generate_series(1, 1000) i;
CREATE INDEX told_v ON told USING ivf (v);
CREATE INDEX told_part ON told USING ivf (v) WHERE id <= 100;
CREATE INDEX told_cosine ON told USING ivf (v vector_cosine_ops);
SELECT * FROM told('told', 'told_v', 'told_part', 'told_cosine');
DELETE FROM told WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP on) told;
SELECT * FROM told('told', 'told_v', 'told_part', 'told_cosine');
INSERT INTO told SELECT i, noise(i, 8) FROM generate_series(1, 50) i;
ANALYZE told;
VACUUM told;
SELECT * FROM told('told', 'told_v', 'told_part', 'told_cosine');
REINDEX TABLE told;
SELECT * FROM told('told', 'told_v', 'told_part', 'told_cosine');
