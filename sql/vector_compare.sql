-- Order, btree, hash.

SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, vector_cmp(a, b) AS cmp
FROM (VALUES ('[1,2,3]'::vector, '[1,2,3]'::vector), ('[1,2,3]', '[1,2,4]'), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,-3]'),
	('[2]', '[1,2,3]'), ('[-1]', '[1]'), ('[0]', '[-0]'), ('[-0,1]', '[0,1]'), ('[-0,1]', '[0,2]'), ('[1e-45]', '[0]'),
	(NULL, '[1]')) t(a, b);

CREATE TABLE cmp (id int, v vector);
INSERT INTO cmp VALUES (1, '[0,0]'), (2, '[0]'), (3, '[-0,-0]'), (4, '[1,2,3]'), (5, '[1,2]'), (6, '[-1]'), (7, '[-3.4e38]'),
	(8, '[3.4e38]'), (9, NULL), (10, '[1e-45]'), (11, '[-1e-45]'), (12, '[1,2,-3]'), (13, '[1,-2]'), (14, '[1,2]'),
	(15, '[1,2,3,4]'), (16, '[1]'), (17, '[1,-3.4e38]'), (18, '[1,3.4e38]'), (19, '[1,2,3,-4]');
SELECT id, v FROM cmp ORDER BY v, id;
SELECT id FROM cmp ORDER BY v DESC NULLS LAST, id;
SELECT count(DISTINCT v), min(id) FROM cmp;
-- grouping, by sort and by hash
SET enable_hashagg = off;
SELECT array_agg(id ORDER BY id) ids FROM cmp GROUP BY v HAVING count(*) > 1 ORDER BY v;
RESET enable_hashagg;
SET enable_sort = off;
SELECT array_agg(id ORDER BY id) ids FROM cmp GROUP BY v HAVING count(*) > 1 ORDER BY ids;
RESET enable_sort;
SELECT count(*) FROM (SELECT v FROM cmp WHERE id IN (1, 5) UNION SELECT v FROM cmp WHERE id IN (3, 14)) u;

-- zeros of both signs hash alike, other values don't, and the extended hash
-- with seed 0 agrees with the plain one
SELECT vector_hash('[0,-0,1]') = vector_hash('[-0,0,1]') AS zeros,
	vector_hash('[0,1]') <> vector_hash('[1,0]') AS moved,
	vector_hash('[0]') <> vector_hash('[0,0]') AS longer,
	vector_hash_extended('[-0]', 7) = vector_hash_extended('[0]', 7) AS seeded_zeros,
	vector_hash_extended('[1]', 1) <> vector_hash_extended('[1]', 2) AS seeds,
	(vector_hash_extended('[1,2]', 0) & 4294967295)::bit(32) = vector_hash('[1,2]')::bit(32) AS halves;

-- joins of every kind give the same pairs
SET enable_nestloop = off; SET enable_mergejoin = off;
EXPLAIN (COSTS off) SELECT count(*) FROM cmp a JOIN cmp b USING (v);
SELECT count(*) FROM cmp a JOIN cmp b USING (v);
RESET enable_mergejoin; SET enable_hashjoin = off;
EXPLAIN (COSTS off) SELECT count(*) FROM cmp a JOIN cmp b USING (v);
SELECT count(*) FROM cmp a JOIN cmp b USING (v);
RESET enable_nestloop; SET enable_mergejoin = off;
SELECT count(*) FROM cmp a JOIN cmp b USING (v);
RESET enable_hashjoin; RESET enable_mergejoin;

-- sorting many values, in line and in TOAST, against sorting arrays
CREATE TABLE many AS
	SELECT i, ARRAY(SELECT (hashint4(i * 1000 + j) % 3)::real FROM generate_series(1, CASE WHEN i % 50 = 0 THEN 700 ELSE i % 7 + 1 END) j)::vector v
	FROM generate_series(1, 3000) i;
SELECT count(*), bool_and(a = b) AS same_order FROM
	(SELECT row_number() OVER (ORDER BY v, i) n, i a FROM many) x JOIN
	(SELECT row_number() OVER (ORDER BY v::real[], i) n, i b FROM many) y USING (n);
SELECT count(DISTINCT v) = count(DISTINCT v::real[]) AS same_groups FROM many;

-- btree and hash indexes
CREATE INDEX cmp_btree ON cmp (v);
CREATE INDEX cmp_hash ON cmp USING hash (v);
SET enable_seqscan = off; SET enable_bitmapscan = off;
EXPLAIN (COSTS off) SELECT id FROM cmp WHERE v > '[0]' AND v <= '[1,2]' ORDER BY v;
SELECT id, v FROM cmp WHERE v > '[0]' AND v <= '[1,2]' ORDER BY v, id;
SELECT v FROM cmp ORDER BY v LIMIT 3;
SELECT id FROM cmp WHERE v IS NULL;
DROP INDEX cmp_btree;
EXPLAIN (COSTS off) SELECT id FROM cmp WHERE v = '[0,0]';
SELECT id FROM cmp WHERE v = '[0,0]' ORDER BY id;
DROP INDEX cmp_hash;
DELETE FROM cmp WHERE id = 3;
CREATE UNIQUE INDEX ON cmp (v);
DELETE FROM cmp WHERE id = 14;
CREATE UNIQUE INDEX ON cmp (v);
INSERT INTO cmp VALUES (20, '[-0]');
INSERT INTO cmp VALUES (20, '[-0]') ON CONFLICT (v) DO UPDATE SET id = 21 RETURNING *;
-- long vectors don't fit a btree's pages, but a hash index keeps only hashes
CREATE INDEX ON many USING hash (v);
SELECT count(*) FROM many WHERE v = (SELECT v FROM many WHERE i = 1000);
RESET enable_seqscan; RESET enable_bitmapscan;
-- partitions by hash use the extended hash
CREATE TABLE parts (v vector) PARTITION BY HASH (v);
CREATE TABLE parts0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT v FROM many;
SELECT count(*) FROM parts0 JOIN parts1 USING (v);
SELECT count(*) = (SELECT count(*) FROM many) AS all_there FROM parts;

SELECT amname, opcname, opcdefault, amvalidate(c.oid)
FROM (SELECT amname, opcname, opcdefault, c.oid FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	WHERE opcintype = 'vector'::regtype AND amname IN ('btree', 'hash')) c ORDER BY 1;
SELECT oprname, oprcom::regoperator, oprnegate::regoperator, oprrest, oprjoin, oprcanhash, oprcanmerge
FROM pg_operator WHERE oprleft = 'vector'::regtype AND oprright = oprleft AND oprresult = 'boolean'::regtype ORDER BY oprname COLLATE "C";
DROP TABLE cmp, many, parts;
