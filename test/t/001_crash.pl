# Crashes: whatever was at work, the index that comes back is sound and agrees
# with its table.  SOAK=1 makes it 200 rounds.

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

my $node = ivf_node('crash');

# many buffers, which nobody writes: at a crash the disk has what WAL says, no
# more
$node->append_conf('postgresql.conf', <<'CONF');
wal_level = replica
shared_buffers = 64MB
bgwriter_lru_maxpages = 0
max_connections = 40
max_prepared_transactions = 4
checkpoint_timeout = 1h
log_statement = none
restart_after_crash = on
CONF
$node->start;
ivf_setup($node);

sub crash
{
	$node->stop('immediate');
	$node->start;
	return;
}

# Work that has ended ------------------------------------------------------------

load_tables($node);
crash();
load_sound($node, 'after a build');

# the init fork
is($node->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', 'an unlogged index is empty after a crash');
$node->safe_psql('postgres', 'INSERT INTO fleeting SELECT id, v FROM items');
ivf_sound($node, 'fleeting', '<=>', 'and takes rows again', 3000);
$node->safe_psql('postgres', <<'SQL');
REINDEX INDEX fleeting_v;
CHECKPOINT;
CREATE UNLOGGED TABLE logged AS SELECT id, v FROM items;
CREATE INDEX logged_v ON logged USING ivf (v) WITH (lists = 5);
ALTER TABLE logged SET LOGGED;
CREATE TABLE unlogged AS SELECT id, v FROM items;
CREATE INDEX unlogged_v ON unlogged USING ivf (v) WITH (lists = 5);
ALTER TABLE unlogged SET UNLOGGED;
SQL
crash();
is($node->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', 'and is empty after the next crash');
is($node->safe_psql('postgres', "SELECT count(*), sound('unlogged') FROM unlogged"), '0|1', 'so is one that was logged');
ivf_sound($node, 'logged', '<->', 'one that became logged has its rows', 3000);

$node->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(3001, 8000) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(41, 120) i;
DELETE FROM items WHERE id % 3 = 0;
DELETE FROM wide WHERE id % 3 = 0;
VACUUM items, wide;
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(8001, 8500) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(121, 130) i;
SQL
crash();
load_sound($node, 'after inserts and VACUUM');

# a transaction of which nobody knows yet how it ends
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE parted (id int, v vector(24));
CREATE INDEX parted_v ON parted USING ivf (v);
BEGIN;
INSERT INTO parted SELECT i, noise(i, 24) FROM generate_series(1, 40) i;
PREPARE TRANSACTION 'kept';
BEGIN;
INSERT INTO parted SELECT i, noise(i, 24) FROM generate_series(41, 80) i;
PREPARE TRANSACTION 'dropped';
SQL
crash();
ivf_sound($node, 'parted', '<->', 'prepared transactions: not seen after a crash', 0);
$node->safe_psql('postgres', $_) for "COMMIT PREPARED 'kept'", "ROLLBACK PREPARED 'dropped'";
ivf_sound($node, 'parted', '<->', 'committed later', 40);
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) parted');
crash();
ivf_sound($node, 'parted', '<->', 'and after the next crash', 40);

# Work in flight -------------------------------------------------------------------

# few buffers and a busy writer: pages get to the disk in any order before the
# crash
$node->append_conf('postgresql.conf', <<'CONF');
shared_buffers = 2MB
bgwriter_delay = 10ms
bgwriter_lru_maxpages = 1000
CONF
$node->restart;

# Where pages may be torn, which SIGKILL in the middle of a write may do, they
# are in the WAL as a whole; after an immediate stop records alone must do.
my @ways = (
	{ name => 'immediate stop' },
	{ name => 'all killed', again => 1 },
	{ name => 'a backend killed' },
	{ name => 'immediate stop, no page images', full_page_writes => 'off', again => 1 },
	{ name => 'the postmaster killed' });

# An index that a crash has left invalid can be dropped, or made valid.
sub tidy
{
	my ($round) = @_;
	my @invalid = split /\n/, $node->safe_psql('postgres', 'SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid ORDER BY 1');
	for my $index (@invalid)
	{
		# what is left of REINDEX CONCURRENTLY is to be dropped; of a CREATE, one may choose
		if ($round % 2 && $index !~ /_cc(new|old)/)
		{
			$node->safe_psql('postgres', "REINDEX INDEX $index; SELECT ivf_check('$index', true)");
		}
		else
		{
			$node->safe_psql('postgres', "DROP INDEX $index");
		}
	}
	return scalar @invalid;
}

my $rounds = $ENV{SOAK} ? 200 : 5;
my $seed = $ENV{IVF_SEED} // 1;
my $invalid = 0;
note("first seed: $seed");
for my $round (1 .. $rounds)
{
	my $way = $ways[($round - 1) % @ways];
	my $name = "crash $round ($way->{name})";

	# Without page images, a recovery that is broken off may leave a dropped
	# index of zeros, at which the comparison of pages stops the next one.
	my $images = $way->{full_page_writes} // 'on';
	my $compare = $images eq 'on' && $round % 2 ? 'generic' : '';
	$node->append_conf('postgresql.conf', "full_page_writes = $images\nwal_consistency_checking = '$compare'\n");
	$node->reload;
	$node->safe_psql('postgres', 'INSERT INTO fleeting SELECT id, v FROM items WHERE id % 10 = 0');
	$node->safe_psql('postgres', 'CHECKPOINT');

	my $load = load_start($node, $seed + $round, 60);
	sleep 0.8 + 0.15 * (($seed + $round) % 7);
	if ($way->{name} =~ /^immediate/) { $node->stop('immediate') }
	elsif ($way->{name} eq 'all killed') { crash_all($node) }
	elsif ($way->{name} eq 'the postmaster killed') { crash_postmaster($node) }
	else { crash_session($node, $seed + $round) }
	my $errors = load_end($load);
	start_again($node, again => $way->{again}) if $way->{name} ne 'a backend killed';

	is($errors, '', "$name: the load met no error");
	load_sound($node, $name);
	is($node->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', "$name: an unlogged index is empty");

	# what the crash has left is used, and vacuumed
	$invalid += tidy($round);
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 200) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 5) i;
VACUUM (INDEX_CLEANUP on) items, wide;
SQL
}
note("$invalid invalid indexes were put in order");
load_sound($node, 'after all crashes');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|inconsistent page|signal (?!9\b)\d/, 'no process ended by itself, and replay made the same pages');

done_testing();
