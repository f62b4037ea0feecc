# Cancel: whatever is at work ends when it is asked to, leaves nothing behind,
# and what it was at work on is sound.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

# SOAK: sizes at which every phase takes its time, and the time to answer counts
my $soak = $ENV{SOAK} ? 1 : 0;
my $rows = $soak ? 400_000 : 20_000;
my $lists = $soak ? 2000 : 300;

my $node = ivf_node('cancel');
$node->append_conf('postgresql.conf', "shared_buffers = 8MB\nmax_wal_size = 4GB\nmaintenance_work_mem = '@{[ $soak ? 64 : 1 ]}MB'\n");
$node->start;
ivf_setup($node);

# Unlogged: then nothing but the index's own code is left to answer.
$node->safe_psql('postgres', <<"SQL");
CREATE UNLOGGED TABLE items (id int, v vector(64)) WITH (parallel_workers = 1);
INSERT INTO items SELECT i, v FROM generate_series(1, $rows) i, LATERAL
	(SELECT array_agg((i * 7919::bigint + j * j * 104729::bigint + i * j * 31::bigint) % 1009 / 504.5 - 1 ORDER BY j)::vector AS v
		FROM generate_series(1, 64) j OFFSET i - i) s;
CREATE UNLOGGED TABLE spare (id int, v vector(64));
-- Cancels the first session of which a view says something.
CREATE PROCEDURE cancel_when(view text, condition text) LANGUAGE plpgsql AS \$\$
DECLARE
	victim int;
BEGIN
	FOR i IN 1 .. 100000 LOOP
		PERFORM pg_stat_clear_snapshot();
		EXECUTE format('SELECT pid FROM %s WHERE %s', view, condition) INTO victim;
		IF victim IS NOT NULL THEN
			PERFORM pg_cancel_backend(victim);
			RETURN;
		END IF;
		PERFORM pg_sleep(0.0003);
	END LOOP;
END
\$\$;
-- Whether a build has reported more than there is, and that it was looked at.
CREATE FUNCTION progress_of(phase text) RETURNS text LANGUAGE plpgsql AS \$\$
DECLARE
	running int;
	beyond int;
	looks int := 0;
	found int := 0;
BEGIN
	FOR i IN 1 .. 100000 LOOP
		PERFORM pg_stat_clear_snapshot();
		SELECT count(*), count(*) FILTER (WHERE p.tuples_done > p.tuples_total) INTO running, beyond
			FROM pg_stat_progress_create_index p WHERE p.phase = 'building index: ' || progress_of.phase;
		EXIT WHEN running = 0 AND looks > 0;
		looks := looks + running;
		found := found + beyond;
		PERFORM pg_sleep(0.0003);
	END LOOP;
	RETURN (looks > 0) || ' ' || found;
END
\$\$;
SQL

# Runs a statement until it was cancelled when a view said so, and before it said
# something itself: it may end before it is seen, or while it is being told.  A
# case.
sub cancelled
{
	my ($name, $sql, $view, $condition, $again, $too_late) = @_;
	local %ENV = $node->_get_env();
	my ($state, $latency) = ('', 0);
	for (1 .. 30)
	{
		my ($out, $err, $said, $failed) = ('') x 4;
		my $canceller = IPC::Run::start([ 'psql', '-XAtq', '-d', 'postgres', '-c', "CALL cancel_when('$view', \$\$$condition\$\$)" ],
			'>', \$said, '2>', \$failed);
		my $victim = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', 'postgres', map { ('-c', $_) } ref $sql ? @$sql : $sql ],
			'>', \$out, '2>', \$err);
		my $begin;
		while ($victim->pumpable)
		{
			$canceller->pump_nb if $canceller->pumpable;
			$begin = time if !defined $begin && !$canceller->pumpable;
			$victim->pump_nb;
			select(undef, undef, undef, 0.002);
		}
		$latency = defined $begin ? time - $begin : 0;
		$victim->finish;
		# one that has met nobody would wait for the next
		$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL cancel_when%'});
		$canceller->finish;
		$state = join ' ', $err =~ /^ERROR:  (\w+)/mg;
		$state .= ', too late' if defined $too_late && $err =~ $too_late;
		last if $state !~ /too late|^$/;
		next if $state =~ /^57014/;
		$node->safe_psql('postgres', $again) if defined $again;
	}
	is($state, '57014', "cancelled: $name");
	note(sprintf('%s: answered after %.3f s', $name, $latency));
	cmp_ok($latency, '<', 1, "within a second: $name") if $soak;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'), '0', "no temporary files: $name");
	return;
}

# Build -------------------------------------------------------------------------

my $create = "CREATE INDEX items_v ON items USING ivf (v) WITH (lists = $lists)";
for my $phase ('sampling rows', 'clustering the sample', 'assigning rows to lists', 'sorting codes')
{
	cancelled($phase, $create, 'pg_stat_progress_create_index', "phase = 'building index: $phase'", 'DROP INDEX items_v');
}
cancelled('the first lists are formed', $create, 'pg_stat_progress_create_index',
	"phase = 'building index: clustering the sample' AND tuples_done > 0", 'DROP INDEX items_v');
cancelled('half of the rows are assigned', $create, 'pg_stat_progress_create_index',
	"phase = 'building index: assigning rows to lists' AND tuples_done > tuples_total / 2", 'DROP INDEX items_v');
# not only when all is written
cancelled('writing pages', [ 'SET client_min_messages = debug1', $create ], 'pg_stat_progress_create_index',
	"phase = 'building index: writing pages' AND tuples_done > 0", 'DROP INDEX items_v', qr/\d+ pages written/);
for my $workers (0, 1)
{
	cancelled("calibrating recall, $workers workers", [ "SET max_parallel_maintenance_workers = $workers", $create ], 'pg_stat_progress_create_index',
		"phase = 'building index: calibrating recall' AND tuples_done > 0", 'DROP INDEX items_v');
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 'items_v'"), '0', 'no index is left');

# Progress, of a sample that memory does not hold.  Who looks is there before the
# build begins.
{
	local %ENV = $node->_get_env();
	my ($out, $err) = ('', '');
	my $watcher = IPC::Run::start([ 'psql', '-XAtq', '-d', 'postgres', '-c', "SELECT progress_of('clustering the sample')" ],
		'>', \$out, '2>', \$err);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT progress_of%'")
	  or die 'nobody looks';
	$node->safe_psql('postgres', "$create; DROP INDEX items_v");
	$watcher->finish;
	is($out . $err, "true 0\n", 'no more is reported than there is');
}

$node->safe_psql('postgres', $create);
my $size = $node->safe_psql('postgres', "SELECT pg_relation_size('items_v')");
cancelled('REINDEX', 'REINDEX INDEX items_v', 'pg_stat_progress_create_index', "phase = 'building index: writing pages'");
is($node->safe_psql('postgres', "SELECT pg_relation_size('items_v'), sound('items')"), "$size|1", 'REINDEX leaves the index as it was');
cancelled('CREATE INDEX CONCURRENTLY', 'CREATE INDEX CONCURRENTLY items_c ON items USING ivf (v)', 'pg_stat_progress_create_index',
	"phase = 'building index: assigning rows to lists'", 'DROP INDEX items_c');
is($node->safe_psql('postgres', "SELECT indisvalid FROM pg_index WHERE indexrelid = 'items_c'::regclass"), 'f', 'what that leaves is not valid');
$node->safe_psql('postgres', 'DROP INDEX items_c');

# Check and scan ------------------------------------------------------------------

# Seconds, as psql has measured them.
sub time_of { return $_[0] =~ /^Time: ([\d.]+) ms/m ? $1 / 1000 : die "no time in: $_[0]" }

# How long a statement takes, and then that it can be ended anywhere between.
sub timed_out
{
	my ($name, $settings, $sql) = @_;
	my $takes = time_of($node->safe_psql('postgres', "$settings;\n\\timing on\n$sql"));
	my ($ended, $latest, $others) = (0, 0, '');
	for my $part (map { $_ / 20 } 1 .. 8)
	{
		my ($out, $err) = ('', '');
		my $timeout = int(1000 * $takes * $part) || 1;
		$node->psql('postgres', "\\set VERBOSITY sqlstate\n$settings;\nSET statement_timeout = $timeout;\n\\timing on\n$sql",
			stdout => \$out, stderr => \$err);
		my $late = $err ne '' ? time_of($out) - $timeout / 1000 : 0;
		$latest = $late if $late > $latest;
		if ($err =~ /57014/) { $ended++; }
		elsif ($err ne '') { $others .= $err; }
	}
	is($others, '', "no other error: $name");
	# it may be faster the second time
	cmp_ok($ended, '>=', 2, "ended: $name");
	note(sprintf('%s takes %.2f s; %d of 8 ended, %.3f s late at most', $name, $takes, $ended, $latest));
	cmp_ok($latest, '<', 1, "within a second: $name") if $soak;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_ls_tmpdir()'), '0', "no temporary files: $name");
	return;
}

my $scan = 'SET enable_seqscan = off; SET enable_sort = off; SET work_mem = 64';
my $query = '(SELECT v FROM items WHERE id = 7)';
timed_out('check', '', "SELECT ivf_check('items_v', true)");
timed_out('a scan to its end', "$scan; SET ivf.probes = 1", "SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> $query OFFSET 0) s");
timed_out('an exact scan to its end', "$scan; SET ivf.probes = 1000000", "SELECT count(*) FROM (SELECT id FROM items ORDER BY v <-> $query OFFSET 0) s");
timed_out('a filter that no row passes', "$scan; SET ivf.probes = 1", "SELECT id FROM items WHERE id + 0 < 0 ORDER BY v <-> $query LIMIT 1");

# one list, all of whose entries are dead: one call for all
$node->safe_psql('postgres', <<'SQL');
CREATE INDEX spare_v ON spare USING ivf (v);
INSERT INTO spare SELECT * FROM items;
DELETE FROM spare;
SQL
timed_out('a list of dead rows', $scan, "SELECT id FROM spare ORDER BY v <-> $query LIMIT 1");

# VACUUM and COPY ---------------------------------------------------------------

# naps on every page: none of them may be taken with a lock
cancelled('VACUUM', [ 'SET vacuum_cost_delay = 20', 'SET vacuum_cost_limit = 1', 'VACUUM (INDEX_CLEANUP on) spare' ],
	'pg_stat_progress_vacuum', "phase = 'vacuuming indexes'");
is($node->safe_psql('postgres', "SELECT count(*), sound('spare') FROM spare"), '0|1', 'VACUUM leaves a sound index');
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) spare');
is($node->safe_psql('postgres', "SELECT sound('spare'), (ivf_info('spare_v')).entries"), '1|0', 'and does its work when it is let');

my $file = PostgreSQL::Test::Utils::tempdir() . '/items.copy';
$node->safe_psql('postgres', "COPY items TO '$file'; DROP INDEX items_v; CREATE INDEX items_v ON items USING ivf (v vector_cosine_ops)");
cancelled('COPY', "COPY spare FROM '$file'", 'pg_stat_progress_copy', "command = 'COPY FROM' AND tuples_processed > 1000", 'TRUNCATE spare');
is($node->safe_psql('postgres', "SELECT count(*), sound('spare') FROM spare"), '0|1', 'COPY leaves a sound index');
cancelled('INSERT', 'INSERT INTO spare SELECT id, v FROM items, pg_sleep(0.1)', 'pg_stat_activity',
	"query LIKE 'INSERT INTO spare SELECT%' AND wait_event IS DISTINCT FROM 'PgSleep' AND state = 'active' AND query_start < clock_timestamp() - interval '0.15 s'", 'TRUNCATE spare');
$node->safe_psql('postgres', 'INSERT INTO spare SELECT * FROM items WHERE id <= 3000');
ivf_sound($node, 'spare', '<->', 'rows that follow take the places', 3000);
$node->safe_psql('postgres', 'VACUUM spare');
ivf_sound($node, 'spare', '<->', 'and after VACUUM', 3000);

# What is left --------------------------------------------------------------------

$node->safe_psql('postgres', 'DROP TABLE items, spare; CHECKPOINT');
is($node->safe_psql('postgres', <<'SQL'), '', 'no file is left');
SELECT string_agg(f, ' ') FROM pg_database, pg_ls_dir('base/' || oid) f
WHERE datname = current_database() AND f ~ '^[0-9]+$' AND pg_filenode_relation(0, f::oid) IS NULL
SQL
$node->stop;
my @complaints = grep { / (WARNING|PANIC): |TRAP: |leaked|still referenced/ } split /\n/, slurp_file($node->logfile);
is("@complaints", '', 'no complaint in the log');

done_testing();
