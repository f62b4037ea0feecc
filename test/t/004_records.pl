# Between any two records: an insert of 2,000 dimensions takes several, and a
# crash may come after each of them.  A standby is stopped after every record
# in turn and must be sound; and a server whose WAL ends after one of them must
# recover, be sound and go on from there.  SOAK=1 takes every record.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(rmtree);
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
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
-- a tree of three levels, and a chain of rows without a direction that is full
INSERT INTO items SELECT i, noise(i, 24) * 0 FROM generate_series(5001, 6354) i;
SET ivf.debug_fanout = 3;
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 12);
RESET ivf.debug_fanout;
SQL
$primary->backup('before');
my $from = $primary->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
$primary->safe_psql('postgres', $_)
  for 'INSERT INTO wide VALUES (33, noise(33, 2000))',
  'INSERT INTO wide VALUES (34, noise(34, 2000))',
  'INSERT INTO items VALUES (3001, NULL)',
  'INSERT INTO items VALUES (3002, noise(3002, 24) * 1000)',
  'INSERT INTO items VALUES (3003, noise(3003, 24) * 0)',
  'DELETE FROM wide WHERE id % 2 = 0',
  'VACUUM (INDEX_CLEANUP on) wide',
  # fills the slots that are dead now, and adds a block
  'INSERT INTO wide SELECT i, noise(i, 2000) FROM generate_series(101, 135) i',
  'INSERT INTO items SELECT i, noise(i, 24) * 0 FROM generate_series(3101, 3105) i',
  'DELETE FROM items WHERE v IS NULL OR id % 2 = 0',
  'VACUUM (INDEX_CLEANUP on) items';
my $to = $primary->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
my $segment = $primary->safe_psql('postgres', 'SELECT pg_walfile_name(pg_current_wal_insert_lsn())');
$primary->safe_psql('postgres', 'SELECT pg_switch_wal()');

# where each record of the indexes begins, and where what follows it does
my ($dump) = run_command([ 'pg_waldump', '-p', $primary->data_dir . '/pg_wal', '-s', $from, '-e', $to ]);
my @all = $dump =~ m{^rmgr: (\S+).*?lsn: (\S+),}gm;
my (@records, @ends);
for my $i (0 .. @all / 2 - 2)
{
	next if $all[ 2 * $i ] ne 'Generic';
	push @records, $all[ 2 * $i + 1 ];
	push @ends, $all[ 2 * $i + 3 ];
}
cmp_ok(scalar @records, '>', 100, 'that takes many records');
note(scalar(@records), ' records');

# A standby, stopped after each --------------------------------------------------------

my $standby = PostgreSQL::Test::Cluster->new('stepper');
$standby->init_from_backup($primary, 'before', has_streaming => 1);
$standby->append_conf('postgresql.conf', "recovery_target_action = pause\nshared_buffers = 16MB\n");
my $started = 0;
for my $record ($ENV{SOAK} ? @records : @records[ 0 .. 8 ])
{
	$standby->append_conf('postgresql.conf', "recovery_target_lsn = '$record'\n");
	$standby->stop if $started++;
	$standby->start;
	$standby->poll_query_until('postgres', "SELECT pg_get_wal_replay_pause_state() = 'paused'");
	ivf_sound($standby, 'wide', '<->', "after $record: 2,000 dimensions");
	ivf_sound($standby, 'items', '<-> <=>', "after $record: items");
}
$standby->stop;

# A crash after each ---------------------------------------------------------------------

# The server finds the WAL as a crash has left it: zeros after the record.
sub cut_wal
{
	my ($folder, $lsn) = @_;
	my ($high, $low) = map { hex } split m{/}, $lsn;
	my $size = 16 * 1024 * 1024;
	my $last = sprintf '%08X%08X%08X', 1, $high, $low / $size;
	for my $file (glob "$folder/0000*")
	{
		my $name = basename($file);
		unlink $file or die "$file: $!" if $name gt $last;
		next if $name ne $last;
		truncate $file, $low % $size or die "$file: $!";
		truncate $file, $size or die "$file: $!";
	}
	return;
}

my $crashed = PostgreSQL::Test::Cluster->new('crashed');
$crashed->init_from_backup($primary, 'before');
my $conf = slurp_file($crashed->data_dir . '/postgresql.conf');

# in test/run: the records of the first inserts, in which blocks are added, and
# some of the others
my @cuts = grep { $ENV{SOAK} || $_ < 8 || $_ % 40 == 0 } 0 .. $#records;
my $first = 1;
for my $i (@cuts)
{
	if (!$first)
	{
		rmtree($crashed->data_dir);
		PostgreSQL::Test::RecursiveCopy::copypath($primary->backup_dir . '/before', $crashed->data_dir);
		chmod 0700, $crashed->data_dir;
		append_to_file($crashed->data_dir . '/postgresql.conf', $conf);
	}
	$first = 0;
	for my $file (glob $primary->data_dir . '/pg_wal/0000*')
	{
		copy($file, $crashed->data_dir . '/pg_wal/') or die "$file: $!" if basename($file) le $segment;
	}
	cut_wal($crashed->data_dir . '/pg_wal', $ends[$i]);
	$crashed->start;
	is($crashed->safe_psql('postgres', "SELECT sound('wide') + sound('items')"), '3', "cut off after record $i: sound");
	$crashed->safe_psql('postgres', <<'SQL');
INSERT INTO wide SELECT i, noise(i, 2000) FROM generate_series(201, 235) i;
INSERT INTO items SELECT i, CASE i % 3 WHEN 0 THEN NULL ELSE noise(i, 24) * (i % 3 - 1) END FROM generate_series(4001, 4030) i;
VACUUM (INDEX_CLEANUP on) wide, items;
INSERT INTO wide SELECT i, noise(i, 2000) FROM generate_series(301, 310) i;
SQL
	ivf_sound($crashed, 'wide', '<->', "cut off after record $i, and used again: 2,000 dimensions");
	ivf_sound($crashed, 'items', '<-> <=>', "cut off after record $i, and used again: items");
	$crashed->stop('immediate');
}

done_testing();
