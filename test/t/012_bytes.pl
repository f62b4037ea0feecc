# Every byte of an index comes from its table: two servers whose malloc() fills
# memory with other bytes write the same files.  A byte that nobody has set
# would differ, and tell what was in a session's memory before.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# table => rows, index
my %tables = (
	plain => [ 'CASE i % 50 WHEN 0 THEN NULL ELSE noise(i, 72) END', '(v) WITH (lists = 5)' ],
	cosine => [ 'CASE i % 20 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 70) * 0 ELSE noise(i, 70) END', '(v vector_cosine_ops)' ],
	high => [ 'noise(i, 64)', '(v vector_ip_ops) WITH (lists = 30)' ],
	wide => [ 'CASE WHEN i <= 150 THEN noise(i, 2000) END', '(v)' ],
	empty => [ 'CASE WHEN i > 1000 THEN noise(i, 3) END', '(v) WHERE id > 1000' ]);

my $node = ivf_node('bytes');

# The pages of the tables' indexes after a build, inserts, VACUUM, and inserts
# where that made room; without what a log of changes puts on pages.
sub write_indexes
{
	my ($fill) = @_;
	local $ENV{MALLOC_PERTURB_} = $fill;
	$node->start;
	my %pages;
	for my $table (sort keys %tables)
	{
		my ($rows, $index) = @{ $tables{$table} };
		my ($dimensions) = $rows =~ /noise\(i, (\d+)\)/;
		$node->safe_psql('postgres', <<"SQL");
SET ivf.debug_fanout = 10; SET maintenance_work_mem = '2MB';
CREATE TABLE $table (id int, v vector($dimensions));
INSERT INTO $table SELECT i, $rows FROM generate_series(1, 1000) i;
CREATE INDEX ${table}_v ON $table USING ivf $index;
INSERT INTO $table SELECT i, $rows FROM generate_series(1001, 1300) i;
DELETE FROM $table WHERE id % 3 = 0;
VACUUM (INDEX_CLEANUP on) $table;
INSERT INTO $table SELECT i, $rows FROM generate_series(1301, 1500) i;
CHECKPOINT;
SQL
		is($node->safe_psql('postgres', "SELECT sound('$table')"), '1', "$table is sound");
		my $file = slurp_file($node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('${table}_v')"));
		$pages{$table} = [ map { substr $_, 10 } unpack '(a8192)*', $file ];
	}
	$node->safe_psql('postgres', join ' ', map { "DROP TABLE $_;" } keys %tables);
	$node->stop;
	return %pages;
}

$node->start;
ivf_setup($node);
$node->stop;
my %first = write_indexes(1);
my %second = write_indexes(170);
for my $table (sort keys %tables)
{
	my @different = grep { $first{$table}[$_] ne $second{$table}[$_] } 0 .. $#{ $first{$table} };
	ok(@{ $first{$table} } > 3 && @{ $first{$table} } == @{ $second{$table} } && !@different, "$table has the same bytes")
	  or diag("pages that differ: @different");
}

done_testing();
