# What the tests that carry a database from one place to another share: a
# database with indexes of every kind, and all that can be told about them.
package IvfWorld;

use strict;
use warnings;

use Exporter 'import';
use IvfTest;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(world_make world_ranges world_report world_same world_goes_on);

# The extension lies in a schema, and nothing else does: restoring must not
# count on search_path.
my $PATH = 'ivf_test, ext, public';

# Runs statements in a database and returns what they say.
sub say_in
{
	my ($node, $database, $sql) = @_;
	local $ENV{PGOPTIONS} = "-c search_path=" . ($PATH =~ s/ //gr);
	return $node->safe_psql($database, $sql);
}

sub world_make
{
	my ($node, $database) = @_;
	my $include = IvfTest::include_path();
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	say_in($node, $database, "CREATE SCHEMA ext; CREATE EXTENSION vecfeat SCHEMA ext;");
	# the file sets the path for itself
	my $text = slurp_file($include) =~ s/SET search_path = .*;/SET search_path = $PATH;/r;
	say_in($node, $database, $text);
	say_in($node, $database, <<'SQL');
CREATE TABLE items (id int PRIMARY KEY, v vector(12), a real[]);
INSERT INTO items SELECT i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) END, noise(i, 3)::real[]
	FROM generate_series(1, 1500) i;
DELETE FROM items WHERE id % 7 = 0;
UPDATE items SET v = noise(id + 5000, 12) WHERE id % 11 = 0;
CREATE INDEX items_l2 ON items USING ivf (v) WITH (lists = 9);
CREATE INDEX items_ip ON items USING ivf (v vector_ip_ops);
SET ivf.debug_fanout = 3;
CREATE INDEX items_cosine ON items USING ivf (v vector_cosine_ops) WITH (lists = 20);
RESET ivf.debug_fanout;
CREATE INDEX items_half ON items USING ivf (v) WITH (lists = 3) WHERE id % 2 = 0 AND v IS NOT NULL;
CREATE INDEX items_part ON items USING ivf ((subvector(v, 1, 6)::vector(6)) vector_ip_ops) WITH (lists = 2);
CREATE INDEX items_array ON items USING ivf ((a::vector(3)));
COMMENT ON INDEX items_l2 IS 'by distance';
ALTER INDEX items_part ALTER 1 SET STATISTICS 77;
-- after the build: chains that inserts have grown, slots that VACUUM has freed
INSERT INTO items SELECT i, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) END, noise(i, 3)::real[]
	FROM generate_series(2000, 2600) i;
DELETE FROM items WHERE id % 13 = 0;
VACUUM items;
CREATE TABLE parts (id int, v vector(12)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts DEFAULT PARTITION BY HASH (id);
CREATE TABLE parts_2a PARTITION OF parts_2 FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE parts_2b PARTITION OF parts_2 FOR VALUES WITH (modulus 2, remainder 1);
CREATE INDEX parts_v ON parts USING ivf (v) WITH (lists = 3);
INSERT INTO parts SELECT i, noise(i, 12) FROM generate_series(1, 600) i;
CREATE UNLOGGED TABLE fleeting AS SELECT id, v FROM items WHERE id < 200;
CREATE INDEX fleeting_v ON fleeting USING ivf (v);
CREATE TABLE wide (id int, v vector(2000));
INSERT INTO wide SELECT i, noise(i, 2000) FROM generate_series(1, 30) i;
CREATE INDEX wide_v ON wide USING ivf (v);
CREATE TABLE empty (id int, v vector(5));
CREATE INDEX empty_v ON empty USING ivf (v vector_cosine_ops);
CREATE DOMAIN short AS vector(4) CHECK (l2_norm(VALUE) < 100);
CREATE TABLE domains (id int, v short DEFAULT '[1,2,3,4]', d float8 GENERATED ALWAYS AS (v <-> '[0,0,0,0]') STORED, CHECK (v <#> v <= 0));
INSERT INTO domains SELECT i, ARRAY[i, 1, 2, i % 5]::vector FROM generate_series(1, 90) i;
CREATE INDEX domains_v ON domains USING ivf (v);
CREATE MATERIALIZED VIEW seen AS SELECT id, v, v <=> '[1,2,3,4,5,6,7,8,9,10,11,12]' AS d FROM items;
CREATE INDEX seen_v ON seen USING ivf (v) WITH (lists = 4);
CREATE TABLE ranges (id int, v vector(2), range vector_range DEFAULT ROW('[1,2]', 3), CHECK (v <<->> range), CHECK (l2_within(v, (range).center, (range).radius)));
CREATE INDEX ranges_range ON ranges (range) WHERE cosine_within(v, '[1,1]', 0.1);
CREATE VIEW near AS SELECT r.id, o.id AS other FROM ranges r JOIN ranges o ON r.v <<->> o.range WHERE inner_product_within(r.v, '[1,1]', -1);
CREATE OPERATOR CLASS own_ops FOR TYPE vector USING ivf AS
	OPERATOR 1 <-> FOR ORDER BY float_ops, OPERATOR 2 <<->> (vector, vector_range), FUNCTION 1 ivf_vector_l2(internal);
CREATE INDEX ranges_v ON ranges USING ivf (v own_ops);
CREATE STATISTICS together (ndistinct) ON id, v FROM items;
ALTER TABLE wide REPLICA IDENTITY FULL;
ANALYZE;
SQL
	world_ranges($node, $database);
	return;
}

# Stored ranges, made anew.
sub world_ranges
{
	my ($node, $database) = @_;
	$node->safe_psql($database, "SET search_path = $PATH;\n" . <<'SQL');
TRUNCATE ranges;
INSERT INTO ranges VALUES (1, '[1,2]'), (2, '[4,2]');
INSERT INTO ranges VALUES (3, '[0,0]', '("[0.1,0]",0.25)'), (4, '[5,5]', '(,1)'), (5, '[5,5]', NULL);
SQL
	return;
}

# All that can be told: what the indexes are, that they are sound and say what
# their tables say, and what that is.
sub world_report
{
	my ($node, $database) = @_;
	return say_in($node, $database, <<'SQL');
SELECT c.relname, pg_get_indexdef(c.oid), reloptions, obj_description(c.oid, 'pg_class'), indisvalid, indisready,
	(SELECT string_agg(nullif(attstattarget, -1)::text, ',') FROM pg_attribute WHERE attrelid = c.oid),
	relpersistence, relkind
FROM pg_class c JOIN pg_index ON indexrelid = c.oid JOIN pg_am am ON am.oid = relam
WHERE amname = 'ivf' ORDER BY 1;
SELECT t, sound(t) FROM unnest(ARRAY['items', 'parts', 'wide', 'empty', 'domains', 'seen', 'ranges']::regclass[]) t;
SELECT oracle('items', 'v', '<->', noise(1, 12), NULL), oracle('items', 'v', '<#>', noise(1, 12)), oracle('items', 'v', '<=>', noise(1, 12));
SELECT oracle('items WHERE id % 2 = 0 AND v IS NOT NULL', 'v', '<->', noise(2, 12));
SELECT oracle('items', 'subvector(v, 1, 6)::vector(6)', '<#>', noise(1, 6)), oracle('items', 'a::vector(3)', '<->', noise(1, 3));
SELECT oracle('parts', 'v', '<->', noise(1, 12)), oracle('wide', 'v', '<->', noise(1, 2000)), oracle('empty', 'v', '<=>', noise(1, 5)),
	oracle('domains', 'v', '<->', noise(1, 4)), oracle('seen', 'v', '<->', noise(1, 12));
SELECT * FROM ranges ORDER BY id;
SELECT * FROM near ORDER BY id, other;
SELECT pg_get_indexdef('ranges_range'::regclass), string_agg(pg_get_constraintdef(oid), ';' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'ranges'::regclass;
SELECT amopstrategy, amopopr::regoperator FROM pg_amop WHERE amopfamily = (SELECT opcfamily FROM pg_opclass WHERE opcname = 'own_ops') ORDER BY 1;
SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; SET ivf.probes = 1000;
SELECT md5(string_agg(d::text, ',')), count(*) FROM (SELECT v <-> '[1,1,1,1,1,1,1,1,1,1,1,1]' AS d FROM items ORDER BY 1) s;
SELECT md5(string_agg(d::text, ',')), count(*) FROM (SELECT v <#> '[1,1,1,1,1,1,1,1,1,1,1,1]' AS d FROM items ORDER BY 1) s;
SELECT md5(string_agg(id::text, ',' ORDER BY id)), count(*) FROM (SELECT id FROM items ORDER BY v <=> '[1,1,1,1,1,1,1,1,1,1,1,1]') s;
SELECT md5(string_agg(d::text, ',')), count(*) FROM (SELECT v <-> '[1,1,1,1,1,1,1,1,1,1,1,1]' AS d FROM parts ORDER BY 1) s;
SELECT id, d FROM domains ORDER BY v <-> '[5,1,2,0]' LIMIT 3;
SQL
}

# The database says the same as the one that it was made from.
sub world_same
{
	my ($node, $database, $report, $name) = @_;
	is(world_report($node, $database), $report, $name);
	return;
}

# And it goes on: rows come and go, as if nothing had happened.
sub world_goes_on
{
	my ($node, $database, $name) = @_;
	is( say_in($node, $database, <<'SQL'), "6|3\nt", $name);
DELETE FROM items WHERE id % 5 = 0;
UPDATE items SET v = noise(id + 9000, 12) WHERE id % 9 = 0;
VACUUM items;
INSERT INTO items SELECT i, noise(i, 12), noise(i, 3)::real[] FROM generate_series(3000, 3300) i;
INSERT INTO parts SELECT i, noise(i, 12) FROM generate_series(601, 700) i;
REINDEX INDEX CONCURRENTLY items_ip;
SELECT sound('items'), sound('parts');
SELECT oracle('items', 'v', '<->', noise(1, 12)) + oracle('items', 'v', '<=>', noise(1, 12)) = 2 * (SELECT count(*) FROM items);
SQL
	return;
}

1;
