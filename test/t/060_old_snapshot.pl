# old_snapshot_threshold: VACUUM may take out what an old snapshot sees, and
# then a scan says so instead of leaving rows out.  PostgreSQL 17 has no such
# setting, and there every row comes out.
#
# For tests the server knows a threshold of zero, which makes snapshots old
# after five seconds: a page that was changed since then is refused.  VACUUM
# takes out nothing earlier for that, so that rows are missing is shown with
# SOAK=1, when the threshold is a minute.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $soak = $ENV{SOAK};
my $node = ivf_node('snapshots');
$node->start;
my $limited = $node->safe_psql('postgres', 'SHOW server_version_num') < 170000;
$node->append_conf('postgresql.conf', 'old_snapshot_threshold = ' . ($soak ? "'1min'" : 0)) if $limited;
$node->restart;
ivf_setup($node);

my $by_distance = "ORDER BY v <=> '[1" . ',0' x 23 . "]'";
my $unordered = 'ORDER BY v <=> (SELECT NULL::vector)';

# a table; which of its rows are taken out, and what comes instead; how its rows
# are asked for; or a cursor that was opened before: it has scored all entries,
# and then others take their places
my @cases = (
	[ vectors   => 'id % 3 = 2', 'noise(i, 24)',     $by_distance ],
	[ unordered => 'id % 3 = 2', 'noise(i, 24)',     $unordered ],
	[ zeros     => 'id % 3 = 1', 'noise(i, 24) * 0', $by_distance ],
	[ nulls     => 'id % 3 = 0', 'NULL',             $by_distance ],
	[ reused    => 'id % 3 = 2', 'noise(i, 24)',     '', $by_distance ]);

my ($before, $delete, $replace, $after) = ('', '', '', '');
for my $case (@cases)
{
	my ($table, $rows, $new, $order, $cursor) = @$case;
	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE $table (id int, v vector(24));
INSERT INTO $table SELECT i, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN noise(i, 24) * 0 ELSE noise(i, 24) END
	FROM generate_series(1, 900) i;
CREATE INDEX ${table}_v ON $table USING ivf (v vector_cosine_ops) WITH (lists = 1);
SQL
	$before .= "DECLARE $table CURSOR FOR SELECT id FROM $table $cursor;\nMOVE 1 FROM $table;\n" if $cursor;
	$delete .= "DELETE FROM $table WHERE $rows;\n";
	$replace .= "VACUUM $table; INSERT INTO $table SELECT i, $new FROM generate_series(1001, 1300) i;\n";
	$after .= "\\echo $table\nSAVEPOINT s;\n"
	  . ($cursor ? "MOVE ALL FROM $table" : "SELECT count(*) FROM (SELECT id FROM $table $order) s")
	  . ";\nROLLBACK TO s;\n";
}

# A session with a snapshot that is older than what another one does.
my $change = $node->basedir . '/change';
append_to_file("$change-1.sql", "SET search_path = ivf_test, public;\n$delete");
append_to_file("$change-2.sql", "SET search_path = ivf_test, public;\n$replace");
# transactions of others drive the server's record of which were over a minute ago
my $wait = !$limited ? 'true' : $soak ? q{for i in $(seq 20); do psql -X -q -A -t -c 'SELECT txid_current()' postgres >/dev/null; sleep 10; done} : 'sleep 6';
my ($out, $err) = ('', '');
$node->psql('postgres', <<"SQL", stdout => \$out, stderr => \$err, on_error_stop => 0);
\\set QUIET off
SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM vectors;
$before
\\! psql -X -q -v ON_ERROR_STOP=1 -f $change-1.sql postgres
\\! $wait
\\! psql -X -q -v ON_ERROR_STOP=1 -f $change-2.sql postgres
$after
SQL
for my $case (@cases)
{
	my ($table, $cursor) = @$case[ 0, 4 ];
	my ($said) = $out =~ /^$table\n(.*?)(?=^ROLLBACK)/ms;
	my $all = $cursor ? qr/^MOVE 899$/m : qr/^900$/m;
	if ($limited) { unlike($said, qr/^\d+$|^MOVE/m, "$table: an old snapshot gets no answer") }
	else          { like($said, $all, "$table: an old snapshot sees every row") }
	ivf_sound($node, $table, '<=>', "$table: index and table agree");
}
my @refused = $err =~ /(snapshot too old)/g;
is(scalar @refused, $limited ? scalar @cases : 0, 'and is told why') or diag($err);
unlike($err, qr/ERROR:  (?!snapshot too old)/, 'nothing else fails') or diag($err);

is($node->safe_psql('postgres', "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM vectors $by_distance) s"),
	900, 'a new snapshot sees what is there');
$node->stop;

done_testing();
