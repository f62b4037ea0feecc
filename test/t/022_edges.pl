# Numbers of rows at which something begins or ends: a block, a page, a chain, a
# list; reached by a build, row by row, and back again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $soak = $ENV{SOAK} ? 1 : 0;
my $node = ivf_node('edges');
$node->append_conf('postgresql.conf', "shared_buffers = 64MB\nmax_wal_size = 4GB\n");
$node->start;
ivf_setup($node);

# src/page/format.h
my $page = 8128;
my $block_head = 592;
my $row_head = 28;
my $tid = 6;

# The numbers of blocks after which the next head stands on a new page, up to so
# many pages.
sub block_edges
{
	my ($n, $pages) = @_;
	my ($offset, $blocks, @edges) = (0, 0);
	while (@edges < $pages)
	{
		# a head is not cut
		if ($offset + $block_head > $page) { push @edges, $blocks if $blocks; $offset = 0; }
		$offset += $block_head + 4 * $n;
		$blocks++;
		while ($offset > $page) { $offset -= $page; push @edges, $blocks if !@edges || $edges[-1] != $blocks; }
	}
	return @edges;
}

# Likewise of rows on refine pages, within the first pages.
sub row_edges
{
	my ($n, $pages) = @_;
	my ($offset, $rows, @edges) = (0, 0);
	while (@edges < $pages)
	{
		if ($offset + $row_head > $page) { push @edges, $rows; $offset = 0; }
		$offset += $row_head + $n;
		$rows++;
		while ($offset > $page) { $offset -= $page; push @edges, $rows; }
	}
	return @edges;
}

# Blocks and rows ------------------------------------------------------------------

# A head of a block ends with its page in 480 dimensions, one of a row in 80, 272
# and 512; in 2,000 a block is longer than a page.
for my $case ([ 3, 2 ], [ 80, 2 ], [ 128, 1 ], [ 272, 1 ], [ 480, 2 ], [ 512, 1 ], [ 768, 2 ], [ 2000, 2 ])
{
	my ($dimensions, $pages) = @$case;
	my $n = $dimensions < 64 ? 64 : int(($dimensions + 15) / 16) * 16;
	my %edge = map { $_ => 1 } 0, 1, 2, 31, 32, 33;
	$edge{$_} = $edge{ $_ - 1 } = $edge{ $_ + 1 } = 1 for map({ 32 * $_ } block_edges($n, $pages)), grep { $_ < 150 } row_edges($n, 2);
	my @edges = sort { $a <=> $b } keys %edge;
	my $most = $edges[-1];

	# which index is asked, the table decides
	my $sql = <<"SQL";
CREATE TABLE source AS SELECT i AS id, noise(i, $dimensions)::vector($dimensions) AS v FROM generate_series(1, $most) i;
CREATE TABLE grown (id int, v vector($dimensions));
CREATE INDEX grown_v ON grown USING ivf (v);
CREATE FUNCTION same(place text, rows int) RETURNS void LANGUAGE plpgsql AS \$\$
BEGIN
	IF sound(place::regclass) <> 1
		OR oracle(place, 'v', '<->', noise(1, $dimensions), noise(1000000, $dimensions)) <> rows THEN
		RAISE EXCEPTION '% rows of %', rows, place;
	END IF;
END
\$\$;
SQL
	my $last = 0;
	for my $rows (@edges)
	{
		$sql .= "INSERT INTO grown SELECT * FROM source WHERE id > $last AND id <= $rows ORDER BY id;\nSELECT same('grown', $rows);\n";
		$last = $rows;
		for my $lists ($rows > 40 ? (1) : (1, 2))
		{
			$sql .= <<"SQL";
CREATE TABLE made AS SELECT * FROM source WHERE id <= $rows;
CREATE INDEX made_v ON made USING ivf (v) WITH (lists = $lists);
SELECT same('made', $rows);
INSERT INTO made SELECT -id, v * 2 FROM source WHERE id <= 33;
SELECT same('made', $rows + least(33, $most));
DROP TABLE made;
SQL
		}
	}
	# and down again: the slots are kept, and used once more
	for my $rows (reverse grep { $_ < $most } @edges)
	{
		$sql .= "DELETE FROM grown WHERE id > $rows;\nVACUUM (INDEX_CLEANUP on) grown;\nSELECT same('grown', $rows);\n";
	}
	$sql .= <<"SQL";
SELECT 'entries ' || entries FROM ivf_info('grown_v');
SELECT 'pages ' || pg_relation_size('grown_v') AS before \\gset
INSERT INTO grown SELECT * FROM source;
SELECT same('grown', $most);
SELECT CASE WHEN 'pages ' || pg_relation_size('grown_v') = :'before' THEN 'as large as before' END;
DROP TABLE source, grown;
DROP FUNCTION same;
SQL
	my ($out, $err) = ('', '');
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err);
	is($err, '', "$dimensions dimensions: " . join(', ', @edges) . ' rows');
	like($out, qr/^entries 0$/m, "$dimensions dimensions: back to nothing");
	like($out, qr/^as large as before$/m, "$dimensions dimensions: and as large again as it was");
}

# TIDs -----------------------------------------------------------------------------

my $tids = int($page / $tid);
{
	my $sql = "CREATE TABLE grown (id int, v vector(3));\nCREATE INDEX grown_v ON grown USING ivf (v vector_cosine_ops);\n";
	my $last = 0;
	my @edges = map { ($_ * $tids - 1, $_ * $tids, $_ * $tids + 1) } 1 .. 2;
	for my $rows (@edges)
	{
		$sql .= <<"SQL";
INSERT INTO grown SELECT i, NULL FROM generate_series($last + 1, $rows) i;
INSERT INTO grown SELECT -i, '[0,0,0]' FROM generate_series($last + 1, $rows) i;
SELECT sound('grown'), oracle('grown', 'v', '<=>', '[1,2,3]');
CREATE TABLE made AS SELECT id, v::vector(3) FROM grown;
CREATE INDEX ON made USING ivf (v vector_cosine_ops);
SELECT sound('made'), oracle('made', 'v', '<=>', '[1,2,3]');
INSERT INTO made SELECT i, CASE WHEN i > 1 THEN '[0,0,0]'::vector END FROM generate_series(1, 3) i;
SELECT sound('made'), oracle('made', 'v', '<=>', '[1,2,3]');
DROP TABLE made;
SQL
		$last = $rows;
	}
	for my $rows (reverse 0, @edges)
	{
		$sql .= "DELETE FROM grown WHERE abs(id) > $rows;\nVACUUM (INDEX_CLEANUP on) grown;\nSELECT sound('grown'), oracle('grown', 'v', '<=>', '[1,2,3]');\n";
	}
	my ($out, $err) = ('', '');
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err);
	is($err, '', 'NULLs, and rows without a direction: ' . join(', ', @edges));
	is($out, join("\n", map({ my $rows = 2 * $_; my $more = $rows + 3; "1|$rows\n1|$rows\n1|$more" } @edges), map { '1|' . 2 * $_ } reverse 0, @edges), 'each of them is there');
	$node->safe_psql('postgres', 'DROP TABLE grown');
}

# Lists far over size --------------------------------------------------------------

# Copies of one vector can't be told apart: they are one list, and a search for it
# finds all of them at once.
my $copies = $soak ? 100_000 : 10_000;
my $single = $soak ? 1_000_000 : 10_000;
$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION quick(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS \$\$
	SELECT ARRAY[i % 10007, i * 7919::bigint % 10009, i * 104729::bigint % 9973, i * 31::bigint % 9967]::real[]::vector
\$\$;
CREATE TABLE copies AS SELECT i AS id, array_fill(0.5, '{24}')::real[]::vector(24) AS v FROM generate_series(1, $copies) i;
CREATE TABLE half AS SELECT i AS id, CASE WHEN i % 2 = 0 THEN '[1,2,3,4]' ELSE quick(i) END::vector(4) AS v FROM generate_series(1, $copies) i;
CREATE TABLE single AS SELECT i AS id, CASE WHEN i % 2 = 0 THEN quick(i) END::vector(4) AS v FROM generate_series(1, $single) i;
SQL
my $begin = time;
$node->safe_psql('postgres', "CREATE INDEX ON copies USING ivf (v); CREATE INDEX ON half USING ivf (v); CREATE INDEX ON single USING ivf (v) WITH (lists = 1)");
note(sprintf 'three builds in %.1f s', time - $begin);
is($node->safe_psql('postgres', "SELECT lists, entries FROM ivf_info('copies_v_idx')"), "1|$copies", 'copies of one vector are one list');
for my $case ([ 'copies', 'array_fill(0.5, \'{24}\')::real[]::vector', $copies, 10 ], [ 'half', "'[1,2,3,4]'", $copies, 10 ], [ 'single', "'[5000,5000,5000,5000]'", $single, 10 ])
{
	my ($table, $query, $rows, $limit) = @$case;
	my ($out, $err) = ('', '');
	my $search = "SELECT array_agg(d) FROM (SELECT v <-> $query AS d FROM $table ORDER BY v <-> $query LIMIT $limit) s";
	$node->psql('postgres', <<"SQL", stdout => \$out, stderr => \$err);
SET work_mem = 64;
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.probes = 1000000;
$search;
SELECT pg_size_pretty(sum(total_bytes)) FROM pg_backend_memory_contexts;
SET enable_indexscan = off;
SET enable_seqscan = on;
SET enable_sort = on;
$search;
SQL
	my @lines = split /\n/, $out;
	is($err, '', "$table: searched in little memory");
	is($lines[0], $lines[2], "$table: $limit of them");
	note("$table: $lines[1]");
	my $begin = time;
	is($node->safe_psql('postgres', "SELECT sound('$table')"), '1', "$table: sound");
	is($node->safe_psql('postgres', "SELECT oracle('$table', 'v', '<->', $query)"), $rows, "$table: and agrees with the table") if $rows <= 100_000;
	$node->safe_psql('postgres', "DELETE FROM $table WHERE id % 3 = 0; VACUUM $table; INSERT INTO $table SELECT -i, (SELECT v FROM $table WHERE id = 2) FROM generate_series(1, 100) i");
	is($node->safe_psql('postgres', "SELECT sound('$table')"), '1', "$table: sound after VACUUM and inserts");
	note(sprintf '%s: checked and vacuumed in %.1f s', $table, time - $begin);
}
$node->stop;

done_testing();
