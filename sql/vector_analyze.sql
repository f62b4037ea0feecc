-- ANALYZE keeps no vectors.

CREATE TABLE stats (same vector(3), few vector(3), every vector(3), nulls vector(3), long vector, nothing vector);
INSERT INTO stats SELECT '[1,2,3]', ARRAY[i % 10, 0, 0], ARRAY[i, 0, 0], CASE WHEN i % 4 = 0 THEN ARRAY[i % 2, 1, 1] END::vector,
	CASE WHEN i % 100 = 0 THEN array_fill(1, '{1000}') END::vector
FROM generate_series(1, 2000) i;
CREATE INDEX ON stats ((few + few));
ANALYZE stats;
SELECT attname, null_frac, avg_width, n_distinct,
	num_nulls(most_common_vals, most_common_freqs, histogram_bounds, correlation) AS empty
FROM pg_stats WHERE tablename LIKE 'stats%' ORDER BY tablename, attname;
SELECT max(pg_column_size(s)) < 200 AS small FROM pg_statistic s WHERE starelid = 'stats'::regclass;

-- equality is estimated from the number of distinct values
CREATE FUNCTION estimate(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END
$$;
SELECT estimate($$SELECT FROM stats WHERE few = '[1,0,0]'$$) AS few, estimate($$SELECT FROM stats WHERE every = '[1,0,0]'$$) AS every,
	estimate($$SELECT FROM stats WHERE same <> '[1,2,3]'$$) AS others, estimate($$SELECT few FROM stats GROUP BY few$$) AS groups,
	estimate($$SELECT FROM stats WHERE few < '[1,0,0]'$$) < 2000 AS less;
DROP FUNCTION estimate;

-- from a sample smaller than the table
CREATE TABLE sampled WITH (autovacuum_enabled = off) AS
	SELECT ARRAY[i % 1000]::vector AS thousand, ARRAY[i]::vector AS every, ARRAY[i / 2]::vector AS pairs FROM generate_series(1, 20000) i;
ALTER TABLE sampled ALTER thousand SET STATISTICS 10, ALTER every SET STATISTICS 10, ALTER pairs SET STATISTICS 10;
ANALYZE sampled;
SELECT attname, n_distinct BETWEEN 900 AND 1100 AS thousand, n_distinct = -1 AS every, n_distinct BETWEEN -0.95 AND -0.2 AS pairs
FROM pg_stats WHERE tablename = 'sampled' ORDER BY 1;

-- none, empty, all NULL, arrays, domains
CREATE DOMAIN embedding AS vector(2);
CREATE TABLE odd (none vector, a vector[], d embedding);
ANALYZE odd;
SELECT count(*) FROM pg_stats WHERE tablename = 'odd';
INSERT INTO odd SELECT NULL, ARRAY['[1]', '[2]']::vector[], '[1,2]' FROM generate_series(1, 10);
ANALYZE odd;
SELECT attname, null_frac, n_distinct FROM pg_stats WHERE tablename = 'odd' ORDER BY 1;
DROP TABLE stats, sampled, odd;
DROP DOMAIN embedding;
