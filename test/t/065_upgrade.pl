# pg_upgrade, copying and linking: the indexes' files are those of before, and
# say what they said.  From the version under test to itself, or from the
# installation that OLD_INSTALLATION names: test/run has that for the versions
# that other-postgres provides.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use IvfWorld;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $path = $ENV{OLD_INSTALLATION};
if ($path)
{
	# its libraries, but only those that are not here: newer ones would do for
	# its programs, older ones not for ours
	my %here = map { $_ => 1 } `/sbin/ldconfig -p` =~ /^\s+(\S+) /mg;
	my $missing = PostgreSQL::Test::Utils::tempdir();
	symlink "$path/needed/$_", "$missing/$_" or die $! for grep { !$here{$_} } map { s{.*/}{}r } glob "$path/needed/*";
	$ENV{LD_LIBRARY_PATH} = join ':', $missing, $ENV{LD_LIBRARY_PATH} || ();
}
my @init = (extra => [ '--locale=C', '--encoding=UTF8' ]);
my $old = ivf_node('old', install_path => $path, @init);
$old->start;
world_make($old, 'world');
# a number that servers of Debian since 15.20 keep among a column's options; other
# versions take the dump of it for an unknown option of the user's.  Stored values of
# a composite type bear the number, too, so they are made without it.
if ($path)
{
	$old->safe_psql('world', "UPDATE pg_attribute SET attoptions = NULL WHERE attrelid >= 16384 AND attoptions::text LIKE '{pg_attver=%}'");
	world_ranges($old, 'world');
}
$old->safe_psql('postgres', 'CHECKPOINT');
my $report = world_report($old, 'world');

# What is in the files of the logged indexes, by name.
sub contents
{
	my ($node) = @_;
	return $node->safe_psql('world', <<'SQL');
SELECT relname, md5(pg_read_binary_file(pg_relation_filepath(c.oid)))
FROM pg_class c JOIN pg_am am ON am.oid = relam WHERE amname = 'ivf' AND relkind = 'i' AND relpersistence = 'p' ORDER BY 1
SQL
}

sub version_of { return $_[0]->safe_psql('postgres', 'SHOW server_version') =~ s/\D.*//r }
my $before = contents($old);
my $from = version_of($old);
$old->stop;

my $bindir = $path ? "$path/bin" : $old->config_data('--bindir');
for my $mode ('copy', 'link')
{
	my $new = ivf_node("new_$mode", @init);
	# 18 has checksums by default
	$new->start;
	my $to = version_of($new);
	my $checksums = $new->safe_psql('postgres', 'SHOW data_checksums');
	my $name = "$from to $to, $mode";
	$new->stop;
	command_ok([ 'pg_checksums', '--disable', '-D', $new->data_dir ], "$name: checksums as they were") if $checksums eq 'on' && $path;
	chdir $new->basedir or die $!;
	{
		local %ENV = $new->_get_env();
		command_ok(
			[
				'pg_upgrade', '--no-sync', '--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir,
				'--old-bindir', $bindir, '--new-bindir', $new->config_data('--bindir'),
				'--socketdir', $new->host, '--old-port', $old->port, '--new-port', $new->port,
				$mode eq 'link' ? '--link' : () ],
			"$name: pg_upgrade");
	}
	$new->start;
	is(contents($new), $before, "$name: the files of the indexes are those of before");
	world_same($new, 'world', $report, "$name: the indexes say what they said");
	world_goes_on($new, 'world', "$name: and they go on") if $mode eq 'link';
	$new->stop;
}

done_testing();
