# Regress tests under settings that change how the server goes about it: every
# query through a parallel worker, values compressed by LZ4, 16 buffers for
# everything.  SOAK=1 runs them all that way.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use File::Basename qw(basename);
use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = "$FindBin::Bin/../..";
my @all = grep { !/^vecfeat--/ } map { basename($_, '.sql') } glob "$source/sql/*.sql";

# A case for each file.
sub regress
{
	my ($name, $settings, @files) = @_;
	# under wal_level = minimal the server itself needs more buffers
	my $node = ivf_node($name, allows_streaming => 1);
	# from 18 on, without autovacuum CREATE INDEX does not count the table's rows
	$node->append_conf('postgresql.conf', "search_path = public\nmax_prepared_transactions = 4\nmax_connections = 20\n"
		. "autovacuum = on\nautovacuum_naptime = 1d\n");
	$node->start;
	# the server can't do that with so few buffers
	$node->safe_psql('postgres', 'CREATE DATABASE regress');
	$node->safe_psql('regress', 'CREATE EXTENSION vecfeat');
	$node->append_conf('postgresql.conf', $settings);
	$node->restart;
	my $folder = $node->basedir . '/regress';
	mkdir $folder or die $!;
	my ($said, $err) = ('', '');
	IPC::Run::run([ $ENV{PG_REGRESS}, '--bindir=', "--inputdir=$source", "--outputdir=$folder", '--use-existing', '--dbname=regress',
			'--host', $node->host, '--port', $node->port, '--user', $node->safe_psql('postgres', 'SELECT current_user'),
			$ENV{SOAK} ? @all : @files ], '>', \$said, '2>', \$err);
	like($said, qr/^(?:ok \d+ +- \Q$_\E |test \Q$_\E +\.\.\. ok )/m, "$name: $_") for $ENV{SOAK} ? @all : @files;
	note($err);
	diag(slurp_file("$folder/regression.diffs")) if -s "$folder/regression.diffs";
	$node->stop;
	return;
}

my $parallel = PostgreSQL::Test::Cluster->new('version')->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
regress('parallel', "$parallel = regress\ndefault_toast_compression = lz4\n", qw(ivf_scan ivf_check ivf_rights ivf_errors vector_agg));
regress('small', "shared_buffers = '128kB'\n", qw(ivf_scan ivf_check ivf_moves vector_compare));

done_testing();
