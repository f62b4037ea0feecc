# Between any two records: an insert of 2,000 dimensions takes several, and a
# crash may come after each of them.  A standby is stopped after every record
# in turn and must be sound; and a server that comes up after one of them, with
# the rest never written, must go on from there.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = ivf_node('writer', allows_streaming => 1);
$primary->start;
ivf_setup($primary);

# a list whose slots are all taken, and a chain whose page is full
$primary->safe_psql('postgres', <<'SQL');
CREATE TABLE wide (id int, v vector(2000));
CREATE INDEX wide_v ON wide USING ivf (v);
INSERT INTO wide SELECT i, noise(i, 2000) FROM generate_series(1, 32) i;
CREATE TABLE items (id int, v vector(24));
INSERT INTO items SELECT i, NULL FROM generate_series(1, 1354) i;
INSERT INTO items SELECT i, noise(i, 24) FROM generate_series(2001, 2500) i;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 4);
SQL
$primary->backup('before');
my $from = $primary->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
$primary->safe_psql('postgres', $_)
  for 'INSERT INTO wide VALUES (33, noise(33, 2000))',
  'INSERT INTO wide VALUES (34, noise(34, 2000))',
  'INSERT INTO items VALUES (3001, NULL)',
  'DELETE FROM wide WHERE id % 2 = 0',
  'VACUUM (INDEX_CLEANUP on) wide';
my $to = $primary->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
$primary->safe_psql('postgres', 'SELECT pg_switch_wal()');

my ($dump) = run_command([ 'pg_waldump', '--rmgr=Generic', '-p', $primary->data_dir . '/pg_wal', '-s', $from, '-e', $to ]);
my @records = $dump =~ m{lsn: (\S+),}g;
cmp_ok(scalar @records, '>', 8, 'that takes many records');

my $standby = PostgreSQL::Test::Cluster->new('stepper');
$standby->init_from_backup($primary, 'before', has_streaming => 1);
$standby->append_conf('postgresql.conf', "recovery_target_action = pause\nshared_buffers = 16MB\n");
my $started = 0;
for my $record (@records)
{
	$standby->append_conf('postgresql.conf', "recovery_target_lsn = '$record'\n");
	$standby->stop if $started++;
	$standby->start;
	$standby->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'");
	ivf_sound($standby, 'wide', '<->', "after $record: 2,000 dimensions");
	ivf_sound($standby, 'items', '<->', "after $record: items");
}
$standby->stop;

for my $i (0 .. 3)
{
	my $node = PostgreSQL::Test::Cluster->new("crashed_$i");
	$node->init_from_backup($primary, 'before', has_streaming => 1);
	$node->append_conf('postgresql.conf', "recovery_target_lsn = '$records[$i]'\nrecovery_target_action = promote\n");
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO wide SELECT i, noise(i, 2000) FROM generate_series(101, 150) i;
VACUUM (INDEX_CLEANUP on) wide;
INSERT INTO wide SELECT i, noise(i, 2000) FROM generate_series(201, 210) i;
SQL
	ivf_sound($node, 'wide', '<->', "cut off after record $i, and used again", 92);
	$node->stop('immediate');
}

done_testing();
