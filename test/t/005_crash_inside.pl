# A crash inside of CREATE INDEX, of CREATE INDEX and REINDEX CONCURRENTLY and of
# VACUUM, in phase after phase.  The progress views tell when the phase has come,
# the server's log that the command had not ended when its process was killed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfLoad;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('inside');
$node->append_conf('postgresql.conf', <<'CONF');
wal_level = replica
shared_buffers = 2MB
max_connections = 40
maintenance_work_mem = 1MB
checkpoint_timeout = 1h
log_statement = none
restart_after_crash = on
CONF
$node->start;
ivf_setup($node);
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE rows (id serial, v vector(24));
INSERT INTO rows (v) SELECT CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 8000) i;
CREATE INDEX rows_cosine ON rows USING ivf (v vector_cosine_ops) WITH (lists = 20);

-- The process whose command is in the phase, as soon as it is; NULL if it does
-- not come.  written: so many bytes of WAL later.  Commands that wait for old
-- snapshots must not wait for this one's: hence the commits.
CREATE PROCEDURE wait_for_phase(command text, pattern text, written bigint, INOUT process int) LANGUAGE plpgsql AS $$
DECLARE
	start pg_lsn;
BEGIN
	FOR i IN 1 .. 2500 LOOP
		COMMIT;
		PERFORM pg_stat_clear_snapshot();
		EXECUTE format('SELECT pid FROM pg_stat_progress_%s WHERE phase LIKE %L', command, pattern) INTO process;
		IF process IS NOT NULL THEN
			start := coalesce(start, pg_current_wal_insert_lsn());
			EXIT WHEN pg_current_wal_insert_lsn() - start >= written;
		ELSE
			EXIT WHEN start IS NOT NULL;
		END IF;
		PERFORM pg_sleep(0.0005);
	END LOOP;
END
$$;
SQL

# Runs a command and kills its process in a phase.  True if that came about
# before the command ended.
sub killed_within
{
	my ($command, $phase, %more) = @_;
	my $view = $command =~ /^VACUUM/ ? 'vacuum' : 'create_index';
	my $written = $more{written} // 0;
	my $session = session_start($node, 'psql', '-XAtq', '-c', 'SELECT pg_sleep(0.1)', '-c', $more{settings} // 'SELECT', '-c', $command, 'postgres');
	my $pid = $node->safe_psql('postgres', "CALL wait_for_phase('$view', '$phase', $written, NULL)");
	my $log = $pid ? crash_backend($node, $pid) : '';
	session_end($session);
	return $log =~ /\(PID $pid\) was terminated by signal 9.*?Failed process was running: \Q$command/s;
}

# The same as a case.  A phase may be over before the process is killed: then
# the command is taken back, and run again.
sub killed_within_ok
{
	my ($command, $phase, $name, %more) = @_;
	my $hit;
	for my $try (1 .. 8)
	{
		$more{before}->() if $more{before};
		$hit = killed_within($command, $phase, %more);
		$more{after}->() if $more{after};
		# it may have done its work, and died before it could say so
		$hit &&= $node->safe_psql('postgres', 'SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid') eq 't'
		  if $command =~ /CONCURRENTLY/;
		last if $hit;
		$node->safe_psql('postgres', $more{back}) if $more{back};
	}
	ok($hit, $name);
	return;
}

# Sessions that write while an index is made beside them, as many rows as make
# its validation long enough to be met.
my $script = PostgreSQL::Test::Utils::tempdir() . '/write.sql';
append_to_file($script, <<'SQL');
\set id random(1, 8000)
INSERT INTO rows (v) SELECT noise(:id + i, 24) FROM generate_series(1, 200) i;
UPDATE rows SET v = noise(:id + 1, 24) WHERE ctid = (SELECT ctid FROM rows WHERE id = :id FOR UPDATE SKIP LOCKED);
DELETE FROM rows WHERE ctid = (SELECT ctid FROM rows WHERE id = :id + 100 FOR UPDATE SKIP LOCKED);
DELETE FROM rows WHERE ctid = ANY (ARRAY(SELECT ctid FROM rows WHERE id > 10000 ORDER BY id LIMIT 150 FOR UPDATE SKIP LOCKED));
SQL
my $writers;
my %writing = (
	before => sub {
		$writers = session_start($node, 'pgbench', '--no-vacuum', '--client=2', '--time=60', '--random-seed=1', '-f', $script, 'postgres');
	},
	after => sub {
		# they go with a server that crashes
		my @pids = split /\n/, $node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'noise' AND pid <> pg_backend_pid()});
		session_end($writers);
	});

# A transaction that others wait for, until it is ended.
sub holding
{
	my (@statements) = @_;
	my $session;
	return (
		before => sub {
			$session = $node->background_psql('postgres');
			$session->query_safe($_) for @statements;
		},
		after => sub {
			# it ends with the server
			eval { $session->quit };
		});
}

# CREATE INDEX ------------------------------------------------------------------------

my $create = 'CREATE INDEX made ON rows USING ivf (v) WITH (lists = 200)';
for my $phase ('sampling rows', 'clustering the sample', 'assigning rows to lists', 'sorting codes', 'writing pages')
{
	killed_within_ok($create, "building index: $phase", "CREATE INDEX is killed when it is $phase", back => 'DROP INDEX IF EXISTS made');
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 'made'"), '0', 'and leaves no index');
}
$node->safe_psql('postgres', $create);
ivf_sound($node, 'rows', '<-> <=>', 'then the index is made', 8000);

killed_within_ok('REINDEX INDEX made', 'building index: writing pages', 'REINDEX is killed');
ivf_sound($node, 'rows', '<->', 'and leaves the index as it was', 8000);
$node->safe_psql('postgres', 'DROP INDEX made');

# CREATE INDEX CONCURRENTLY --------------------------------------------------------------

my $concurrently = 'CREATE INDEX CONCURRENTLY made ON rows USING ivf (v) WITH (lists = 200)';
my $round = 0;
for my $case (
	[ 'waiting for writers before build', 0, holding('BEGIN', 'LOCK TABLE rows IN ROW EXCLUSIVE MODE') ],
	[ 'building index: assigning rows to lists', 0, %writing ],
	[ 'building index: writing pages', 0, %writing ],
	[ 'index validation: %', 1, %writing ],
	[ 'waiting for old snapshots', 1, holding('BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1') ])
{
	my ($phase, $ready, %around) = @$case;
	killed_within_ok($concurrently, $phase, "CREATE INDEX CONCURRENTLY is killed: $phase", back => 'DROP INDEX IF EXISTS made', %around);
	is($node->safe_psql('postgres', "SELECT indisvalid, indisready FROM pg_index WHERE indexrelid = 'made'::regclass"),
		'f|' . ($ready ? 't' : 'f'), 'and leaves an index that is not valid');
	my ($status, $out, $err) = $node->psql('postgres', "SELECT ivf_check('made')");
	like($err, qr/index "made" is not valid\nHINT:  REINDEX INDEX made;/, 'the check says so');

	# rows come and go, with the index there
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO rows (v) SELECT noise(i, 24) FROM generate_series(1, 300) i;
DELETE FROM rows WHERE id IN (SELECT id FROM rows ORDER BY id LIMIT 300);
VACUUM (INDEX_CLEANUP on) rows;
INSERT INTO rows (v) SELECT noise(i, 24) FROM generate_series(1, 100) i;
SQL
	my @remedies = ('REINDEX INDEX made', 'DROP INDEX made', 'REINDEX INDEX CONCURRENTLY made', 'DROP INDEX CONCURRENTLY made', 'REINDEX TABLE rows');
	my $remedy = $remedies[ $round++ % @remedies ];
	$node->safe_psql('postgres', $remedy);
	$node->safe_psql('postgres', $concurrently) if $remedy =~ /DROP/;
	is($node->safe_psql('postgres', "SELECT sound('rows')"), '2', "it is put in order by $remedy");
	$node->safe_psql('postgres', 'DROP INDEX made') if $phase ne 'waiting for old snapshots';
}
ivf_sound($node, 'rows', '<-> <=>', 'index and table agree');

# REINDEX CONCURRENTLY ---------------------------------------------------------------------

for my $case (
	[ 'building index: writing pages', %writing ],
	[ 'index validation: %', %writing ],
	[ 'waiting for old snapshots', holding('BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1') ],
	[ 'waiting for readers before marking dead', holding('BEGIN', 'LOCK TABLE rows IN ACCESS SHARE MODE') ])
{
	my ($phase, %around) = @$case;
	killed_within_ok('REINDEX INDEX CONCURRENTLY made', $phase, "REINDEX CONCURRENTLY is killed: $phase", %around);
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO rows (v) SELECT noise(i, 24) FROM generate_series(1, 300) i;
DELETE FROM rows WHERE id IN (SELECT id FROM rows ORDER BY id LIMIT 300);
VACUUM (INDEX_CLEANUP on) rows;
INSERT INTO rows (v) SELECT noise(i, 24) FROM generate_series(1, 100) i;
SQL
	is($node->safe_psql('postgres', "SELECT sound('rows')"), '2', 'there is an index that is valid and sound');
	my $left = $node->safe_psql('postgres', 'SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid');
	like($left, qr/^made_cc(new|old)$/, 'and one that is not');
	$node->safe_psql('postgres', "DROP INDEX $left");
}
ivf_sound($node, 'rows', '<-> <=>', 'index and table agree');

# VACUUM -------------------------------------------------------------------------------------

my @points = ([ 'scanning heap', 0 ], [ 'vacuuming indexes', 1 ], [ 'vacuuming indexes', 30000 ], [ 'vacuuming indexes', 100000 ], [ 'vacuuming heap', 1 ]);
for my $point (@points)
{
	my ($phase, $written) = @$point;
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO rows (v) SELECT CASE i % 20 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 3000) i;
DELETE FROM rows WHERE id % 4 = 0;
SQL
	killed_within_ok(
		'VACUUM (INDEX_CLEANUP on) rows', $phase, "VACUUM is killed: $phase, $written bytes of WAL later",
		written => $written,
		settings => "SET vacuum_cost_delay = '1ms'; SET vacuum_cost_limit = 30",
		back => 'DELETE FROM rows WHERE id IN (SELECT id FROM rows ORDER BY id LIMIT 3000)');
	is($node->safe_psql('postgres', "SELECT sound('rows')"), '2', 'the indexes are sound');
	$node->safe_psql('postgres', 'INSERT INTO rows (v) SELECT noise(i, 24) FROM generate_series(1, 1000) i');
	is($node->safe_psql('postgres', "SELECT sound('rows')"), '2', 'and take rows');
}
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) rows');
ivf_sound($node, 'rows', '<-> <=>', 'after VACUUM, index and table agree');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal (?!9\b)\d/, 'no process ended by itself');

done_testing();
