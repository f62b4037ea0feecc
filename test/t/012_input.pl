# Mutated literals and COPY streams, each from a seed.  Whatever comes in, the
# server answers with a vector that comes back from its text and its binary
# form, or with an error for a user; and the session goes on.  test/fuzz does
# the same to the parser alone, under sanitizers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IPC::Run;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{SOAK} ? 50 : 1;
my $literals = 20_000;
my $streams = 150;		# of each format
my $state = $ENV{INPUT_SEED} // 1;

# a number from 0 to n - 1
sub below
{
	my ($n) = @_;
	$state = ($state * 1103515245 + 12345) % 2147483648;
	return int($state / 2147483648 * $n);
}
sub pick { return $_[ below(scalar @_) ] }

my @tokens = ('[', ']', ',', ' ', "\t", "\n", "\x0B", '-', '+', '.', 'e', 'E+', '0', '1', '9', 'e38', 'e-46',
	'3.4028236e38', '1e39', '1e400', '0x1p-149', 'nan', 'NaN(1)', 'nan(99999999999999999999)', 'inf', '-Infinity',
	'[]', ',,', '1' x 60, '0.' . '0' x 60 . '1', '"', '\\', '\\N', '\\.', "'", 'NULL', "\xC2\xA0");

# One to four mutations; $bytes: with bytes that are no text, too.
sub mutate
{
	my ($data, $bytes) = @_;
	for (0 .. below(4))
	{
		my $at = below(length($data) + 1);
		my $way = below(6);
		if ($way == 0) { substr($data, $at, 0) = pick(@tokens) }
		elsif ($way == 1) { substr($data, $at, 1 + below(4)) = '' }
		elsif ($way == 2) { my $piece = substr $data, $at, 1 + below(8); substr($data, $at, 0) = $piece x below(40) }
		elsif ($way == 3) { substr($data, $at, 1) = $bytes ? chr below(256) : pick(@tokens) }
		elsif ($way == 4) { substr($data, $at, below(20)) = substr $data, below(length($data) + 1), below(20) }
		elsif ($bytes && $at < length $data) { substr($data, $at, 1) = chr(ord(substr $data, $at, 1) ^ 1 << below(8)) }
	}
	return $data;
}

my $node = ivf_node('input');
$node->append_conf('postgresql.conf', "restart_after_crash = off\n");
$node->start;
ivf_setup($node);
$node->safe_psql('postgres', <<'SQL');
-- Is it a vector, as text and binary agree?
CREATE FUNCTION is_vector(v vector) RETURNS bool LANGUAGE sql AS $$
	SELECT vector_dims(v) BETWEEN 1 AND 16000 AND v::text !~* '[ni]' AND v::text::vector = v
		AND vector_send(v::text::vector) = vector_send(v)
		AND length(vector_send(v)) = 4 + 4 * vector_dims(v) AND v::real[]::vector = v
$$;
-- What becomes of a literal: true, false (a vector that is none), or the error.
CREATE FUNCTION read_literal(input text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN is_vector(input::vector);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
CREATE TABLE literal (input text);
CREATE TABLE source (id int, v vector(3), w vector);
INSERT INTO source SELECT i, CASE WHEN i % 7 > 0 THEN noise(i, 3) END, noise(i, 1 + i % 20) * (10.0 ^ (i % 70 - 35)) FROM generate_series(1, 25) i;
CREATE TABLE target (LIKE source);
SQL

my $folder = $node->basedir;

sub write_file
{
	my ($name, $data) = @_;
	open my $file, '>:raw', "$folder/$name" or die "$name: $!";
	print $file $data;
	close $file;
	return "$folder/$name";
}

sub read_bytes
{
	my ($name) = @_;
	open my $file, '<:raw', $name or die "$name: $!";
	local $/;
	return scalar <$file>;
}

# One session; returns what it said, and the errors by the script's lines.
sub session
{
	my ($script) = @_;
	my ($out, $err) = ('', '');
	my $file = write_file('script.sql', $script);
	my $ended = eval {
		IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('postgres') . " options='-c search_path=ivf_test,public'", '-f', $file ],
			'>', \$out, '2>', \$err, IPC::Run::timeout(180));
		1;
	};
	my %error = $err =~ /script\.sql:(\d+): ERROR:  (\w+)$/mg;
	return ($ended ? $out : "timed out\n$out", \%error);
}

# Literals -----------------------------------------------------------------------

my @good = ('[1,2,3]', ' [ 1.5 , -2e3 ,0x10] ', '[1e-45,3.4028235e38]', '[-0,0.1]', '[' . join(',', 1 .. 200) . ']');

sub literals
{
	my ($from) = @_;
	my $data = '';
	for (1 .. $literals)
	{
		my $literal = mutate(pick(@good), 0);
		$literal =~ s/[\x80-\xFF]+/\xC2\xA0/g;		# what is no text would not come in
		$literal =~ s/([\\\n\r\t\x0B])/sprintf '\\x%02x', ord $1/ge;
		$data .= "$literal\n";
	}
	my $file = write_file('literals', $data);
	my ($out) = session(<<"SQL");
TRUNCATE literal;
\\copy literal FROM '$file'
SELECT result, count(*) FROM (SELECT read_literal(input) AS result FROM literal) s GROUP BY result ORDER BY result;
SELECT 'alive';
SQL
	my %result = map { /^(\w+)\|(\d+)$/ ? ($1 => $2) : () } split /\n/, $out;
	my $sum = 0;
	$sum += $_ for values %result;
	my @unexpected = grep { !/^(true|22P02|22003|22000|54000)$/ } keys %result;
	ok($sum == $literals && !@unexpected && $out =~ /alive$/, "$literals literals from seed $from")
	  or diag($out);
	cmp_ok($result{true} // 0, '>', $literals / 20, 'some of them are vectors');
	return;
}

# The longest vectors that there are, and longer ones.
sub long_literals
{
	my $out = '';
	for my $dim (15999, 16000, 16001, 20000)
	{
		my $literal = '[' . join(',', (1) x $dim) . ']';
		$out .= (session("SELECT read_literal('$literal');\nSELECT 'alive';\n"))[0];
	}
	is($out, "true\nalive\ntrue\nalive\n54000\nalive\n54000\nalive\n", '15,999 dimensions and more');
	return;
}

# Streams ------------------------------------------------------------------------

# What may come of a stream: errors about data and formats (class 22), limits
# (54), a field that ends early (08P01), and what the server says where a
# stream announces more than it could keep.
my $bearable = qr/^(00000|22...|54...|08P01|23502)$/;

sub streams
{
	my ($format, $from) = @_;
	my $source = "$folder/source.$format";
	session("\\copy source TO '$source' WITH (FORMAT $format)\n");
	my $good = read_bytes($source);
	my $script = "\\set VERBOSITY sqlstate\n";
	for my $i (1 .. $streams)
	{
		my $file = write_file("stream.$format.$i", mutate($good, $format eq 'binary' || below(2)));
		$script .= <<"SQL";
\\copy target FROM '$file' WITH (FORMAT $format)
SELECT '$i ' || count(*) || ' ' || coalesce(bool_and(is_vector(w) AND (v IS NULL OR is_vector(v) AND vector_dims(v) = 3)), true) FROM target WHERE w IS NOT NULL;
TRUNCATE target;
SQL
	}
	my ($out, $error) = session($script);
	my ($accepted, $rejected, @wrong) = (0, 0);
	my @lines = split /\n/, $out;
	for my $line (@lines)
	{
		my ($i, $count, $fine) = $line =~ /^(\d+) (\d+) (\w+)$/ or do { push @wrong, $line; next };
		my $sqlstate = $error->{ 3 * $i - 1 } // '00000';
		push @wrong, $line if $sqlstate !~ $bearable || $fine ne 'true';
		$sqlstate eq '00000' ? $accepted++ : $rejected++;
	}
	# no other statement than these may fail
	push @wrong, map { "line $_: $error->{$_}" } grep { $_ % 3 != 2 } keys %$error;
	ok(@lines == $streams && !@wrong, "$streams streams as $format from seed $from") or diag(join "\n", @wrong, scalar @lines);
	ok($accepted > 0 && $rejected > 0, "$format: some are accepted, some are not") or diag("$accepted and $rejected");
	return;
}

long_literals();
for (1 .. $rounds)
{
	literals($state);
	streams($_, $state) for qw(text csv binary);
}
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is the same as before');
$node->stop;

done_testing();
