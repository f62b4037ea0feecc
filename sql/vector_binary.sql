-- Binary form.

SELECT vector_send('[1,-2.5,-0]'::vector);

-- What COPY BINARY makes of a field of these bytes, typed as a column with
-- that modifier.
CREATE TABLE received (v vector);
CREATE TABLE received2 (v vector(2));
CREATE FUNCTION receive(field bytea, target regclass DEFAULT 'received') RETURNS vector LANGUAGE plpgsql AS $$
DECLARE
	-- signature, flags, length of the header's extension, fields in the row
	file bytea := '\x5047434f50590aff0d0a00 00000000 00000000 0001'::bytea
		|| int4send(length(field)) || field || '\xffff'::bytea;
	result vector;
BEGIN
	EXECUTE format('DELETE FROM %s', target);
	EXECUTE format('COPY %s FROM PROGRAM %L WITH (FORMAT binary)', target,
				   format('printf %%s %L | base64 -d', encode(file, 'base64')));
	EXECUTE format('SELECT v FROM %s', target) INTO result;
	RETURN result;
END
$$;
\set SHOW_CONTEXT never

SELECT receive('\x00020000' || float4send(1.5) || float4send('-0'));
SELECT receive('\x00020000' || float4send(1.5) || float4send(2), 'received2');
-- there and back again, every bit
SELECT count(*), bool_and(vector_send(receive(vector_send(v))) = vector_send(v)) AS same
FROM (SELECT ARRAY(SELECT (sin(i * n) * 10 ^ (i % 40 - 20))::real FROM generate_series(1, n) i)::vector
	  FROM unnest('{1,2,3,15,16,17,100,2000}'::int[]) n) t(v);
SELECT vector_dims(receive(vector_send(array_fill(1, '{16000}')::vector)));

-- order of the checks: dimensions, modifier, unused, elements
SELECT receive('\x00000007');
SELECT receive('\xffff0007');
SELECT receive('\x3e810007');
SELECT receive('\x5b312c32');
SELECT receive('\x00010007', 'received2');
SELECT receive('\x00010007' || float4send('NaN'));
SELECT receive('\x0001ffff' || float4send('NaN'));
SELECT receive('\x00010000' || float4send('NaN'));
SELECT receive('\x00020000' || float4send(1) || float4send('Infinity'));
SELECT receive('\x00020000' || float4send('-Infinity') || float4send(1));
-- too short, too long
SELECT receive('\x00');
SELECT receive('\x00020000' || float4send(1));
SELECT receive('\x00010000' || float4send(1) || float4send(2));

DROP FUNCTION receive;
DROP TABLE received, received2;
