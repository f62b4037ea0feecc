# Crashes of a server whose WAL does not hold what a transaction writes to the
# files that it has made itself (wal_level = minimal): those files are synced or
# logged at its end.  And unlogged indexes, whose pages no WAL holds at all.

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

my $node = ivf_node('minimal');
$node->append_conf('postgresql.conf', <<'CONF');
shared_buffers = 32MB
max_connections = 40
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 1h
bgwriter_delay = 10ms
log_statement = none
restart_after_crash = on
CONF
$node->start;
ivf_setup($node);
load_tables($node);

# Every way in which a transaction writes to an index that it has made, ended
# and not ended.
sub fill
{
	my ($round) = @_;
	$node->safe_psql('postgres', <<"SQL");
DROP TABLE IF EXISTS fresh, copied, emptied, rewritten, nested, fresh_wide, gone CASCADE;
CREATE UNLOGGED TABLE gone (id int, v vector(24));
CREATE INDEX gone_v ON gone USING ivf (v);
INSERT INTO gone SELECT i, noise(i, 24) FROM generate_series(1, 100) i;
CREATE TABLE emptied (id int, v vector(24));
CREATE INDEX emptied_v ON emptied USING ivf (v) WITH (lists = 3);
INSERT INTO emptied SELECT i, noise(i, 24) FROM generate_series(1, 500) i;
CREATE TABLE rewritten (id int, v vector(24), n int);
CREATE INDEX rewritten_v ON rewritten USING ivf (v vector_cosine_ops) WITH (lists = 3);
INSERT INTO rewritten SELECT i, noise(i, 24), i FROM generate_series(1, 500) i;
CREATE TABLE nested (id int, v vector(24));
CREATE INDEX nested_v ON nested USING ivf (v);
INSERT INTO nested SELECT i, noise(i, 24) FROM generate_series(1, 100) i;

BEGIN;
CREATE TABLE fresh (id serial, v vector(24));
INSERT INTO fresh (v) SELECT noise(i, 24) FROM generate_series(1, 1000) i;
CREATE INDEX fresh_v ON fresh USING ivf (v) WITH (lists = 5);
INSERT INTO fresh (v) SELECT CASE i % 3 WHEN 0 THEN NULL ELSE noise(i, 24) END FROM generate_series(1001, 2000) i;
UPDATE fresh SET v = noise(id + $round, 24) WHERE id % 5 = 0;
COMMIT;
INSERT INTO fresh (v) SELECT noise(i, 24) FROM generate_series(2001, 2500) i;
BEGIN;
CREATE TABLE fresh_wide (id serial, v vector(2000));
CREATE INDEX fresh_wide_v ON fresh_wide USING ivf (v);
INSERT INTO fresh_wide (v) SELECT noise(i, 2000) FROM generate_series(1, 70) i;
COMMIT;
CREATE TABLE copied AS SELECT * FROM fresh;
CREATE INDEX copied_v ON copied USING ivf (v vector_cosine_ops) WITH (lists = 5);
BEGIN;
TRUNCATE emptied;
INSERT INTO emptied SELECT i, noise(i, 24) FROM generate_series(1, 300 + $round) i;
COMMIT;
BEGIN;
ALTER TABLE rewritten ALTER COLUMN n TYPE bigint;
INSERT INTO rewritten SELECT i, noise(i, 24) * (i % 2), i FROM generate_series(501, 800) i;
COMMIT;
BEGIN;
INSERT INTO nested SELECT i, noise(i, 24) FROM generate_series(101, 200) i;
SAVEPOINT s;
REINDEX INDEX nested_v;
INSERT INTO nested SELECT i, noise(i, 24) FROM generate_series(201, 300) i;
ROLLBACK TO s;
INSERT INTO nested SELECT i, noise(i, 24) FROM generate_series(301, 400) i;
COMMIT;
SQL
	return;
}

sub filled_ok
{
	my ($round, $name) = @_;
	is($node->safe_psql('postgres', "SELECT count(*), sound('gone') FROM gone"), '0|1', "$name: a new unlogged index is empty");
	ivf_sound($node, 'fresh', '<->', "$name: a table and an index of one transaction", 2500);
	ivf_sound($node, 'fresh_wide', '<->', "$name: the same with 2,000 dimensions", 70);
	ivf_sound($node, 'copied', '<=>', "$name: an index of a transaction of its own", 2500);
	ivf_sound($node, 'emptied', '<->', "$name: a table emptied and filled", 300 + $round);
	ivf_sound($node, 'rewritten', '<=>', "$name: a table rewritten", 800);
	ivf_sound($node, 'nested', '<->', "$name: an index made again, which was taken back", 300);
	return;
}

my $rounds = $ENV{SOAK} ? 200 : 4;
my $seed = $ENV{IVF_SEED} // 1;
note("first seed: $seed");
for my $round (1 .. $rounds)
{
	# files are synced at the end of a transaction, or logged then; and pages are
	# not written before they must be, or at any time
	my $threshold = $round % 2 ? 0 : '1GB';
	my $written = $round % 2 ? 0 : 1000;
	my $name = "round $round (wal_skip_threshold = $threshold)";
	$node->append_conf('postgresql.conf', "wal_skip_threshold = $threshold\nbgwriter_lru_maxpages = $written\n");
	$node->reload;
	$node->safe_psql('postgres', 'CHECKPOINT') if $round % 3;
	$node->safe_psql('postgres', 'INSERT INTO fleeting SELECT id, v FROM items WHERE id % 10 = 0');
	fill($round);

	# at the crash, a transaction is in the middle of the same
	my $open = session_start($node, 'psql', '-XAtq', '-c', <<'SQL', 'postgres');
BEGIN;
TRUNCATE emptied;
INSERT INTO emptied SELECT i, noise(i, 24) FROM generate_series(1, 1000) i;
CREATE INDEX fresh_more ON fresh USING ivf (v) WITH (lists = 20);
INSERT INTO fresh (v) SELECT noise(i, 24) FROM generate_series(1, 1000) i;
SELECT pg_sleep(60);
SQL
	# without a checkpoint, what is not synced at the end of a transaction is lost
	my $load = load_start($node, $seed + $round, 60, without => $round % 2 ? 'checkpoint' : undef);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
	sleep 0.3;
	if ($round % 4 == 1) { $node->stop('immediate') }
	elsif ($round % 4 == 2) { crash_all($node) }
	elsif ($round % 4 == 3) { crash_session($node, $round) }
	else { crash_postmaster($node) }
	session_end($open);
	my $errors = load_end($load);
	start_again($node, again => $round % 4 == 2) if $round % 4 != 3;

	is($errors, '', "$name: the load met no error");
	filled_ok($round, $name);
	load_sound($node, $name);
	is($node->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', "$name: an unlogged index is empty");
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 'fresh_more'"), '0', "$name: no index that was not committed");
	$node->safe_psql('postgres', <<'SQL');
DROP INDEX IF EXISTS items_more;
INSERT INTO fresh_wide (v) SELECT noise(i, 2000) FROM generate_series(101, 140) i;
DELETE FROM fresh WHERE id % 2 = 0;
VACUUM (INDEX_CLEANUP on) fresh, fresh_wide, items, wide;
INSERT INTO fresh (v) SELECT noise(i, 24) FROM generate_series(1, 300) i;
SQL
	ivf_sound($node, 'fresh', '<->', "$name: which is used and vacuumed");
	for my $index (split /\n/, $node->safe_psql('postgres', 'SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid'))
	{
		$node->safe_psql('postgres', "DROP INDEX $index");
	}
}
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal (?!9\b)\d/, 'no process ended by itself');

done_testing();
