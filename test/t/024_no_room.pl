# A build that finds no room for a sample that all processes share, as in a
# container with little shared memory: one process clusters, and the index is the
# same, byte for byte.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Shared memory is a file here, and so the limit for any one file is one for it;
# the others have to stay below, WAL among them.
use constant LIMIT => 12_000_000;

my $node = ivf_node('no_room', extra => ['--wal-segsize=1']);
$node->append_conf('postgresql.conf', <<'CONF');
dynamic_shared_memory_type = mmap
max_worker_processes = 8
maintenance_work_mem = '64MB'
CONF
$node->start;
ivf_setup($node);
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE few (id int, v vector(20));
INSERT INTO few SELECT i, noise(i, 20) FROM generate_series(1, 3000) i;
-- a sample of all rows takes 15 MB, as each has 64 dimensions there
CREATE TABLE items (id int, v vector(20)) WITH (parallel_workers = 2);
INSERT INTO items SELECT 3000 * k + id, v * (1 + k / 16.0::real) FROM few, generate_series(0, 19) k;
-- a vector, for some of which it is looked whether the build's progress is reported
CREATE FUNCTION watched(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF v[1] > 0 AND v[1] < 0.004 THEN
		PERFORM pg_stat_clear_snapshot();
		IF NOT EXISTS (SELECT FROM pg_stat_progress_create_index WHERE relid = 'items'::regclass AND phase LIKE 'building index: %') THEN
			RAISE WARNING 'no progress';
		END IF;
		RAISE WARNING 'watched';
	END IF;
	RETURN v;
END
$$;
SQL

# Builds an index and yields its bytes but for LSNs and checksums; what is said of
# workers goes to $$said.
sub build
{
	my ($workers, $said) = @_;
	my $out;
	$node->psql('postgres', <<"SQL", stdout => \$out, stderr => $said, on_error_die => 1);
SET client_min_messages = debug1;
SET max_parallel_maintenance_workers = $workers;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 470);
RESET client_min_messages;
CHECKPOINT;
SELECT count(*) || ' pages ' || md5(string_agg(substr(page, 11), '' ORDER BY block))
	FROM pg_relation_filepath('items_v') path, generate_series(0, pg_relation_size('items_v') / 8192 - 1) block,
		pg_read_binary_file(path, block * 8192, 8192) page;
SELECT sound('items');
DROP INDEX items_v;
SQL
	return $out;
}

# What is said of workers: how many assign rows, how many cluster.
sub launched { my ($said) = @_; return join '; ', $said =~ /(\d+ of \d+ workers (?:launched|cluster))/g }

my $alone = build(0, \my $said);
is(launched($said), '', 'alone');
like($alone, qr/^\d+ pages \w+\n1$/, 'sound');
is(build(2, \$said), $alone, 'the same bytes: workers');
is(launched($said), '2 of 2 workers cluster; 2 of 2 workers launched', 'workers cluster and assign');

my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
system_or_bail('prlimit', '--pid', $postmaster, '--fsize=' . LIMIT . ':');
is(build(2, \$said), $alone, 'the same bytes: no room for the sample');
like($said, qr/a sample is clustered by one process: could not resize shared memory segment/, 'there was none');
is(launched($said), '2 of 2 workers launched', 'workers assign');

# what the progress report says outlives the attempt
my ($out, $err);
$node->psql('postgres', <<'SQL', stdout => \$out, stderr => \$err, on_error_die => 1);
SET client_min_messages = debug1;
SET max_parallel_maintenance_workers = 2;
CREATE INDEX watched_v ON items USING ivf ((watched(v)::vector(20))) WITH (lists = 470);
DROP INDEX watched_v;
SQL
like($err, qr/clustered by one process.*WARNING:  watched/s, 'watched, after the attempt');
unlike($err, qr/no progress/, 'progress is reported');

# in a subtransaction, and one that fails later
$node->psql('postgres', <<'SQL', stdout => \$out, stderr => \$err);
SET max_parallel_maintenance_workers = 2;
BEGIN;
SAVEPOINT s;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 470);
ROLLBACK TO s;
CREATE INDEX items_v ON items USING ivf (v) WITH (lists = 470);
COMMIT;
SELECT sound('items'), (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'items'::regclass);
SQL
is($out, '1|0', 'in a subtransaction') or diag($err);

$node->stop;
done_testing();
