# Parallel builds: workers take part, and the index is the one that a single
# process builds, byte for byte; errors, cancel, and servers without workers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('parallel');
$node->append_conf('postgresql.conf', <<'CONF');
max_worker_processes = 8
max_prepared_transactions = 1
maintenance_work_mem = '64MB'
# without autovacuum 18 leaves the number of a table's rows as it is; it never comes
autovacuum = on
autovacuum_naptime = 1d
CONF
$node->start;
ivf_setup($node);

# Every seventh vector is NULL, every eleventh has no direction.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE items (id int, v vector(20)) WITH (parallel_workers = 2);
INSERT INTO items SELECT i, CASE WHEN i % 7 > 0 THEN noise(i % 4000, 20) * (i % 11)::real END FROM generate_series(1, 5000) i;
DELETE FROM items WHERE id % 13 = 0;
CREATE UNLOGGED TABLE quick (id int, v vector(20)) WITH (parallel_workers = 1);
INSERT INTO quick SELECT * FROM items;
CREATE TABLE bare (id int, v vector(20)) WITH (parallel_workers = 3);
CREATE TABLE nulls (id int, v vector(20)) WITH (parallel_workers = 1);
INSERT INTO nulls SELECT i FROM generate_series(1, 3000) i;
-- few rows, many pages
CREATE TABLE slow (id int, v vector(20), filler char(3000) DEFAULT '') WITH (parallel_workers = 2, fillfactor = 10);
ALTER TABLE slow ALTER filler SET STORAGE plain;
INSERT INTO slow SELECT i, noise(i, 20) FROM generate_series(1, 400) i;

-- all bytes of an index but for LSNs and checksums
CREATE FUNCTION digest(index regclass) RETURNS text LANGUAGE sql AS $$
	SELECT count(*) || ' pages ' || md5(string_agg(substr(page, 11), '' ORDER BY block))
	FROM pg_relation_filepath(index) path, generate_series(0, pg_relation_size(index) / 8192 - 1) block,
		pg_read_binary_file(path, block * 8192, 8192) page
$$;
-- The vector, for which the process that test.leader names waits a while; its
-- workers say something, or somebody fails, or all wait.
CREATE FUNCTION passed(v vector, said text) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	leader bool := pg_backend_pid() = current_setting('test.leader', true)::int;
BEGIN
	IF said = 'worker speaks' AND NOT leader THEN
		RAISE WARNING 'by a worker';
	ELSIF said = 'worker fails' AND NOT leader OR said = 'leader fails' AND v::text = ivf_test.noise(400, 20)::text THEN
		RAISE EXCEPTION 'this row is not to be indexed' USING ERRCODE = '22023';
	ELSIF said = 'all wait' THEN
		PERFORM pg_sleep(0.0005);
	ELSIF leader AND said <> 'leader fails' THEN
		PERFORM pg_sleep(0.003);
	END IF;
	RETURN v;
END
$$;
-- nearly all rows are on a few blocks, which a sample of blocks does not see
CREATE TABLE uneven (id int, v vector(3), filler char(8000) DEFAULT '') WITH (parallel_workers = 2);
ALTER TABLE uneven ALTER filler SET STORAGE plain;
INSERT INTO uneven SELECT i, noise(i, 3) FROM generate_series(1, 500) i;
INSERT INTO uneven SELECT i, noise(i, 3), NULL FROM generate_series(1001, 4000) i;
INSERT INTO uneven SELECT i, noise(i, 3) FROM generate_series(501, 1000) i;
CREATE FUNCTION unsafe(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS 'BEGIN RETURN v; END';
SQL

# Runs statements with so many workers allowed; what they said.
sub with_workers
{
	my ($workers, @statements) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', join(";\n", "\\set VERBOSITY verbose\nSET max_parallel_maintenance_workers = $workers",
			q{SELECT set_config('test.leader', pg_backend_pid()::text, false)}, 'SET client_min_messages = debug1', @statements),
		stdout => \$out, stderr => \$err, on_error_stop => 1);
	return $err;
}

# How many workers were asked for and launched.
sub launched { return join '; ', $_[0] =~ /: (\d+ of \d+) workers launched/g }

# Likewise, how many calibrate the index.
sub calibrating { return join '; ', $_[0] =~ /: (\d+ of \d+) workers calibrate/g }

# An index that workers have built is the one that is built alone, and sound.
sub same
{
	my ($name, $table, $definition, $expected, @settings) = @_;
	$definition = "ON $table USING ivf ($definition";
	my $err = with_workers(0, @settings, "CREATE INDEX alone $definition");
	is(launched($err), '', "alone: $name") or diag($err);
	$err = with_workers(4, @settings, "CREATE INDEX together $definition");
	is(launched($err), $expected, "workers: $name") or diag($err);
	my $queries = $node->safe_psql('postgres', q{SELECT calibration_queries FROM ivf_info('together') WHERE levels > 1});
	is(calibrating($err), $queries ne '' ? $expected : '', "workers calibrate: $name") or diag($err);
	cmp_ok($queries, '>=', 50, "calibrated: $name") if $queries ne '';
	my @digests = split /\|/, $node->safe_psql('postgres', "CHECKPOINT; SELECT digest('alone'), digest('together'), sound('$table')");
	is($digests[1], $digests[0], "the same bytes: $name");
	is($digests[2], 2, "sound: $name");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname IN ('alone', 'together') AND reltuples = }
				. "(SELECT count(*) FROM $table" . ($definition =~ /(WHERE .*)/ ? " $1" : '') . ')'), 2, "all rows are counted: $name");
	is($node->safe_psql('postgres', "SELECT reltuples = (SELECT count(*) FROM $table) FROM pg_class WHERE oid = '$table'::regclass"), 't',
		"the table's rows are counted: $name");
	$node->safe_psql('postgres', 'DROP INDEX alone');
	return;
}

# How many of the entries are in memory that is shared, and not in a run.
sub piled { return join '; ', $_[0] =~ /: (\d+ of \d+) entries are in shared memory/g }

# The same index ----------------------------------------------------------------

same('L2', 'items', 'v) WITH (lists = 40)', '2 of 2');
for my $command ('REINDEX INDEX together', 'REINDEX INDEX CONCURRENTLY together')
{
	with_workers(0, $command);
	my $before = $node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('together')});
	is(launched(with_workers(2, $command)), '2 of 2', $command);
	is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('together')}), $before, "the same bytes: $command");
}
$node->safe_psql('postgres', 'DROP INDEX together');
for (
	[ 'cosine, rows without a direction', 'items', 'v vector_cosine_ops) WITH (lists = 40)', '2 of 2' ],
	[ 'inner products, three levels', 'items', 'v vector_ip_ops) WITH (lists = 40)', '2 of 2', 'SET ivf.debug_fanout = 6' ],
	[ 'cells', 'items', 'v) WITH (lists = 300)', '2 of 2' ],
	[ 'little memory, so many runs', 'items', 'v) WITH (lists = 40)', '2 of 2', q{SET maintenance_work_mem = '1MB'} ],
	[ 'one list', 'items', 'v)', '2 of 2' ],
	[ 'more rows than were expected', 'uneven', 'v) WITH (lists = 40)', '2 of 2' ],
	[ 'a part of the rows', 'items', 'v) WITH (lists = 20) WHERE id % 3 = 0', '2 of 2' ],
	[ 'an expression', 'items', '(subvector(v, 3, 9)::vector(9))) WITH (lists = 20)', '2 of 2' ],
	[ 'a table without WAL', 'quick', 'v) WITH (lists = 20)', '1 of 1' ],
	[ 'rows without vectors', 'nulls', 'v vector_cosine_ops)', '1 of 1' ],
	[ 'a query is to use workers', 'quick', 'v) WITH (lists = 20)', '1 of 1', 
		$node->pg_version < 16 ? 'SET force_parallel_mode = on' : 'SET debug_parallel_query = on' ],
	[ 'a serializable transaction', 'quick', 'v) WITH (lists = 20)', '1 of 1', 'BEGIN ISOLATION LEVEL SERIALIZABLE' ],
)
{
	my ($name, $table, $definition, $expected, @settings) = @$_;
	if ("@settings" =~ /BEGIN/) { $definition .= "; COMMIT"; }
	same($name, $table, $definition, $expected, @settings);
	$node->safe_psql('postgres', 'DROP INDEX together');
}
like(piled(with_workers(2, 'CREATE INDEX piled ON items USING ivf (v)', 'DROP INDEX piled')), qr/^(\d+) of \1$/, 'all entries in shared memory');
is(piled(with_workers(2, q{SET maintenance_work_mem = '1MB'}, 'CREATE INDEX piled ON items USING ivf (v)', 'DROP INDEX piled')), '', 'none of them');
my ($some, $all) = split / of /, piled(with_workers(2, 'CREATE INDEX piled ON uneven USING ivf (v)', 'DROP INDEX piled'));
cmp_ok($some, '>', 0, 'some of the rows that were not expected');
cmp_ok($some, '<', $all, 'and not all');
is(launched(with_workers($_->[0], "CREATE INDEX CONCURRENTLY $_->[1] ON items USING ivf (v) WITH (lists = 40)")), $_->[2], "CREATE INDEX CONCURRENTLY, $_->[1]")
	for [ 0, 'alone', '' ], [ 2, 'together', '2 of 2' ];
is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('alone') = digest('together'), sound('items')}), 't|2', 'the same bytes: CREATE INDEX CONCURRENTLY');
with_workers(0, 'REINDEX INDEX alone');

# Who takes part ------------------------------------------------------------------

my $err = with_workers(2, q{CREATE INDEX spoken ON slow USING ivf ((passed(v, 'worker speaks')::vector(20)))});
my $spoken = () = $err =~ /WARNING:  01000: by a worker/g;
cmp_ok($spoken, '>', 100, 'workers assign rows') or diag($err);
is($node->safe_psql('postgres', q{SELECT sound('slow')}), 1, 'with the rows of the workers');

is(launched(with_workers(2, 'CREATE TEMP TABLE own (v vector(20)) WITH (parallel_workers = 2)', 'INSERT INTO own SELECT v FROM quick',
			'CREATE INDEX ON own USING ivf (v) WITH (lists = 3)', q{DO $$BEGIN IF sound('own') <> 1 THEN RAISE 'not sound'; END IF; END$$})),
	'', 'a temporary table is the session\'s own');
is(launched(with_workers(2, 'CREATE INDEX ON items USING ivf ((unsafe(v)::vector(20)))')), '', 'an expression that is not parallel safe');
is(launched(with_workers(2, 'CREATE INDEX ON bare USING ivf (v)')), '', 'an empty table');
is(launched(with_workers(2, 'BEGIN', 'CREATE TABLE fresh (v vector(20)) WITH (parallel_workers = 2)', 'CREATE INDEX fresh_v ON fresh USING ivf (v)',
			'INSERT INTO fresh SELECT v FROM quick', 'TRUNCATE fresh', 'INSERT INTO fresh SELECT v FROM quick', 'COMMIT')), '', 'TRUNCATE');
is($node->safe_psql('postgres', q{SELECT sound('fresh')}), 1, 'sound after TRUNCATE');
$err = with_workers(2, 'SET max_parallel_workers = 0', 'REINDEX INDEX together');
is(launched($err) . calibrating($err), '0 of 2', 'no worker to be had');
is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('alone') = digest('together'), sound('items')}), 't|3', 'the same bytes: no worker to be had');
$err = with_workers(4, 'SET max_parallel_workers = 1', 'REINDEX INDEX together');
is(launched($err) . ', ' . calibrating($err), '1 of 2, 1 of 2', 'fewer workers than asked for');
is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('alone') = digest('together')}), 't', 'the same bytes: fewer workers');

# what a calibration alone learns later, from the same index
is($node->safe_psql('postgres', q{SELECT ivf_calibrate('together') = calibration_queries FROM ivf_info('together')}), 't', 'ivf_calibrate');
is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('alone') = digest('together')}), 't', 'the same bytes: ivf_calibrate');

is(launched(with_workers(2, 'SET ivf.simd = portable', 'REINDEX INDEX together')), '2 of 2', 'other vector instructions');
is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('alone') = digest('together')}), 't', 'the same bytes: other vector instructions');

# A chain that is broken where a worker looks, and the sample, of some blocks, has
# not: old snapshots must not use the index.
$node->safe_psql('postgres', <<'SQL');
BEGIN;
INSERT INTO bare VALUES (1);
PREPARE TRANSACTION 'old';
DROP INDEX spoken;
UPDATE slow SET v = noise(5000, 20) WHERE id = 390;
SQL
is(launched(with_workers(2, q{CREATE INDEX chain ON slow USING ivf ((passed(v, 'worker speaks')::vector(20)))})), '2 of 2', 'a broken HOT chain');
is($node->safe_psql('postgres', q{SELECT indcheckxmin FROM pg_index WHERE indexrelid = 'chain'::regclass}), 't',
	'a worker has seen the broken chain');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'old'});

# Errors --------------------------------------------------------------------------

# Nothing is left of a build that has failed.
sub nothing_left
{
	my ($name) = @_;
	$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'});
	is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM pg_class WHERE relname = 'failed'), (SELECT count(*) FROM pg_ls_tmpdir())}),
		'0|0', "nothing is left: $name");
	return;
}

for my $who ('worker', 'leader')
{
	$err = with_workers(2, "CREATE INDEX failed ON slow USING ivf ((passed(v, '$who fails')::vector(20)))");
	like($err, qr/ERROR:  22023: this row is not to be indexed/, "an error of the $who");
	like($err, qr/^CONTEXT:.*^parallel worker/ms, 'which comes from there') if $who eq 'worker';
	nothing_left("an error of the $who");
}

# Cancel, while workers are at work and the leader has said how far it is.
my $said = '';
{
	local %ENV = $node->_get_env();
	my $build = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', 'postgres', '-c', 'SET max_parallel_maintenance_workers = 2',
			'-c', q{CREATE INDEX failed ON items USING ivf ((passed(v, 'all wait')::vector(20)))} ], '>', \my $out, '2>', \$said);
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_progress_create_index p
		WHERE phase = 'building index: assigning rows to lists' AND tuples_done > 0 AND tuples_done < tuples_total
			AND (SELECT count(*) FROM pg_stat_activity w WHERE w.leader_pid = p.pid AND w.backend_type = 'parallel worker') = 2}), 'progress, with two workers');
	$node->safe_psql('postgres', 'SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index');
	$build->finish;
}
like($said, qr/ERROR:  57014/, 'cancelled');
nothing_left('cancelled');

$node->stop;
done_testing();
