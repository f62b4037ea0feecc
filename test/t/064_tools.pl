# The server's own tools on our indexes: checksums, pg_amcheck, pageinspect,
# pg_prewarm; another session's temporary table.  What can't read such an index
# says so, and nothing crashes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('tools', extra => ['--data-checksums']);
$node->start;
ivf_setup($node);
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION amcheck; CREATE EXTENSION pageinspect; CREATE EXTENSION pg_prewarm; CREATE EXTENSION pgstattuple;
CREATE EXTENSION pg_freespacemap; CREATE EXTENSION pg_visibility; CREATE EXTENSION pg_buffercache;
CREATE TABLE items (id int PRIMARY KEY, v vector(24));
INSERT INTO items SELECT i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END FROM generate_series(1, 3000) i;
SET ivf.debug_fanout = 3;
CREATE INDEX items_v ON items USING ivf (v vector_cosine_ops) WITH (lists = 20);
RESET ivf.debug_fanout;
CREATE UNLOGGED TABLE fleeting AS SELECT * FROM items;
CREATE INDEX fleeting_v ON fleeting USING ivf (v);
CREATE INDEX items_sorted ON items (v);
DELETE FROM items WHERE id % 3 = 0;
VACUUM items;
INSERT INTO items SELECT i, noise(i, 24) FROM generate_series(3001, 3500) i;
SQL

# every page has its size and no more, as the server sees it
is( $node->safe_psql('postgres', <<'SQL'), 't|t|t', 'pageinspect: page headers');
SELECT bool_and(lower BETWEEN 24 AND 8152 AND upper = 8160 AND special = 8160 AND pagesize = 8192), bool_and(lsn > '0/0'), count(*) > 20
FROM generate_series(0, pg_relation_size('items_v') / 8192 - 1) b, page_header(get_raw_page('items_v', b::int))
SQL

# What a statement that is not made for such an index comes to: an error.
my $pages = $node->safe_psql('postgres', "SELECT pg_relation_size('items_v') / 8192");
for my $function (
	"bt_metap('items_v')", "bt_page_stats('items_v', 1)", "bt_page_items('items_v', 1)", "bt_index_check('items_v')",
	"bt_index_parent_check('items_v')", "pgstatindex('items_v')", "pgstatginindex('items_v')", "pgstathashindex('items_v')",
	"verify_heapam('items_v')", "brin_summarize_new_values('items_v')", "gin_clean_pending_list('items_v')")
{
	my ($status, $out, $err) = $node->psql('postgres', "SELECT $function");
	like($err, qr/ERROR: /, "$function: an error");
	unlike($err, qr/server closed|terminated/, "$function: no crash");
}
# and on pages of every kind
for my $function (qw(bt_page_items brin_page_type brin_metapage_info hash_page_type hash_page_stats hash_metapage_info gin_page_opaque_info
	gin_metapage_info gin_leafpage_items gist_page_opaque_info gist_page_items_bytea heap_page_items fsm_page_contents))
{
	is( $node->safe_psql('postgres', <<"SQL"), $pages, "$function: all pages, and the server is there");
CREATE OR REPLACE FUNCTION pg_temp.attempt(b int) RETURNS text LANGUAGE plpgsql AS \$\$
BEGIN
	PERFORM * FROM $function(get_raw_page('items_v', b));
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
\$\$;
SELECT count(pg_temp.attempt(b)) FROM generate_series(0, $pages - 1) b;
SQL
}
is($node->safe_psql('postgres', "SELECT pg_prewarm('items_v', 'buffer'), pg_prewarm('items_v', 'read'), pg_prewarm('fleeting_v', 'buffer', 'init') > 1"),
	"$pages|$pages|t", 'pg_prewarm');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_freespace('items_v') WHERE avail > 0"), '0', 'no free space is on record: pages are never given away');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_buffercache WHERE relfilenode = pg_relation_filenode('items_v') AND pinning_backends > 0"), '0',
	'no page stays pinned');
$node->safe_psql('postgres', "SELECT bt_index_check('items_sorted', true)");
$node->command_ok([ 'pg_amcheck', '--heapallindexed', '--rootdescend', 'postgres' ], 'pg_amcheck: the heap and the btree of vectors');

# Temporary tables of another session ------------------------------------------------

for my $function ('ivf_check', 'ivf_info', 'ivf_lists')
{
	my ($status, $out, $err) = $node->psql('postgres', <<"SQL");
CREATE TEMP TABLE passing AS SELECT * FROM items;
CREATE INDEX passing_v ON passing USING ivf (v);
SELECT $function('passing_v') \\g /dev/null
SELECT 'passing_v'::regclass::oid AS oid \\gset
SELECT 'psql -X -A -t -d postgres -c "SELECT ivf_test.sound(''items''), public.$function(' || :oid || ')" 2>&1' AS command \\gset
\\setenv COMMAND :command
\\! \$COMMAND
\\! sh -c "\$COMMAND"
SQL
	like($out, qr/ERROR:  cannot access temporary indexes of other sessions/, "$function: an index of another session's temporary table");
}

# Checksums ---------------------------------------------------------------------------

ivf_sound($node, 'items', '<=>', 'items are sound', 2500);
is($node->safe_psql('postgres', 'SELECT sum(checksum_failures) FROM pg_stat_database'), '0', 'no checksum has failed');
$node->stop;
$node->command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'pg_checksums: every page has its checksum');
$node->start;
ivf_sound($node, 'items', '<=>', 'read from disk, items are sound', 2500);
$node->stop;
# unlogged pages, pages that a crash left
$node->start;
$node->safe_psql('postgres', "INSERT INTO items SELECT i, noise(i, 24) FROM generate_series(4000, 4400) i; INSERT INTO fleeting SELECT * FROM items");
$node->stop('immediate');
$node->start;
ivf_sound($node, 'items', '<=>', 'after a crash, items are sound', 2901);
$node->stop;
$node->command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'pg_checksums after a crash');

done_testing();
