# Memory: it stays as it was over rescans, executions, inserts and whatever else
# a session repeats, and within the settings over builds, checks and long scans.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $soak = $ENV{SOAK} ? 1 : 0;
my $repeats = $soak ? 100_000 : 1_500;
my $inserts = $soak ? 100_000 : 10_000;
my $drained = $soak ? 1_000_000 : 30_000;

# few shared buffers: they count as memory of the process as soon as it has
# touched them
my $node = ivf_node('memory');
$node->append_conf('postgresql.conf', "shared_buffers = 1MB\nmax_wal_size = 8GB\nenable_seqscan = off\nenable_sort = off\n");
$node->start;
ivf_setup($node);

$node->safe_psql('postgres', <<'SQL');
-- vectors without a loop in a procedural language: for many rows
CREATE FUNCTION quick(i int, dimensions int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg((i * 7919::bigint + j * j * 104729::bigint + i * j * 31::bigint) % 10007 / 5003.5 - 1 ORDER BY j)::vector
	FROM generate_series(1, dimensions) j
$$;
-- bytes in use in all contexts of the session
CREATE FUNCTION used() RETURNS bigint LANGUAGE sql AS 'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
-- of the contexts of a name, what they have taken from the system
CREATE FUNCTION taken(context text) RETURNS bigint LANGUAGE sql AS
	'SELECT coalesce(sum(total_bytes), 0)::bigint FROM pg_backend_memory_contexts WHERE name = context';
-- kB that the process has, or has had at most since forget_peak()
CREATE FUNCTION process(field text) RETURNS int LANGUAGE sql AS
	$$SELECT substring(pg_read_file('/proc/self/status') FROM field || ':\s*(\d+)')::int$$;
CREATE PROCEDURE forget_peak() LANGUAGE plpgsql AS $$BEGIN COPY (SELECT 5) TO '/proc/self/clear_refs'; END$$;

-- Bytes in use when a fifth, two fifths, ... of the rows of a query have been
-- fetched: the query is at work meanwhile.
CREATE FUNCTION at_work(query text, fetches int) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	r record;
BEGIN
	PERFORM used();
	OPEN c FOR EXECUTE query;
	FOR i IN 1 .. fetches LOOP
		FETCH c INTO r;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'row % is missing', i;
		END IF;
		IF i % (fetches / 5) = 0 THEN
			RETURN NEXT used();
		END IF;
	END LOOP;
	CLOSE c;
END
$$;
-- The same for statements that are executed so many times, or fail: only those in
-- a subtransaction, for a transaction remembers each that has written something.
CREATE FUNCTION in_between(statement text, fails bool, times int) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		IF fails THEN
			BEGIN
				EXECUTE statement USING i;
				RAISE EXCEPTION 'it should fail: %', statement;
			EXCEPTION WHEN data_exception THEN
				-- as wanted
			END;
		ELSE
			EXECUTE statement USING i;
		END IF;
		IF i % (times / 5) = 0 THEN
			RETURN NEXT used();
		END IF;
	END LOOP;
END
$$;

CREATE TABLE items (id int, v vector(32));
INSERT INTO items SELECT i, CASE WHEN i % 50 > 0 THEN quick(i, 32) END
	FROM generate_series(1, 3000) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 30);
CREATE TABLE products AS SELECT * FROM items;
SET ivf.debug_fanout = 3;
CREATE INDEX ON products USING ivf (v vector_ip_ops) WITH (lists = 30);
RESET ivf.debug_fanout;
CREATE TABLE angles (id int, v vector(32));
INSERT INTO angles SELECT i, CASE i % 3 WHEN 0 THEN quick(i, 32) WHEN 1 THEN quick(i, 32) * 0 END FROM generate_series(1, 40) i;
CREATE INDEX ON angles USING ivf (v vector_cosine_ops);
CREATE TABLE expressions AS SELECT id, v FROM items WHERE v IS NOT NULL;
CREATE INDEX ON expressions USING ivf ((l2_normalize(subvector(v, 1, 16))::vector(16))) WITH (lists = 10);
CREATE TABLE toasted (id int, v vector(64)) WITH (toast_tuple_target = 128);
ALTER TABLE toasted ALTER v SET STORAGE external;
INSERT INTO toasted SELECT i, quick(i, 64) FROM generate_series(1, 1000) i;
CREATE INDEX ON toasted USING ivf (v) WITH (lists = 10);
CREATE TABLE equal AS SELECT i AS id, '[1,2,3]'::vector(3) AS v FROM generate_series(1, 1200) i;
CREATE INDEX ON equal USING ivf (v);
ANALYZE;
SQL

# What five measurements have grown by, of which the first is a fifth of the way:
# eight bytes a time and more would show.  A case.
sub flat
{
	my ($name, $times, $settings, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', "$settings;\n$sql", stdout => \$out, stderr => \$err);
	my @used = $out =~ /^(\d+)$/mg;
	my $least = $used[0] // 0;
	my $most = $least;
	for (@used) { $most = $_ if $_ > $most; }
	ok($err eq '' && @used == 5 && $most - $least < 8 * $times * 4 / 5, "flat: $name") or diag("$err\n@used");
	note(sprintf '%s: %d bytes, %+d over %d times', $name, $least, $most - $least, $times);
	return;
}

# Rescans -------------------------------------------------------------------------

# Queries come round every hundred times, so that the measurements find the scan
# in the same state.
sub rescans
{
	my ($name, $settings, $inner, $dimensions, $rows, $times) = @_;
	$times //= $repeats;
	my $queries = "(SELECT array_agg(quick(5000 + i, $dimensions) ORDER BY i) AS a FROM generate_series(1, 100) i) q";
	flat("rescans, $name", $times, $settings . '; SET enable_material = off',
		"SELECT at_work(\$\$SELECT i, s.* FROM $queries, generate_series(1, $times) i, LATERAL ($inner) s\$\$, $rows * $times)");
	return;
}
my $next = 'q.a[1 + i % 100]';
rescans('ten rows', '', "SELECT id FROM items ORDER BY v <-> $next LIMIT 1", 32, 1);
rescans('all lists probed', 'SET ivf.probes = 1000', "SELECT id FROM items ORDER BY v <-> $next LIMIT 1", 32, 1, $soak ? 20_000 : 500);
rescans('inner products, a tree of three levels', '', "SELECT id FROM products ORDER BY v <#> $next LIMIT 1", 32, 1);
rescans('to the end, past rows without a direction and NULLs', '', "SELECT id FROM angles ORDER BY v <=> $next", 32, 40, $soak ? 20_000 : $repeats);
rescans('a NULL to look for', '', 'SELECT id FROM items ORDER BY v <-> q.a[1000 + i] LIMIT 1', 32, 1);
rescans('rows all at one distance', 'SET work_mem = 64', 'SELECT id FROM equal ORDER BY v <-> q.a[1 + i % 100] LIMIT 1', 3, 1, $soak ? 10_000 : 500);
rescans('an expression', '', "SELECT id FROM expressions ORDER BY l2_normalize(subvector(v, 1, 16))::vector(16) <-> $next LIMIT 1", 16, 1);
rescans('vectors out of line', '', "SELECT id FROM toasted ORDER BY v <-> $next LIMIT 1", 64, 1);

# Repeats -------------------------------------------------------------------------

sub repeated
{
	my ($name, $settings, $statement, $times) = @_;
	$times //= $repeats;
	flat($name, $times, $settings, "SELECT in_between(\$\$$statement\$\$, '" . ($name =~ /fail/ ? 't' : 'f') . "', $times)");
	return;
}
repeated('executions', '', 'SELECT id FROM items ORDER BY v <-> quick(5000 + $1 % 100, 32) LIMIT 5', $repeats / 5);
repeated('executions that fail', '', 'SELECT id FROM items ORDER BY v <-> quick(5000 + $1 % 100, 31) LIMIT 5', $repeats / 5);
repeated('inserts', '', 'INSERT INTO items SELECT 10000 + $1, quick($1, 32)', $repeats / 5);
repeated('inserts that fail', '', 'INSERT INTO items SELECT 10000 + $1, quick($1 % 100, 30 + $1 % 2)', $repeats / 5);
repeated('inserts of NULLs', '', 'INSERT INTO angles SELECT $1, NULL', $repeats / 5);
repeated('updates', '', 'UPDATE products SET v = v * 1.01::real WHERE id = $1', 500);
repeated('checks', '', q{SELECT ivf_check('angles_v_idx', true), ivf_check('expressions_l2_normalize_idx', true), $1}, 200);
repeated('ivf_info', '', q{SELECT ivf_info('items_l2'), ivf_last_scan(), $1}, 200);
repeated('ivf_lists', '', q{SELECT count(*), $1 FROM ivf_lists('items_l2')}, 200);

# VACUUM runs in no function; a transaction remembers its files
flat('builds', 50, 'SET maintenance_work_mem = 1024', join('', map { ('REINDEX INDEX angles_v_idx;') x 10 . "SELECT used();\n" } 1 .. 5));
flat('VACUUM', 50, '', join('', map { ('VACUUM (INDEX_CLEANUP on) angles;') x 10 . "SELECT used();\n" } 1 .. 5));

# One statement: a constraint measures while rows come
my $file = PostgreSQL::Test::Utils::tempdir() . '/items.copy';
$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION noted(id int) RETURNS bool LANGUAGE plpgsql AS \$\$
BEGIN
	IF id % ($inserts / 5) = 0 THEN
		PERFORM set_config('test.used', current_setting('test.used', true) || E'\\n' || used(), false);
	END IF;
	RETURN true;
END
\$\$;
CREATE TABLE copied (id int CHECK (noted(id)), v vector(32));
CREATE INDEX copied_v ON copied USING ivf (v);
COPY (SELECT i, CASE WHEN i % 10 > 0 THEN quick(i, 32) END FROM generate_series(1, $inserts) i) TO '$file';
SQL
my $during = "SET client_min_messages = error; SELECT set_config('test.used', '', false) AS none \\gset\nSELECT used() AS none \\gset\n";
flat('COPY', $inserts, '', "$during COPY copied FROM '$file'; SELECT current_setting('test.used')");
$node->safe_psql('postgres', 'TRUNCATE copied; INSERT INTO copied SELECT -i, quick(i, 32) FROM generate_series(1, 2000) i; REINDEX INDEX copied_v');
flat('INSERT ... SELECT', $inserts, '', "$during INSERT INTO copied SELECT i, quick(i % 1000, 32) FROM generate_series(1, $inserts) i; SELECT current_setting('test.used')");
is($node->safe_psql('postgres', "SELECT sound('copied'), sound('items'), sound('angles')"), '1|1|1', 'and all is sound');

# Long scans ------------------------------------------------------------------------

# The most that the process has had during some work, in kB more than before.
# What it does for the first time is done before.
sub peak
{
	my ($settings, $first, $work) = @_;
	my $out = $node->safe_psql('postgres', "$settings;\n$first;\nCALL forget_peak();\nSELECT 'before ' || process('VmRSS');\n$work;\nSELECT 'peak ' || process('VmHWM')");
	my ($before) = $out =~ /^before (\d+)$/m or die $out;
	my ($peak) = $out =~ /^peak (\d+)$/m or die $out;
	return ($peak - $before, $out);
}

$node->safe_psql('postgres', <<"SQL");
CREATE TABLE long (id int, v vector(16));
INSERT INTO long SELECT i, quick(i, 16) FROM generate_series(1, $drained) i;
CREATE TABLE single AS SELECT * FROM long;
CREATE INDEX long_v ON long USING ivf (v);
CREATE INDEX single_v ON single USING ivf (v) WITH (lists = 1);
VACUUM ANALYZE long, single;
-- fetches all rows, and tells the most that the scan's contexts have had
CREATE FUNCTION drain(query text, OUT count int, OUT most bigint) LANGUAGE plpgsql AS \$\$
DECLARE
	c refcursor;
	r record;
BEGIN
	count := 0;
	most := 0;
	OPEN c FOR EXECUTE query;
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		count := count + 1;
		IF count % ($drained / 50) = 1 THEN
			most := greatest(most, taken('ivf scan') + taken('ivf query') + taken('TupleSort main') + taken('TupleSort sort') + taken('Caller tuples'));
		END IF;
	END LOOP;
END
\$\$;
SQL
for my $case ([ 'the usual lists probed', 'long', 0 ], [ 'all lists probed', 'long', 1000000 ], [ 'one list', 'single', 0 ])
{
	my ($name, $table, $probes) = @$case;
	my $query = sub { "SELECT drain(\$\$SELECT id FROM $table ORDER BY v <-> quick(77, 16) LIMIT $_[0]\$\$)" };
	my ($peak, $out) = peak("SET work_mem = 64; SET ivf.probes = $probes", $query->(1000), $query->(10000000));
	my ($count, $most) = $out =~ /^\((\d+),(\d+)\)\npeak/m;
	is($count, $drained, "a scan to its end, $name: every row");
	# beyond work_mem: 5 bytes for each entry of a list that is looked at again,
	# 150 for each list; for rows and for lists room for 1,024 candidates, and
	# 64 kB for a sort
	my $bound = ($table eq 'single' ? 10 * $drained : 0) + 150 * $drained / 500 + 1024 * 1024;
	cmp_ok($most, '<', $bound, "a scan to its end, $name: bytes in its contexts");
	cmp_ok(1024 * $peak, '<', $bound + 3 * 1024 * 1024, "a scan to its end, $name: memory of the process");
	note("$name: $most bytes in contexts, $peak kB of the process");
}

# Builds and checks -------------------------------------------------------------------

# In MB: maintenance_work_mem, rows, dimensions, lists
my @builds = ([ 1, 10_000, 16, 0 ], [ 1, 1000, 2000, 0 ], [ 8, 20_000, 64, 0 ], [ 2, 5000, 64, 3500 ], [ 2, 5000, 2000, 60 ]);
push @builds, [ 64, 200_000, 128, 0 ], [ 64, 20_000, 2000, 0 ], [ 16, 50_000, 64, 25_000 ] if $soak;
for my $build (@builds)
{
	my ($memory, $rows, $dimensions, $lists) = @$build;
	my $name = "$rows rows of $dimensions dimensions, " . ($lists ? "$lists lists, " : '') . "$memory MB";
	$node->safe_psql('postgres', "CREATE TABLE built (id int, v vector($dimensions)); ALTER TABLE built ALTER v SET STORAGE external");
	$node->safe_psql('postgres', <<"SQL");
CREATE TEMP TABLE base AS SELECT i, quick(i, $dimensions) AS v FROM generate_series(0, 199) i;
INSERT INTO built SELECT j, a.v + b.v * 0.5::real FROM generate_series(1, $rows) j
	JOIN base a ON a.i = j % 200 JOIN base b ON b.i = j / 200 % 200;
SQL
	my ($peak) = peak("SET maintenance_work_mem = '${memory}MB'; CREATE TABLE warm AS SELECT * FROM built LIMIT 100; CREATE INDEX warm_v ON warm USING ivf (v) WITH (lists = 2)",
		"REINDEX INDEX warm_v; SELECT ivf_check('warm_v', true)", "CREATE INDEX built_v ON built USING ivf (v) WITH (lists = $lists)");
	# the index is searched at the end: the session has its inner nodes' rows then,
	# which it would copy at its first search anyway
	my $kept = $lists * (12 + 4 * ($dimensions + 15 & ~15)) / 1024;
	cmp_ok($peak, '<', 1.1 * 1024 * $memory + 1024 + $kept, "a build of $name");
	my ($check) = peak("SET maintenance_work_mem = '${memory}MB'", "SELECT ivf_check('warm_v', true)", "SELECT ivf_check('built_v', true)");
	cmp_ok($check, '<', 1.1 * 1024 * $memory + 1024, "a check of $name");
	note("$name: build $peak kB, check $check kB");
	$node->safe_psql('postgres', 'DROP TABLE built, warm');
}
$node->stop;

done_testing();
