# Logical replication of tables that are indexed on both sides: the first copy
# and what follows, as text and binary, by key and by whole rows.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = ivf_node('publisher', allows_streaming => 'logical');
my $subscriber = ivf_node('subscriber');
$_->start, ivf_setup($_) for $publisher, $subscriber;

# whole has no key, and vectors alone tell some of its rows apart; wide has
# vectors out of line, which an update of another column does not send
my @tables = qw(keyed whole wide parts);
my $tables = <<'SQL';
CREATE TABLE keyed (id int PRIMARY KEY, note text, v vector(12));
CREATE TABLE whole (id int, v vector(12));
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE wide (id int PRIMARY KEY, note text, v vector(1500));
CREATE TABLE parts (id int PRIMARY KEY, v vector(12)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (150);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (150) TO (10000);
SQL
my $indexes = <<'SQL';
CREATE INDEX ON keyed USING ivf (v) WITH (lists = 3);
CREATE INDEX ON keyed USING ivf (v vector_cosine_ops);
CREATE INDEX ON whole USING ivf (v) WITH (lists = 3);
CREATE INDEX ON wide USING ivf (v);
CREATE INDEX ON parts USING ivf (v) WITH (lists = 2);
SQL
my $connection = $publisher->connstr . ' dbname=postgres';

# What is in all the tables.
sub contents
{
	my ($node) = @_;
	return $node->safe_psql('postgres', join ' UNION ALL ',
		map { "SELECT '$_', count(*), count(v), md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")) FROM $_ t" } @tables);
}

sub same
{
	my ($name) = @_;
	$publisher->wait_for_catchup('sub');
	is(contents($subscriber), contents($publisher), "$name: the same rows");
	ivf_sound($subscriber, $_, '<->', "$name: $_ is sound") for @tables;
	return;
}

for my $binary ('false', 'true')
{
	my $name = $binary eq 'true' ? 'binary' : 'text';
	$publisher->safe_psql('postgres', "$tables $indexes " . <<'SQL');
INSERT INTO keyed SELECT i, 'note ' || i, CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 12) * 0 ELSE noise(i, 12) END FROM generate_series(1, 400) i;
INSERT INTO whole SELECT CASE WHEN i % 2 = 0 THEN i END, CASE WHEN i % 9 <> 0 THEN noise(i, 12) END FROM generate_series(1, 300) i;
INSERT INTO wide SELECT i, 'note', noise(i, 1500) FROM generate_series(1, 30) i;
INSERT INTO parts SELECT i, noise(i, 12) FROM generate_series(1, 300) i;
CREATE PUBLICATION pub FOR TABLE keyed, whole, wide, parts;
SQL
	$subscriber->safe_psql('postgres', "$tables $indexes CREATE SUBSCRIPTION sub CONNECTION '$connection' PUBLICATION pub WITH (binary = $binary)");
	$subscriber->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')") or die 'no copy';
	same("$name, the first copy");

	$publisher->safe_psql('postgres', <<'SQL');
INSERT INTO keyed SELECT i, 'new', noise(i, 12) FROM generate_series(401, 500) i;
UPDATE keyed SET v = noise(id + 1000, 12) WHERE id % 4 = 0;
UPDATE keyed SET note = 'changed' WHERE id % 4 = 1;
UPDATE keyed SET id = id + 10000 WHERE id % 50 = 2;
DELETE FROM keyed WHERE id % 5 = 3;
INSERT INTO whole SELECT NULL, noise(i, 12) FROM generate_series(301, 350) i;
UPDATE whole SET v = v * 2 WHERE id IS NULL OR id % 3 = 0;
DELETE FROM whole WHERE v <-> noise(7, 12) < 2.5;
UPDATE wide SET note = 'changed' WHERE id % 2 = 0;
UPDATE wide SET v = v * 3 WHERE id % 3 = 0;
UPDATE parts SET id = id + 2000 WHERE id % 7 = 0 AND id < 100;
UPDATE parts SET v = noise(id, 12) * 5 WHERE id % 3 = 0;
DELETE FROM parts WHERE id % 11 = 0;
SQL
	same("$name, changes");
	$subscriber->safe_psql('postgres', 'VACUUM keyed, whole, wide, parts');
	$publisher->safe_psql('postgres', <<'SQL');
BEGIN;
INSERT INTO keyed SELECT i, 'undone', noise(i, 12) FROM generate_series(501, 600) i;
SAVEPOINT s;
DELETE FROM whole;
ROLLBACK TO s;
INSERT INTO whole SELECT i, noise(i, 12) FROM generate_series(501, 600) i;
COMMIT;
TRUNCATE wide;
INSERT INTO wide SELECT i, 'again', noise(i, 1500) FROM generate_series(101, 120) i;
SQL
	same("$name, slots used again, TRUNCATE");
	$subscriber->safe_psql('postgres', "DROP SUBSCRIPTION sub; DROP TABLE keyed, whole, wide, parts");
	$publisher->safe_psql('postgres', 'DROP PUBLICATION pub; DROP TABLE keyed, whole, wide, parts');
}
unlike(slurp_file($subscriber->logfile), qr/ERROR/, 'the subscriber met with no error');
$subscriber->stop;
$publisher->stop;

done_testing();
