# More inner nodes than a session keeps: the library with pause points keeps few.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('kept');
$node->start;
ivf_setup($node);
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE large (id int, v vector(64));
INSERT INTO large SELECT i, noise(i, 64) FROM generate_series(1, 1000) i;
CREATE INDEX large_v ON large USING ivf (v) WITH (lists = 600);
CREATE TABLE second AS SELECT * FROM large WHERE id <= 300;
CREATE INDEX second_v ON second USING ivf (v) WITH (lists = 150);
CREATE TABLE third AS SELECT * FROM large WHERE id <= 200;
CREATE INDEX third_v ON third USING ivf (v vector_ip_ops) WITH (lists = 100);
SQL

# one session; what it keeps of which index is told by the memory in use
my $session = <<'SQL';
CREATE TEMPORARY VIEW kept AS SELECT count(*) AS indexes, sum(used_bytes) < 200 * 1024 AS limited
	FROM pg_backend_memory_contexts WHERE name = 'ivf index';
SELECT oracle('large', 'v', '<->', noise(5, 64), noise(77, 64));
SELECT * FROM kept;
SELECT oracle('second', 'v', '<->', noise(6, 64));
SELECT * FROM kept;
SELECT oracle('third', 'v', '<#>', noise(7, 64));
SELECT * FROM kept;
INSERT INTO large SELECT i, noise(i, 64) FROM generate_series(1001, 1020) i;
INSERT INTO third SELECT i, noise(i, 64) FROM generate_series(1001, 1020) i;
SELECT oracle('large', 'v', '<->', noise(1005, 64)), oracle('second', 'v', '<->', noise(8, 64)), oracle('third', 'v', '<#>', noise(9, 64));
SELECT limited FROM kept;
SQL
is($node->safe_psql('postgres', $session), join("\n", 1000, '1|t', 300, '1|t', 200, '1|t', '1020|300|220', 't'),
	'what is not kept is read');
ivf_sound($node, 'large', '<->', 'large');
ivf_sound($node, 'third', '<#>', 'third');

done_testing();
