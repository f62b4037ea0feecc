# pg_dump and restore, in every form, and copies of a database: the indexes are
# what they were and say what they said.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use IvfWorld;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# under wal_level = minimal a crash empties the init forks of a database that
# was copied through WAL, those of btree too
my $node = ivf_node('dump', allows_streaming => 1);
$node->start;
world_make($node, 'source');
my $report = world_report($node, 'source');
my $folder = $node->basedir;

sub dumped
{
	my ($form, @options) = @_;
	$node->command_ok([ 'pg_dump', '--no-sync', @options, '--file', "$folder/$form", 'source' ], "$form: pg_dump");
	return;
}

sub restored
{
	my ($form, @options) = @_;
	$node->safe_psql('postgres', "DROP DATABASE IF EXISTS target; CREATE DATABASE target");
	$node->command_ok([ 'pg_restore', '--exit-on-error', @options, '--dbname', 'target', "$folder/$form" ], "$form: pg_restore");
	world_same($node, 'target', $report, "$form: the same");
	return;
}

sub played
{
	my (@files) = @_;
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', map({ ('-f', "$folder/$_") } @files), '-d', 'target' ], "@files: psql");
	return;
}

dumped('plain');
$node->safe_psql('postgres', 'CREATE DATABASE target');
played('plain');
world_same($node, 'target', $report, 'plain: the same');
world_goes_on($node, 'target', 'plain: and it goes on');

dumped('custom', '--format=custom');
restored('custom');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', '--dbname', 'target', "$folder/custom" ], 'custom: pg_restore --clean');
world_same($node, 'target', $report, 'custom, over what is there: the same');

dumped('directory', '--format=directory', '--jobs=2');
restored('directory', '--jobs=2');

# the indexes are there before the rows
dumped('schema', '--schema-only');
dumped('data', '--data-only');
$node->safe_psql('postgres', "DROP DATABASE target; CREATE DATABASE target");
played('schema', 'data');
$node->safe_psql('target', 'REFRESH MATERIALIZED VIEW ivf_test.seen');
world_same($node, 'target', $report, 'schema first, then data: the same');

# without the extension, into a database where it lies elsewhere
dumped('tables', '--schema=ivf_test');
$node->safe_psql('postgres', "DROP DATABASE target; CREATE DATABASE target");
$node->safe_psql('target', 'CREATE SCHEMA ext; CREATE EXTENSION vecfeat SCHEMA public; ALTER EXTENSION vecfeat SET SCHEMA ext');
played('tables');
world_same($node, 'target', $report, 'a schema of its own: the same');

# Copies of a database -------------------------------------------------------------

my @strategies = $node->safe_psql('postgres', 'SHOW server_version_num') >= 150000 ? (' STRATEGY wal_log', ' STRATEGY file_copy') : ('');
for my $strategy (@strategies)
{
	$node->safe_psql('postgres', "DROP DATABASE target");
	$node->safe_psql('postgres', "CREATE DATABASE target TEMPLATE source$strategy");
	world_same($node, 'target', $report, "TEMPLATE$strategy: the same");
	# the copy of an unlogged index has its init fork
	$node->stop('immediate');
	$node->start;
	is($node->safe_psql('target', "SELECT ext.ivf_check('ivf_test.fleeting_v', true), count(*) FROM ivf_test.fleeting"), '|0',
		"TEMPLATE$strategy: after a crash unlogged tables are empty");
	world_same($node, 'target', $report, "TEMPLATE$strategy: after a crash the rest is the same");
}
world_goes_on($node, 'target', 'the copy goes on');
world_same($node, 'source', $report, 'and leaves the original alone');

# the extension in the template of new databases
$node->safe_psql('template1', 'CREATE EXTENSION vecfeat');
$node->safe_psql('postgres', 'CREATE DATABASE born');
is( $node->safe_psql('born', <<'SQL'), "\n2", 'a database that is born with the extension');
CREATE TABLE items (id int, v vector(2));
CREATE INDEX items_v ON items USING ivf (v);
INSERT INTO items VALUES (1, '[1,1]'), (2, '[2,2]'), (3, NULL);
SELECT ivf_check('items_v', true);
SET enable_seqscan = off;
SELECT id FROM items ORDER BY v <-> '[3,3]' LIMIT 1;
SQL
$node->stop;

done_testing();
