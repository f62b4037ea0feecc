-- The extension's objects: described, safe, movable, for every user.

-- every object has a comment
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS without_comment
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vecfeat')
	AND NOT EXISTS (SELECT FROM pg_description c WHERE c.classoid = d.classid AND c.objoid = d.objid AND c.objsubid = d.objsubid)
ORDER BY 1;
SELECT obj_description(oid, 'pg_extension') AS extension FROM pg_extension WHERE extname = 'vecfeat';

-- every function of vectors is immutable, strict and parallel safe, but those
-- of aggregates, which see NULLs, of ANALYZE, and of estimates, which read the
-- catalogs
SELECT p.oid::regprocedure, provolatile, proisstrict, proparallel
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vecfeat')
	AND prokind = 'f' AND ('vector'::regtype = ANY (proargtypes) OR prorettype = 'vector'::regtype OR proname LIKE 'vector%')
	AND NOT (provolatile = 'i' AND proisstrict AND proparallel = 's')
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- a user who may create in the database may install it; the superuser may move
-- it; nothing depends on search_path
CREATE ROLE regress_vecfeat;
DO $$
BEGIN
	EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_vecfeat', current_database());
END
$$;
-- what other tests left behind goes with it
SET client_min_messages = warning;
DROP EXTENSION vecfeat CASCADE;
RESET client_min_messages;
SET ROLE regress_vecfeat;
CREATE SCHEMA vecfeat_one;
CREATE SCHEMA vecfeat_two;
CREATE EXTENSION vecfeat SCHEMA vecfeat_one;
RESET ROLE;
ALTER EXTENSION vecfeat SET SCHEMA vecfeat_two;
SET ROLE regress_vecfeat;
SET search_path = '';
CREATE TABLE vecfeat_one.items (id int, v vecfeat_two.vector(2), c vecfeat_two.vector GENERATED ALWAYS AS (v OPERATOR(vecfeat_two.||) v) STORED);
INSERT INTO vecfeat_one.items SELECT i, ARRAY[i, i % 3] FROM pg_catalog.generate_series(1, 10) i;
CREATE INDEX ON vecfeat_one.items (v);
ANALYZE vecfeat_one.items;
SELECT id, v, c, v OPERATOR(vecfeat_two.<->) '[0,0]' AS d, v[2], v::real[] FROM vecfeat_one.items ORDER BY v OPERATOR(vecfeat_two.<->) '[5,0]', id LIMIT 3;
SELECT vecfeat_two.avg(v) FROM vecfeat_one.items;
SELECT v FROM vecfeat_one.items WHERE v OPERATOR(vecfeat_two.=) '[1,1]';
SELECT count(DISTINCT v) FROM vecfeat_one.items;
RESET search_path;
DROP SCHEMA vecfeat_one, vecfeat_two CASCADE;
RESET ROLE;
DROP OWNED BY regress_vecfeat;
DROP ROLE regress_vecfeat;
CREATE EXTENSION vecfeat;
