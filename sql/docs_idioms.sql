-- The examples of docs/idioms.md, line by line (test/run lint compares them),
-- on 20,000 made items.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all

SET max_parallel_workers_per_gather = 0;
-- what a plan reads, and how; with the default recall
CREATE FUNCTION scans(query text) RETURNS text LANGUAGE sql SET ivf.recall = 0.95 AS $$
	SELECT string_agg(found[1], ', ') FROM plan_of(query) line,
		regexp_matches(line, '((?:Bitmap Heap|Bitmap Index|Index|Index Only|Seq) Scan.*)') found
$$;
CREATE TABLE items (id int PRIMARY KEY, category text, title text, embedding vector(8));
CREATE TABLE base AS SELECT n, noise(n, 8) AS v FROM generate_series(1, 2000) n;
-- forty themes, whose items use the same two words
INSERT INTO items
SELECT i, (ARRAY['books', 'films', 'games', 'music'])[1 + i % 4],
	concat_ws(' ', (ARRAY['red', 'green', 'blue', 'small', 'old'])[1 + i % 40 % 5],
		(ARRAY['castle', 'river', 'forest', 'island', 'garden', 'mountain', 'harbour', 'desert'])[1 + i % 40 / 5], i),
	(a.v * 2 + b.v + c.v * 0.3)::vector(8)
FROM generate_series(1, 20000) i JOIN base a ON a.n = 1 + i % 40 JOIN base b ON b.n = 100 + i % 997 JOIN base c ON c.n = 1000 + i % 991
ORDER BY i;
CREATE INDEX items_embedding ON items USING ivf (embedding);
CREATE INDEX items_title ON items USING gin (to_tsvector('english', title));
CREATE TABLE visits (visitor int, item int REFERENCES items, PRIMARY KEY (visitor, item));
INSERT INTO visits SELECT n % 5, 40 * n FROM generate_series(1, 20) n;
CREATE TABLE wishes (id int PRIMARY KEY, embedding vector(8));
INSERT INTO wishes SELECT n, (noise(3 * n, 8) * 2 + noise(5000 + n, 8))::vector(8) FROM generate_series(1, 3) n;
VACUUM ANALYZE items, visits, wishes;
-- the same rows whatever the lists are
SET ivf.recall = 1;
SET extra_float_digits = -9;
SELECT embedding AS q FROM wishes WHERE id = 1 \gset

-- neighbours of an item
SELECT id, title
FROM items
WHERE id <> 42
ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 42)
LIMIT 5;
SELECT scans('SELECT id FROM items WHERE id <> 42 ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 42) LIMIT 5');

-- many searches at once
PREPARE batch(vector[]) AS
SELECT q.n, near.id, near.distance
FROM unnest($1) WITH ORDINALITY AS q(v, n)
CROSS JOIN LATERAL (
    SELECT id, embedding <-> q.v AS distance
    FROM items
    ORDER BY embedding <-> q.v
    LIMIT 3) AS near
ORDER BY q.n, near.distance;
EXECUTE batch(ARRAY['[1,1,1,1,0,0,0,0]', '[0,0,0,0,1,1,1,1]']::vector[]);
SELECT scans($$EXECUTE batch(ARRAY['[1,1,1,1,0,0,0,0]', '[0,0,0,0,1,1,1,1]']::vector[])$$);

-- the nearest of each row of another table
SELECT w.id AS wish, near.id AS item
FROM wishes AS w
CROSS JOIN LATERAL (
    SELECT id
    FROM items
    ORDER BY embedding <-> w.embedding
    LIMIT 2) AS near;
SELECT scans('SELECT w.id, near.id FROM wishes w CROSS JOIN LATERAL (SELECT id FROM items ORDER BY embedding <-> w.embedding LIMIT 2) near');
-- more like what a visitor has seen
SELECT id, title
FROM items
WHERE id <> ALL (ARRAY(SELECT item FROM visits WHERE visitor = 1))
ORDER BY embedding <-> (SELECT avg(i.embedding)
                        FROM items AS i JOIN visits AS s ON s.item = i.id
                        WHERE s.visitor = 1)
LIMIT 5;
SELECT scans('SELECT id FROM items WHERE id <> ALL (ARRAY(SELECT item FROM visits WHERE visitor = 1))
	ORDER BY embedding <-> (SELECT avg(i.embedding) FROM items i JOIN visits s ON s.item = i.id WHERE s.visitor = 1) LIMIT 5');

-- no two that are nearly the same
WITH near AS MATERIALIZED (
    SELECT id, embedding, embedding <-> :'q' AS distance
    FROM items
    ORDER BY embedding <-> :'q'
    LIMIT 50)
SELECT id, distance
FROM near
WHERE NOT EXISTS (
    SELECT FROM near AS nearer
    WHERE (nearer.distance, nearer.id) < (near.distance, near.id)
      AND l2_within(nearer.embedding, near.embedding, 0.9))
ORDER BY distance
LIMIT 5;

-- maximal marginal relevance
WITH RECURSIVE near AS MATERIALIZED (
    SELECT id, embedding, embedding <-> :'q' AS distance
    FROM items
    ORDER BY embedding <-> :'q'
    LIMIT 50),
chosen AS (
    (SELECT ARRAY[id] AS ids FROM near ORDER BY distance LIMIT 1)
    UNION ALL
    SELECT chosen.ids || next.id
    FROM chosen
    CROSS JOIN LATERAL (
        SELECT id
        FROM near
        WHERE id <> ALL (chosen.ids)
        ORDER BY 0.7 * distance
                 - 0.3 * (SELECT min(near.embedding <-> other.embedding)
                          FROM near AS other
                          WHERE other.id = ANY (chosen.ids)), id
        LIMIT 1) AS next
    WHERE cardinality(chosen.ids) < 5)
SELECT c.n, near.id, near.distance
FROM (SELECT ids FROM chosen ORDER BY cardinality(ids) DESC LIMIT 1) AS last
CROSS JOIN LATERAL unnest(last.ids) WITH ORDINALITY AS c(id, n)
JOIN near USING (id)
ORDER BY c.n;
SELECT scans(format('WITH near AS MATERIALIZED (SELECT id, embedding, embedding <-> %1$L AS distance FROM items ORDER BY embedding <-> %1$L LIMIT 50)
	SELECT FROM near', :'q'));

-- the best of each group among the nearest
SELECT DISTINCT ON (category) category, id, distance
FROM (
    SELECT category, id, embedding <-> :'q' AS distance
    FROM items
    ORDER BY embedding <-> :'q'
    LIMIT 100) AS near
ORDER BY category, distance;
SELECT scans(format('SELECT DISTINCT ON (category) category, id FROM (SELECT category, id, embedding <-> %1$L AS distance FROM items
	ORDER BY embedding <-> %1$L LIMIT 100) near ORDER BY category, distance', :'q'));
-- the nearest of each group
SELECT g.category, near.id
FROM unnest(ARRAY['books', 'films', 'games', 'music']) AS g(category)
CROSS JOIN LATERAL (
    SELECT id
    FROM items
    WHERE category = g.category
    ORDER BY embedding <-> :'q'
    LIMIT 2) AS near;
SELECT scans(format('SELECT g.category, near.id FROM unnest(ARRAY[''books'', ''films'', ''games'', ''music'']) g(category) CROSS JOIN LATERAL (
	SELECT id FROM items WHERE category = g.category ORDER BY embedding <-> %L LIMIT 2) near', :'q'));

-- with full-text search
WITH by_vector AS (
    SELECT id, row_number() OVER (ORDER BY distance, id) AS place
    FROM (
        SELECT id, embedding <-> :'q' AS distance
        FROM items
        ORDER BY embedding <-> :'q'
        LIMIT 50) AS near),
by_text AS (
    SELECT id, row_number() OVER (ORDER BY rank DESC, id) AS place
    FROM (
        SELECT id, ts_rank(to_tsvector('english', title), query) AS rank
        FROM items, websearch_to_tsquery('english', 'blue castles') AS query
        WHERE to_tsvector('english', title) @@ query
        ORDER BY rank DESC, id
        LIMIT 50) AS found)
SELECT id, title, round(sum(1.0 / (60 + place)), 5) AS score
FROM (SELECT * FROM by_vector UNION ALL SELECT * FROM by_text) AS ranked
JOIN items USING (id)
GROUP BY id, title
ORDER BY score DESC, id
LIMIT 5;
SELECT scans($$SELECT id FROM items, websearch_to_tsquery('english', 'blue castles') AS query WHERE to_tsvector('english', title) @@ query$$);

-- all within a distance
SELECT id, embedding <-> :'q' AS distance
FROM items
WHERE l2_within(embedding, :'q', 1.1)
ORDER BY distance;
SELECT count(*)
FROM items
WHERE l2_within(embedding, :'q', 1.5);
SELECT scans(format('SELECT count(*) FROM items WHERE l2_within(embedding, %L, 1.5)', :'q'));

-- page by page
BEGIN;
DECLARE pages CURSOR FOR
    SELECT id, title
    FROM items
    ORDER BY embedding <-> :'q'
    LIMIT 1000;
FETCH 3 FROM pages;
FETCH 3 FROM pages;
CLOSE pages;
COMMIT;
SELECT scans(format('DECLARE pages CURSOR FOR SELECT id, title FROM items ORDER BY embedding <-> %L LIMIT 1000', :'q'));
