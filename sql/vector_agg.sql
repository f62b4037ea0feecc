-- sum and avg.

CREATE TABLE agg (id int, g int, v vector);
INSERT INTO agg VALUES (1, 1, '[1,2]'), (2, 1, '[3,5]'), (3, 2, NULL), (4, 3, '[-1,0.5]'), (5, 3, NULL), (6, 3, '[1,-0.5]');
SELECT sum(v), avg(v) FROM agg;
SELECT g, sum(v), avg(v), count(v) FROM agg GROUP BY g ORDER BY g;
SELECT sum(v), avg(v) FROM agg WHERE false;
SELECT sum(v), avg(v) FROM agg WHERE v IS NULL;
SELECT sum(v) FILTER (WHERE id < 3), avg(DISTINCT v) FROM agg WHERE g = 1;
SELECT sum('[-0]'::vector);

-- too large a sum is an error, its average is not
SELECT avg(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]'), ('[1e38]')) t(v);
SELECT sum(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]'), ('[1e38]')) t(v);
SELECT sum(v) FROM (VALUES ('[3e38]'::vector), ('[3e38]'), ('[-3e38]')) t(v);
SELECT sum(v) FROM (VALUES ('[1,2]'::vector), ('[3]')) t(v);
SELECT avg(v) OVER () FROM (VALUES ('[1,2]'::vector), ('[3]')) t(v);

-- nothing is lost that float4 or a single float8 would lose
SELECT sum(v), avg(v) FROM (SELECT '[16777216]'::vector UNION ALL SELECT '[1]'::vector FROM generate_series(1, 1000)) t(v);
SELECT sum(v) FROM (VALUES ('[1e25]'::vector), ('[1]'), ('[-1e25]')) t(v);
SELECT sum(v)::real[] = '{3000000}' AS exact FROM (SELECT '[3]'::vector FROM generate_series(1, 1000000)) t(v);

-- moving windows: the same as adding up each window from scratch
SELECT id, sum(v) OVER w, avg(v) OVER w, count(v) OVER w FROM agg WINDOW w AS (ORDER BY id ROWS 1 PRECEDING) ORDER BY id;
SELECT id, sum(v) OVER w FROM agg WINDOW w AS (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 PRECEDING) ORDER BY id;
SELECT id, avg(v) OVER w FROM agg WINDOW w AS (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) ORDER BY id;
-- values of any size come and go
SELECT v, sum(v) OVER w, avg(v) OVER w
FROM (VALUES (1, '[1e38]'::vector), (2, '[1]'), (3, NULL), (4, '[1e-38]'), (5, '[-3e38]'), (6, '[2]'), (7, '[0.1]'), (8, '[0.2]')) t(i, v)
WINDOW w AS (ORDER BY i ROWS 1 PRECEDING);
-- other dimensions after a window has run empty
SELECT v, sum(v) OVER w FROM (VALUES (1, '[1,2]'::vector), (2, NULL), (3, '[3]'), (4, NULL), (5, NULL), (6, '[4,5,6]')) t(i, v)
WINDOW w AS (ORDER BY i ROWS 1 PRECEDING);
CREATE TABLE moving AS
	SELECT i, CASE WHEN i % 11 <> 0 THEN ARRAY(SELECT sin(i * j) * 10 ^ (hashint4(i * 10 + j) % 37) FROM generate_series(1, 3) j)::vector END v
	FROM generate_series(1, 500) i;
SELECT count(*), bool_and(w.s IS NOT DISTINCT FROM d.s) AS sums, bool_and(w.a IS NOT DISTINCT FROM d.a) AS avgs
FROM (SELECT i, sum(v) OVER w s, avg(v) OVER w a FROM moving WINDOW w AS (ORDER BY i ROWS BETWEEN 7 PRECEDING AND 3 FOLLOWING)) w,
	LATERAL (SELECT sum(v) s, avg(v) a FROM moving WHERE moving.i BETWEEN w.i - 7 AND w.i + 3) d;
SELECT count(*), bool_and(s IS NOT DISTINCT FROM t) AS same
FROM (SELECT sum(v) OVER (ORDER BY i ROWS BETWEEN 7 PRECEDING AND 3 FOLLOWING) s,
		-- with a volatile filter the server does without the inverse
		sum(v) FILTER (WHERE clock_timestamp() IS NOT NULL) OVER (ORDER BY i ROWS BETWEEN 7 PRECEDING AND 3 FOLLOWING) t
	FROM moving) x;

-- parallel workers, and one state combined with none
CREATE TABLE par AS SELECT i, ARRAY[i, -i, 1.0 / i, 1e20 * sin(i)]::vector v FROM generate_series(1, 20000) i;
ANALYZE par;
SET max_parallel_workers_per_gather = 0;
SELECT sum(v) AS serial_sum, avg(v) AS serial_avg FROM par \gset
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS off) SELECT sum(v), avg(v) FROM par;
SELECT sum(v) = :'serial_sum' AS same_sum, avg(v) = :'serial_avg' AS same_avg FROM par;
SELECT sum(v), avg(v) FROM par WHERE i < 0;
SELECT sum(v), avg(v) FROM par WHERE i = 20000;
SELECT i % 2 AS odd, sum(v)::real[] <> '{}' AS summed FROM par GROUP BY 1 ORDER BY 1;
CREATE TABLE mixed AS SELECT i, CASE WHEN i = 1 THEN '[1]'::vector ELSE '[1,2]' END v FROM generate_series(1, 20000) i;
DO $$
BEGIN
	PERFORM sum(v) FROM mixed;
	RAISE 'dimensions were mixed';
EXCEPTION WHEN data_exception THEN
	NULL;
END
$$;
RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;

-- through disk, where the hash table doesn't fit
SET work_mem = '64kB'; SET enable_sort = off;
SELECT count(*), sum(s) = '[200010000]' AS same FROM (SELECT i, sum(subvector(v, 1, 1)) s FROM par GROUP BY i) t;
RESET work_mem; RESET enable_sort;

-- states are out of reach of SQL
DO $$
BEGIN
	PERFORM vector_accum(NULL, '[1]');
EXCEPTION WHEN others THEN
	RAISE NOTICE 'refused';
END
$$;
DROP TABLE agg, moving, par, mixed;
