# Inserts that pause while they have pages locked.  What others do then waits
# for a page, which the isolation tester can't see: hence psql by the side.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../perl";

use IvfTest;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = ivf_node('locked');
$node->append_conf('postgresql.conf', "log_statement = none\n");
$node->start;
ivf_setup($node);
$node->safe_psql('postgres', '\i ' . "$FindBin::Bin/../../include/races.sql");

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Two lists of full blocks: the next row of either needs a new one, and there is
# a page where the next rows may begin.  Some rows are deleted.
sub make_table
{
	my ($dimensions, $rows, $step) = @_;
	$step //= 1;
	sql(<<"SQL");
DROP TABLE IF EXISTS item;
CREATE TABLE item (id int PRIMARY KEY, v vector($dimensions)) WITH (vacuum_truncate = off);
INSERT INTO item SELECT i, near(i, i % 2, $dimensions) FROM generate_series(1, 64) i;
CREATE INDEX item_v ON item USING ivf (v) WITH (lists = 2);
INSERT INTO item SELECT i, near(i, i % 2, $dimensions) FROM generate_series(65, $rows, $step) i;
DELETE FROM item WHERE id BETWEEN 11 AND 20;
SQL
	return;
}
sql(<<'SQL');
CREATE FUNCTION near(i int, list int, dimensions int) RETURNS vector LANGUAGE sql AS
	$$ SELECT noise(i, dimensions) * 0.1 + (list * 9) * array_fill(1, ARRAY[dimensions])::vector $$;
SQL

# A session of its own; with a point, it pauses there for that lock.
sub begin
{
	my ($name, $sql, $point, $lock) = @_;
	my %session = (name => $name, out => '');
	$sql = "SET ivf.pause_at = '$point';\nSET ivf.pause_lock = " . ($lock // 1) . ";\n$sql" if defined $point;
	$session{run} = IPC::Run::start(
		[ 'psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') . " application_name=spec/$name", '-c', $sql ],
		'<', \undef, '>', \$session{out}, '2>&1', IPC::Run::timeout(100));
	return \%session;
}
sub ended
{
	my ($session) = @_;
	my $done = IPC::Run::finish($session->{run});
	ok($done, "$session->{name} ends well") or diag($session->{out});
	return $session->{out};
}

# who holds the locks for which pauses wait
sub gate
{
	my %gate = (in => '', out => '');
	$gate{run} = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') ],
		'<', \$gate{in}, '>', \$gate{out}, '2>&1', IPC::Run::timeout(100));
	$gate{in} .= "SELECT hold(1, 2);\n\\echo held\n";
	IPC::Run::pump($gate{run}) until $gate{out} =~ /held/;
	return \%gate;
}
sub go
{
	my ($gate, $lock) = @_;
	$gate->{out} = '';
	$gate->{in} .= "SELECT pg_advisory_unlock($lock);\n\\echo gone\n";
	IPC::Run::pump($gate->{run}) until $gate->{out} =~ /gone/;
	return;
}
sub close_gate
{
	my ($gate) = @_;
	$gate->{in} .= "\\q\n";
	IPC::Run::finish($gate->{run});
	return;
}

# One session pauses at a point; the others that come meanwhile all wait for a
# page, or are done before it goes on.
sub race
{
	my ($name, $point, $first, $waiting, $passing, $rows) = @_;
	my $gate = gate();
	my $one = begin('one', $first, $point);
	my @others;

	is(sql('SELECT paused()'), 't', "$name: one is at \"$point\"");
	for my $sql (@$passing)
	{
		sql($sql);
	}
	for my $i (0 .. $#$waiting)
	{
		push @others, begin("other$i", $waiting->[$i]);
		is(sql("SELECT wants_page('other$i')"), 't', "$name: another waits for a page");
	}
	go($gate, 1);
	ended($_) for $one, @others;
	close_gate($gate);
	my ($out, $err) = ('', '');
	$node->psql('postgres', "SELECT verify('item')", stdout => \$out, stderr => \$err);
	is("$out$err", $rows, "$name: all rows are there");
	return;
}

my $ONE = "INSERT INTO item VALUES (1001, near(1001, 0, 40))";
my $SAME = "INSERT INTO item VALUES (1002, near(1002, 0, 40))";
my $SAME_TOO = "INSERT INTO item SELECT i, near(i, 0, 40) FROM generate_series(2001, 2070) i";
my $OTHER = "INSERT INTO item VALUES (1003, near(1003, 1, 40))";
my $OTHERS = "INSERT INTO item SELECT i, near(i, 1, 40) FROM generate_series(3001, 3070) i";
my $SCAN = "SET enable_seqscan = off; SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> near(1, 0, 40) OFFSET 0) s";
my $VACUUM = "VACUUM (INDEX_CLEANUP on) item";
my $CHECK = "SELECT ivf_check('item_v', true)";

make_table(40, 120);
race('one slot', 'insert slot', $ONE, [ $SAME, $SAME_TOO, $SCAN, $VACUUM, $CHECK ], [$OTHER], 183);
make_table(40, 128);
race('one chain', 'append extended', $ONE, [ $SAME, $SAME_TOO, $SCAN, $CHECK ], [], 190);
make_table(40, 128);
race('two chains, pages added first', 'append extended', $ONE, [ $OTHER, $SAME, $OTHERS ], [], 191);
make_table(40, 128);
race('two chains, the page for rows full meanwhile', 'append rows', $ONE, [ $SAME, $VACUUM ], [ $OTHER, $OTHERS ], 191);
# only one list has grown, so that several runs fit on the page
make_table(40, 128, 2);
race('two chains, the page for rows fuller meanwhile', 'append rows', $ONE, [ $SAME, $VACUUM ], [$OTHER], 89);
make_table(40, 128);
race('VACUUM', 'append extended', $ONE, [ $VACUUM, $SAME_TOO ], [], 189);

# the first rows of an index, from all sides
sql("DROP TABLE item; CREATE TABLE item (id int PRIMARY KEY, v vector(40)); CREATE INDEX item_v ON item USING ivf (v)");
race('the first row', 'append extended', $ONE, [ $SAME, $SAME_TOO, $SCAN, $CHECK ], [], 72);

# a page of NULLs is full
my $nulls = 1354;
sql(<<"SQL");
DROP TABLE item;
CREATE TABLE item (id int PRIMARY KEY, v vector(40));
INSERT INTO item SELECT i, NULL FROM generate_series(1, $nulls) i;
CREATE INDEX item_v ON item USING ivf (v);
DELETE FROM item WHERE id < 10;
SQL
race('NULLs', 'tids full', 'INSERT INTO item VALUES (2001, NULL)',
	[ 'INSERT INTO item VALUES (2002, NULL)', 'INSERT INTO item SELECT i, NULL FROM generate_series(2003, 3500) i', $VACUUM, $CHECK ],
	[], $nulls + 1491);

# A block that takes several records, between two of them.
for my $records (1 .. 2)
{
	make_table(2000, 128);
	s/40\)/2000)/g for my ($one, $same, $same_too, $other, $scan) = ($ONE, $SAME, $SAME_TOO, $OTHER, $SCAN);
	race("record $records of a block", "change cut $records", $one, [ $same, $same_too, $scan, $VACUUM, $CHECK ], [$other], 191);
}

$node->stop;
done_testing();
