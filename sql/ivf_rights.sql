-- Rights: who may look into an index; row-level security; code that is found
-- through search_path, or that users wrote.

\getenv abs_srcdir PG_ABS_SRCDIR
\set ECHO none
\i :abs_srcdir/test/include/ivf.sql
\set ECHO all
\set VERBOSITY terse

-- What a statement comes to under a role: ok, or its error.
CREATE FUNCTION attempt(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET ROLE %I', role);
	EXECUTE statement;
	RESET ROLE;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RESET ROLE;
	RETURN SQLERRM;
END
$$;
CREATE ROLE regress_ivf_owner;
CREATE ROLE regress_ivf_tenant;
CREATE ROLE regress_ivf_monitor IN ROLE pg_stat_scan_tables;
GRANT USAGE, CREATE ON SCHEMA ivf_test TO regress_ivf_owner;
GRANT USAGE ON SCHEMA ivf_test TO regress_ivf_tenant, regress_ivf_monitor;

SET ROLE regress_ivf_owner;
CREATE TABLE docs (id int, tenant name, v vector(8));
INSERT INTO docs SELECT i, CASE i % 5 WHEN 0 THEN 'regress_ivf_tenant' ELSE 'regress_ivf_owner' END, noise(i, 8)
	FROM generate_series(1, 500) i;
CREATE INDEX docs_v ON docs USING ivf (v) WITH (lists = 4);
ANALYZE docs;
RESET ROLE;

--
-- The functions
--

-- anybody may call them; none is run with other rights than the caller's, and
-- none promises to keep its arguments to itself
SELECT count(*) > 60 AS many, count(proacl) AS with_acl, bool_or(prosecdef) AS definer, bool_or(proleakproof) AS leakproof,
	count(*) FILTER (WHERE lanname <> 'c' AND prokind = 'f') AS not_c, count(proconfig) AS with_settings
FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid JOIN pg_language l ON l.oid = prolang
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vecfeat');

-- SELECT is not enough: what is counted may be hidden from its holder
SELECT what, role, attempt(role, format('SELECT public.%s', what))
FROM unnest(ARRAY['ivf_info(''ivf_test.docs_v'')', 'ivf_lists(''ivf_test.docs_v'')', 'ivf_check(''ivf_test.docs_v'')', 'ivf_check(''ivf_test.docs_v'', true)']) what,
	unnest(ARRAY['regress_ivf_owner', 'regress_ivf_tenant', 'regress_ivf_monitor']) role
ORDER BY what COLLATE "C", role COLLATE "C";
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER ON docs TO regress_ivf_tenant;
SELECT attempt('regress_ivf_tenant', 'SELECT public.ivf_info(''ivf_test.docs_v'')');
SELECT attempt('regress_ivf_tenant', 'SELECT public.ivf_lists(''ivf_test.docs_v'')');
SELECT attempt('regress_ivf_tenant', 'SELECT public.ivf_check(''ivf_test.docs_v'')');
-- MAINTAIN came with 17
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 170000 THEN
		GRANT MAINTAIN ON docs TO regress_ivf_tenant;
	END IF;
END
$$;
SELECT (attempt('regress_ivf_tenant', 'SELECT public.ivf_check(''ivf_test.docs_v'', true)') = 'ok')
	= (current_setting('server_version_num')::int >= 170000) AS expected;
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 170000 THEN
		REVOKE MAINTAIN ON docs FROM regress_ivf_tenant;
		GRANT pg_maintain TO regress_ivf_tenant;
	END IF;
END
$$;
SELECT (attempt('regress_ivf_tenant', 'SELECT public.ivf_info(''ivf_test.docs_v'')') = 'ok')
	= (current_setting('server_version_num')::int >= 170000) AS expected;
SELECT (attempt('regress_ivf_tenant', 'SELECT public.ivf_lists(''ivf_test.docs_v'')') = 'ok')
	= (current_setting('server_version_num')::int >= 170000) AS expected;
DO $$
BEGIN
	IF current_setting('server_version_num')::int >= 170000 THEN
		REVOKE pg_maintain FROM regress_ivf_tenant;
	END IF;
END
$$;
SELECT attempt('regress_ivf_tenant', 'SELECT public.ivf_info(''ivf_test.docs_v'')');
SELECT attempt('regress_ivf_tenant', 'SELECT public.ivf_lists(''ivf_test.docs_v'')');

-- options are the owner's, settings everybody's
SELECT attempt('regress_ivf_tenant', 'ALTER INDEX ivf_test.docs_v SET (lists = 3)');
SELECT attempt('regress_ivf_tenant', 'REINDEX INDEX ivf_test.docs_v') ~ 'must be owner|permission denied' AS refused;
SELECT attempt('regress_ivf_owner', 'ALTER INDEX ivf_test.docs_v SET (lists = 3)');
SELECT attempt('regress_ivf_owner', 'ALTER INDEX ivf_test.docs_v SET (lists = 4)');
SELECT attempt('regress_ivf_tenant', 'SET LOCAL ivf.probes = 3');
SELECT name, context FROM pg_settings WHERE name LIKE 'ivf.%' ORDER BY name;

-- what is no ivf index, of every kind
CREATE VIEW a_view AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW a_matview AS SELECT 1 AS x;
CREATE SEQUENCE a_sequence;
CREATE TYPE a_type AS (x int);
CREATE TABLE a_table (id int PRIMARY KEY, t text);
CREATE TABLE partitioned (v vector(3)) PARTITION BY HASH (v);
CREATE INDEX partitioned_v ON partitioned USING ivf (v);
SELECT what, function, regexp_replace(attempt('regress_ivf_monitor', format('SELECT public.%s(%s)', function, oid)), 'toast_\d+', 'toast_N')
FROM (SELECT relname::text AS what, oid FROM pg_class WHERE relnamespace = 'ivf_test'::regnamespace AND relname ~ '^(a|partitioned)(_|$)'
	UNION ALL SELECT 'index of a toast table', indexrelid FROM pg_index
		WHERE indrelid = (SELECT reltoastrelid FROM pg_class WHERE oid = 'a_table'::regclass)) c,
	unnest(ARRAY['ivf_info', 'ivf_lists', 'ivf_check', 'ivf_measure_recall']) function
ORDER BY what COLLATE "C", function;
SELECT attempt('regress_ivf_tenant', 'SELECT public.ivf_check(''ivf_test.a_table_pkey'')');
SELECT attempt('regress_ivf_tenant', 'SELECT public.ivf_check(123456789)');
SELECT attempt('regress_ivf_monitor', 'SELECT public.ivf_info(123456789)');
SELECT attempt('regress_ivf_monitor', 'SELECT public.ivf_lists(123456789)');

--
-- Row-level security
--

ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON docs USING (tenant = current_user);
CREATE FUNCTION nearest(expression text) RETURNS TABLE (plan text, ids int[]) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET ivf.probes = 1000 AS $$
DECLARE
	query text := format('SELECT id FROM ivf_test.docs ORDER BY %s OPERATOR(public.<->) ''[1,1,1,1,1,1,1,1]'' LIMIT 5', expression);
BEGIN
	SELECT CASE WHEN string_agg(line, E'\n') ~ 'Index Scan using' THEN 'index' ELSE 'sort' END INTO plan FROM ivf_test.plan_of(query) line;
	EXECUTE format('SELECT array_agg(id) FROM (%s) s', query) INTO ids;
	RETURN NEXT;
END
$$;
GRANT EXECUTE ON FUNCTION nearest TO PUBLIC;

-- an index on a column: the tenant's rows come out, in order, and no others
SET ROLE regress_ivf_tenant;
SELECT plan, ids FROM nearest('v');
SET enable_indexscan = off;
SELECT array_agg(id) FROM (SELECT id FROM docs ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 5) s;
RESET enable_indexscan;
SET enable_seqscan = off;
SELECT count(*), count(*) FILTER (WHERE tenant <> current_user) AS hidden FROM (SELECT * FROM docs ORDER BY v <-> '[1,1,1,1,1,1,1,1]') s;
SELECT count(*) FROM (SELECT * FROM docs ORDER BY v <-> (SELECT NULL::vector)) s;
BEGIN;
UPDATE docs SET v = v * 2 WHERE id IN (SELECT id FROM docs ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 20);
SELECT count(*) FROM docs WHERE v = noise(id, 8) * 2;
DELETE FROM docs WHERE id IN (SELECT id FROM docs ORDER BY v <-> '[1,1,1,1,1,1,1,1]');
ROLLBACK;
-- neither an error nor a filter tells of hidden rows
CREATE FUNCTION pg_temp.leak(v vector) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
	IF v <> ALL (SELECT noise(i, 8) FROM generate_series(5, 500, 5) i) THEN
		RAISE NOTICE 'seen: %', v;
	END IF;
	RETURN true;
END
$$;
SELECT id FROM docs WHERE pg_temp.leak(v) ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
SELECT id FROM docs ORDER BY v <-> '[1,1,1]' LIMIT 3;
SELECT id FROM docs WHERE 1 / (id % 5 = 0)::int = 1 ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
RESET ROLE;
-- a view as a barrier
CREATE VIEW own_docs WITH (security_barrier) AS SELECT * FROM docs WHERE id % 5 = 0;
ALTER VIEW own_docs OWNER TO regress_ivf_owner;
GRANT SELECT ON own_docs TO regress_ivf_tenant;
SET ROLE regress_ivf_tenant;
SELECT id FROM own_docs WHERE pg_temp.leak(v) ORDER BY v <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
RESET enable_seqscan;
DROP FUNCTION pg_temp.leak;
RESET ROLE;
-- a column
CREATE ROLE regress_ivf_reader;
GRANT USAGE ON SCHEMA ivf_test TO regress_ivf_reader;
GRANT SELECT (id, tenant) ON docs TO regress_ivf_reader;
SELECT attempt('regress_ivf_reader', 'SELECT id FROM ivf_test.docs ORDER BY v OPERATOR(public.<->) ''[1,1,1,1,1,1,1,1]'' LIMIT 3');
GRANT SELECT (v) ON docs TO regress_ivf_reader;
SELECT attempt('regress_ivf_reader', 'SELECT id FROM ivf_test.docs ORDER BY v OPERATOR(public.<->) ''[1,1,1,1,1,1,1,1]'' LIMIT 3');
DROP OWNED BY regress_ivf_reader;
DROP ROLE regress_ivf_reader;
-- plans follow the role
PREPARE first AS SELECT tenant, count(*) FROM (SELECT tenant FROM docs ORDER BY v <-> '[1,1,1,1,1,1,1,1]') s GROUP BY tenant ORDER BY 1;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
EXECUTE first;
SET ROLE regress_ivf_tenant;
EXECUTE first;
RESET ROLE;
EXECUTE first;
RESET enable_seqscan;
RESET plan_cache_mode;
DEALLOCATE first;

-- an index on an expression: the scan would compute it on hidden rows.  The
-- function is the owner's, but what it calls is found through the search_path.
SET ROLE regress_ivf_owner;
CREATE FUNCTION helper(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN v; END';
CREATE FUNCTION careless(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN helper(v); END';
CREATE INDEX docs_safe ON docs USING ivf ((public.subvector(v, 1, 8)::vector(8)));
RESET ROLE;
CREATE DOMAIN short AS vector(8) CHECK (VALUE <> '[9,9,9,9,9,9,9,9]');
CREATE SCHEMA hostile;
GRANT USAGE, CREATE ON SCHEMA hostile TO regress_ivf_tenant;
SET ROLE regress_ivf_tenant;
CREATE FUNCTION hostile.helper(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF v <> ALL (SELECT ivf_test.noise(i, 8) FROM generate_series(5, 500, 5) i) THEN
		RAISE NOTICE 'seen by %: %', current_user, v;
	END IF;
	RETURN v;
END
$$;
RESET ROLE;
ALTER TABLE docs DISABLE ROW LEVEL SECURITY;
-- since 17 the function must bring its search_path to CREATE INDEX
ALTER FUNCTION careless SET search_path = ivf_test, public;
SET ROLE regress_ivf_owner;
CREATE INDEX docs_careless ON docs USING ivf ((careless(v)::vector(8)));
RESET ROLE;
ALTER FUNCTION careless RESET search_path;
CREATE INDEX docs_domain ON docs USING ivf ((v::short::vector(8)));
SELECT plan FROM nearest('careless(v)::vector(8)');
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
SET ROLE regress_ivf_tenant;
SET search_path = hostile, ivf_test, public;
SELECT * FROM nearest('careless(v)::vector(8)');
SELECT * FROM nearest('v::short::vector(8)');
SELECT * FROM nearest('public.subvector(v, 1, 8)::vector(8)');
SELECT count(*) FROM (SELECT id FROM docs ORDER BY careless(v)::vector(8) <-> '[1,1,1,1,1,1,1,1]') s;
RESET ROLE;
SET search_path = ivf_test, public;

--
-- The check runs the owner's code as the owner, and none of the caller's
--

DROP FUNCTION hostile.helper(vector);
GRANT USAGE, CREATE ON SCHEMA hostile TO regress_ivf_monitor;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
SET ROLE regress_ivf_monitor;
CREATE FUNCTION hostile.helper(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RAISE NOTICE 'run by %', current_user;
	RETURN v;
END
$$;
RESET ROLE;
SELECT attempt('regress_ivf_monitor', 'SET search_path = hostile, ivf_test, public; SELECT ivf_check(''docs_careless'', true)');
SHOW search_path;
SELECT attempt('regress_ivf_owner', 'SET LOCAL search_path = ivf_test, public; SELECT ivf_check(''docs_v'', true)');
SELECT current_user = session_user AS is_back;

-- nor can the owner's code do harm to who checks
SET ROLE regress_ivf_owner;
CREATE TABLE trap (id int, v vector(8));
CREATE FUNCTION rise(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE SET search_path = public AS $$
BEGIN
	IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
		RAISE NOTICE 'run with a superuser''s rights';
	END IF;
	IF current_setting('test.trap', true) = 'on' THEN
		PERFORM pg_catalog.set_config('role', 'none', false);
	END IF;
	RETURN v;
END
$$;
INSERT INTO trap VALUES (1, noise(1, 8));
CREATE INDEX trap_v ON trap USING ivf ((rise(v)::vector(8))) WHERE rise(v) IS NOT NULL;
RESET ROLE;
SELECT ivf_check('trap_v', true);
SET test.trap = on;
SET max_parallel_workers_per_gather = 0;
SELECT ivf_check('trap_v', true);
RESET test.trap;
RESET max_parallel_workers_per_gather;
SELECT ivf_check('trap_v', true);
SELECT current_user = session_user AS is_back;

--
-- Names that look like ours
--

CREATE FUNCTION hostile.l2_distance(a vector, b vector) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'hostile'; RETURN 0; END $$;
CREATE FUNCTION hostile.vector_cmp(a vector, b vector) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'hostile'; RETURN 0; END $$;
CREATE FUNCTION hostile.vector_eq(a vector, b vector) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'hostile'; RETURN true; END $$;
CREATE FUNCTION hostile.vector(v vector, typmod int, explicit bool) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'hostile'; RETURN v; END $$;
CREATE FUNCTION hostile.array_to_vector(v real[], typmod int, explicit bool) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'hostile'; RETURN NULL; END $$;
CREATE FUNCTION hostile.ivf_check(index regclass, heapallindexed bool) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'hostile'; END $$;
CREATE FUNCTION hostile.get_index_am_oid(name text, missing bool) RETURNS oid LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'hostile'; END $$;
CREATE OPERATOR hostile.<-> (LEFTARG = vector, RIGHTARG = vector, FUNCTION = hostile.l2_distance);
CREATE OPERATOR hostile.= (LEFTARG = vector, RIGHTARG = vector, FUNCTION = hostile.vector_eq);
CREATE DOMAIN hostile.float8 AS text;
CREATE TYPE hostile.vector AS (x int);
CREATE TABLE hostile.pg_class (oid oid);
CREATE TABLE hostile.pg_am (oid oid);
SET search_path = hostile, pg_catalog, public;
CREATE TABLE ivf_test.plain (id int, v public.vector(4));
INSERT INTO ivf_test.plain SELECT i, ARRAY[i, i % 7, i % 11, 1]::real[] FROM generate_series(1, 300) i;
CREATE INDEX plain_old ON ivf_test.plain USING ivf (v) WITH (lists = 3);
CREATE INDEX ON ivf_test.plain USING ivf ((v::public.vector(4)) vector_cosine_ops);
CREATE INDEX ON ivf_test.plain (v);
INSERT INTO ivf_test.plain SELECT i, ARRAY[i, i % 7, i % 11, 1]::real[] FROM generate_series(301, 400) i;
DELETE FROM ivf_test.plain WHERE id % 3 = 0;
VACUUM ANALYZE ivf_test.plain;
REINDEX TABLE ivf_test.plain;
DROP INDEX ivf_test.plain_old;
DROP INDEX ivf_test.plain_v_idx;
DROP INDEX ivf_test.plain_v_idx1;
ALTER TABLE ivf_test.plain ALTER v TYPE real[];
ALTER TABLE ivf_test.plain ALTER v TYPE public.vector(4);
CREATE INDEX plain_v ON ivf_test.plain USING ivf (v) WITH (lists = 3);
SELECT public.ivf_check('ivf_test.plain_v', true);
SELECT lists, entries FROM public.ivf_info('ivf_test.plain_v');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM ivf_test.plain ORDER BY v OPERATOR(public.<->) '[10,1,1,1]' LIMIT 3;
SELECT id FROM ivf_test.plain ORDER BY v OPERATOR(public.<->) '[10,1,1,1]' LIMIT 3;
SELECT count(*) FROM (SELECT id FROM ivf_test.plain ORDER BY v OPERATOR(public.<->) '[10,1,1,1]') s;
SELECT count(DISTINCT v) FROM ivf_test.plain;
-- whoever puts a hostile schema first and names no other gets what is there, and no index
SELECT plan FROM ivf_test.plan_of('SELECT id FROM ivf_test.plain ORDER BY v <-> ''[10,1,1,1]'' LIMIT 3') plan WHERE plan !~ 'Disabled';
RESET enable_seqscan;
SET search_path = ivf_test, public;

--
-- The install script
--

-- What was there first, in the schema and before it, does not become a part of
-- the extension.
SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
DROP EXTENSION vecfeat CASCADE;
RESET client_min_messages;
CREATE SCHEMA hostile;
CREATE SCHEMA target;
CREATE FUNCTION target.planted(a anyelement, b anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE FUNCTION hostile.planted(a anyelement, b anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
DO $$
DECLARE
	schema text;
	name text;
BEGIN
	FOREACH schema IN ARRAY ARRAY['target', 'hostile'] LOOP
		FOREACH name IN ARRAY ARRAY['vector_lt', 'vector_le', 'vector_eq', 'vector_ne', 'vector_ge', 'vector_gt', 'l2_distance', 'vector_add', 'vector_mul',
				'vector_cmp', 'vector_hash_extended', 'vector_concat', 'vector_accum', 'vector_combine'] LOOP
			EXECUTE format('CREATE FUNCTION %I.%I(a anyelement, b anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS ''BEGIN RAISE EXCEPTION $m$planted$m$; END''', schema, name);
		END LOOP;
		FOREACH name IN ARRAY ARRAY['<', '<=', '=', '<>', '>=', '>', '<->', '<#>', '<=>', '+', '*', '||'] LOOP
			EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = %1$I.planted)', schema, name);
		END LOOP;
		EXECUTE format('CREATE DOMAIN %I.float8 AS text; CREATE DOMAIN %1$I.integer AS text; CREATE DOMAIN %1$I.internal AS text; CREATE DOMAIN %1$I.bigint AS text', schema);
	END LOOP;
END
$$;
SET search_path = hostile, target, pg_catalog, public;
CREATE EXTENSION vecfeat SCHEMA target;
RESET search_path;
SELECT pg_describe_object(d.classid, d.objid, 0) AS of_ours, pg_describe_object(d.refclassid, d.refobjid, 0) AS foreign
FROM pg_depend d
WHERE EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e'
		AND e.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vecfeat'))
	AND d.refclassid NOT IN ('pg_extension'::regclass, 'pg_namespace'::regclass)
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype IN ('e', 'i'));
CREATE TABLE target.items (v target.vector(3));
INSERT INTO target.items SELECT ARRAY[i, i % 5, 1] FROM generate_series(1, 100) i;
CREATE INDEX items_v ON target.items USING ivf (v);
SELECT target.ivf_check('target.items_v', true);
SELECT v FROM target.items ORDER BY v OPERATOR(target.<->) '[6.9,1,1]' LIMIT 2;
-- what has a name of ours already is no part of it either: nothing is replaced
SET client_min_messages = warning;
DROP EXTENSION vecfeat CASCADE;
DROP SCHEMA hostile CASCADE;
DROP SCHEMA target CASCADE;
RESET client_min_messages;
CREATE SCHEMA target;
CREATE TYPE target.vector AS (x int);
CREATE EXTENSION vecfeat SCHEMA target;
DROP TYPE target.vector;
CREATE FUNCTION target.ivf_last_scan() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE EXTENSION vecfeat SCHEMA target;
DROP SCHEMA target CASCADE;

SET client_min_messages = warning;
DROP SCHEMA ivf_test CASCADE;
CREATE EXTENSION vecfeat;
DROP OWNED BY regress_ivf_owner, regress_ivf_tenant, regress_ivf_monitor;
DROP ROLE regress_ivf_owner, regress_ivf_tenant, regress_ivf_monitor;
