-- Text form, type modifiers, soft errors.

-- white space may stand around every token, and is not printed
SELECT '[1,2,3]'::vector, ' [ 1 , 2 , 3 ] '::vector, E'\t\n\r\x0b\f[1\t,\n2\r,\x0b3\f]\t'::vector;
-- what strtof reads
SELECT '[1.,.5,+2,-3e2,0x1p-1,1E5]'::vector;
-- shortest digits that read back, whatever extra_float_digits says
SET extra_float_digits = 0;
SELECT '[0.1,16777216,16777217,1e-45,3.4028235e38,-0,1234567,1e20,1e-7]'::vector;
RESET extra_float_digits;
SELECT '[0.3333333333333333333333]'::vector;
-- too small is zero, too large an error
SELECT '[1e-50,-1e-50]'::vector;
SELECT '[1,4e38]'::vector;
SELECT '[1,-4e38]'::vector;
SELECT '[1e400]'::vector;

-- not numbers that a vector may hold
SELECT '[NaN]'::vector;
SELECT '[1,nan]'::vector;
SELECT '[nan(99999999999999999999)]'::vector;
SELECT '[Infinity]'::vector;
SELECT '[-inf]'::vector;

-- not vectors
SELECT ''::vector;
SELECT ' '::vector;
SELECT '1,2,3'::vector;
SELECT '{1,2,3}'::vector;
SELECT '['::vector;
SELECT '[1'::vector;
SELECT '[1,'::vector;
SELECT '[1,]'::vector;
SELECT '[,1]'::vector;
SELECT '[1,,3]'::vector;
SELECT '[1 2]'::vector;
SELECT '[1a]'::vector;
SELECT '[a]'::vector;
SELECT '[1,2,3]4'::vector;
SELECT '[1,2,3]]'::vector;
SELECT '[[1]]'::vector;
SELECT '[]'::vector;
SELECT '[ ]'::vector;
SELECT '[1]'::vector, '[]x'::vector;

-- the limit
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::vector);
SELECT ('[' || repeat('1,', 16000) || '1]')::vector;
SELECT length((('[' || repeat('1,', 15999) || '1]')::vector)::text);
SELECT ('[' || repeat('7,', 100000))::vector;

-- type modifiers
SELECT '[1,2,3]'::vector(3);
SELECT '[1,2,3]'::vector(2);
SELECT '[1,2,3]'::vector(4);
SELECT '[1]'::vector(0);
SELECT '[1]'::vector(-1);
SELECT '[1]'::vector(16000);
SELECT '[1]'::vector(16001);
SELECT '[1]'::vector(1, 2);
SELECT '[1]'::vector('x');
CREATE TABLE io (n vector(3), v vector, a vector(2)[]);
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
	WHERE attrelid = 'io'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO io VALUES ('[1,2,3]', '[1]', '{"[1,2]","[3,4]"}');
INSERT INTO io (v) VALUES ('[1,2,3,4]'), (NULL);
INSERT INTO io (n) VALUES ('[1,2]');
INSERT INTO io (n) SELECT '[1,2]'::vector;
INSERT INTO io (a) VALUES ('{"[1,2,3]"}');
SELECT * FROM io;
ALTER TABLE io ALTER v TYPE vector(3);
DELETE FROM io WHERE vector_dims(v) <> 3;
ALTER TABLE io ALTER v TYPE vector(3);
ALTER TABLE io ALTER v TYPE real[];
COPY io (n) FROM stdin;
[4,5,6]
 [ 7, 8, 9 ] 
\.
COPY io (n) FROM stdin;
[4,5]
\.
COPY io (n) TO stdout;

-- storage: never compressed, out of line when long
SELECT attstorage, attalign FROM pg_attribute WHERE attrelid = 'io'::regclass AND attname = 'n';
CREATE TABLE long (v vector(1000));
INSERT INTO long SELECT array_fill(i::real, '{1000}')::vector FROM generate_series(1, 3) i;
SELECT pg_column_size(v), pg_column_size(v || v), v = array_fill(1::real, '{1000}')::vector AS one FROM long;

-- Soft errors, where the server knows them.  Prints the same everywhere: what
-- is wrong is raised.
DO $$
DECLARE
	bad text;
	ok boolean;
	message text;
	total integer;
BEGIN
	IF current_setting('server_version_num')::integer >= 160000 THEN
		FOREACH bad IN ARRAY ARRAY['', 'x', '[', '[]', '[1,]', '[1]2', '[nan]', '[inf]', '[1e39]', '[1,2]',
								   '[' || repeat('1,', 16000) || '1]']
		LOOP
			EXECUTE 'SELECT pg_input_is_valid($1, ''vector(3)'')' INTO ok USING bad;
			IF ok THEN
				RAISE EXCEPTION 'valid: %', bad;
			END IF;
		END LOOP;
		EXECUTE 'SELECT pg_input_is_valid(''[1,2,3]'', ''vector(3)'')' INTO ok;
		IF NOT ok THEN
			RAISE EXCEPTION 'invalid: [1,2,3]';
		END IF;
		EXECUTE 'SELECT message FROM pg_input_error_info(''[1,2]'', ''vector(3)'')' INTO message;
		IF message <> 'expected 3 dimensions, not 2' THEN
			RAISE EXCEPTION 'message: %', message;
		END IF;
	END IF;
	IF current_setting('server_version_num')::integer >= 170000 THEN
		SET LOCAL client_min_messages = warning;
		CREATE TEMPORARY TABLE lenient (v vector(2));
		EXECUTE $copy$COPY lenient FROM PROGRAM 'printf "%s\n" "[1,2]" "[1]" "[nan,1]" "[3,4]" "["' WITH (ON_ERROR ignore)$copy$;
		SELECT count(*) INTO total FROM lenient;
		IF total <> 2 THEN
			RAISE EXCEPTION 'COPY kept % rows', total;
		END IF;
	END IF;
END
$$;

DROP TABLE io, long;
