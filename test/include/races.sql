-- Included after ivf.sql by the database in which the specs of test/races run:
-- when a session has come to where a test wants it.

-- Waits until a session pauses at the point for which lock it was told to wait.
CREATE FUNCTION paused(lock int DEFAULT 1) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	FOR try IN 1 .. 6000 LOOP
		IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1 AND objid = lock::oid
				   AND objsubid = 2 AND granted) THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN false;
END
$$;

-- Waits until a session of the spec waits for the lock of a page, which the
-- isolation tester can't see.
CREATE FUNCTION wants_page(session text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	FOR try IN 1 .. 1000 LOOP
		PERFORM pg_stat_clear_snapshot();
		IF EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE '%/' || session
				   AND wait_event_type = 'LWLock' AND wait_event = 'BufferContent') THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN false;
END
$$;

-- Pauses end when this has been called and undone by pg_advisory_unlock().
CREATE FUNCTION hold(VARIADIC locks int[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_unlock_all();
	PERFORM pg_advisory_lock(lock) FROM unnest(locks) lock;
END
$$;

-- What an index scan over all rows brings.
CREATE FUNCTION scan_all(relation text, query vector, OUT rows bigint, OUT ids bigint, OUT sum bigint) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
BEGIN
	EXECUTE format('SELECT count(*), count(DISTINCT id), sum(id) FROM (SELECT id FROM %s ORDER BY v <-> (SELECT $1) OFFSET 0) s', relation)
		INTO rows, ids, sum USING query;
END
$$;

-- Every index is checked and compared with the table; the number of rows.
CREATE FUNCTION verify(relation text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	query vector;
BEGIN
	IF sound(relation::regclass) = 0 THEN
		RAISE EXCEPTION 'table % has no valid index', relation;
	END IF;
	EXECUTE format('SELECT v FROM %s WHERE v IS NOT NULL ORDER BY id LIMIT 1', relation) INTO query;
	RETURN oracle(relation, 'v', '<->', query);
END
$$;
