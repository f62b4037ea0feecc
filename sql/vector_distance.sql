-- Distance operators and functions.

SELECT '[1,2,3]'::vector <-> '[3,2,1]', l2_distance('[0,0]'::vector, '[3,4]'), '[1,2]'::vector <-> '[1,2]';
SELECT '[1,2,3]'::vector <#> '[4,5,6]', inner_product('[1,2,3]'::vector, '[4,5,6]');
SELECT '[1,0]'::vector <=> '[0,2]', cosine_distance('[1,1]'::vector, '[3,3]'), '[1,1]'::vector <=> '[-2,-2]';
SELECT '[1,2,3]'::vector <+> '[3,0,3]', l1_distance('[0,0]'::vector, '[3,-4]');

-- orthogonal vectors are at 0, not at -0
SELECT '[1,0]'::vector <#> '[0,1]', inner_product('[-1,0]'::vector, '[0,1]'), '[-1,0]'::vector <#> '[0,1]';

-- a sum that float4 can't hold is infinite
SELECT '[3e38]'::vector <-> '[-3e38]', '[1e20]'::vector <-> '[0]', '[1e19]'::vector <-> '[0]';
SELECT inner_product('[3e38]'::vector, '[3e38]'), inner_product('[3e38]'::vector, '[-3e38]'), '[3e38]'::vector <#> '[3e38]';
SELECT '[3e38]'::vector <+> '[-3e38]', '[3e38]'::vector <+> '[0]';
-- which the whole sum decides, not its parts
SELECT inner_product('[1e20,1e20]'::vector, '[1e19,-1e19]');
-- cosine distances neither overflow nor underflow
SELECT '[3e38,3e38]'::vector <=> '[3e38,0]', '[1e-45,1e-45]'::vector <=> '[1e-45,0]', '[3e38]'::vector <=> '[1e-45]';

-- a zero vector has no direction
SELECT '[0,0]'::vector <=> '[1,0]', '[1,0]'::vector <=> '[0,0]', '[-0,0]'::vector <=> '[0,0]';
SELECT '[0,0]'::vector <-> '[0,0]', '[0,0]'::vector <#> '[1,1]', '[0,0]'::vector <+> '[0,0]';

-- a vector is at 0 from itself, and cosine distances stay in [0, 2]
SELECT bool_and((v <=> v) = 0) AS zero, bool_and((v <=> -v) BETWEEN 2 - 1e-15 AND 2) AS two,
	bool_and((v <=> v * 3) BETWEEN 0 AND 1e-7) AS near
FROM (SELECT ARRAY(SELECT sin(i * n)::real FROM generate_series(1, n) i)::vector FROM generate_series(1, 200) n) t(v);

-- against float8 arithmetic in SQL, for lengths around the lanes of the loop
WITH pairs AS (
	SELECT n, ARRAY(SELECT sin(i * n)::real FROM generate_series(1, n) i) a,
		ARRAY(SELECT cos(i * n)::real FROM generate_series(1, n) i) b
	FROM generate_series(1, 70) n
), sums AS (
	SELECT a::vector, b::vector, s.*
	FROM pairs, LATERAL (
		SELECT sum((x::float8 - y) ^ 2) l2, sum(x::float8 * y) ip, sum(abs(x::float8 - y)) l1,
			sum(x::float8 * x) aa, sum(y::float8 * y) bb
		FROM unnest(a, b) e(x, y)) s
)
SELECT count(*),
	bool_and(abs((a <-> b) - sqrt(l2)) < 1e-13) AS l2,
	bool_and(abs((a <#> b) + ip) < 1e-13) AS ip,
	bool_and(abs((a <+> b) - l1) < 1e-13) AS l1,
	bool_and(abs((a <=> b) - (1 - ip / sqrt(aa * bb))) < 1e-13) AS cosine,
	bool_and((a <-> b) = (b <-> a) AND (a <#> b) = (b <#> a) AND (a <+> b) = (b <+> a) AND (a <=> b) = (b <=> a)) AS symmetric
FROM sums;

-- dimensions must agree; NULL gives NULL
SELECT '[1,2]'::vector <-> '[3]';
SELECT '[1,2]'::vector <#> '[3]';
SELECT '[1,2]'::vector <=> '[3]';
SELECT '[1,2]'::vector <+> '[3]';
SELECT inner_product('[1,2]'::vector, '[3]');
SELECT NULL::vector <-> '[1]', '[1]'::vector <=> NULL;

SELECT oprname, oprcom::regoperator, procost
FROM pg_operator JOIN pg_proc p ON p.oid = oprcode
WHERE oprleft = 'vector'::regtype AND oprresult = 'float8'::regtype AND p.proname LIKE ANY (ARRAY['%\_distance', '%\_product']) ORDER BY oprname COLLATE "C";
