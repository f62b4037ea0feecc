# Torn pages: of what is written after a checkpoint, a disk that loses power may
# hold each sector as it was or as it became.  Index files are put together so
# after a crash, and recovery must make them whole; checksums tell if a page was
# forgotten.

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

my $node = ivf_node('torn', extra => ['--data-checksums']);
$node->append_conf('postgresql.conf', <<'CONF');
wal_level = replica
shared_buffers = 2MB
max_connections = 40
max_wal_size = 10GB
checkpoint_timeout = 1h
bgwriter_delay = 10ms
bgwriter_lru_maxpages = 1000
log_statement = none
CONF
$node->start;
ivf_setup($node);
load_tables($node);

# The files of all logged indexes, by name, as they are on disk now.
sub index_files
{
	my @paths = split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT pg_relation_filepath(c.oid) FROM pg_class c JOIN pg_am am ON am.oid = c.relam
WHERE am.amname = 'ivf' AND c.relpersistence = 'p'
SQL
	return map { $node->data_dir . "/$_" => 1 } @paths;
}

sub bytes_of
{
	my ($path) = @_;
	return -e $path ? slurp_binary($path) : '';
}

sub slurp_binary
{
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!";
	local $/;
	my $bytes = <$file>;
	close $file;
	return $bytes // '';
}

# a generator of its own: the same sectors for the same seed everywhere
my $seed = $ENV{IVF_SEED} // 1;
note("seed: $seed");
my $state = $seed;
sub coin
{
	$state = ($state * 48271 + 11) % 2147483647;
	return int($state / 65536) % 2;
}

# Takes every second sector, by the coin, from what the file was before; the
# number of pages that are neither old nor new then.
sub tear
{
	my ($path, $old) = @_;
	my $new = bytes_of($path);
	my $torn = 0;
	my $bytes = '';
	for (my $page = 0; $page < length $new; $page += 8192)
	{
		my $is = substr $new, $page, 8192;
		my $was = $page < length $old ? substr($old, $page, 8192) : "\0" x 8192;
		my $mixed = join '', map { substr coin() ? $is : $was, 512 * $_, 512 } 0 .. 15;
		$torn++ if $mixed ne $is && $mixed ne $was;
		$bytes .= $mixed;
	}
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $bytes;
	close $file;
	return $torn;
}

my $rounds = $ENV{SOAK} ? 60 : 3;
for my $round (1 .. $rounds)
{
	# at the end of a checkpoint all that came before is on the disk
	my %before = index_files();
	$node->safe_psql('postgres', 'CHECKPOINT');
	$before{$_} = bytes_of($_) for keys %before;

	$node->safe_psql('postgres', 'REINDEX INDEX items_cosine');
	my $load = load_start($node, $seed + $round, 60, without => 'checkpoint');
	sleep 1.2;
	my %after = index_files();
	$node->stop('immediate');
	is(load_end($load), '', "crash $round: the load met no error");
	my $torn = 0;
	$torn += tear($_, $before{$_} // '') for grep { -s $_ } sort keys %after;
	cmp_ok($torn, '>', 20, "crash $round: pages are torn");
	note("$torn pages");
	start_again($node, again => $round % 2);

	load_sound($node, "crash $round");
	$node->safe_psql('postgres', "DROP INDEX $_")
	  for split /\n/, $node->safe_psql('postgres', 'SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid');
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 200) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 5) i;
VACUUM (INDEX_CLEANUP on) items, wide;
SQL
	load_sound($node, "crash $round, and used again");
}
$node->stop;
$node->command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'every page has its checksum');

done_testing();
