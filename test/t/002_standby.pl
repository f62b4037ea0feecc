# A standby: replay makes the same bytes, sees at every moment a state that
# readers can use, answers as the primary does, and takes rows when promoted.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = ivf_node('primary', allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<'CONF');
wal_consistency_checking = 'generic'
max_connections = 40
max_standby_streaming_delay = -1
CONF
$primary->start;
ivf_setup($primary);
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

# What both servers say: every row's distance and place, with all lists probed
# and with few.
sub answers
{
	my ($node, $table, $operator) = @_;
	my $order = "SELECT ctid, v $operator q AS d FROM $table, (SELECT v AS q FROM $table WHERE v IS NOT NULL ORDER BY id LIMIT 1) q";
	return $node->safe_psql('postgres', <<"SQL");
SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; SET enable_material = off;
SELECT set_config('test.query', (SELECT v::text FROM $table WHERE v IS NOT NULL ORDER BY id LIMIT 1), false);
PREPARE q(vector) AS SELECT md5(string_agg(ctid || ' ' || coalesce(d::text, 'null'), ',')), count(*)
	FROM (SELECT ctid, v $operator \$1 AS d FROM $table ORDER BY v $operator \$1) s;
SET plan_cache_mode = force_custom_plan;
SET ivf.probes = 1000; EXECUTE q(current_setting('test.query')::vector);
SET ivf.probes = 1; EXECUTE q(current_setting('test.query')::vector);
SELECT count(*) FROM (SELECT 1 FROM $table ORDER BY v $operator (SELECT NULL::vector)) s;
SQL
}

sub same
{
	my ($name) = @_;
	$primary->wait_for_catchup($standby);
	for my $what ([ 'items', '<->' ], [ 'items', '<#>' ], [ 'items', '<=>' ], [ 'wide', '<->' ])
	{
		my ($table, $operator) = @$what;
		my $expected = answers($primary, $table, $operator);
		my $found = answers($standby, $table, $operator);
		is($found, $expected, "$name: the same answers, $table $operator");
	}
	ivf_sound($standby, 'items', '<->', "$name: items are sound on the standby");
	ivf_sound($standby, 'wide', '<->', "$name: 2,000 dimensions are sound on the standby");
	is($primary->safe_psql('postgres', "SELECT sound('items') + sound('wide')"), '4', "$name: and on the primary");
	return;
}

$primary->safe_psql('postgres', <<'SQL');
CREATE TABLE items (id serial, v vector(24));
INSERT INTO items (v) SELECT CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 3000) i;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 5);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops) WITH (lists = 5);
SET ivf.debug_fanout = 3;
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 40);
RESET ivf.debug_fanout;
CREATE TABLE wide (id serial, v vector(2000));
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 40) i;
CREATE INDEX wide_v ON wide USING ivf (v);
CREATE UNLOGGED TABLE fleeting AS SELECT * FROM items;
CREATE INDEX fleeting_v ON fleeting USING ivf (v) WITH (lists = 5);
SQL
same('build');

# past page ends in lists, in the chain of rows without a direction and in that
# of rows without a vector
$primary->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(3001, 5000) i;
INSERT INTO items (v) SELECT NULL FROM generate_series(1, 3000) i;
INSERT INTO items (v) SELECT noise(1, 24) * 0 FROM generate_series(1, 3000) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(41, 150) i;
SQL
same('inserts');

$primary->safe_psql('postgres', <<'SQL');
DELETE FROM items WHERE id % 3 = 0;
DELETE FROM wide WHERE id % 3 = 0;
VACUUM items, wide;
SQL
same('VACUUM');

$primary->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 4000) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(201, 230) i;
SQL
same('slots used again');

$primary->safe_psql('postgres', 'REINDEX INDEX items_l2; REINDEX INDEX CONCURRENTLY items_ip');
same('REINDEX');

# A calibration in place is one record; a standby takes its rule, and makes none.
my $rule = "SELECT lists_for_recall, calibration_queries, calibrated_entries FROM ivf_info('items_cosine')";
my $before = $primary->safe_psql('postgres', $rule);
is($primary->safe_psql('postgres', "SELECT ivf_calibrate('items_cosine')"), '320', 'the primary calibrates');
isnt($primary->safe_psql('postgres', $rule), $before, 'which says something else than the build did');
same('a calibration');
is($standby->safe_psql('postgres', $rule), $primary->safe_psql('postgres', $rule), 'the standby has the same rule');
like(($standby->psql('postgres', "SELECT ivf_calibrate('items_cosine')"))[2], qr/recovery is in progress/, 'and can\'t calibrate');

# Readers of the standby while all that goes on ---------------------------------------

$primary->safe_psql('postgres', 'CREATE SEQUENCE rounds');
my $work = $primary->basedir . '/work.sql';
append_to_file($work, <<'SQL');
\set seed random(1, 1000000)
INSERT INTO items (v) SELECT CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(:seed + i, 24) END
	FROM generate_series(1, 20) i;
INSERT INTO wide (v) VALUES (noise(:seed, 2000));
UPDATE items SET v = noise(:seed, 24) WHERE id % 500 = :seed % 500;
SELECT ivf_calibrate('items_ip');
DELETE FROM items WHERE id % 300 = :seed % 300;
DELETE FROM wide WHERE id % 50 = :seed % 50;
VACUUM (INDEX_CLEANUP on) items, wide;
SQL
my ($out, $err) = ('', '');
my $bench;
{
	local %ENV = $primary->_get_env();
	$bench = IPC::Run::start([ 'pgbench', '--no-vacuum', '--client=2', '--time=8', '-f', $work, 'postgres' ], '>', \$out, '2>', \$err);
}
$standby->pgbench('--no-vacuum --client=3 --time=7', 0, [qr/processed/], [qr/^$/],
	'the standby answers and checks while it replays',
	{
		'1_search@10' => <<'SQL',
\set seed random(1, 1000000)
SET enable_seqscan = off;
SET enable_sort = off;
SET ivf.probes = 1000;
SELECT 1 / (count(*) = 50 AND count(DISTINCT id) = 50 AND bool_and(d >= before))::int
	FROM (SELECT id, d, coalesce(lag(d) OVER (), d) AS before
		FROM (SELECT id, v <-> noise(:seed, 24) AS d FROM items WHERE v IS NOT NULL
			ORDER BY v <-> noise(:seed, 24) LIMIT 50) s) s;
SQL
		'2_check@2' => "SELECT sound('items'), sound('wide');\n",
	});
$bench->finish;
is($err, '', 'and the primary works');
same('everything at a time');

# Promotion --------------------------------------------------------------------------

my ($status, $stdout, $stderr) = $standby->psql('postgres', "SELECT ivf_check('fleeting_v')");
like($stderr, qr/index "fleeting_v" is not logged and has no contents during recovery/, 'an unlogged index can\'t be checked on a standby');
$primary->stop;
$standby->promote;
is($standby->safe_psql('postgres', "SELECT count(*), sound('fleeting') FROM fleeting"), '0|1', 'promoted: unlogged tables are empty');
$standby->safe_psql('postgres', <<'SQL');
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 1000) i;
INSERT INTO wide (v) SELECT noise(i, 2000) FROM generate_series(1, 40) i;
INSERT INTO fleeting SELECT * FROM items;
DELETE FROM items WHERE id % 3 = 0;
VACUUM items, wide;
INSERT INTO items (v) SELECT noise(i, 24) FROM generate_series(1, 1000) i;
SQL
ivf_sound($standby, 'items', '<->', 'promoted: items are sound');
ivf_sound($standby, 'items', '<=>', 'promoted: by cosine too');
ivf_sound($standby, 'wide', '<->', 'promoted: 2,000 dimensions are sound');
ivf_sound($standby, 'fleeting', '<->', 'promoted: unlogged tables take rows');
unlike(slurp_file($standby->logfile), qr/inconsistent page found|PANIC|FATAL:  inconsistent/, 'replay made the same pages');
$standby->stop;

done_testing();
