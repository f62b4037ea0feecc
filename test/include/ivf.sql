-- Included by the ivf tests: vectors from arithmetic, and the sequential scan
-- as the oracle of the index.  What a test makes is in a schema that the next
-- one drops.
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS ivf_test CASCADE;
CREATE SCHEMA ivf_test;
SET search_path = ivf_test, public;
-- a plan that is disabled by its cost would be compiled for that cost
SET jit = off;

-- The same vector everywhere, with elements in [-1, 1).
CREATE FUNCTION noise(seed bigint, dimensions int) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	state bigint := (seed * seed * 7919 + seed * 104729 + 1) % 2147483647;
	element real[];
BEGIN
	FOR i IN 1 .. dimensions LOOP
		state := state * 48271 % 2147483647;
		element[i] := state / 1073741824.0::float8 - 1;
	END LOOP;
	RETURN element;
END
$$;

CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query;
END
$$;

-- Distances and places of the rows, in the order in which they come out of a
-- sequential scan and a sort.
CREATE FUNCTION by_table(query text, OUT distances float8[], OUT places text[]) LANGUAGE plpgsql
SET enable_indexscan = off SET enable_bitmapscan = off SET enable_seqscan = on SET enable_sort = on AS $$
BEGIN
	EXECUTE format('SELECT array_agg(d), array_agg(tableoid || t::text) FROM (%s) s', query) INTO distances, places;
END
$$;

-- The same from an ivf index, with so many lists probed.
CREATE FUNCTION by_index(query text, probes int, OUT distances float8[], OUT places text[]) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET ivf.probes = 0 AS $$
DECLARE
	plan text;
BEGIN
	PERFORM set_config('ivf.probes', probes::text, true);
	SELECT string_agg(line, E'\n') INTO plan FROM plan_of(query) line;
	IF plan !~ 'Index Scan using' OR plan !~ 'Order By:' OR plan ~ E'Seq Scan|Sort *(\n|$)' THEN
		RAISE EXCEPTION 'no index scan: %', plan;
	END IF;
	EXECUTE format('SELECT array_agg(d), array_agg(tableoid || t::text) FROM (%s) s', query) INTO distances, places;
END
$$;

-- 0 for a finite distance, 1 for NaN, 2 for NULL: how rows must follow.
CREATE FUNCTION distance_class(d float8) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN d IS NULL THEN 2 WHEN d = 'NaN' THEN 1 ELSE 0 END
$$;

-- Compares index and sequential scan of "ORDER BY expression operator query"
-- over source, a FROM clause: with all lists probed, distance for distance;
-- with few, the rows as a set, those without a distance last.  Returns the
-- number of rows.
CREATE FUNCTION oracle(source text, expression text, operator text, VARIADIC queries vector[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	q vector;
	query text;
	expected record;
	found record;
	probes int;
	misplaced bigint;
BEGIN
	FOREACH q IN ARRAY queries LOOP
		-- a constant NULL would be folded, and nothing left to order by
		query := format('SELECT %1$s %2$s %3$s AS d, ctid AS t, tableoid FROM %4$s ORDER BY %1$s %2$s %3$s',
						expression, operator, coalesce(quote_literal(q) || '::vector', '(SELECT NULL::vector)'), source);
		expected := by_table(query);

		FOREACH probes IN ARRAY ARRAY[1000000, 1, 0] LOOP
			found := by_index(query, probes);
			IF probes = 1000000 AND found.distances IS DISTINCT FROM expected.distances THEN
				FOR i IN 1 .. greatest(cardinality(found.distances), cardinality(expected.distances), 0) LOOP
					CONTINUE WHEN found.distances[i] IS NOT DISTINCT FROM expected.distances[i];
					RAISE EXCEPTION 'distance % of % and % is % instead of %: %', i, cardinality(found.distances),
						cardinality(expected.distances), found.distances[i], expected.distances[i], left(query, 1000);
				END LOOP;
			END IF;
			IF ARRAY(SELECT unnest(found.places) ORDER BY 1) <> ARRAY(SELECT unnest(expected.places) ORDER BY 1) THEN
				RAISE EXCEPTION '% rows instead of %, or other ones, with % probes: %', cardinality(found.places),
					cardinality(expected.places), probes, left(query, 1000);
			END IF;
			-- in a loop, each access would copy the whole array
			SELECT min(n) INTO misplaced
			FROM (SELECT n, distance_class(d) < lag(distance_class(d)) OVER (ORDER BY n) AS bad
				FROM unnest(found.distances) WITH ORDINALITY u(d, n)) s
			WHERE bad;
			IF misplaced IS NOT NULL THEN
				RAISE EXCEPTION '% before % with % probes: %', found.distances[misplaced - 1], found.distances[misplaced], probes, left(query, 1000);
			END IF;
		END LOOP;
	END LOOP;
	RETURN coalesce(cardinality(expected.places), 0);
END
$$;

-- Checks every ivf index of a table and of its partitions, and that each holds
-- the rows that it should; returns how many indexes that were.
CREATE FUNCTION sound(relation regclass) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	index regclass;
	count int := 0;
BEGIN
	FOR index IN
		SELECT i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
		WHERE am.amname = 'ivf' AND c.relkind = 'i' AND i.indisvalid
			AND (i.indrelid = relation OR i.indrelid IN (SELECT relid FROM pg_partition_tree(relation)))
	LOOP
		PERFORM ivf_check(index, true);
		count := count + 1;
	END LOOP;
	RETURN count;
END
$$;
-- Builds an index for each metric on the column v of a table and compares it.
CREATE FUNCTION compare(relation text, lists int, VARIADIC queries vector[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	metric text[];
	rows int;
BEGIN
	FOREACH metric SLICE 1 IN ARRAY '{{vector_l2_ops,<->},{vector_ip_ops,<#>},{vector_cosine_ops,<=>}}'::text[] LOOP
		EXECUTE format('CREATE INDEX compared ON %s USING ivf (v %s) WITH (lists = %s)', relation, metric[1], lists);
		rows := oracle(relation, 'v', metric[2], VARIADIC queries);
		PERFORM sound(relation::regclass);
		DROP INDEX compared;
	END LOOP;
	RETURN rows;
END
$$;
RESET client_min_messages;
