-- A tour of vecfeat in plain SQL.  test/demo runs this file; it needs nothing
-- but a database it may write to:  psql -f test/demo.sql
--
-- Part 1 makes feature vectors out of text, in SQL, and searches them.
-- Part 2 shows what the index is for: size, speed and recall on 200,000 rows.

\set ON_ERROR_STOP on
\set QUIET on
\pset pager off
\pset footer off
\pset null '-'
SET client_min_messages = warning;
SET random_page_cost = 1.1;		-- all of it fits in memory
SET jit = off;					-- and no query is long

CREATE EXTENSION vecfeat;


\echo
\echo '=== 1. Searching the descriptions in PostgreSQL''s own catalogs'
\echo

-- What there is to search: the functions and settings that describe
-- themselves.  Overloads with the same description count once; functions that
-- only implement an operator say nothing about themselves.
CREATE TABLE doc (
	id          int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	kind        text NOT NULL,
	name        text NOT NULL,
	description text NOT NULL,
	features    vector(1024)
);

INSERT INTO doc (kind, name, description)
SELECT DISTINCT 'function', proname, obj_description(oid, 'pg_proc')
FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace
  AND obj_description(oid, 'pg_proc') IS NOT NULL
  AND obj_description(oid, 'pg_proc') NOT LIKE 'implementation of % operator'
ORDER BY 2, 3;

INSERT INTO doc (kind, name, description)
SELECT 'setting', name, concat_ws(' ', short_desc, extra_desc)
FROM pg_settings
WHERE short_desc IS NOT NULL
ORDER BY name;

-- The features of a text are the groups of 3 to 5 letters that occur in its
-- words, word ends included: ' sorting ' has ' so', 'sor', ..., 'ting '.  So
-- 'sorting' and 'sorted' have features in common, while 'sort' and 'order' have
-- none: the likeness is one of letters, not of meaning.
CREATE FUNCTION grams(txt text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE STRICT ROWS 200 AS $$
	SELECT substr(word, start, size)
	FROM (SELECT ' ' || w || ' ' AS word
		  FROM regexp_split_to_table(lower(txt), '[^a-z0-9]+') AS w
		  WHERE w <> '') AS words,
		generate_series(3, 5) AS size,
		generate_series(1, length(word) - size + 1) AS start
$$;

-- Each gram known to the collection gets
--   a weight: the rarer, the more it tells (inverse document frequency),
--   a dimension and a sign, both from its hash.  Grams that share a dimension
--   blur each other a little; with random signs that evens out on average.
CREATE TABLE gram AS
SELECT gram,
	   ln((SELECT count(*) FROM doc)::float8 / count(DISTINCT id)) AS weight,
	   (get_byte(hash, 0) << 8 | get_byte(hash, 1)) % 1024 AS dim,
	   CASE WHEN get_byte(hash, 2) < 128 THEN 1 ELSE -1 END AS sign
FROM (SELECT DISTINCT id, g AS gram, sha256(convert_to(g, 'UTF8')) AS hash
	  FROM doc, grams(name || ' ' || description) AS g) AS occurrence
GROUP BY gram, hash;
ALTER TABLE gram ADD PRIMARY KEY (gram);
ANALYZE gram;

-- A text's vector: for each dimension the sum over its grams, a repeated gram
-- counting more but not as many times more; brought to length 1.
CREATE FUNCTION features_of(txt text) RETURNS vector
LANGUAGE sql STABLE STRICT AS $$
	SELECT l2_normalize(array_agg(coalesce(total, 0) ORDER BY dim)::vector(1024))
	FROM generate_series(0, 1023) AS dim
	LEFT JOIN (SELECT dim, sum(sign * weight * (1 + ln(times))) AS total
			   FROM (SELECT g AS gram, count(*) AS times
					 FROM grams(txt) AS g GROUP BY g) AS mine
			   JOIN gram USING (gram)
			   GROUP BY dim) AS hashed USING (dim)
$$;

\echo 'Making feature vectors of them (some seconds) ...'
\timing on
UPDATE doc SET features = features_of(name || ' ' || description);
\timing off

SELECT kind, count(*) AS texts, min(vector_dims(features)) AS dimensions
FROM doc GROUP BY kind ORDER BY kind;

\echo 'Indexing them ...'
CREATE INDEX doc_features ON doc USING ivf (features vector_cosine_ops);
VACUUM ANALYZE doc;

-- The nearest texts.  The question's vector stands in a subquery so that it is
-- made once, not once a row.
CREATE FUNCTION nearest(question text, how_many int DEFAULT 3)
RETURNS TABLE (distance float8, kind text, name text, description text)
LANGUAGE sql STABLE AS $$
	SELECT features <=> (SELECT features_of(question)), kind, name, description
	FROM doc
	ORDER BY features <=> (SELECT features_of(question))
	LIMIT how_many
$$;

-- A dozen questions, each with the names that would answer it.  They were
-- written down before the first search and are as they were then.
CREATE TABLE question (
	id       int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	question text,
	answers  text[]
);
INSERT INTO question (question, answers) VALUES
	('how long a statement may run before it is cancelled', '{statement_timeout}'),
	('round a number down', '{floor}'),
	('remove spaces from both ends of a string', '{btrim}'),
	('memory used for sorting', '{work_mem}'),
	('how many connections can be open at once', '{max_connections}'),
	('first day of the month', '{date_trunc}'),
	('is the server in recovery', '{pg_is_in_recovery}'),
	('size of a table on disk', '{pg_relation_size,pg_table_size,pg_total_relation_size}'),
	('write slow queries to the log', '{log_min_duration_statement}'),
	('standard deviation', '{stddev,stddev_pop,stddev_samp}'),
	('kill a running backend', '{pg_terminate_backend}'),
	('folder for temporary files', '{temp_tablespaces}');

\echo
\echo 'A dozen questions, chosen before the first search, and the three nearest texts to'
\echo 'each, with their distances.  The likeness is lexical: shared letters, not shared'
\echo 'meaning; what is said in other words is missed.  * marks an answer hoped for.'
\echo

CREATE VIEW search AS
SELECT q.id, question, rank, distance, name, description, name = ANY (answers) AS hoped_for
FROM question AS q,
	 ROWS FROM (nearest(question)) WITH ORDINALITY AS n (distance, kind, name, description, rank);

CREATE TABLE answer AS TABLE search;
SET enable_indexscan = off;
CREATE TABLE exact_answer AS TABLE search;
RESET enable_indexscan;

\pset tuples_only on
\pset format unaligned
SELECT line
FROM (SELECT id, 0 AS rank, question || '?' AS line FROM question
	  UNION ALL
	  SELECT id, rank, concat('  ', CASE WHEN hoped_for THEN '*' ELSE ' ' END,
							  to_char(distance, '0.000'), '  ', name, ': ', left(description, 60))
	  FROM answer) AS lines
ORDER BY id, rank;

SELECT format(E'\nAnswered: %s of %s.  Missed: %s.', count(*) FILTER (WHERE found), count(*),
			  string_agg(question, '; ' ORDER BY id) FILTER (WHERE NOT found))
FROM (SELECT id, question, bool_or(hoped_for) AS found FROM answer GROUP BY id, question) AS q;

-- The index reads some of its lists only, and so may bring a text that is
-- nearly as near: by its distance, that is not among the true three.
SELECT format('Of the %s texts, %s are what the sequential scan finds, too.',
			  count(*), count(*) FILTER (WHERE a.distance <= e.distance))
FROM answer AS a JOIN exact_answer AS e ON e.id = a.id AND e.rank = 3;
\pset format aligned
\pset tuples_only off


\echo
\echo '=== 2. Two hundred thousand vectors'
\echo

-- 64 dimensions: 2,000 centres, and around each 100 rows scattered about as far
-- as the centres are from each other, so that near rows lie in many lists.
-- setseed() makes random() give the same numbers every time.
SELECT setseed(0.5) \g /dev/null
CREATE TABLE centre AS
SELECT id, array_agg(random()) AS v
FROM generate_series(0, 1999) AS id, generate_series(1, 64)
GROUP BY id;
ALTER TABLE centre ADD PRIMARY KEY (id);

CREATE FUNCTION around(v float8[]) RETURNS vector LANGUAGE sql AS $$
	SELECT array_agg(x + 0.9 * (random() - 0.5))::vector FROM unnest(v) AS x
$$;

CREATE TABLE item (id int PRIMARY KEY, embedding vector(64) NOT NULL);
CREATE TABLE query (id int PRIMARY KEY, embedding vector(64) NOT NULL);

\echo 'Generating them (some seconds) ...'
\timing on
INSERT INTO item
SELECT i, around(v) FROM generate_series(1, 200000) AS i JOIN centre AS c ON c.id = i % 2000;
\timing off
INSERT INTO query
SELECT i, around(v) FROM generate_series(1, 100) AS i JOIN centre AS c ON c.id = i * 7;
VACUUM ANALYZE item;

-- Runs the 100 queries and notes how long each takes and the distances of the
-- ten rows it brings.
CREATE TABLE run (scan text, recall numeric, query int, ms float8, distances float8[]);
CREATE PROCEDURE measure(scan text, recall numeric) LANGUAGE plpgsql AS $$
DECLARE
	q       query;
	started timestamptz;
	found   float8[];
BEGIN
	PERFORM set_config('ivf.recall', recall::text, false);
	FOR q IN TABLE query LOOP
		started := clock_timestamp();
		EXECUTE 'SELECT array_agg(distance)
			FROM (SELECT embedding <-> $1 AS distance FROM item
				  ORDER BY embedding <-> $1 LIMIT 10) AS nearest'
			INTO found USING q.embedding;
		INSERT INTO run VALUES (scan, recall, q.id,
			1000 * extract(epoch FROM clock_timestamp() - started), found);
	END LOOP;
END
$$;

\echo
\echo 'The exact answers to 100 queries, by sequential scan, before there is an index ...'
CALL measure('sequential', NULL);

\echo 'Building the index ...'
\timing on
CREATE INDEX item_embedding ON item USING ivf (embedding vector_l2_ops);
\timing off

SELECT pg_size_pretty(pg_table_size('item')) AS "table",
	   pg_size_pretty(pg_relation_size('item_embedding')) AS "index",
	   lists, entries, verdict
FROM ivf_info('item_embedding');

\echo 'The plan of the query:'
\pset tuples_only on
EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)
SELECT id FROM item
ORDER BY embedding <-> (SELECT embedding FROM query WHERE id = 1)
LIMIT 10;
\pset tuples_only off

\echo 'What that scan has read: lists of so many, one-bit codes in them, eight-bit codes, rows of the table; the recall asked for, and why it read no more lists:'
SELECT * FROM ivf_last_scan();

\echo 'The same 100 queries by the index, asked for a recall of 0.5, 0.8, 0.9, ...'
CALL measure('ivf', 0.5);
CALL measure('ivf', 0.8);
CALL measure('ivf', 0.9);
CALL measure('ivf', 0.95);
CALL measure('ivf', 0.99);
CALL measure('ivf', 1);
RESET ivf.recall;

-- A row that was brought counts when it is no farther away than the true tenth.
SELECT r.scan, r.recall AS "recall asked for",
	   round(avg((SELECT count(*) FROM unnest(r.distances) AS d
				  WHERE d <= exact.distances[10])) / 10, 3) AS "recall of 10",
	   round(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.ms)::numeric, 2) AS "median ms",
	   round(max(r.ms)::numeric, 2) AS "slowest ms"
FROM run AS r
JOIN run AS exact ON exact.scan = 'sequential' AND exact.query = r.query
GROUP BY r.scan, r.recall
ORDER BY r.scan DESC, r.recall;

\echo 'SET ivf.recall chooses; it is 0.95 when it is not set, and 1 is an exact answer.'
\echo 'Recall is the share of the true ten nearest that came among the ten first rows.'
\echo 'Every row would come in the end: asked for more, the scan reads list after list.'
\echo
\echo 'Without a sequential scan: rows of the table as queries, by the index both ways:'
SELECT queries, k, target, recall, recall_low, speedup, lists_read, lists_exact FROM ivf_measure_recall('item_embedding', queries => 30);
\echo
