# What the TAP tests share: a server with vectors from arithmetic, the check of
# an index against its table, and the bytes of an index's pages.
package IvfTest;

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(ivf_node ivf_setup ivf_sound);

# A cluster that is not started yet: what is on disk is what WAL says, and
# nothing happens that the test has not asked for.  A standby that is slower than
# the primary, on a busy machine, still finds the WAL that it wants.  install_path
# asks for another installation than the one under test.
sub ivf_node
{
	my ($name, %init) = @_;
	my $path = delete $init{install_path};
	my $node = PostgreSQL::Test::Cluster->new($name, $path ? (install_path => $path) : ());
	$node->init(%init);
	$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
jit = off
max_parallel_maintenance_workers = 0
wal_keep_size = 1GB
search_path = 'ivf_test, public'
CONF
	return $node;
}

# The extension, and the functions that the regress tests use too: noise(),
# oracle(), sound().
sub include_path { return dirname(dirname(__FILE__)) . '/include/ivf.sql' }

sub ivf_setup
{
	my ($node) = @_;
	my $include = include_path();
	$node->safe_psql('postgres', "CREATE EXTENSION vecfeat;\n\\i $include");
	return;
}

# The indexes of a table are sound, and say the same as the table, by an operator
# or several with spaces between.  A case.
sub ivf_sound
{
	my ($node, $table, $operators, $name, $rows) = @_;
	my ($out, $err) = ('', '');
	my $agree = join ' AND ', map {
		"oracle('$table', 'v', '$_', (SELECT v FROM $table WHERE v IS NOT NULL ORDER BY id LIMIT 1)) = (SELECT count(*) FROM $table)"
	} split / /, $operators;
	$node->psql('postgres', <<"SQL", stdout => \$out, stderr => \$err);
SELECT sound('$table');
SELECT $agree;
SELECT count(*) FROM $table;
SQL
	my @lines = split /\n/, $out;
	ok( $err eq '' && @lines == 3 && $lines[0] > 0 && $lines[1] eq 't'
		  && (!defined $rows || $lines[2] == $rows),
		$name) or diag("$out\n$err");
	return;
}

1;
