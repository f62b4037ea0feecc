-- Arithmetic, and the functions of one vector.

SELECT '[1,2,3]'::vector + '[4,5,6]', '[1,2,3]'::vector - '[3,2,1]', '[1,2,3]'::vector * '[4,5,-6]';
SELECT '[1,2,3]'::vector * 2.5, 2::float8 * '[1,2,3]'::vector, 2 * '[1,2,3]'::vector, '[1,2,3]'::vector * 0;
SELECT - '[1,-2,0]'::vector, '[1,2]'::vector || '[3]', '[1]'::vector || '[2]' || '[3,4]';
-- an untyped literal beside a vector is a vector
SELECT '[1,2]'::vector * '[3,4]', '[3,4]' * '[1,2]'::vector, '[1]' || '[2]'::vector;

SELECT '[3e38]'::vector + '[3e38]';
SELECT '[-3e38]'::vector - '[3e38]';
SELECT '[1e30]'::vector * '[1e30]';
SELECT '[1e-30]'::vector * '[1e-30]';
SELECT '[0,1e-30]'::vector * '[1e-30,0]';
SELECT '[1e30]'::vector * 1e30;
SELECT '[1e-30]'::vector * 1e-30;
SELECT '[1e30]'::vector * 1e-300 * 1;
SELECT '[1]'::vector * 'NaN'::float8;
SELECT '[1]'::vector * 'Infinity'::float8;
SELECT '-Infinity'::float8 * '[0]'::vector;
SELECT '[1]'::vector * 'Infinity';
SELECT '[1,2]'::vector + '[3]';
SELECT '[1,2]'::vector - '[3]';
SELECT '[1,2]'::vector * '[3]';
SELECT vector_dims(array_fill(1, '{8000}')::vector || array_fill(1, '{8000}')::vector);
SELECT array_fill(1, '{8000}')::vector || array_fill(1, '{8001}')::vector;
SELECT NULL::vector + '[1]', '[1]'::vector * NULL::float8, - NULL::vector;

-- literals without a type mean what they meant without the extension
SELECT 'a' || 'b', '1' = '1', '1' < '2', 2 * '3', ARRAY[1] || '{2}';
SELECT - '1';

SELECT vector_dims('[1,2,3]'::vector), vector_dims('[1]'::vector);
SELECT vector_norm('[3,4]'), l2_norm('[3,4]'::vector), vector_norm('[0]'), vector_norm('[3e38,3e38]'), vector_norm('[1e-45]');
SELECT l2_normalize('[3,4]'::vector), l2_normalize('[0,0]'::vector), l2_normalize('[3e38,0]'::vector), l2_normalize('[1e-45]'::vector), l2_normalize('[-0.1]'::vector);
SELECT binary_quantize('[1,0,-1]'::vector), binary_quantize('[-0,1e-45,3,-3,0,0,0,0,5]'::vector), binary_quantize('[1]'::vector);
SELECT length(binary_quantize(array_fill(1, '{16000}')::vector));

SELECT subvector('[1,2,3,4,5]'::vector, 1, 3), subvector('[1,2,3,4,5]'::vector, 3, 2), subvector('[1,2,3,4,5]'::vector, 5, 1);
-- clamped as substring is
SELECT subvector('[1,2,3,4,5]'::vector, -1, 3), subvector('[1,2,3,4,5]'::vector, 4, 9);
SELECT subvector('[1,2,3,4,5]'::vector, -2147483648, 2147483647);
SELECT subvector('[1,2,3,4,5]'::vector, 3, 2147483647), subvector('[1,2,3,4,5]'::vector, 0, 2);
SELECT subvector('[1,2,3,4,5]'::vector, 6, 1);
SELECT subvector('[1,2,3,4,5]'::vector, 1, 0);
SELECT subvector('[1,2,3,4,5]'::vector, 3, -1);
SELECT subvector('[1,2,3,4,5]'::vector, -1, 2);
SELECT subvector('[1,2,3,4,5]'::vector, 2147483647, 2147483647);
SELECT subvector('[1,2,3,4,5]'::vector, -2147483648, -2147483648);
-- of values in TOAST
CREATE TABLE long (v vector);
INSERT INTO long VALUES (ARRAY(SELECT i FROM generate_series(1, 1000) i));
SELECT vector_dims(v), subvector(v, 999, 9), round(vector_norm(v)) FROM long;
DROP TABLE long;
