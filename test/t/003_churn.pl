# Slots are used again: rows that come and go leave an index that is sound and
# of bounded size.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('churn');
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\n");
$node->start;
ivf_setup($node);

# Before VACUUM comes, a round has put every row into the index a second time.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE moved (id int, v vector(128));
INSERT INTO moved SELECT i, noise(i, 128) FROM generate_series(1, 4000) i;
CREATE INDEX moved_v ON moved USING ivf (v);
CREATE TABLE redrawn (id int, v vector(24));
INSERT INTO redrawn SELECT i, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 6000) i;
CREATE INDEX redrawn_v ON redrawn USING ivf (v vector_cosine_ops);
SQL
sub size_of { return $node->safe_psql('postgres', "SELECT pg_relation_size('$_[0]')") }
my %size = map { $_ => [ size_of($_) ] } qw(moved_v redrawn_v);

for my $round (1 .. 10)
{
	$node->safe_psql('postgres', <<"SQL");
UPDATE moved SET v = v + noise(id + 10000 * $round, 128) * 0.01;
UPDATE redrawn SET v = CASE (id + $round) % 4 WHEN 0 THEN NULL WHEN 1 THEN noise(id, 24) * 0
	ELSE noise(id + 10000 * $round, 24) END;
VACUUM moved, redrawn;
SQL
	push @{ $size{$_} }, size_of($_) for keys %size;
	is($node->safe_psql('postgres', "SELECT sound('moved') + sound('redrawn')"), '2', "round $round: sound");
}
cmp_ok($size{moved_v}[10], '<', 2 * $size{moved_v}[0], 'rows that move a little leave less than twice the size');
cmp_ok($size{moved_v}[10], '<=', 1.02 * $size{moved_v}[1], 'and hardly more after ten rounds than after one');
# each list keeps room for the most rows that it ever had
cmp_ok($size{redrawn_v}[10], '<', 2.2 * $size{redrawn_v}[0], 'rows that move anywhere leave little more than that');
cmp_ok($size{redrawn_v}[10], '<=', 1.05 * $size{redrawn_v}[5], 'and the size settles');
note("sizes: @{ $size{moved_v} }; @{ $size{redrawn_v} }");
ivf_sound($node, 'moved', '<->', 'ten rounds of small moves: index and table agree', 4000);
ivf_sound($node, 'redrawn', '<=>', 'ten rounds of any moves: index and table agree', 6000);

$node->stop;

done_testing();
