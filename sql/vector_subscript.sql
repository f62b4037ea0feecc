-- v[i]

CREATE TABLE s (id int, v vector);
INSERT INTO s VALUES (1, '[1.5,2,3]'), (2, NULL), (3, '[7]'), (4, ARRAY(SELECT i FROM generate_series(1, 16000) i)),
	(5, ARRAY(SELECT i FROM generate_series(1, 300) i));
SELECT id, v[1], v[2], v[3], v[300], v[16000] FROM s ORDER BY id;
-- outside: NULL
SELECT id, v[0], v[-1], v[16001], v[2147483647], v[-2147483648], v[NULL] FROM s ORDER BY id;
SELECT pg_typeof(v[1]), ('[4,5]'::vector)[id], v[id + 1] FROM s ORDER BY id;
SELECT bool_and(v[i] = i) FROM s, generate_series(1, 16000) i WHERE id = 4;
-- subscripts that become integers by assignment
SELECT v[1::bigint], v[2::smallint], v[2.4], v['3'] FROM s WHERE id = 1;
SELECT v[99999999999] FROM s WHERE id = 1;

SELECT v['x'] FROM s;
SELECT v['2020-01-01'::date] FROM s;
SELECT v[1:2] FROM s;
SELECT v[:] FROM s;
SELECT v[1][2] FROM s;
UPDATE s SET v[1] = 3;
UPDATE s SET v[1:2] = '[1,2]';
INSERT INTO s (v[1]) VALUES (3);

-- in indexes, views, domains
CREATE INDEX first ON s ((v[1]));
SELECT pg_get_indexdef('first'::regclass);
CREATE VIEW firsts AS SELECT v[1] AS first, (v + v)[1] AS double FROM s;
SELECT * FROM firsts ORDER BY 1;
CREATE DOMAIN unit AS vector(2) CHECK (abs(vector_norm(VALUE) - 1) < 1e-6);
SELECT ('[0.6,0.8]'::unit)[2], '[1,0]'::unit <-> '[0,1]'::unit;
SELECT '[1,1]'::unit;
SELECT '[1]'::unit;
DROP DOMAIN unit;
DROP VIEW firsts;
DROP TABLE s;
