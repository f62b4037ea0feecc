# Many sessions at a time: inserts, updates of the vector and of other columns,
# deletes, searches, VACUUM, indexes made, dropped and rebuilt concurrently, and
# the check, all in one mix.  Every search compares what it finds with a
# sequential scan under the same snapshot, and every check includes the heap.
# SOAK=1: for an hour.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{SOAK} ? $ENV{SOAK_SECONDS} || 3600 : 20;

my $node = ivf_node('sessions');
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\nmax_connections = 40\nlog_statement = none\n");
$node->start;
ivf_setup($node);

$node->safe_psql('postgres', <<'SQL');
-- space on the pages, for updates that touch no index
CREATE TABLE busy (id int PRIMARY KEY, kind int DEFAULT 0, note int DEFAULT 0, v vector(24)) WITH (fillfactor = 70);
INSERT INTO busy (id, kind, v) SELECT i, i % 3, noise(i, 24) FROM generate_series(1, 2000) i;
CREATE INDEX busy_l2 ON busy USING ivf (v) WITH (lists = 5);
CREATE INDEX busy_part ON busy USING ivf (v) WITH (lists = 3) WHERE kind = 1;
SET ivf.debug_fanout = 3;
CREATE INDEX busy_cosine ON busy USING ivf (v vector_cosine_ops) WITH (lists = 40);
RESET ivf.debug_fanout;
-- dimensions whose blocks and rows cross pages, and whose new blocks take more than one record
CREATE TABLE busy_wide (id serial, v vector(2000));
CREATE INDEX busy_wide_v ON busy_wide USING ivf (v);
INSERT INTO busy_wide (v) SELECT noise(i, 2000) FROM generate_series(1, 50) i;

CREATE SEQUENCE checks;
CREATE SEQUENCE searches;
CREATE SEQUENCE cursors;
CREATE SEQUENCE builds;

-- The index of that name now, which is not always what the snapshot says.  It
-- can be replaced until the check has opened it, but it stays: who drops a valid
-- one waits for our lock.
CREATE FUNCTION check_named(relation text, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	index oid;
BEGIN
	EXECUTE 'LOCK TABLE ' || relation || ' IN ACCESS SHARE MODE';
	FOR try IN 1 .. 100 LOOP
		index := to_regclass(name);
		IF name = 'busy_more' AND NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = index AND indisvalid) THEN
			RETURN;
		END IF;
		BEGIN
			PERFORM ivf_check(index, true), nextval('checks');
			IF (SELECT count(*) FROM ivf_lists(index) WHERE entries >= 0) <> (ivf_info(index)).lists THEN
				RAISE EXCEPTION 'ivf_lists has not come to every list of % once', name;
			END IF;
			RETURN;
		EXCEPTION WHEN object_not_in_prerequisite_state THEN
			IF name = 'busy_more' THEN
				RETURN;
			END IF;
			PERFORM pg_sleep(0.01);
		END;
	END LOOP;
	RAISE EXCEPTION 'there is no valid index %', name;
END
$$;

-- A cursor that rests twice while others write, drained: to be called under a
-- snapshot that stays, which decides the rows.
CREATE FUNCTION slow_scan(query vector, relation text, operator text) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off AS $$
DECLARE
	scan refcursor;
	row record;
	ids int[];
	expected record;
	plan text;
BEGIN
	SELECT string_agg(line, E'\n') INTO plan
		FROM plan_of(format('SELECT id FROM %s ORDER BY v %s %L', relation, operator, query)) line;
	IF plan !~ 'Index Scan using' OR plan !~ 'Order By:' THEN
		RAISE EXCEPTION 'no index scan: %', plan;
	END IF;
	OPEN scan FOR EXECUTE format('SELECT id FROM %s ORDER BY v %s $1', relation, operator) USING query;
	LOOP
		FETCH scan INTO row;
		EXIT WHEN NOT FOUND;
		ids := ids || row.id;
		IF cardinality(ids) IN (3, 300) THEN
			PERFORM pg_sleep(0.05);
		END IF;
	END LOOP;
	CLOSE scan;
	EXECUTE format('SELECT count(*) AS rows, sum(id) AS sum FROM %s', relation) INTO expected;
	IF (SELECT count(DISTINCT id) <> expected.rows OR count(*) <> expected.rows OR sum(id) <> expected.sum FROM unnest(ids) id) THEN
		RAISE EXCEPTION 'a cursor brought % rows, % different ones, instead of %', cardinality(ids),
			(SELECT count(DISTINCT id) FROM unnest(ids) id), expected.rows;
	END IF;
	PERFORM nextval('cursors');
END
$$;
SQL

my $RANDOM = "\\set id random(1, 2000)\n\\set seed random(1, 1000000)\n";
my %script = (
	'change@12' => <<'SQL',
UPDATE busy SET v = CASE :seed % 20 WHEN 0 THEN NULL WHEN 1 THEN noise(1, 24) * 0 ELSE noise(:seed, 24) END WHERE id = :id;
SQL
	'note@6' => <<'SQL',
UPDATE busy SET note = note + 1 WHERE id BETWEEN :id AND :id + 3;
SQL
	'kind@3' => <<'SQL',
UPDATE busy SET kind = (kind + 1) % 3 WHERE id = :id;
SQL
	'replace@6' => <<'SQL',
BEGIN;
DELETE FROM busy WHERE id = :id;
INSERT INTO busy (id, kind, v) VALUES (:id, :id % 3, noise(:seed, 24)) ON CONFLICT DO NOTHING;
END;
SQL
	'abort@2' => <<'SQL',
BEGIN;
INSERT INTO busy (id, v) SELECT 1000000 + :seed + i, noise(:seed + i, 24) FROM generate_series(1, 40) i ON CONFLICT DO NOTHING;
DELETE FROM busy WHERE id BETWEEN :id AND :id + 20;
ROLLBACK;
SQL
	'savepoint@2' => <<'SQL',
BEGIN;
UPDATE busy SET v = noise(:seed, 24) WHERE id = :id;
SAVEPOINT one;
UPDATE busy SET v = noise(:seed + 1, 24) WHERE id = :id;
INSERT INTO busy (id, v) VALUES (2000000 + :seed, noise(:seed, 24)) ON CONFLICT DO NOTHING;
ROLLBACK TO one;
UPDATE busy SET v = noise(:seed + 2, 24) WHERE id = :id;
END;
SQL
	'wide@3' => <<'SQL',
DELETE FROM busy_wide WHERE id = (SELECT min(id) FROM busy_wide);
INSERT INTO busy_wide (v) VALUES (noise(:seed, 2000));
SQL
	'search@6' => <<'SQL',
\set which random(1, 4)
BEGIN ISOLATION LEVEL REPEATABLE READ;
\if :which = 1
SELECT oracle('busy', 'v', '<=>', noise(:seed, 24)), nextval('searches');
\elif :which = 2
SELECT oracle('busy WHERE kind = 1', 'v', '<->', noise(:seed, 24)), nextval('searches');
\elif :which = 3
SELECT oracle('busy_wide', 'v', '<->', noise(:seed, 2000)), nextval('searches');
\else
SELECT oracle('busy', 'v', '<->', noise(:seed, 24)), nextval('searches');
\endif
END;
SQL
	'cursor@4' => <<'SQL',
\set which random(1, 3)
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL ivf.probes = :which;
\if :which = 1
SET LOCAL work_mem = '64kB';
\endif
\if :seed % 4 = 0
SELECT slow_scan(noise(:seed, 2000), 'busy_wide', '<->');
\elif :seed % 4 = 1
SELECT slow_scan(noise(:seed, 24), 'busy', '<=>');
\else
SELECT slow_scan(noise(:seed, 24), 'busy', '<->');
\endif
END;
SQL
	# to cut the file's end off, it would wait five seconds for the others to pause
	'vacuum@2' => "VACUUM (INDEX_CLEANUP on, TRUNCATE off) busy, busy_wide;\n",
	'check@2' => <<'SQL',
SELECT check_named('busy', 'busy_l2');
SELECT check_named('busy', 'busy_part');
SELECT check_named('busy', 'busy_cosine');
SELECT check_named('busy', 'busy_more');
SELECT check_named('busy_wide', 'busy_wide_v');
SQL
	'check_old@1' => <<'SQL',
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM busy;
SELECT pg_sleep(0.05);
SELECT check_named('busy', 'busy_l2');
SELECT check_named('busy', 'busy_cosine');
SELECT check_named('busy_wide', 'busy_wide_v');
END;
SQL
	# Two of these would wait for each other's snapshots: one at a time.
	'concurrently@2' => <<'SQL');
\set which random(1, 5)
SELECT pg_try_advisory_lock(1)::int AS mine \gset
\if :mine
\if :which = 1
REINDEX INDEX CONCURRENTLY busy_l2;
\elif :which = 2
REINDEX INDEX CONCURRENTLY busy_cosine;
\elif :which = 3
REINDEX TABLE CONCURRENTLY busy_wide;
VACUUM pg_class, pg_index, pg_attribute, pg_depend;
\else
CREATE INDEX CONCURRENTLY busy_more ON busy USING ivf (v) WITH (lists = 7);
SELECT pg_sleep(0.2);
SELECT check_named('busy', 'busy_more');
DROP INDEX CONCURRENTLY busy_more;
\endif
SELECT nextval('builds');
SELECT pg_advisory_unlock(1);
\endif
SQL

# The seed is that of pgbench's random numbers; sessions interleave as they may.
my @files;
for my $name (sort keys %script)
{
	my ($base, $weight) = split /@/, $name;
	my $file = $node->basedir . "/$base.sql";
	PostgreSQL::Test::Utils::append_to_file($file, $RANDOM . $script{$name});
	push @files, '-f', "$file\@$weight";
}
my ($out, $err) = ('', '');
my $done = IPC::Run::run(
	[ 'pgbench', '-h', $node->host, '-p', $node->port, '--no-vacuum', '--random-seed=20', '--client=6',
	  '--jobs=2', "--time=$seconds", '--max-tries=10', @files, 'postgres' ],
	'<', \undef, '>', \$out, '2>', \$err);
note("pgbench with --random-seed=20 said:\n$out\n$err");
$err =~ s/^pgbench: setting random seed to 20\n//;
ok($done && $err eq '' && $out =~ /^number of failed transactions: 0 /m, "many sessions for $seconds seconds");

my %least = (checks => 20, searches => 20, cursors => 10, builds => 5);
for my $what (sort keys %least)
{
	my $count = $node->safe_psql('postgres', "SELECT last_value FROM $what");
	note("$count $what");
	cmp_ok($count, '>=', $least{$what}, "there were $what in the mix");
}
# every way of updating was taken
is($node->safe_psql('postgres',
		"SELECT n_tup_hot_upd > 50, n_tup_upd - n_tup_hot_upd > 50 FROM pg_stat_user_tables WHERE relname = 'busy'"),
	't|t', 'some updates touched no index, some all');
$node->safe_psql('postgres', 'VACUUM busy, busy_wide');
ivf_sound($node, 'busy', '<->', 'after that, index and table agree');
ivf_sound($node, 'busy', '<=>', 'and so by angle');
ivf_sound($node, 'busy_wide', '<->', 'and so with 2,000 dimensions');
$node->stop;

done_testing();
