# What the tests of crashes and of standbys do to a server: tables with indexes
# of every shape, sessions that change, search and maintain them, and the ways
# in which a server ends.
package IvfLoad;

use strict;
use warnings;

use Exporter 'import';
use File::Spec;
use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(load_tables load_start load_end load_sound load_answers session_start session_end
  crash_all crash_backend crash_session crash_postmaster start_again);

# items has lists of several pages, a tree of three levels, and the chains of
# rows without a direction and without a vector; wide has entries that take
# several records; fleeting is unlogged.
sub load_tables
{
	my ($node) = @_;
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE items (id serial, v vector(24), changes int DEFAULT 0);
INSERT INTO items (v) SELECT CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 3000) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 5);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (lists = 5);
SET ivf.debug_fanout = 3;
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
RESET ivf.debug_fanout;
CREATE TABLE wide (id serial, v vector(2000));
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 40) i;
CREATE INDEX wide_v ON wide USING ivf (v);
CREATE UNLOGGED TABLE fleeting AS SELECT id, v FROM items;
CREATE INDEX fleeting_v ON fleeting USING ivf (v vector_cosine_ops) WITH (lists = 5);

-- All distances in their order, with the rows; rows of one distance by id.
-- Stable: a caller's snapshot is the snapshot.
CREATE FUNCTION answer(relation text, operator text, q vector) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT md5(string_agg(d || '' '' || ids, '','' ORDER BY d, first))
		FROM (SELECT d, min(place) AS first, string_agg(id::text, '' '' ORDER BY id) AS ids
			FROM (SELECT id, d, row_number() OVER () AS place FROM (SELECT id, v %s %L AS d FROM %I ORDER BY v %1$s %2$L) s) s
			WHERE d IS NOT NULL GROUP BY d) s', operator, q, relation) INTO result;
	RETURN result;
END
$$;
SQL
	return;
}

# Rows are locked before they are changed, and those that are locked already
# are left out: sessions never wait for each other in a circle.  Deletes take
# a share of the rows, so that tables settle at a size.
my %change = (
	'insert@6' => <<'SQL',
\set seed random(1, 1000000)
INSERT INTO items (v) SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(:seed + i, 24) END
	FROM generate_series(1, 20) i;
SQL
	'wide@4' => <<'SQL',
\set seed random(1, 1000000)
INSERT INTO wide (v) VALUES (noise(:seed, 2000));
SQL
	# a commit that nobody waits for: the WAL ends anywhere
	'lazy@4' => <<'SQL',
\set seed random(1, 1000000)
BEGIN;
SET LOCAL synchronous_commit = off;
INSERT INTO items (v) SELECT noise(:seed + i, 24) FROM generate_series(1, 10) i;
INSERT INTO wide (v) VALUES (noise(:seed, 2000));
END;
SQL
	'update@4' => <<'SQL',
\set seed random(1, 1000000)
UPDATE items SET v = CASE id % 7 WHEN 0 THEN NULL WHEN 1 THEN noise(1, 24) * 0 ELSE noise(:seed + id, 24) END
	WHERE id IN (SELECT id FROM items WHERE id % 300 = :seed % 300 FOR UPDATE SKIP LOCKED);
SQL
	'update_hot@2' => <<'SQL',
\set seed random(1, 1000000)
UPDATE items SET changes = changes + 1
	WHERE id IN (SELECT id FROM items WHERE id % 300 = :seed % 300 FOR UPDATE SKIP LOCKED);
SQL
	'delete@4' => <<'SQL',
\set seed random(1, 1000000)
DELETE FROM items WHERE id IN (SELECT id FROM items WHERE id % 150 = :seed % 150 FOR UPDATE SKIP LOCKED);
DELETE FROM wide WHERE id IN (SELECT id FROM wide WHERE id % 80 = :seed % 80 FOR UPDATE SKIP LOCKED);
SQL
	'abort@2' => <<'SQL',
\set seed random(1, 1000000)
BEGIN;
INSERT INTO wide (v) VALUES (noise(:seed, 2000));
SAVEPOINT s;
INSERT INTO items (v) SELECT noise(:seed + i, 24) FROM generate_series(1, 20) i;
ROLLBACK TO s;
INSERT INTO items (v) VALUES (noise(:seed, 24));
ROLLBACK;
SQL
	'fleeting@2' => <<'SQL',
\set seed random(1, 1000000)
INSERT INTO fleeting SELECT i, noise(:seed + i, 24) FROM generate_series(1, 20) i;
SQL
	# rows in the wrong order, twice or too few divide by zero
	'search@4' => <<'SQL');
\set seed random(1, 1000000)
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.probes = 1000;
SELECT 1 / (count(*) = 50 AND count(DISTINCT id) = 50 AND bool_and(d >= before))::int
	FROM (SELECT id, d, coalesce(lag(d) OVER (), d) AS before
		FROM (SELECT id, v <-> noise(:seed, 24) AS d FROM items WHERE v IS NOT NULL
			ORDER BY v <-> noise(:seed, 24) LIMIT 50) s) s;
SQL

# One session: two builds without a lock on one table would wait for each other.
my %maintain = (
	'vacuum@6' => "VACUUM (INDEX_CLEANUP on) items, wide, fleeting;\n",
	'checkpoint@2' => "CHECKPOINT;\n",
	'create@1' => <<'SQL',
DROP INDEX CONCURRENTLY IF EXISTS items_more;
CREATE INDEX CONCURRENTLY items_more ON items USING ivf (v) WITH (lists = 7);
SQL
	'reindex@1' => "REINDEX INDEX CONCURRENTLY items_ip;\n");

# The scripts as files, with their weights, for pgbench.
sub scripts
{
	my (%script) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir();
	my @options;
	for my $name (sort keys %script)
	{
		my ($file, $weight) = split /@/, $name;
		append_to_file("$folder/$file", $script{$name});
		push @options, '-f', "$folder/$file\@$weight";
	}
	return @options;
}

# Starts a command against the node; ends it.  What it wrote is in {out}, {err}.
sub session_start
{
	my ($node, @command) = @_;
	my $session = { out => '', err => '' };
	local %ENV = $node->_get_env(PGAPPNAME => 'session');
	$session->{run} = IPC::Run::start(\@command, '<', File::Spec->devnull, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

sub session_end
{
	my ($session) = @_;
	$session->{run}->finish;
	return $session;
}

# Six sessions that change and search, and one that maintains, for so many
# seconds; a seed makes the same choices again.  without: what is left out.
sub load_start
{
	my ($node, $seed, $seconds, %how) = @_;
	my %maintain = map { $_ => $maintain{$_} } grep { !$how{without} || !/^$how{without}@/ } keys %maintain;
	my @options = ('pgbench', '--no-vacuum', "--time=$seconds", "--random-seed=$seed");
	return [
		session_start($node, @options, '--client=6', scripts(%change), 'postgres'),
		session_start($node, @options, '--client=1', scripts(%maintain), 'postgres') ];
}

# The errors that the load has met.  That the server went away is none, or that
# the checkpointer did, which follows a postmaster sooner than sessions do.
sub load_end
{
	my ($load) = @_;
	return join "\n", grep { /ERROR:/ && !/could not signal for checkpoint/ } map { split /\n/, session_end($_)->{err} } @$load;
}

# All that the load has changed is sound.  Two cases.
sub load_sound
{
	my ($node, $name) = @_;
	ivf_sound($node, 'items', '<-> <=> <#>', "$name: items are sound");
	ivf_sound($node, 'wide', '<->', "$name: 2,000 dimensions are sound");
	return;
}

# What a server says about all that the load changes: through the indexes, or
# else by reading the tables.
my %plan = (
	index => 'SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; SET ivf.probes = 100000;',
	table => 'SET enable_indexscan = off; SET enable_bitmapscan = off;');
sub load_answers
{
	my ($node, $by) = @_;
	return $node->safe_psql('postgres', <<"SQL");
$plan{$by}
SELECT answer('items', '<->', noise(1, 24)), answer('items', '<=>', noise(2, 24)), answer('items', '<#>', noise(3, 24)),
	answer('wide', '<->', noise(4, 2000));
SELECT count(*) FROM (SELECT v <-> noise(5, 24) AS d FROM items ORDER BY v <-> noise(5, 24)) s WHERE d IS NULL;
SQL
}

# The ways in which a server ends ---------------------------------------------------

sub wait_gone
{
	my (@pids) = @_;
	for my $i (1 .. 1000)
	{
		return 1 unless kill 0, @pids;
		sleep 0.02;
	}
	return 0;
}

# Every process at once, without a chance to do anything.
sub crash_all
{
	my ($node) = @_;
	my $postmaster = $node->{_pid};
	my @others = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
	kill 'KILL', $postmaster, @others;
	wait_gone($postmaster);
	$node->kill9;
	return;
}

# The postmaster: its children go on with what they are at.
sub crash_postmaster
{
	my ($node) = @_;
	my $postmaster = $node->{_pid};
	$node->kill9;
	wait_gone($postmaster);
	return;
}

# One backend: the server ends the others, recovers and goes on by itself.
# Returns what it has logged meanwhile; nothing, if the process was at its end
# already.
sub crash_backend
{
	my ($node, $pid) = @_;
	my $before = -s $node->logfile;
	kill 'KILL', $pid or return '';
	for my $i (1 .. 3000)
	{
		# a psql that is turned away leaves a broken pipe: the log is asked
		my $log = slurp_file($node->logfile, $before);
		return $1 if $log =~ /^(.*all server processes terminated; reinitializing.*ready to accept connections)/s;
		return '' if $i == 150 && $log !~ /\(PID $pid\) was terminated/;
		sleep 0.02;
	}
	die 'the server does not come back';
}

# One of the sessions of a load, any by number, while it is at work.
sub crash_session
{
	my ($node, $number) = @_;
	my $log = '';
	until ($log)
	{
		my @pids = split /\n/, $node->safe_psql('postgres',
			"SELECT pid FROM pg_stat_activity WHERE application_name = 'session' AND state = 'active' ORDER BY pid");
		$log = crash_backend($node, $pids[ $number % @pids ]) if @pids;
	}
	return;
}

# Starts a server that has crashed, as soon as the last process of the old one
# is gone.  again: it is stopped once more as soon as it recovers.
sub start_again
{
	my ($node, %how) = @_;
	for my $i (1 .. 50)
	{
		$how{again} = 0 if $how{again} && stopped_at_start($node);
		$node->{_pid} = undef;
		return if !$how{again} && $node->start(fail_ok => 1);
		sleep 0.2;
	}
	die 'the server does not start again';
}

# Starts a server and stops it as soon as it can be stopped; false if that does
# not come about.
sub stopped_at_start
{
	my ($node) = @_;
	my @control = ('pg_ctl', '-D', $node->data_dir);
	local %ENV = $node->_get_env();
	system_log(@control, '-W', '-l', $node->logfile, 'start');
	for my $i (1 .. 20)
	{
		sleep 0.04;
		return 1 if system_log(@control, '-m', 'immediate', 'stop') == 0;
	}
	return 0;
}

1;
