-- ivf_lists: the lists of an index; what ivf_info says of them.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all
\set VERBOSITY terse

-- Compares the lists with what ivf_info and the table say; returns their number.
CREATE FUNCTION agree(index regclass, placed bigint) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	info record;
	l record;
BEGIN
	info := ivf_info(index);
	SELECT count(*), sum(entries) AS entries, sum(dead_slots) AS dead_slots, sum(code_pages) AS code_pages,
		count(DISTINCT first_page) AS pages, count(DISTINCT parent_page) AS parents,
		array_agg(list ORDER BY list) = array_agg(list) AND min(list) = 1 AND max(list) = count(*) AS numbered,
		count(radius) AS radii, bool_and(radius >= 0 AND radius < 'Infinity') AS sane, bool_and(mean_distance >= 0) AS distant,
		min(entries) AS least, percentile_disc(0.1) WITHIN GROUP (ORDER BY entries) AS tenth,
		percentile_disc(0.5) WITHIN GROUP (ORDER BY entries) AS median,
		percentile_disc(0.9) WITHIN GROUP (ORDER BY entries) AS nine_tenths, max(entries) AS most
	INTO l FROM ivf_lists(index);
	ASSERT l.count = info.lists AND l.pages = l.count AND l.numbered, format('numbers: %s of %s', l, info);
	ASSERT l.entries = placed AND l.entries <= info.entries, format('entries: %s of %s', l, info);
	ASSERT l.dead_slots = info.dead_slots AND l.code_pages = info.code_pages, format('pages: %s of %s', l, info);
	ASSERT (l.entries + l.dead_slots) % 32 = 0, format('slots: %s', l);
	ASSERT (l.least, l.tenth, l.median, l.nine_tenths, l.most) =
		(info.smallest_list, info.list_10_percent, info.median_list, info.list_90_percent, info.largest_list), format('sizes: %s of %s', l, info);
	ASSERT info.dead_share IS NOT DISTINCT FROM round(l.dead_slots / nullif(l.entries + l.dead_slots, 0), 3)::float8, format('share: %s of %s', l, info);
	ASSERT l.distant AND CASE info.levels WHEN 1 THEN l.radii = 0 AND l.parents = 0 WHEN 2 THEN l.sane AND l.parents = 1
		ELSE l.sane AND l.parents BETWEEN 2 AND info.inner_pages END, format('tree: %s of %s', l, info);
	RETURN l.count;
END
$$;

-- four heaps of points, as far from their mean as from zero
CREATE TABLE heaps (id int, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO heaps SELECT i, noise(i, 4) * 0.01::real + ARRAY[i % 2 * 20 - 10, i / 2 % 2 * 20 - 10, 0, 0]::vector FROM generate_series(0, 799) i;
CREATE INDEX heaps_v ON heaps USING ivf (v) WITH (lists = 4);
SELECT list, parent_page IS NOT NULL AS inner, code_pages, entries, dead_slots, round(radius::numeric, 1) AS radius, radius > 0.01 AS wide,
	round(mean_distance::numeric, 1) AS mean_distance
FROM ivf_lists('heaps_v');
SELECT agree('heaps_v', 800);
SELECT metric, levels, lists, entries, dead_slots, code_pages, dead_share, smallest_list, list_10_percent, median_list, list_90_percent, largest_list, verdict
FROM ivf_info('heaps_v');
-- a row far off widens one list
INSERT INTO heaps VALUES (1000, '[110,10,0,0]');
SELECT entries, round(radius::numeric, 1) AS radius FROM ivf_lists('heaps_v') ORDER BY entries, radius DESC;
SELECT agree('heaps_v', 801);
-- VACUUM leaves dead slots, which inserts take; radii stay
DELETE FROM heaps WHERE id = 1000 OR id % 4 = 3 OR id % 40 = 0;
SELECT agree('heaps_v', 801);
VACUUM heaps;
SELECT entries, dead_slots, round(radius::numeric, 1) AS radius FROM ivf_lists('heaps_v') ORDER BY entries, radius DESC;
SELECT agree('heaps_v', 580), sound('heaps');
INSERT INTO heaps SELECT i, noise(i, 4) * 0.01::real + '[10,10,0,0]' FROM generate_series(1001, 1150) i;
SELECT entries, dead_slots FROM ivf_lists('heaps_v') ORDER BY entries, dead_slots;
SELECT agree('heaps_v', 730);
DROP TABLE heaps;

-- an empty index, one of rows that have no list, a lone list
CREATE TABLE single (id int, v vector(4)) WITH (autovacuum_enabled = off);
CREATE INDEX single_v ON single USING ivf (v vector_cosine_ops);
SELECT list, parent_page, code_pages, entries, dead_slots, radius, mean_distance FROM ivf_lists('single_v');
SELECT agree('single_v', 0), dead_share, smallest_list, largest_list, verdict FROM ivf_info('single_v');
INSERT INTO single SELECT i, CASE i % 2 WHEN 0 THEN NULL ELSE noise(i, 4) * 0 END FROM generate_series(1, 30) i;
SELECT agree('single_v', 0), entries, verdict FROM ivf_info('single_v');
INSERT INTO single SELECT i, noise(i, 4) FROM generate_series(31, 100) i;
SELECT list, parent_page, code_pages, entries, dead_slots, radius, mean_distance FROM ivf_lists('single_v');
SELECT agree('single_v', 70), entries, verdict FROM ivf_info('single_v');
REINDEX INDEX single_v;
SELECT agree('single_v', 70), entries, verdict FROM ivf_info('single_v');
DELETE FROM single;
VACUUM single;
SELECT agree('single_v', 0), entries, dead_slots, dead_share, verdict FROM ivf_info('single_v');
DROP TABLE single;

-- two levels and three, all metrics, rows without a place
CREATE TABLE items (id int, v vector(12)) WITH (autovacuum_enabled = off);
INSERT INTO items SELECT i, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) END FROM generate_series(1, 2000) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 40);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (lists = 40);
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
CREATE INDEX items_partial ON items USING ivf (v) WITH (lists = 3) WHERE id % 3 = 0;
SET ivf.debug_fanout = 6;
CREATE INDEX items_l2_high ON items USING ivf (v) WITH (lists = 40);
CREATE INDEX items_ip_high ON items USING ivf (v vector_ip_ops) WITH (lists = 40);
CREATE INDEX items_cosine_high ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
RESET ivf.debug_fanout;
CREATE FUNCTION all_agree() RETURNS TABLE (index text, levels int, lists int, radius bool) LANGUAGE sql AS $$
	SELECT i.index, (ivf_info(i.index::regclass)).levels,
		agree(i.index::regclass, (SELECT count(*) FROM items WHERE v IS NOT NULL AND (i.index !~ 'cosine' OR l2_norm(v) > 0) AND (i.index !~ 'partial' OR id % 3 = 0))),
		-- unit vectors, and their mean, are not far from each other
		(SELECT i.index !~ 'cosine' OR max(radius) <= 2 AND max(mean_distance) <= 2 FROM ivf_lists(i.index::regclass))
	FROM (SELECT indexrelid::regclass::text COLLATE "C" AS index FROM pg_index WHERE indrelid = 'items'::regclass) i ORDER BY 1
$$;
SELECT * FROM all_agree();
DELETE FROM items WHERE id % 7 = 0;
VACUUM items;
SELECT * FROM all_agree();
INSERT INTO items SELECT i, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) END FROM generate_series(2001, 3000) i;
SELECT * FROM all_agree();
SELECT sound('items');
-- lists of a node follow each other
SELECT count(*) FILTER (WHERE parent_page < before) AS back, count(DISTINCT parent_page) > 2 AS nodes
FROM (SELECT parent_page, lag(parent_page) OVER (ORDER BY list) AS before FROM ivf_lists('items_l2_high')) s;
-- a temporary and an unlogged table; in a LATERAL join, a cursor, before a LIMIT
CREATE TEMPORARY TABLE passing AS SELECT id, v FROM items WHERE v IS NOT NULL;
CREATE INDEX passing_v ON passing USING ivf (v);
SELECT agree('passing_v', count(*)) FROM passing;
CREATE UNLOGGED TABLE unlogged AS SELECT id, v FROM items WHERE v IS NOT NULL;
CREATE INDEX unlogged_v ON unlogged USING ivf (v);
SELECT agree('unlogged_v', count(*)) FROM unlogged;
SELECT c.relname, count(*) FROM pg_class c, LATERAL ivf_lists(c.oid) WHERE c.relname ~ '^items_(ip|l2)$' GROUP BY 1 ORDER BY 1;
BEGIN;
DECLARE listed SCROLL CURSOR FOR SELECT list FROM ivf_lists('items_l2');
FETCH 2 FROM listed;
FETCH BACKWARD 1 FROM listed;
COMMIT;
SELECT count(*) FROM (SELECT ivf_lists('items_l2') LIMIT 3) s;

-- blocks and centroids longer than what is left of a page
CREATE TABLE wide (id int, v vector(900));
INSERT INTO wide SELECT i, noise(i, 900) FROM generate_series(1, 200) i;
CREATE INDEX wide_v ON wide USING ivf (v) WITH (lists = 37);
SELECT agree('wide_v', 200);
DROP TABLE wide;

--
-- Verdicts
--
CREATE TABLE judged (id int, v vector(4)) WITH (autovacuum_enabled = off);
INSERT INTO judged SELECT i, noise(i, 4) FROM generate_series(1, 3200) i;
CREATE INDEX judged_v ON judged USING ivf (v) WITH (lists = 16);
SELECT agree('judged_v', 3200), verdict FROM ivf_info('judged_v');
-- what is added is all in one place
INSERT INTO judged SELECT i, noise(i, 4) * 0.5::real + '[3,3,3,3]' FROM generate_series(3201, 7000) i;
SELECT agree('judged_v', 7000), largest_list > 3000 AS large, verdict FROM ivf_info('judged_v');
REINDEX INDEX judged_v;
SELECT agree('judged_v', 7000), largest_list < 3800 AS divided, verdict FROM ivf_info('judged_v');
-- many rows go, then nearly all
DELETE FROM judged WHERE id % 4 <> 0;
VACUUM judged;
SELECT agree('judged_v', 1750), dead_share > 0.7 AS dead, verdict FROM ivf_info('judged_v');
REINDEX INDEX judged_v;
DELETE FROM judged WHERE id > 20;
VACUUM judged;
SELECT agree('judged_v', 5), dead_share > 0.9 AS dead, median_list, verdict FROM ivf_info('judged_v');
-- lists for 800 rows, and now there are more
TRUNCATE judged;
INSERT INTO judged SELECT i, noise(i, 4) FROM generate_series(1, 800) i;
ALTER INDEX judged_v RESET (lists);
REINDEX INDEX judged_v;
INSERT INTO judged SELECT i, noise(i, 4) FROM generate_series(801, 4100) i;
SELECT agree('judged_v', 4100), lists, verdict FROM ivf_info('judged_v');
-- an index that is asked for one list has one
ALTER INDEX judged_v SET (lists = 1);
REINDEX INDEX judged_v;
SELECT agree('judged_v', 4100), lists, verdict FROM ivf_info('judged_v');
-- copies of a vector can't be divided
TRUNCATE judged;
INSERT INTO judged SELECT i, CASE WHEN i % 10 = 0 THEN noise(i, 4) ELSE noise(1, 4) END FROM generate_series(1, 4000) i;
ALTER INDEX judged_v SET (lists = 20);
REINDEX INDEX judged_v;
SELECT agree('judged_v', 4000), lists > 10 AS lists, largest_list >= 3600 AS large, verdict FROM ivf_info('judged_v');
DROP TABLE judged;

--
-- What it refuses
--
SELECT ivf_lists(NULL) IS NULL AS null;
SELECT * FROM ivf_lists('items');
SELECT * FROM ivf_lists('pg_class_oid_index');
SELECT * FROM ivf_lists('missing');
SELECT * FROM ivf_lists(0);
CREATE TABLE parts (id int, v vector(3)) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE INDEX parts_v ON parts USING ivf (v);
SELECT * FROM ivf_lists('parts_v');
SELECT list, entries FROM ivf_lists('parts_1_v_idx');
CREATE INDEX CONCURRENTLY items_broken ON items USING ivf ((ARRAY[1 / (id - 3), 0]::vector(2)));
SELECT * FROM ivf_lists('items_broken');
DROP INDEX items_broken;
