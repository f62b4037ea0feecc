-- Vector instructions: the best that there are, or a lower level.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- the level in use is the best that the processor says it has
SELECT current_setting('ivf.simd') = CASE
		WHEN cpu ~ '\mavx512vbmi\M' AND cpu ~ '\mavx512_vnni\M' AND cpu ~ '\mfma\M' THEN 'avx512vnni'
		WHEN cpu ~ '\mavx512bw\M' AND cpu ~ '\mavx512dq\M' AND cpu ~ '\mavx512vl\M' AND cpu ~ '\mfma\M' THEN 'avx512'
		WHEN cpu ~ '\mavx2\M' AND cpu ~ '\mfma\M' THEN 'avx2'
		WHEN cpu ~ '\masimd\M' THEN 'neon'
		ELSE 'portable'
	END AS best
	FROM pg_read_file('/proc/cpuinfo') cpu;
SET ivf.simd = 'fast';
SET ivf.simd = portable;
SHOW ivf.simd;
RESET ivf.simd;

-- the levels that run here
CREATE FUNCTION levels() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	level text;
BEGIN
	FOREACH level IN ARRAY '{portable,avx2,avx512,avx512vnni,neon}'::text[] LOOP
		BEGIN
			PERFORM set_config('ivf.simd', level, true);
			RETURN NEXT level;
		EXCEPTION WHEN invalid_parameter_value THEN
			NULL;
		END;
	END LOOP;
END
$$;
CREATE TABLE level AS SELECT * FROM levels() AS level;
SELECT bool_or(level = 'portable') AS portable, bool_or(level = current_setting('ivf.simd')) AS best FROM level;

-- all give the same distances, bit for bit, and search what others have built
CREATE TABLE item (id int, v vector(37));
INSERT INTO item SELECT i, noise(i, 37) FROM generate_series(1, 3000) i;
CREATE FUNCTION digest(level text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('ivf.simd', level, true);
	RETURN (SELECT md5(string_agg(concat(v <-> q, v <#> q, v <=> q, v <+> q), ' ' ORDER BY id)) FROM item, noise(7, 37) q);
END
$$;
SELECT count(DISTINCT digest(level)) FROM level;
CREATE FUNCTION across(level text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('ivf.simd', level, true);
	EXECUTE 'DROP INDEX IF EXISTS item_v; CREATE INDEX item_v ON item USING ivf (v vector_l2_ops) WITH (lists = 12)';
	RETURN (SELECT bool_and(set_config('ivf.simd', other.level, true) = other.level AND
							oracle('item', 'v', '<->', noise(8, 37), noise(9, 37)) = 3000 AND sound('item') = 1)
			FROM level other);
END
$$;
SELECT bool_and(across(level)) FROM level;

-- a cursor keeps the table that it has begun with
CREATE FUNCTION other() RETURNS text LANGUAGE sql AS $$ SELECT level FROM level WHERE level <> current_setting('ivf.simd') ORDER BY level LIMIT 1 $$;
SET enable_seqscan = off;
SET ivf.probes = 3;
BEGIN;
DECLARE c CURSOR FOR SELECT id, v <-> noise(8, 37) AS d FROM item ORDER BY v <-> noise(8, 37);
FETCH 1 FROM c;
SELECT set_config('ivf.simd', other(), true) = current_setting('ivf.simd') AS changed;
CREATE FUNCTION rest(cursor refcursor) RETURNS SETOF int LANGUAGE plpgsql AS $$
DECLARE
	id int;
	d float8;
BEGIN
	LOOP
		FETCH cursor INTO id, d;
		EXIT WHEN NOT FOUND;
		RETURN NEXT id;
	END LOOP;
END
$$;
SELECT count(*), count(DISTINCT id) FROM rest('c') id;
COMMIT;

-- for superusers, who may let others
CREATE ROLE simd_user;
SET ROLE simd_user;
SHOW ivf.probes;
SET ivf.simd = portable;
RESET ROLE;
DROP ROLE simd_user;
