# Crashes: whatever was at work, the index that comes back is sound and agrees
# with its table.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = ivf_node('crash');

# few buffers, so that pages get to the disk in any order before the crash
$node->append_conf('postgresql.conf', <<'CONF');
shared_buffers = 2MB
max_connections = 40
checkpoint_timeout = 1h
restart_after_crash = off
CONF
$node->start;
ivf_setup($node);

sub crash
{
	$node->stop('immediate');
	$node->start;
	return;
}

# Work that has ended ------------------------------------------------------------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE items (id serial, v vector(24));
INSERT INTO items (v) SELECT CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 3000) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 5);
SET ivf.debug_fanout = 3;
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
RESET ivf.debug_fanout;
CREATE TABLE wide (id serial, v vector(2000));
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 40) i;
CREATE INDEX wide_v ON wide USING ivf (v);
CREATE UNLOGGED TABLE fleeting AS SELECT * FROM items;
CREATE INDEX fleeting_v ON fleeting USING ivf (v vector_cosine_ops) WITH (lists = 5);
SQL
crash();
ivf_sound($node, 'items', '<->', 'after a build', 3000);
ivf_sound($node, 'items', '<=>', 'after a build, by cosine', 3000);
ivf_sound($node, 'wide', '<->', 'after a build of 2,000 dimensions', 40);

# the init fork
is($node->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', 'an unlogged index is empty after a crash');
$node->safe_psql('postgres', 'INSERT INTO fleeting SELECT * FROM items');
ivf_sound($node, 'fleeting', '<=>', 'and takes rows again', 3000);
$node->safe_psql('postgres', 'REINDEX INDEX fleeting_v; CHECKPOINT');
crash();
is($node->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', 'and is empty after the next crash');

$node->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(3001, 8000) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(41, 120) i;
DELETE FROM items WHERE id % 3 = 0;
DELETE FROM wide WHERE id % 3 = 0;
VACUUM items, wide;
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(8001, 8500) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(121, 130) i;
SQL
crash();
ivf_sound($node, 'items', '<->', 'after inserts and VACUUM');
ivf_sound($node, 'wide', '<->', 'after inserts and VACUUM, 2,000 dimensions');

# Work in flight -------------------------------------------------------------------

my $folder = PostgreSQL::Test::Utils::tempdir();
sub script
{
	my ($name, $sql) = @_;
	append_to_file("$folder/$name", $sql);
	return "$folder/$name";
}
my @scripts = (
	script('insert', <<'SQL') . '@6',
\set seed random(1, 1000000)
INSERT INTO items (v) SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(:seed + i, 24) END
	FROM generate_series(1, 20) i;
SQL
	script('wide', <<'SQL') . '@6',
\set seed random(1, 1000000)
INSERT INTO wide (v) VALUES (noise(:seed, 2000));
SQL
	script('update', <<'SQL') . '@3',
\set seed random(1, 1000000)
UPDATE items SET v = noise(:seed, 24) WHERE id % 500 = :seed % 500;
SQL
	script('delete', <<'SQL') . '@3',
\set seed random(1, 1000000)
DELETE FROM items WHERE id % 500 = :seed % 500;
DELETE FROM wide WHERE id % 20 = :seed % 20;
SQL
	script('vacuum', "VACUUM (INDEX_CLEANUP on) items, wide;\n") . '@2',
	script('checkpoint', "CHECKPOINT;\n") . '@1');

for my $round (1 .. 4)
{
	my ($out, $err) = ('', '');
	local %ENV = $node->_get_env();
	my $bench = IPC::Run::start([ 'pgbench', '--no-vacuum', '--client=6', '--time=60', (map { ('-f', $_) } @scripts), 'postgres' ],
		'>', \$out, '2>', \$err);
	sleep 0.7 + 0.2 * $round;
	$node->stop('immediate');
	$bench->finish;
	$node->start;
	ivf_sound($node, 'items', '<->', "crash $round: by distance");
	ivf_sound($node, 'items', '<=>', "crash $round: by cosine");
	ivf_sound($node, 'wide', '<->', "crash $round: 2,000 dimensions");
	# what the crash has left is used, and vacuumed
	$node->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 200) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 5) i;
VACUUM (INDEX_CLEANUP on) items, wide;
SQL
}
ivf_sound($node, 'items', '<->', 'after all crashes: by distance');
ivf_sound($node, 'wide', '<->', 'after all crashes: 2,000 dimensions');

# a build
{
	local %ENV = $node->_get_env();
	my ($out, $err) = ('', '');
	my $build = IPC::Run::start([ 'psql', '-XAtq', '-c', 'CREATE INDEX unfinished ON items USING ivf (v) WITH (lists = 200)', 'postgres' ],
		'>', \$out, '2>', \$err);
	$node->poll_query_until('postgres', 'SELECT count(*) > 0 FROM pg_stat_progress_create_index');
	$node->stop('immediate');
	$build->finish;
	$node->start;
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 'unfinished'"), '0', 'an unfinished build leaves no index');

# Without WAL ----------------------------------------------------------------------

# Under wal_level = minimal the pages of a relation that the transaction has
# made are synced at its end, not logged.
$node->append_conf('postgresql.conf', "wal_level = minimal\nmax_wal_senders = 0\nwal_skip_threshold = 0\n");
$node->restart;
$node->safe_psql('postgres', <<'SQL');
BEGIN;
CREATE TABLE fresh (id serial, v vector(24));
INSERT INTO fresh (v) SELECT noise(i, 24) FROM generate_series(1, 2000) i;
CREATE INDEX fresh_v ON fresh USING ivf (v) WITH (lists = 5);
INSERT INTO fresh (v) SELECT noise(i, 24) FROM generate_series(2001, 3000) i;
COMMIT;
INSERT INTO fresh (v) SELECT noise(i, 24) FROM generate_series(3001, 3500) i;
SQL
crash();
ivf_sound($node, 'fresh', '<->', 'a table and an index that were not logged', 3500);
$node->stop;

done_testing();
