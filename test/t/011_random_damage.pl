# Random damages to indexes of a running server, each from a seed and followed
# by scans, inserts, VACUUM and the check.  The server lives on, every statement
# ends, and every error says that the index is damaged.  Where ivf_check() finds
# an index sound, it is: nothing fails and no row is lost, before and after
# inserts and VACUUM.  test/fuzz does the same under sanitizers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $damages = $ENV{SOAK} ? 10_000 : 2_000;
my $first_seed = $ENV{DAMAGE_SEED} // 1;

# where damage is to be found by others than us
my $module = "$FindBin::Bin/../fuzz/module";
PostgreSQL::Test::Utils::system_or_bail('make', '-s', '-C', $module,
	'PG_CONFIG=' . ($ENV{PG_CONFIG} // 'pg_config'));

# Tables with an index v: how the index is made, the rows it is made of, those
# inserted later, the operator, and the table's share of the damages.
my %shape = (
	plain => {
		index => 'USING ivf (v) WITH (lists = 4)',
		rows  => 'CASE i % 60 WHEN 0 THEN NULL ELSE noise(i, 70) END',
		build => 200,
		more  => 60,
		order => '<->',
		share => 4,
	},
	high => {
		index => 'USING ivf (v vector_ip_ops) WITH (lists = 12)',
		rows  => 'noise(i, 70)',
		build => 180,
		more  => 20,
		order => '<#>',
		share => 3,
	},
	chains => {
		index => 'USING ivf (v vector_cosine_ops) WITH (lists = 2)',
		rows  => 'CASE WHEN i % 10 > 1 THEN noise(i, 70) WHEN i % 10 = 1 THEN noise(i, 70) * 0 END',
		build => 150,
		more  => 50,
		order => '<=>',
		share => 2,
	},
	long => {
		index => 'USING ivf (v) WITH (lists = 2)',
		rows  => 'noise(i, 2000)',
		build => 40,
		more  => 20,
		order => '<->',
		share => 1,
	});

my $node = ivf_node('random_damage');
$node->append_conf('postgresql.conf', <<'CONF');
restart_after_crash = off
shared_buffers = 64MB
bgwriter_lru_maxpages = 0
checkpoint_timeout = 1d
CONF
$node->start;
ivf_setup($node);

my $functions = <<"SQL";
CREATE FUNCTION keep(index regclass) RETURNS int LANGUAGE c STRICT AS '$module/ivf_damage', 'ivf_damage_keep';
CREATE FUNCTION damage(index regclass, seed bigint, path text) RETURNS text LANGUAGE c STRICT AS '$module/ivf_damage', 'ivf_damage';
CREATE FUNCTION undo(index regclass) RETURNS void LANGUAGE c STRICT AS '$module/ivf_damage', 'ivf_damage_undo';
SQL
$functions .= <<'SQL';
-- The result of a query, or "damage", or a fault.
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	hint text;
BEGIN
	EXECUTE statement INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	IF (SQLSTATE = 'XX002' AND SQLERRM ~ 'is damaged( at block \d+)?:' OR SQLSTATE = '0A000' AND SQLERRM ~ 'format version')
		AND hint ~ '^REINDEX INDEX' THEN
		RETURN 'damage';
	END IF;
	RETURN format('fault: %s %s', SQLSTATE, SQLERRM);
END
$$;

CREATE TABLE expected (shape text, every_row text, some_rows text, ordered text);

-- Runs everything that reads; returns what is wrong.  sound: nothing may fail.
CREATE FUNCTION read_all(shape text, operator text, sound bool) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	nearest text := format('%s (SELECT v FROM %I WHERE id = 2)', operator, shape || '_rows');
	e expected := (SELECT x FROM expected x WHERE x.shape = read_all.shape);
	name text;
	query text;
	wanted text;
	result text;
BEGIN
	FOR name, query, wanted IN VALUES
		('all lists', format('SELECT string_agg(id::text, '' '') FROM (SELECT id FROM %I ORDER BY v %s) s', shape, nearest), e.ordered),
		('one list first', format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM (SELECT id FROM %I ORDER BY v %s) s', shape, nearest), e.every_row),
		('filtered', format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM (SELECT id FROM %I WHERE id %% 3 = 1 ORDER BY v %s) s', shape, nearest), e.some_rows),
		('no order', format('SELECT string_agg(id::text, '' '' ORDER BY id) FROM (SELECT id FROM %I ORDER BY v %s (SELECT NULL::vector)) s', shape, operator), e.every_row),
		('ten', format('SELECT count(*) FROM (SELECT id FROM %I ORDER BY v %s LIMIT 10) s', shape, nearest), '10'),
		('explain', format('EXPLAIN SELECT id FROM %I ORDER BY v %s LIMIT 1', shape, nearest), NULL),
		('info', format('SELECT lists > 0 FROM ivf_info(%L)', shape || '_v'), 'true'),
		('lists', format('SELECT count(*) > 0 FROM ivf_lists(%L)', shape || '_v'), 'true')
	LOOP
		PERFORM set_config('ivf.probes', CASE name WHEN 'all lists' THEN '1000000' WHEN 'ten' THEN '0' ELSE '1' END, true);
		result := attempt(query);
		IF result ~ '^fault' OR sound AND result = 'damage' OR sound AND wanted <> result THEN
			RETURN NEXT format('%s: %s', name, left(result, 200));
		END IF;
	END LOOP;
END
$$;

CREATE TABLE told (sound bool, faults text[]);
INSERT INTO told VALUES (true, '{}');

-- What comes before VACUUM, and after it.
CREATE FUNCTION exercise(shape text, operator text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
	check_result text := attempt(format('SELECT ivf_check(%L, true)', shape || '_v'));
	is_sound bool := check_result = '';
	wrong text[];
	result text;
BEGIN
	IF check_result ~ '^fault' THEN
		wrong := ARRAY['check: ' || check_result];
	END IF;
	wrong := wrong || ARRAY(SELECT read_all(shape, operator, is_sound));
	FOR i IN 1 .. 8 LOOP
		result := attempt(format('INSERT INTO %I SELECT 100000 + id, v FROM %I WHERE id = %s RETURNING ''''', shape, shape || '_rows', i));
		IF result ~ '^fault' OR is_sound AND result <> '' THEN
			wrong := wrong || ('insert: ' || result);
		END IF;
	END LOOP;
	EXECUTE format('DELETE FROM %I WHERE id > 100000', shape);
	UPDATE told SET sound = is_sound, faults = wrong;
	RETURN is_sound;
END
$$;

CREATE FUNCTION conclude(shape text, operator text, state text, message text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before told := (SELECT t FROM told t);
	faults text[] := before.faults;
	result text := attempt(format('SELECT ivf_check(%L, true)', shape || '_v'));
BEGIN
	IF NOT (state = '00000' OR NOT before.sound AND (state = 'XX002' OR state = '0A000' AND message ~ 'format version')) THEN
		faults := faults || format('VACUUM: %s %s', state, message);
	END IF;
	IF result ~ '^fault' OR before.sound AND result <> '' THEN
		faults := faults || ('check afterwards: ' || result);
	END IF;
	faults := faults || ARRAY(SELECT 'afterwards, ' || x FROM read_all(shape, operator, before.sound) x);
	RETURN array_to_string(faults, '; ');
END
$$;
SQL
$node->safe_psql('postgres', $functions);

my $shares = 0;
my %path;
for my $name (sort keys %shape)
{
	my $shape = $shape{$name};
	my $last = $shape->{build} + $shape->{more};
	my $dimensions = $name eq 'long' ? 2000 : 70;
	$shares += $shape->{share};
	my $fanout = $name eq 'high' ? 3 : 0;
	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE ${name}_rows (id int, v vector($dimensions));
INSERT INTO ${name}_rows SELECT i, $shape->{rows} FROM generate_series(1, $last) i;
CREATE TABLE $name (id int, v vector($dimensions));
INSERT INTO $name SELECT * FROM ${name}_rows WHERE id <= $shape->{build};
SET ivf.debug_fanout = $fanout;
CREATE INDEX ${name}_v ON $name $shape->{index};
INSERT INTO $name SELECT * FROM ${name}_rows WHERE id > $shape->{build};
VACUUM ANALYZE $name;
INSERT INTO expected SELECT '$name', string_agg(id::text, ' ' ORDER BY id), string_agg(id::text, ' ' ORDER BY id) FILTER (WHERE id % 3 = 1) FROM $name;
SET enable_seqscan = off; SET enable_sort = off; SET ivf.probes = 1000000;
UPDATE expected SET ordered = (SELECT string_agg(id::text, ' ')
	FROM (SELECT id FROM $name ORDER BY v $shape->{order} (SELECT v FROM ${name}_rows WHERE id = 2)) s) WHERE shape = '$name';
SQL
	ivf_sound($node, $name, $shape->{order}, "$name: sound before");
	$path{$name} = $node->safe_psql('postgres', "SELECT pg_relation_filepath('${name}_v')");
}

# One session does it all, as it holds the images.
my $script = "SET enable_seqscan = off;\nSET enable_sort = off;\nSET enable_bitmapscan = off;\nSET statement_timeout = '30s';\n"
  . "\\set VERBOSITY terse\n";
my $seed = $first_seed;
for my $name (sort keys %shape)
{
	my $shape = $shape{$name};
	$script .= "SELECT keep('${name}_v') > 0 AS kept \\gset\n";
	for (1 .. $damages * $shape->{share} / $shares)
	{
		$script .= <<"SQL";
SELECT damage('${name}_v', $seed, '$path{$name}') AS text \\gset
SELECT exercise('$name', '$shape->{order}') AS sound \\gset
VACUUM (INDEX_CLEANUP on, TRUNCATE off) $name;
SELECT conclude('$name', '$shape->{order}', :'SQLSTATE', :'LAST_ERROR_MESSAGE') AS faults \\gset
SELECT undo('${name}_v') AS undone \\gset
\\echo $name $seed :sound :text => :faults
\\set sound unknown
\\set faults unknown
SQL
		$seed++;
	}
	$script .= "VACUUM $name;\n";
}
my $file = $node->basedir . '/damages.sql';
PostgreSQL::Test::Utils::append_to_file($file, $script);
my ($out, $err) = ('', '');
my $ended = eval {
	IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') . " options='-c search_path=ivf_test,public'", '-f', $file ],
		'>', \$out, '2>', \$err, IPC::Run::timeout($damages));
	1;
};
ok($ended, 'the session ended') or diag($@);

my (%count, %named, @faults);
for (split /\n/, $out)
{
	my ($name, $number, $sound, $rest) = /^(\w+) (\d+) (\w+) (.*)$/ or next;
	$count{$name}++;
	$named{$name}++ if $sound eq 'f';
	push @faults, $_ if $sound eq 'unknown' || $rest !~ /=> $/;
}
for my $name (sort keys %shape)
{
	my $expected = int($damages * $shape{$name}->{share} / $shares);
	is($count{$name} // 0, $expected, "$name: $expected damages");
	cmp_ok($named{$name} // 0, '>', $expected / 3, "$name: most of them are named by the check");
	diag("$name: $named{$name} of $count{$name} named") if $ENV{SOAK};
}
is(scalar @faults, 0, 'no damage did harm in silence') or diag(join "\n", @faults[ 0 .. ($#faults < 20 ? $#faults : 20) ]);
diag("from seed $first_seed") if $ENV{SOAK} || @faults;
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is the same as before');
ivf_sound($node, $_, $shape{$_}->{order}, "$_: sound again") for sort keys %shape;
$node->stop;

done_testing();
