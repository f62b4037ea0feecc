-- Numbers at the ends of what float4 holds: the index against the sequential
-- scan.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

-- Vectors of any size: denormal ones, squares that vanish, squares and sums
-- that overflow, and the largest of all.
CREATE TABLE scales AS SELECT row_number() OVER () AS id, s FROM unnest('{1e-45,1e-40,1e-38,1e-30,1e-20,1,1e10,1e19,1e20,1e30,1e38,3.4e38}'::float8[]) s;
-- noise() of a size; what is too small even for denormals is zero
CREATE FUNCTION sized(seed bigint, dimensions int, size float8[]) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(CASE WHEN abs(y) < 1e-45 THEN 0 ELSE y END ORDER BY i)::vector
	FROM unnest(ivf_test.noise(seed, dimensions)::real[]) WITH ORDINALITY u(x, i),
		LATERAL (SELECT x * size[1 + i % cardinality(size)] AS y) s
$$;
CREATE FUNCTION scaled(seed int, dimensions int) RETURNS vector LANGUAGE sql STABLE AS $$
	SELECT ivf_test.sized(seed, dimensions, ARRAY[s]) FROM ivf_test.scales WHERE id = 1 + seed % 12
$$;
-- elements each of its own size
CREATE FUNCTION ragged(seed int, dimensions int) RETURNS vector LANGUAGE sql STABLE AS $$
	SELECT ivf_test.sized(seed, dimensions, array_agg(s ORDER BY (id + seed) % 12)) FROM ivf_test.scales
$$;
-- with signs as in noise(), all elements the largest
CREATE FUNCTION largest(seed int, dimensions int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(sign(x) * 3.4028235e38 ORDER BY i)::vector FROM unnest(noise(seed, dimensions)::real[]) WITH ORDINALITY u(x, i)
$$;

CREATE FUNCTION compare_sizes(dimensions int, rows int, lists int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	compared int;
BEGIN
	EXECUTE format('CREATE TABLE sizes (id int, v vector(%s))', dimensions);
	INSERT INTO sizes SELECT i, CASE i % 4 WHEN 0 THEN ragged(i, dimensions) WHEN 1 THEN largest(i, dimensions) ELSE scaled(i, dimensions) END
		FROM generate_series(1, rows) i;
	compared := compare('sizes', lists, VARIADIC ARRAY(SELECT scaled(1000 + i, dimensions) FROM generate_series(1, 12) i) ||
		ARRAY[ragged(1000, dimensions), largest(1, dimensions), largest(1000, dimensions), array_fill(0, ARRAY[dimensions])::vector, NULL]);
	DROP TABLE sizes;
	RETURN compared;
END
$$;
SELECT d AS dimensions, lists, compare_sizes(d, 200, lists) AS rows FROM unnest('{1,2,3,16,100}'::int[]) d, unnest('{1,20}'::int[]) lists;
SELECT d AS dimensions, compare_sizes(d, 40, 3) AS rows FROM unnest('{768,2000}'::int[]) d;

-- each size alone, in lists of its own
CREATE FUNCTION compare_alone(size float8) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	compared int;
BEGIN
	CREATE TABLE alone AS SELECT i AS id, sized(i, 24, ARRAY[size])::vector(24) AS v FROM generate_series(1, 150) i;
	compared := compare('alone', 5, sized(1, 24, ARRAY[size]), sized(200, 24, ARRAY[size]), noise(200, 24), sized(200, 24, '{1e38}'), NULL);
	DROP TABLE alone;
	RETURN compared;
END
$$;
SELECT s AS size, compare_alone(s) AS rows FROM scales ORDER BY id;

-- rows that come later, into lists that were made for others
CREATE FUNCTION compare_later(operator_class text, operator text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	compared int;
BEGIN
	CREATE TABLE later (id int, v vector(20));
	INSERT INTO later SELECT i, noise(i, 20) FROM generate_series(1, 100) i;
	EXECUTE format('CREATE INDEX ON later USING ivf (v %s) WITH (lists = 7)', operator_class);
	INSERT INTO later SELECT i, CASE i % 3 WHEN 0 THEN ragged(i, 20) WHEN 1 THEN largest(i, 20) ELSE scaled(i, 20) END FROM generate_series(101, 300) i;
	compared := oracle('later', 'v', operator, VARIADIC ARRAY(SELECT scaled(1000 + i, 20) FROM generate_series(1, 12) i) ||
		ARRAY[ragged(1000, 20), largest(1000, 20), array_fill(0, '{20}')::vector, NULL]);
	PERFORM sound('later');
	DROP TABLE later;
	RETURN compared;
END
$$;
SELECT compare_later('vector_l2_ops', '<->'), compare_later('vector_ip_ops', '<#>'), compare_later('vector_cosine_ops', '<=>');

-- what the operators say there, and that the index says the same
CREATE TABLE said (id int, v vector(2));
INSERT INTO said VALUES (1, '[3e38,3e38]'), (2, '[-3e38,3e38]'), (3, '[1e20,0]'), (4, '[1e-45,0]'), (5, '[0,0]'), (6, NULL);
CREATE INDEX ON said USING ivf (v);
CREATE INDEX ON said USING ivf (v vector_ip_ops);
CREATE INDEX ON said USING ivf (v vector_cosine_ops);
SET enable_seqscan = off;
SET enable_sort = off;
SELECT id, v <-> '[3e38,3e38]' AS distance FROM said ORDER BY v <-> '[3e38,3e38]' LIMIT 1;
SELECT distance, count(*) FROM (SELECT v <-> '[3e38,3e38]' AS distance FROM said ORDER BY v <-> '[3e38,3e38]' OFFSET 1) s GROUP BY distance;
SELECT v <#> '[3e38,1e38]' AS distance FROM said ORDER BY v <#> '[3e38,1e38]' LIMIT 4;
SELECT v <=> '[3e38,3e38]' AS distance FROM said ORDER BY v <=> '[3e38,3e38]';
RESET enable_seqscan;
RESET enable_sort;

-- all rows without a direction
CREATE TABLE nowhere AS SELECT i AS id, '[0,0,0]'::vector(3) AS v FROM generate_series(1, 1500) i;
SELECT compare('nowhere', 0, '[1,2,3]', '[0,0,0]', '[1e-45,0,0]', NULL);

-- more dimensions than an index takes: a part of them
CREATE TABLE wide AS SELECT i AS id, noise(i, 16000)::vector(16000) AS v FROM generate_series(1, 5) i;
CREATE INDEX ON wide USING ivf (v);
CREATE INDEX ON wide USING ivf ((subvector(v, 14001, 2000)::vector(2000)));
SELECT oracle('wide', 'subvector(v, 14001, 2000)::vector(2000)', '<->', noise(1, 2000), array_fill(0, '{2000}')::vector, NULL), sound('wide');
