# Backups and what is made of them: pg_basebackup of a server at work, recovery
# to a name, a place in the WAL and a transaction, and pg_rewind of a primary
# that has gone its own way.  All with data checksums.

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

my $primary = ivf_node('primary', allows_streaming => 1, has_archiving => 1, extra => ['--data-checksums']);
$primary->append_conf('postgresql.conf', <<'CONF');
max_connections = 40
log_statement = none
CONF
$primary->start;
ivf_setup($primary);
load_tables($primary);

sub checksums_ok
{
	my ($node, $name) = @_;
	$node->command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], "$name: every page has its checksum");
	return;
}

# A backup of a server at work ---------------------------------------------------------

my $load = load_start($primary, 1, 60);
sleep 0.5;
$primary->backup('base');
$primary->command_ok([ 'pg_verifybackup', '--exit-on-error', $primary->backup_dir . '/base' ], 'a backup of a server at work is verified');
sleep 0.3;
$primary->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session'");
is(load_end($load), '', 'the load met no error');
load_sound($primary, 'the server itself');

# Points to come back to -----------------------------------------------------------------

# At each, a transaction is open that has written and does not commit before.
my @targets;
for my $point ([ 'name', 'first' ], [ 'lsn' ], [ 'xid' ], [ 'name', 'last' ])
{
	my ($kind, $value) = @$point;
	my $n = 1000 * (1 + @targets);
	$primary->safe_psql('postgres', <<"SQL");
DELETE FROM items WHERE id % 9 = @{[ scalar @targets ]};
DELETE FROM wide WHERE id % 9 = @{[ scalar @targets ]};
SQL
	$primary->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) items, wide');
	my $open = $primary->background_psql('postgres');
	$open->query_safe(<<"SQL");
SET search_path = ivf_test, public;
BEGIN;
INSERT INTO items (v) SELECT noise($n + i, 24) * 2 FROM generate_series(1, 100) i;
INSERT INTO wide (v) SELECT noise($n + i, 2000) * 2 FROM generate_series(1, 10) i;
SQL
	my $xid = $primary->safe_psql('postgres', <<"SQL");
BEGIN;
INSERT INTO items (v) SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise($n + i, 24) END
	FROM generate_series(1, 300) i;
INSERT INTO wide (v) SELECT noise($n + i, 2000) FROM generate_series(1, 40) i;
UPDATE items SET v = noise($n + id, 24) WHERE id % 40 = 1;
SELECT pg_current_xact_id();
COMMIT;
SQL
	$value = $kind eq 'lsn' ? $primary->lsn('insert') : $kind eq 'xid' ? $xid : $value;
	$primary->safe_psql('postgres', "SELECT pg_create_restore_point('$value')") if $kind eq 'name';
	my $answers = load_answers($primary, 'table');
	is(load_answers($primary, 'index'), $answers, "at $kind, indexes and tables agree");
	push @targets, [ $kind, $value, $answers ];
	$open->query_safe('COMMIT');
	$open->quit;
}
$primary->safe_psql('postgres', 'DELETE FROM items WHERE id % 2 = 0');
$primary->safe_psql('postgres', 'VACUUM items');
my $last = $primary->safe_psql('postgres', 'SELECT pg_walfile_name(pg_current_wal_lsn())');
$primary->safe_psql('postgres', 'SELECT pg_switch_wal()');
$primary->poll_query_until('postgres', "SELECT last_archived_wal >= '$last' FROM pg_stat_archiver") or die;

for my $target (@targets)
{
	my ($kind, $value, $answers) = @$target;
	my $name = "recovered to $kind $value";
	my $node = PostgreSQL::Test::Cluster->new("to_$kind" . ($kind eq 'name' ? "_$value" : ''));
	$node->init_from_backup($primary, 'base', has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf', "recovery_target_$kind = '$value'\nrecovery_target_action = promote\narchive_mode = off\n");
	# the place is where the next record begins
	$node->append_conf('postgresql.conf', "recovery_target_inclusive = off\n") if $kind eq 'lsn';
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die;
	is(load_answers($node, 'index'), $answers, "$name: the answers of that moment");
	load_sound($node, $name);
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 300) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 20) i;
VACUUM (INDEX_CLEANUP on) items, wide;
SQL
	load_sound($node, "$name, and used again");
	$node->stop;
	checksums_ok($node, $name);
	unlike(slurp_file($node->logfile), qr/PANIC|TRAP|by signal/, "$name: no process ended by itself");
}

# A primary that has gone its own way ------------------------------------------------------

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "archive_mode = off\n");
$standby->start;
$primary->wait_for_catchup($standby);
$standby->promote;
# pg_rewind goes by the timeline that is on the disk
$standby->safe_psql('postgres', 'CHECKPOINT');

# both extend the indexes, use slots again and vacuum, each in its own way
$load = load_start($primary, 2, 60);
my $other = load_start($standby, 3, 60);
sleep 1;
for my $node ($primary, $standby)
{
	$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'session'");
}
is(load_end($load), '', 'the old primary met no error');
is(load_end($other), '', 'the new one neither');
$primary->safe_psql('postgres', 'INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 100) i');
$primary->stop;
my $conf = slurp_file($primary->data_dir . '/postgresql.conf');
command_ok([ 'pg_rewind', '--target-pgdata', $primary->data_dir, '--source-server', $standby->connstr('postgres'), '--no-sync' ], 'the old primary is rewound');
unlink $primary->data_dir . '/postgresql.conf';
append_to_file($primary->data_dir . '/postgresql.conf', $conf);
$primary->enable_streaming($standby);
$primary->append_conf('postgresql.conf', "archive_mode = off\n");
$primary->start;
$standby->safe_psql('postgres', "INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 300) i; DELETE FROM wide WHERE id % 5 = 0");
$standby->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on) items, wide');
$standby->wait_for_catchup($primary);
my $answers = load_answers($standby, 'table');
is(load_answers($standby, 'index'), $answers, 'on the new primary, indexes and tables agree');
is(load_answers($primary, 'index'), $answers, 'the old one follows it');
load_sound($primary, 'rewound');
$standby->stop;
$primary->promote;
$primary->safe_psql('postgres', 'INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 500) i');
load_sound($primary, 'rewound and promoted');
$primary->stop;
checksums_ok($primary, 'rewound');
checksums_ok($standby, 'the new primary');
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|by signal/, $_->name . ': no process ended by itself') for $primary, $standby;

done_testing();
