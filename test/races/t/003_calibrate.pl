# Builds that are held up while several processes calibrate: all take part, what
# they learn together is what one learns, and errors and cancel end all of them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../perl";

use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('calibrate');
$node->append_conf('postgresql.conf', "max_worker_processes = 8\n");
$node->start;
ivf_setup($node);
$node->safe_psql('postgres', <<'SQL');
CREATE UNLOGGED TABLE items (id int, v vector(20)) WITH (parallel_workers = 2);
INSERT INTO items SELECT i, noise(i, 20) FROM generate_series(1, 2000) i;
CREATE FUNCTION digest(index regclass) RETURNS text LANGUAGE sql AS
	'SELECT md5(pg_read_binary_file(pg_relation_filepath(index)))';
-- who has come to the pause
CREATE VIEW paused AS SELECT a.pid, a.backend_type FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'advisory' AND l.classid = 1 AND l.objsubid = 2 AND l.granted;
SQL

my $create = 'ON items USING ivf (v) WITH (lists = 60)';
$node->safe_psql('postgres', "CREATE INDEX alone $create");
# the library with pause points ends calibrations early
my $queries = $node->safe_psql('postgres', q{SELECT calibration_queries FROM ivf_info('alone')});
ok($queries > 250 && $queries < 320, "enough is scored after $queries queries");

# What a build says that is held up when each process has come to its n-th query,
# or as many of them as there are to wait for, until something was done.
sub build
{
	my ($n, $processes, $done) = @_;
	my $point = "calibrate query $n";
	my $said = '';
	my $holder = $node->background_psql('postgres');
	$holder->query_safe('SELECT pg_advisory_lock(1)');
	local %ENV = $node->_get_env();
	my $build = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', 'postgres', map { ('-c', $_) }
			'SET max_parallel_maintenance_workers = 2', "SET ivf.pause_at = '$point'", "CREATE INDEX together $create" ],
		'<', \undef, '>', \my $out, '2>', \$said, IPC::Run::timeout(100));
	ok($node->poll_query_until('postgres', "SELECT count(*) >= $processes FROM paused"), "$processes processes are held up");
	$done->();
	$holder->query_safe('SELECT pg_advisory_unlock_all()');
	$build->finish;
	$holder->quit;
	return $said;
}

# all of them have had a query by then, and nobody two more
my $said = build(2, 3, sub {
	is($node->safe_psql('postgres', q{SELECT string_agg(backend_type, ', ' ORDER BY backend_type) FROM paused}),
		'client backend, parallel worker, parallel worker', 'leader and workers');
	is($node->safe_psql('postgres', q{SELECT phase, tuples_total, tuples_done BETWEEN 1 AND 3 FROM pg_stat_progress_create_index}),
		'building index: calibrating recall|320|t', 'progress');
});
is($said, '', 'the build ends well');
is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('alone') = digest('together'), sound('items')}), 't|2', 'the same bytes');
$node->safe_psql('postgres', 'DROP INDEX together');

# one rests at its last query but few, while the others go on: of three, one has a
# third of all, however they are shared
is(build(int(($queries + 2) / 3), 1, sub { }), '', 'the build ends well');
is($node->safe_psql('postgres', q{CHECKPOINT; SELECT digest('alone') = digest('together')}), 't', 'the same bytes, whoever had which query');
$node->safe_psql('postgres', 'DROP INDEX together');

# Nothing is left of a build that has failed.
sub nothing_left
{
	my ($name) = @_;
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'}), "workers have ended: $name");
	is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM pg_class WHERE relname = 'together'), (SELECT count(*) FROM pg_ls_tmpdir())}),
		'0|0', "nothing is left: $name");
	return;
}

my $one = q{FROM (SELECT pid FROM paused WHERE backend_type = '%s' LIMIT 1) s};
$said = build(2, 3, sub { $node->safe_psql('postgres', 'SELECT pg_terminate_backend(pid) ' . sprintf($one, 'parallel worker')); nothing_left('an error') });
like($said, qr/^ERROR:  57P01.*^CONTEXT:.*parallel worker/ms, 'an error of a worker');
$said = build(2, 3, sub { $node->safe_psql('postgres', 'SELECT pg_cancel_backend(pid) ' . sprintf($one, 'client backend')); nothing_left('cancelled') });
like($said, qr/^ERROR:  57014/, 'cancelled');

$node->stop;
my @complaints = grep { / (WARNING|PANIC): |TRAP: |leaked|still referenced/ } split /\n/, slurp_file($node->logfile);
is("@complaints", '', 'no complaint in the log');
done_testing();
