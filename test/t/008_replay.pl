# Answers during replay: whatever a standby has replayed, its indexes say what
# the primary said at that moment.  Each change notes in the table answers what
# a sequential scan finds after it, so every snapshot of a standby holds the
# answers that belong to it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfLoad;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $primary = ivf_node('primary', allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<'CONF');
wal_consistency_checking = 'generic'
max_connections = 40
log_statement = none
max_standby_streaming_delay = -1
wal_receiver_status_interval = 1
CONF
$primary->start;
ivf_setup($primary);
load_tables($primary);
$primary->safe_psql('postgres', <<'SQL');
CREATE TABLE answers (change serial, l2 text, cosine text, wide text, unplaced bigint);

-- what a scan of the whole table finds
CREATE FUNCTION note_answers() RETURNS void LANGUAGE plpgsql
SET enable_indexscan = off SET enable_bitmapscan = off AS $$
BEGIN
	INSERT INTO answers (l2, cosine, wide, unplaced)
		VALUES (answer('items', '<->', noise(1, 24)), answer('items', '<=>', noise(2, 24)), answer('wide', '<->', noise(3, 2000)),
			(SELECT count(*) FROM items WHERE v IS NULL));
END
$$;
-- what the indexes say, under the same snapshot; an error tells what differs
CREATE FUNCTION verify_answers() RETURNS int LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET ivf.probes = 100000 AS $$
DECLARE
	expected answers;
	plan text;
	few bigint;
	all_rows bigint;
BEGIN
	SELECT * INTO expected FROM answers ORDER BY change DESC LIMIT 1;
	SELECT string_agg(line, ' ') INTO plan FROM plan_of('SELECT id FROM items ORDER BY v <-> noise(1, 24)') line;
	IF plan !~ 'Index Scan' THEN
		RAISE EXCEPTION 'no index scan: %', plan;
	END IF;
	IF answer('items', '<->', noise(1, 24)) IS DISTINCT FROM expected.l2 THEN
		RAISE EXCEPTION 'by distance, another answer after change %', expected.change;
	END IF;
	IF answer('items', '<=>', noise(2, 24)) IS DISTINCT FROM expected.cosine THEN
		RAISE EXCEPTION 'by cosine, another answer after change %', expected.change;
	END IF;
	IF answer('wide', '<->', noise(3, 2000)) IS DISTINCT FROM expected.wide THEN
		RAISE EXCEPTION 'in 2,000 dimensions, another answer after change %', expected.change;
	END IF;
	-- with few lists probed, all rows all the same
	PERFORM set_config('ivf.probes', '1', true);
	SELECT count(d), count(*) INTO few, all_rows FROM (SELECT v <-> noise(1, 24) AS d FROM items ORDER BY v <-> noise(1, 24)) s;
	IF all_rows - few <> expected.unplaced THEN
		RAISE EXCEPTION '% rows without a vector instead of % after change %', all_rows - few, expected.unplaced, expected.change;
	END IF;
	RETURN expected.change;
END
$$;
SELECT note_answers();
SQL
is($primary->safe_psql('postgres', 'SELECT verify_answers()'), '1', 'on the primary, indexes and table agree');

$primary->backup('base');
sub standby_of
{
	my ($name, $from, $conf) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init_from_backup($primary, 'base', has_streaming => 1);
	$node->enable_streaming($from);
	$node->append_conf('postgresql.conf', $conf);
	$node->start;
	return $node;
}
my $patient = standby_of('patient', $primary, "hot_standby_feedback = on\n");
# replay waits for no one: queries that are in its way are cancelled
my $hasty = standby_of('hasty', $primary, "hot_standby_feedback = off\nmax_standby_streaming_delay = 20ms\n");
my $second = standby_of('second', $patient, "hot_standby_feedback = on\nmax_standby_streaming_delay = -1\n");

# What changes while standbys answer: one change at a time has its answer noted;
# what is taken back, and VACUUM, go on beside it.  REINDEX does not: a new index
# of any kind lacks rows that were dead to the primary, and the primary does not
# wait for snapshots of standbys that may see them.
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/change", <<'SQL');
\set seed random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(1);
INSERT INTO items (v) SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(:seed + i, 24) END
	FROM generate_series(1, 40) i;
INSERT INTO wide (v) VALUES (noise(:seed, 2000)), (noise(:seed + 1, 2000));
UPDATE items SET v = noise(:seed + id, 24) WHERE id % 200 = :seed % 200;
DELETE FROM items WHERE id % 80 = :seed % 80;
DELETE FROM wide WHERE id % 40 = :seed % 40;
SELECT note_answers();
END;
SQL
append_to_file("$folder/abort", <<'SQL');
\set seed random(1, 1000000)
BEGIN;
INSERT INTO items (v) SELECT noise(:seed + i, 24) FROM generate_series(1, 60) i;
INSERT INTO wide (v) VALUES (noise(:seed, 2000));
ROLLBACK;
SQL
append_to_file("$folder/vacuum", "VACUUM (INDEX_CLEANUP on) items, wide;\n");

# Asks a standby again and again, until there is a file that says no more.  A
# conflict may end a session: then there is another.
append_to_file("$folder/verify", "SELECT 'change ' || verify_answers();\n" x 20);
sub asking
{
	my ($node) = @_;
	return session_start($node, 'sh', '-c', "until [ -e $folder/enough ]; do psql -XAtq -v VERBOSITY=verbose -f $folder/verify postgres; done");
}

my $seconds = $ENV{SOAK} ? 120 : 7;
my $seed = $ENV{IVF_SEED} // 1;
note("seed: $seed");
my @pgbench = ('pgbench', '--no-vacuum', "--time=$seconds", "--random-seed=$seed");
my @load = (
	session_start($primary, @pgbench, '--client=2', '-f', "$folder/change\@4", '-f', "$folder/abort\@1", 'postgres'),
	session_start($primary, @pgbench, '--client=1', '-f', "$folder/vacuum", 'postgres'));
my %asking = map { $_->name => asking($_) } $patient, $hasty, $second;

# Replay stops anywhere, in the middle of an insert too.
my $end = time + $seconds - 2;
my $stops = 0;
my $wrong = 0;
until ($wrong || $stops >= 4 && time >= $end)
{
	for my $node ($patient, $second)
	{
		$node->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
		$node->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'") or die;
		my ($status, $out, $err) = $node->psql('postgres', "SELECT sound('items') + sound('wide'), verify_answers() > 0");
		$stops++;
		$wrong++ if $out ne '4|t' and diag("$out\n$err");
		$node->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
	}
}
is($wrong, 0, 'stopped anywhere in the WAL, standbys are sound and say what the primary said');
note("$stops stops");
for my $session (@load)
{
	session_end($session);
	unlike($session->{err}, qr/ERROR/, 'the primary met no error');
}

append_to_file("$folder/enough", '');
for my $node ($patient, $hasty, $second)
{
	my $session = session_end($asking{ $node->name });
	my @changes = $session->{out} =~ /^change (\d+)$/gm;
	my %distinct = map { $_ => 1 } @changes;
	cmp_ok(scalar keys %distinct, '>', 5, $node->name . ' answered after many a change');
	my @errors = grep { /^psql.*(ERROR|FATAL):/ } split /\n/, $session->{err};
	my @other = grep { !/40001: .*conflict with recovery/ } @errors;
	is(join("\n", @other), '', $node->name . ' met no error but conflicts with recovery');
	is(scalar @errors, 0, $node->name . ' met none at all') if $node ne $hasty;
	note($node->name, ': ', scalar @changes, ' answers after ', scalar keys %distinct, ' changes, ', scalar @errors, ' conflicts');
}

# At the end of the WAL all agree.
sub caught_up
{
	my ($name, @standbys) = @_;
	my $lsn = $primary->lsn('insert');
	my $change = $primary->safe_psql('postgres', 'SELECT verify_answers()');
	for my $node (@standbys)
	{
		$node->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'::pg_lsn") or die;
		is($node->safe_psql('postgres', "SELECT verify_answers(), sound('items') + sound('wide')"), "$change|4", "$name: " . $node->name);
	}
	return;
}
caught_up('at the end', $patient, $hasty, $second);

# A cursor that replay goes by ------------------------------------------------------------

my $change = $primary->safe_psql('postgres', 'SELECT max(change) FROM answers');
my $reader = $patient->background_psql('postgres');
$reader->query_safe(<<'SQL');
SET search_path = ivf_test, public;
SET enable_seqscan = off; SET enable_sort = off; SET ivf.probes = 100000;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT id, v <-> noise(1, 24) AS d FROM items ORDER BY v <-> noise(1, 24);
SQL
my $got = $reader->query_safe('FETCH 100 FROM c') . "\n";
my $xmin = $reader->query_safe('SELECT pg_snapshot_xmin(pg_current_snapshot())');
$primary->poll_query_until('postgres', "SELECT backend_xmin::text::bigint <= $xmin FROM pg_stat_replication WHERE application_name = 'patient'") or die;

# half of the rows go; VACUUM may remove what the cursor can't see, but not cut off
# the end of a table that it has locked
$primary->safe_psql('postgres', <<'SQL');
UPDATE items SET v = noise(id + 77, 24) WHERE id % 10 = 1;
DELETE FROM items WHERE id % 2 = 0;
SELECT note_answers();
SQL
$primary->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on, TRUNCATE off) items; INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 300) i');
$primary->safe_psql('postgres', 'SELECT note_answers()');
# the cursor holds the page of the row that it returned last; where replay waits
# for that page, the cursor moves on
my $target = $primary->lsn('insert');
my $state = '';
until ($state eq 'there')
{
	my $query = "SELECT CASE WHEN pg_last_wal_replay_lsn() >= '$target'::pg_lsn THEN 'there'
		WHEN EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = 'BufferPin') THEN 'waits' END";
	$patient->poll_query_until('postgres', "SELECT ($query) IS NOT NULL") or die;
	$state = $patient->safe_psql('postgres', $query);
	$got .= $reader->query_safe('FETCH 1 FROM c') . "\n" if $state eq 'waits';
	note('replay waited for the cursor') if $state eq 'waits';
}
caught_up('beside a cursor', $patient, $hasty);
$got .= $reader->query_safe('FETCH ALL FROM c');
my $expected = $reader->query_safe('SET enable_indexscan = off; SET enable_seqscan = on; SET enable_sort = on; SELECT id, v <-> noise(1, 24) AS d FROM items ORDER BY v <-> noise(1, 24)');
# rows without a distance follow in any order
my @got = map { (split /\|/)[1] // '' } split /\n/, $got;
my @expected = map { (split /\|/)[1] // '' } split /\n/, $expected;
is(join(' ', @got), join(' ', @expected), 'a cursor on the standby reads on as if nothing had been replayed');
is(join("\n", sort split /\n/, $got), join("\n", sort split /\n/, $expected), 'every row once');
$reader->query_safe('COMMIT');
$reader->quit;

# A snapshot that replay does not wait for: an error, and no wrong answer.  What
# is in the way first may be the page of the row that was fetched last.
$reader = $hasty->background_psql('postgres', on_error_stop => 0);
$reader->query_safe("SET search_path = ivf_test, public; SET enable_seqscan = off; SET enable_sort = off; BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT id FROM items ORDER BY v <-> noise(1, 24); FETCH 10 FROM c");
my $offset = -s $hasty->logfile;
my $xid = $primary->safe_psql('postgres', 'BEGIN; DELETE FROM items WHERE id % 3 = 0; SELECT note_answers() IS NULL; SELECT pg_current_xact_id(); COMMIT');
$xid =~ s/.*\n//s;
$primary->poll_query_until('postgres', "SELECT backend_xmin::text::bigint > $xid FROM pg_stat_replication WHERE application_name = 'patient'") or die;
$primary->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on, TRUNCATE off) items');
my $lsn = $primary->lsn('insert');
$hasty->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'::pg_lsn") or die;
eval { $reader->query('FETCH ALL FROM c') };
like(slurp_file($hasty->logfile, $offset), qr/conflict with recovery\n.*DETAIL:  User (query might have needed to see row versions|was holding shared buffer pin)/,
	'without feedback, VACUUM on the primary ends a query that needs the rows');
eval { $reader->quit };
caught_up('after that', $patient, $hasty, $second);

# Promotion ----------------------------------------------------------------------------------

# the cascading standby follows its parent, which now takes writes
$primary->stop;
$patient->promote;
is($patient->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', 'promoted: an unlogged table is empty');
$patient->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END FROM generate_series(1, 1000) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 40) i;
INSERT INTO fleeting SELECT id, v FROM items;
DELETE FROM items WHERE id % 3 = 1;
SELECT note_answers();
SQL
$patient->safe_psql('postgres', 'VACUUM items, wide');
load_sound($patient, 'promoted');
ivf_sound($patient, 'fleeting', '<=>', 'promoted: unlogged tables take rows');
$primary = $patient;
caught_up('promoted', $second);

# and promoted in its turn, after a crash of its own
$second->stop('immediate');
$second->start;
$second->promote;
is($second->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', 'promoted in turn: an unlogged table is empty');
$second->safe_psql('postgres', "INSERT INTO fleeting SELECT id, v FROM items; INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 500) i");
load_sound($second, 'promoted in turn');
ivf_sound($second, 'fleeting', '<=>', 'promoted in turn: unlogged tables take rows');

$_->stop for $patient, $hasty, $second;
unlike(slurp_file($_->logfile), qr/inconsistent page found|PANIC|TRAP|by signal/, $_->name . ': replay made the same pages') for $patient, $hasty, $second;

done_testing();
