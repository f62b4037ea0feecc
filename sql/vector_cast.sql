-- Casts among vector and arrays.

SELECT ARRAY[1,2,3]::vector, ARRAY[1.5,2,3]::vector, ARRAY[1.5,2]::real[]::vector, ARRAY[1.5,2]::float8[]::vector;
SELECT '{1,2}'::integer[]::vector(2), '{1,2}'::real[]::vector(2), '{1,2}'::float8[]::vector(2), '{1,2}'::numeric[]::vector(2);
-- a lower bound other than 1 doesn't matter
SELECT '[0:1]={1,2}'::real[]::vector;
SELECT '{0.1,123456789.123,-0,1e-50,1e-45}'::numeric[]::vector, '{0.1,123456789.123,-0,1e-50,1e-45}'::float8[]::vector;

SELECT '{1,2}'::integer[]::vector(3);
SELECT '{1,2}'::numeric[]::vector(1);
SELECT '{}'::real[]::vector;
SELECT '{{1,2},{3,4}}'::real[]::vector;
SELECT '{1,NULL}'::real[]::vector;
SELECT '{NaN}'::real[]::vector;
SELECT '{Infinity}'::float8[]::vector;
SELECT '{1,-Infinity}'::numeric[]::vector;
SELECT '{NaN}'::numeric[]::vector;
SELECT '{1e39}'::float8[]::vector;
SELECT '{-1e39}'::numeric[]::vector;
SELECT '{1e400}'::numeric[]::vector;
SELECT vector_dims(array_fill(1, '{16000}')::vector);
SELECT array_fill(1, '{16001}')::vector;
SELECT array_fill(1.0, '{200,200}')::vector;

SELECT '[1,2.5]'::vector::real[], '[1]'::vector::real[];
-- implicit to real[]
CREATE FUNCTION total(real[]) RETURNS real LANGUAGE sql AS 'SELECT sum(e) FROM unnest($1) e';
SELECT total('[1,2,3]'::vector);
DROP FUNCTION total;
SELECT '[1,2,3]'::vector(3)::vector, '[1,2,3]'::vector::vector(3);
SELECT '[1,2,3]'::vector::vector(2);

-- arrays are assigned to vectors, but not taken for them
CREATE TABLE c (v vector(3), r real[]);
INSERT INTO c VALUES (ARRAY[1,2,3], '[4,5]'::vector), (ARRAY[1.5,2,3], NULL), ('{7,8,9}'::real[], NULL), ('{7,8,9}'::float8[], NULL);
INSERT INTO c (v) VALUES (ARRAY[1,2]);
INSERT INTO c (v) VALUES ('{1,2,3}'::bigint[]);
SELECT * FROM c;
SELECT ARRAY[1,2,3] = ARRAY[1,2,3], ARRAY[1.0,2] = ARRAY[1.0,2], '{1}'::real[] = '{1}'::real[], '{1}'::float8[] < '{2}'::float8[];
SELECT ARRAY[1,2] || ARRAY[3], ARRAY[1,2] <> '{1,2}';
SELECT ARRAY[1,2]::vector <-> ARRAY[3,4]::vector, '[1,2]'::vector <-> ARRAY[3,4]::vector;
SELECT '[1,2]'::vector <-> ARRAY[3,4];
SELECT ARRAY[1,2] <-> ARRAY[3,4];
DROP TABLE c;

-- through SQL functions and prepared parameters
CREATE FUNCTION pass(vector(3)) RETURNS vector LANGUAGE sql IMMUTABLE AS 'SELECT $1';
SELECT pass('[1,2]');
DROP FUNCTION pass;
PREPARE p (vector) AS SELECT $1 + $1;
EXECUTE p ('[1,2]');
EXECUTE p (ARRAY[1,2]);
DEALLOCATE p;
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
	WHERE 'vector'::regtype IN (castsource, casttarget) ORDER BY 1, 2;
