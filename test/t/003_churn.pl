# Slots are used again: rows that come and go leave an index that is sound and
# of bounded size, one session after the other and many at a time.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('churn');
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\nmax_connections = 40\n");
$node->start;
ivf_setup($node);

# Ten rounds of updating every row ---------------------------------------------

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

# Many sessions ------------------------------------------------------------------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE busy (id int PRIMARY KEY, v vector(24));
INSERT INTO busy SELECT i, noise(i, 24) FROM generate_series(1, 3000) i;
CREATE INDEX busy_l2 ON busy USING ivf (v) WITH (lists = 5);
SET ivf.debug_fanout = 3;
CREATE INDEX busy_cosine ON busy USING ivf (v vector_cosine_ops) WITH (lists = 40);
RESET ivf.debug_fanout;
-- dimensions whose entries take more than one record
CREATE TABLE busy_wide (id serial, v vector(2000));
CREATE INDEX busy_wide_v ON busy_wide USING ivf (v);
INSERT INTO busy_wide (v) SELECT noise(i, 2000) FROM generate_series(1, 50) i;
CREATE SEQUENCE checks;
SQL

# A search whose rows come in the wrong order, twice or too few divides by zero.
my %script = (
	'1_change@12' => <<'SQL',
\set id random(1, 3000)
\set seed random(1, 1000000)
UPDATE busy SET v = CASE :seed % 20 WHEN 0 THEN NULL WHEN 1 THEN noise(1, 24) * 0 ELSE noise(:seed, 24) END WHERE id = :id;
SQL
	'2_replace@6' => <<'SQL',
\set id random(1, 3000)
\set seed random(1, 1000000)
BEGIN;
DELETE FROM busy WHERE id = :id;
INSERT INTO busy VALUES (:id, noise(:seed, 24)) ON CONFLICT DO NOTHING;
END;
SQL
	'3_abort@2' => <<'SQL',
\set id random(1, 3000)
\set seed random(1, 1000000)
BEGIN;
INSERT INTO busy SELECT 1000000 + :seed + i, noise(:seed + i, 24) FROM generate_series(1, 40) i ON CONFLICT DO NOTHING;
DELETE FROM busy WHERE id BETWEEN :id AND :id + 20;
ROLLBACK;
SQL
	'4_wide@3' => <<'SQL',
\set seed random(1, 1000000)
DELETE FROM busy_wide WHERE id = (SELECT min(id) FROM busy_wide);
INSERT INTO busy_wide (v) VALUES (noise(:seed, 2000));
SQL
	'5_search@10' => <<'SQL',
\set seed random(1, 1000000)
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.probes = 1000;
SELECT 1 / (count(*) = 50 AND count(DISTINCT id) = 50 AND bool_and(d >= before))::int
	FROM (SELECT id, d, coalesce(lag(d) OVER (), d) AS before
		FROM (SELECT id, v <-> noise(:seed, 24) AS d FROM busy WHERE v IS NOT NULL
			ORDER BY v <-> noise(:seed, 24) LIMIT 50) s) s;
SQL
	'6_vacuum@2' => "VACUUM (INDEX_CLEANUP on) busy, busy_wide;\n",
	'7_check@2' => "SELECT ivf_check('busy_l2', true), ivf_check('busy_cosine', true), ivf_check('busy_wide_v', true), nextval('checks');\n",
	'8_check_old@1' => <<'SQL');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM busy;
SELECT pg_sleep(0.05);
SELECT ivf_check('busy_l2', true), ivf_check('busy_cosine', true), ivf_check('busy_wide_v', true), nextval('checks');
END;
SQL

$node->pgbench('--no-vacuum --client=6 --jobs=2 --time=12 --max-tries=10',
	0, [qr/processed/], [qr/^$/], 'many sessions at a time, checks among them', \%script);
my $checks = $node->safe_psql('postgres', 'SELECT last_value FROM checks');
cmp_ok($checks, '>', 20, 'it was checked many times meanwhile');
note("$checks checks");
ivf_sound($node, 'busy', '<->', 'after that, index and table agree');
ivf_sound($node, 'busy_wide', '<->', 'and so with 2,000 dimensions');
$node->stop;

done_testing();
