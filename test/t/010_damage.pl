# Every invariant that src/README.md states is broken on disk, one at a time
# and each in an index of its own, and ivf_check names it and the block.
# Whatever is broken, no statement may crash or hang the server: it works, or
# it reports damage.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../perl";

use IvfFile;
use IvfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use constant { NONE => IvfFile::NONE, NAN => 9**9**9 / 9**9**9, INF => 9**9**9 };

# Indexes to break.  Each has what a build and what inserts make.
my %template = (
	# a root over four leaves, each with blocks that run on over a page end
	plain => {
		index => 'CREATE INDEX %1$s_v ON %1$s USING ivf (v) WITH (lists = 4)',
		rows  => 'CASE i % 300 WHEN 0 THEN NULL ELSE noise(i, 72) END',
		build => 2400,
		more  => 200,
		order => '<->',
	},
	# chains of two pages for rows without vector and without direction
	chains => {
		index => 'CREATE INDEX %1$s_v ON %1$s USING ivf (v vector_cosine_ops) WITH (lists = 2)',
		rows  => 'CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN noise(1, 72) * 0 ELSE noise(i % 100, 72) END',
		build => 4100,
		more  => 100,
		order => '<=>',
	},
	# three levels
	high => {
		index => 'SET ivf.debug_fanout = 3; CREATE INDEX %1$s_v ON %1$s USING ivf (v vector_ip_ops) WITH (lists = 40)',
		rows  => 'noise(i, 72)',
		build => 1500,
		more  => 0,
		order => '<#>',
	},
	# of few dimensions: lists are cells
	cells => {
		index => 'CREATE INDEX %1$s_v ON %1$s USING ivf (v) WITH (lists = 4)',
		rows  => 'noise(i, 8)',
		dimensions => 8,
		build => 400,
		more  => 40,
		order => '<->',
	},
	# of half the rows
	partial => {
		index => 'CREATE INDEX %1$s_v ON %1$s USING ivf (v) WITH (lists = 2) WHERE id % 2 = 0',
		rows  => 'noise(i, 72)',
		build => 300,
		more  => 0,
		order => '<->',
	});

# Cases: name, template, what ivf_check says, what to do, and whether that is
# seen with heapallindexed only.  What to do gets the file and returns the
# block that is to be named.
my @cases;

sub damage
{
	my ($name, $template, $says, $do, $heap) = @_;
	push @cases, { name => $name, template => $template, says => $says, do => $do, heap => $heap };
	return;
}
sub heap_damage { return damage(@_, 1) }

# places in a plain or high index
sub root { my ($f) = @_; return $f->meta('root') }
sub root_head { my ($f) = @_; return ($f->heads(root($f)))[0] }
sub leaf { my ($f, $i) = @_; return ($f->children(root($f)))[ $i // 0 ] }
sub leaf_head { my ($f, $i) = @_; return ($f->heads(leaf($f)))[ $i // 0 ] }
sub leaf_row { my ($f, $slot) = @_; return $f->row_place(leaf_head($f), $slot) }
sub last_page { my ($f, $block) = @_; $block = $f->special($block, 'next') while $f->special($block, 'next') != NONE; return $block }

# the slot of a leaf's first block to damage
use constant SLOT => 5;

# Metapage -------------------------------------------------------------------

sub meta_damage
{
	my ($field, $value, $says, $template) = @_;
	return damage("metapage: $field", $template // 'plain', $says,
		sub { my ($f) = @_; $f->meta($field, ref $value ? $value->($f) : $value); return 0 });
}

meta_damage(magic => 1, 'its magic number is 00000001');
meta_damage(metric => 2, 'it was built for metric 2 of element type 1');
meta_damage(element_type => 7, 'it was built for metric 1 of element type 7');
meta_damage(dimensions => 73, 'it states 73 dimensions, the column has 72');
meta_damage(dimensions => 60000, 'it states 60000 dimensions');
meta_damage(seed => 1, 'its rotation has another seed');
meta_damage(height => 0, 'it states 0 levels and 4 leaves');
meta_damage(leaves => 5, 'it states 5 leaves, there are 4');
meta_damage(root => 99999, 'the root is block 99999, and the file has \d+');
meta_damage(root => NONE, 'the root is missing');
meta_damage(mean => 99999, 'the mean is block 99999, and the file has \d+');
meta_damage(nulls => 99999, 'the chain of rows without a vector is block 99999, and the file has \d+');
meta_damage(nans => sub { $_[0]->meta('nulls') }, 'it has a chain of rows without a direction');
meta_damage(nans => NONE, 'it has no chain of rows without a direction', 'chains');
meta_damage(nans => 99999, 'the chain of rows without a direction is block 99999, and the file has \d+', 'chains');
meta_damage(weight => NAN, 'its calibration is no rule');
meta_damage(limit => NAN, 'its calibration is no rule');
meta_damage(calibrated_blocks => 99999, 'it was calibrated with 99999 blocks, and the file has \d+');
meta_damage(calibrated_entries => NAN, 'it was calibrated with NaN entries, of which 0 are removed');
meta_damage(removed => -1, 'it was calibrated with \d+ entries, of which -1 are removed');
meta_damage(lists_option => -1, 'it was built with -1 lists');
meta_damage(rows_first => sub { $_[0]->meta('rows_end') + 1 }, 'the build\'s rows are on blocks \d+ to \d+, and the file has \d+');
meta_damage(rows_end => 99999, 'the build\'s rows are on blocks \d+ to 99999, and the file has \d+');
meta_damage(entries => NAN, 'it counts NaN entries and \d+ dead slots');
meta_damage(dead_slots => -1, 'it counts \d+ entries and -1 dead slots');

damage('metapage: rows_first is a code page', plain => 'the page is of kind 4, among those with the build\'s rows',
	sub { my ($f) = @_; return $f->meta('rows_first', $f->meta('rows_first') - 1) });
damage('file: empty', plain => 'the file is empty', sub { my ($f) = @_; $f->{bytes} = ''; return 0 });
damage('metapage: end of its data', plain => 'its data end at offset 40',
	sub { my ($f) = @_; $f->header(0, 'lower', 40); return 0 });
damage('metapage: height', plain => 'it is of level 1, expected 4',
	sub { my ($f) = @_; $f->meta('height', 5); return root($f) });
damage('metapage: root is a leaf', plain => 'it is of level 0, expected 1',
	sub { my ($f) = @_; return $f->meta('root', leaf($f)) });
damage('metapage: mean is another page', plain => 'the page is of kind 4, expected 2',
	sub { my ($f) = @_; return $f->meta('mean', root($f)) });
damage('metapage: nulls is another page', plain => 'the page is of kind 4, expected 3',
	sub { my ($f) = @_; return $f->meta('nulls', root($f)) });

# Any page -------------------------------------------------------------------

sub special_damage
{
	my ($name, $where, $field, $value, $says, $template) = @_;
	return damage($name, $template // 'plain', $says,
		sub {
			my ($f) = @_;
			my $block = $where->($f);
			$f->special($block, $field, ref $value ? $value->($f) : $value);
			return $block;
		});
}

my $refine_page = sub { my ($f) = @_; return $f->head(leaf_head($f), 'rows') };
# where the run of the list that grew last ends
my $open_refine_page = sub { my ($f) = @_; return $f->special(0, 'rows') };
my $second_page = sub { my ($f) = @_; return $f->special(leaf($f), 'next') };

special_damage('page id', \&leaf, page_id => 1, 'it is no page of an ivf index');
special_damage('generation', \&leaf, generation => 1, 'it is of generation 1 with flags 00, which this version does not make');
special_damage('flags', $refine_page, flags => 2, 'it is of generation 0 with flags 02, which this version does not make');
special_damage('kind of a page that is pointed to', $refine_page, kind => 9, 'the page is of kind 9, expected 5');
special_damage('level of a refine page', $refine_page, level => 1, 'it is of level 1 with a block at offset 0, and no code page');
special_damage('first block of a refine page', $refine_page, first => 24, 'it is of level 0 with a block at offset 24, and no code page');
special_damage('refine page in a chain', $refine_page, next => 9999, 'it is in no chain, and block 9999 follows');
special_damage('room not on a first page', $second_page, room => \&leaf, 'room is to be looked for on block \d+, but this is no first page');
special_damage('rows of an inner node', \&root, rows => $refine_page, 'rows are to be put on block \d+, but this is not the metapage');
for my $offset (8168, 8192)
{
	damage("special area at offset $offset", plain => 'it is no page of an ivf index',
		sub { my ($f) = @_; $f->header(leaf($f), 'special', $offset); return leaf($f) });
	# what a reader takes for its kind stands on another page, and a list would be left out
	$cases[-1]{unordered} = 1;
}
for my $kind (1, 2, 3, 5)
{
	special_damage("kind of a leaf: $kind", \&leaf, kind => $kind, "the page is of kind $kind, expected 4");
	$cases[-1]{unordered} = 1;
}
damage('free space', plain => 'its data end at offset \d+, free space at 8152',
	sub { my ($f) = @_; $f->header(last_page($f, leaf($f)), 'upper', 8152); return last_page($f, leaf($f)) });
damage('kind of a page that is not pointed to', plain => 'the page is of unknown kind 9',
	sub { my ($f) = @_; my $block = $f->add_copy($refine_page->($f)); $f->special($block, 'kind', 9); return $block });
damage('second metapage', plain => 'nothing points to this page',
	sub {
		my ($f) = @_;
		my $block = $f->add_copy(0);
		return $block;
	});
damage('a page of zeros at the end is sound', plain => undef,
	sub { my ($f) = @_; $f->{bytes} .= "\0" x IvfFile::PAGE; return });

# The mean and the chains of TIDs ----------------------------------------------

my $nans = sub { $_[0]->meta('nans') };
my $nulls = sub { $_[0]->meta('nulls') };
my $second_nulls = sub { my ($f) = @_; return $f->special($f->meta('nulls'), 'next') };

damage('mean: an element', plain => 'element 3 of the mean is NaN',
	sub { my ($f) = @_; $f->at($f->meta('mean'), 24 + 12, 'f', NAN); return $f->meta('mean') });
damage('mean: its end', plain => 'it holds another number of the mean\'s elements than 72',
	sub { my ($f) = @_; $f->header($f->meta('mean'), 'lower', 24 + 284); return $f->meta('mean') });
special_damage('mean: goes on', sub { $_[0]->meta('mean') }, next => $nulls, 'the mean goes on at block \d+');

damage('TIDs: end within one', chains => 'its data end at offset \d+, within a TID',
	sub { my ($f) = @_; my $b = $second_nulls->($f); $f->header($b, 'lower', $f->header($b, 'lower') - 1); return $b });
damage('TIDs: room before the last page', chains => 'it has room, and the chain goes on at block \d+',
	sub { my ($f) = @_; my $b = $nulls->($f); $f->header($b, 'lower', $f->header($b, 'lower') - 6); return $b });
damage('TIDs: chain cut', chains => 'nothing points to this page',
	sub {
		my ($f) = @_;
		my $block = $second_nulls->($f);
		$f->special($nulls->($f), 'next', NONE);
		$f->special($nulls->($f), 'room', NONE);
		return $block;
	});
special_damage('TIDs: chain turns back', $second_nulls, next => $nulls, 'the chain turns back to block \d+', 'chains');
special_damage('TIDs: chain leaves the file', $nulls, next => 99999, 'the chain\'s next page is block 99999, and the file has \d+', 'chains');
special_damage('TIDs: room elsewhere', $nulls, room => $nans, 'there should be room on block \d+, which is not in the chain', 'chains');
damage('TIDs: page of another chain', chains => 'the page belongs to \d+, expected \d+',
	sub { my ($f) = @_; $f->special($second_nulls->($f), 'owner', $nans->($f)); return $second_nulls->($f) });
damage('TIDs: no such row', chains => 'slot 7 at offset 0 is for row \(777777,1\), and the table has \d+ blocks',
	sub { my ($f) = @_; $f->chain_tid($nulls->($f), 7, IvfFile::tid(777777, 1)); return $nulls->($f) });
damage('TIDs: twice in a chain', chains => 'row \(\d+,\d+\) stands there, and on block \d+ too',
	sub { my ($f) = @_; $f->chain_tid($nulls->($f), 7, $f->chain_tid($nulls->($f), 8)); return $nulls->($f) });
damage('TIDs: in two chains', chains => 'row \(\d+,\d+\) stands there, and on block \d+ too',
	sub { my ($f) = @_; $f->chain_tid($nans->($f), 7, $f->chain_tid($nulls->($f), 8)); return qr/\d+/ });
heap_damage('TIDs: lost', chains => 'it has no entry for row \(\d+,\d+\) of table "\w+"',
	sub { my ($f) = @_; $f->chain_tid($nulls->($f), 7, IvfFile::NO_TID); return });
heap_damage('TIDs: a row without a vector among those without a direction', chains => 'row \(\d+,\d+\) has no vector',
	sub {
		my ($f) = @_;
		$f->chain_tid($nans->($f), 7, $f->chain_tid($nulls->($f), 8));
		$f->chain_tid($nulls->($f), 8, IvfFile::NO_TID);
		return $nans->($f);
	});
heap_damage('TIDs: a row with a vector among those without', chains => 'row \(\d+,\d+\) has a vector',
	sub {
		my ($f) = @_;
		$f->chain_tid($nulls->($f), 7, $f->chain_tid($nans->($f), 8));
		$f->chain_tid($nans->($f), 8, IvfFile::NO_TID);
		return $nulls->($f);
	});
heap_damage('TIDs: a row with a direction among those without', chains => 'row \(\d+,\d+\) has a vector with a direction',
	sub {
		my ($f) = @_;
		$f->chain_tid($nans->($f), 7, $f->slot(leaf_head($f), SLOT, 'tid'));
		$f->kill(leaf_head($f), SLOT);
		return $nans->($f);
	});

# Code pages -------------------------------------------------------------------

special_damage('list: first block', $second_page, first => 40, 'its first block stands at offset 40, expected \d+');
special_damage('list: no first block', $second_page, first => 0, 'its first block stands at offset 0, expected \d+');
special_damage('list: chain ends in a block', \&leaf, next => NONE, 'a block runs on, but the chain ends');
special_damage('list: chain turns back', \&leaf, next => 1, 'the chain turns back to block 1');
special_damage('list: chain leaves the file', \&leaf, next => 99999, 'the chain\'s next page is block 99999, and the file has \d+');
special_damage('list: room elsewhere', \&leaf, room => sub { leaf($_[0], 1) }, 'there should be room on block \d+, which is not in the chain');
special_damage('metapage: rows elsewhere', sub { return 0 }, rows => sub { leaf($_[0], 1) }, 'rows are to be put on block \d+, which is of kind 4');
special_damage('list: level', \&leaf, level => 1, 'it is of level 1, expected 0');
special_damage('list: page of another one', $second_page, owner => sub { leaf($_[0], 1) }, 'the page belongs to \d+, expected \d+');
damage('list: chain goes to another list', plain => 'the page belongs to \d+, expected \d+',
	sub { my ($f) = @_; $f->special(leaf($f), 'next', leaf($f, 1)); return leaf($f, 1) });
damage('list: last block is cut', plain => 'a block runs past the end of the data',
	sub { my ($f) = @_; my $b = last_page($f, leaf($f)); $f->header($b, 'lower', $f->header($b, 'lower') - 16); return $b });
damage('list: bytes after the last block', plain => 'its data end at offset \d+, its blocks at \d+',
	sub { my ($f) = @_; my $b = last_page($f, leaf($f)); $f->header($b, 'lower', $f->header($b, 'lower') + 16); return $b });
damage('list: goes on before its page is full', plain => 'its data end at offset \d+, and the chain goes on at block \d+',
	sub { my ($f) = @_; my $b = last_page($f, leaf($f)); $f->special($b, 'next', 99999); return $b });
damage('list: page with entries out of reach', plain => 'nothing points to this page',
	sub { my ($f) = @_; return $f->add_copy($second_page->($f)) });
damage('list: page of none out of reach', plain => 'the page belongs to \d+, which is no leaf that can be reached',
	sub {
		my ($f) = @_;
		my $block = $f->add_copy($second_page->($f));
		$f->special($block, 'owner', root($f));
		$f->special($block, 'rows', NONE);
		return $block;
	});
damage('list: empty page out of reach is sound', plain => undef,
	sub {
		my ($f) = @_;
		my $block = $f->add_copy($second_page->($f));
		for my $head (map { [ $block, $_->[1] ] } grep { $_->[0] == $second_page->($f) } $f->heads(leaf($f)))
		{
			$f->kill($head, $_) for 0 .. IvfFile::SLOTS - 1;
		}
		return;
	});
special_damage('refine page: of a list', $open_refine_page, owner => sub { leaf($_[0], 1) }, 'the page belongs to \d+, but rows stand there');
damage('refine page: of a list, out of reach', plain => 'it is a page of rows, and belongs to 1',
	sub { my ($f) = @_; my $b = $f->add_copy($open_refine_page->($f)); $f->special($b, 'owner', 1); return $b });
damage('refine page: its end', plain => 'a row runs past the end of the data',
	sub { my ($f) = @_; my $b = $open_refine_page->($f); $f->header($b, 'lower', $f->header($b, 'lower') - 4); return $b });
damage('refine page: its end, within a float', plain => 'its data end at offset \d+, free space at 8160',
	sub { my ($f) = @_; my $b = $open_refine_page->($f); $f->header($b, 'lower', $f->header($b, 'lower') + 1); return $b });

# The tree -----------------------------------------------------------------------

sub child_row { my ($f, $slot) = @_; return $f->row_place(root_head($f), $slot) }

damage('tree: two pointers to a list', plain => 'two pointers lead here',
	sub {
		my ($f) = @_;
		$f->retarget(root_head($f), 1, $f->slot(root_head($f), 0, 'tid'));
		return leaf($f, 0);
	});
damage('tree: pointer to a row', plain => 'slot 1 of the block at offset 24 points to \(\d+,2\), which is no child',
	sub { my ($f) = @_; $f->slot(root_head($f), 1, 'tid', IvfFile::tid(leaf($f, 1), 2)); return root($f) });
damage('tree: pointer out of the file', plain => 'a child is block 99999, and the file has \d+',
	sub { my ($f) = @_; $f->retarget(root_head($f), 1, IvfFile::tid(99999, 1)); return root($f) });
damage('tree: pointer to another page of a list', plain => 'the page belongs to \d+, expected \d+',
	sub { my ($f) = @_; my $b = $second_page->($f); $f->retarget(root_head($f), 0, IvfFile::tid($b, 1)); return $b });
damage('tree: pointer to a refine page', plain => 'the page is of kind 5, expected 4',
	sub { my ($f) = @_; my $b = $refine_page->($f); $f->retarget(root_head($f), 0, IvfFile::tid($b, 1)); return $b });
damage('tree: row of another child', plain => 'the row at offset \d+ is for node \d+, its slot for \d+',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->child($p, 'tid', IvfFile::tid(leaf($f, 0), 1)); return $p->[0] });
damage('tree: flags of a child', plain => 'the row at offset \d+ has flags 0002, which this version does not set',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->child($p, 'flags', 2); return $p->[0] });
damage('tree: radius negative', plain => 'the row at offset \d+ has radius -1',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->child($p, 'radius', -1); return $p->[0] });
damage('tree: radius no number', plain => 'the row at offset \d+ has radius NaN',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->child($p, 'radius', NAN); return $p->[0] });
damage('tree: radius too small', plain => 'the radius of node \d+ is [\d.]+, an entry on block \d+ needs [\d.]+',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->child($p, 'radius', $f->child($p, 'radius') * 0.999); return $p->[0] });
damage('tree: radius of an inner node too small', high => 'the radius of node \d+ is [\d.]+, an entry on block \d+ needs [\d.]+',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->child($p, 'radius', $f->child($p, 'radius') * 0.9); return $p->[0] });
heap_damage('tree: radius just too small', plain => 'the radius of node \d+ is [\d.]+, an entry on block \d+ needs [\d.]+',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->child($p, 'radius', $f->child($p, 'radius') * (1 - 2**-22)); return $p->[0] });
damage("tree: centroid no number, $_", $_ => 'the row at offset \d+ has a centroid with NaN in dimension 2',
	sub { my ($f) = @_; my $p = child_row($f, 1); $f->at($p->[0], $p->[1] + 12 + 8, 'f', NAN); return $p->[0] })
  for qw(plain high);
# an insert must not take the node above for the nearest of its children
damage('tree: centroids infinite', plain => 'the row at offset \d+ has a centroid with Infinity in dimension 2',
	sub {
		my ($f) = @_;
		my @rows = map { child_row($f, $_) } 0 .. 3;
		$f->at($_->[0], $_->[1] + 12 + 8, 'f', INF) for @rows;
		return $rows[0][0];
	});
$cases[-1]{refuses} = 1;
damage('tree: centroid moved', plain => 'slot 1 of the block at offset 24 has factors .*, its centroid .*',
	sub {
		my ($f) = @_;
		my $p = child_row($f, 1);
		$f->at($p->[0], $p->[1] + 12, 'f', $f->at($p->[0], $p->[1] + 12, 'f') * 1.5);
		return root($f);
	});
damage('tree: factors of a child', high => 'slot 1 of the block at offset 24 has factors .*, its centroid .*',
	sub { my ($f) = @_; $f->slot(root_head($f), 1, 'err', 2 * $f->slot(root_head($f), 1, 'err')); return root($f) });
damage('tree: signs of a child', high => 'slot 1 of the block at offset 24 has other signs than its centroid',
	sub { my ($f) = @_; my $at = 24 + 592 + 1; $f->at(root($f), $at, 'C', $f->at(root($f), $at, 'C') ^ 4); return root($f) });
damage('tree: two lists in each other\'s place', cells => 'the row at offset \d+ is in the list of node \d+, but nearer to that of node \d+',
	sub {
		my ($f) = @_;
		my @tid = map { $f->slot(root_head($f), $_, 'tid') } 0, 1;
		for my $slot (0, 1)
		{
			$f->slot(root_head($f), $slot, 'tid', $tid[ 1 - $slot ]);
			$f->child(child_row($f, $slot), 'tid', $tid[ 1 - $slot ]);
		}
		return qr/\d+/;
	});
damage('tree: inner node without children', high => 'an inner node has no children',
	sub {
		my ($f) = @_;
		my $node = leaf($f);
		for my $head ($f->heads($node)) { $f->kill($head, $_) for 0 .. IvfFile::SLOTS - 1 }
		return $node;
	});

# Blocks and their rows ------------------------------------------------------------

sub slot_damage
{
	my ($name, $field, $value, $says) = @_;
	return damage("entry: $name", plain => 'slot 5 of the block at offset 24 ' . $says,
		sub { my ($f) = @_; $f->slot(leaf_head($f), SLOT, $field, $value); return leaf($f) });
}

slot_damage('dead without infinity', tid => IvfFile::NO_TID, 'is dead, but adds \S+');
slot_damage('infinite and live', add => INF, 'is live, but adds infinity');
slot_damage('add no number', add => NAN, 'has factors NaN, \S+ and \S+');
slot_damage('add minus infinity', add => -INF(), 'has factors -Infinity, \S+ and \S+');
slot_damage('scale positive', scale => 1, 'has factors \S+, 1 and \S+');
slot_damage('scale no number', scale => NAN, 'has factors \S+, NaN and \S+');
slot_damage('err negative', err => -1, 'has factors \S+, \S+ and -1');
slot_damage('err infinite', err => INF, 'has factors \S+, \S+ and Infinity');
damage('entry: no such row', plain => 'slot 5 at offset 24 is for row \(777777,1\), and the table has \d+ blocks',
	sub { my ($f) = @_; $f->retarget(leaf_head($f), SLOT, IvfFile::tid(777777, 1)); return leaf($f) });
damage('entry: twice', plain => 'row \(\d+,\d+\) stands there, and on block \d+ too',
	sub { my ($f) = @_; $f->retarget(leaf_head($f), SLOT, $f->slot(leaf_head($f), 6, 'tid')); return leaf($f) });
damage('entry: signs', plain => 'slot 5 of the block at offset 24 has another sign in dimension 9 than its row',
	sub { my ($f) = @_; my $at = 24 + 592 + 2 * 16 + SLOT; $f->at(leaf($f), $at, 'C', $f->at(leaf($f), $at, 'C') ^ 2); return leaf($f) });

sub run_damage
{
	my ($name, $field, $value, $says) = @_;
	return damage("run: $name", plain => $says,
		sub { my ($f) = @_; $f->head(leaf_head($f), $field, ref $value ? $value->($f) : $value); return leaf($f) });
}

run_damage('begins in a page header', rows_offset => 0, 'the rows of the block at offset 24 begin at offset 0');
run_damage('begins after the data', rows_offset => 8150, 'the rows of the block at offset 24 begin at offset 8150');
damage('run: goes back', plain => 'the rows of the block at offset \d+ begin on block \d+ and go on at 1',
	sub {
		my ($f) = @_;
		my ($head) = grep { $f->row_place($_, 31)->[0] != $f->head($_, 'rows') } $f->heads(leaf($f));
		$f->head($head, 'rows_rest', 1);
		return $head->[0];
	});
damage('run: goes on where it began', plain => 'the rows of the block at offset \d+ begin on block (\d+) and go on at \g1',
	sub {
		my ($f) = @_;
		my ($head) = grep { $f->row_place($_, 31)->[0] != $f->head($_, 'rows') } $f->heads(leaf($f));
		$f->head($head, 'rows_rest', $f->head($head, 'rows'));
		return $head->[0];
	});
damage('run: on a code page', plain => 'the page is of kind 4, expected 5',
	sub { my ($f) = @_; $f->head(leaf_head($f), 'rows', leaf($f)); return leaf($f) });
damage('run: leaves the file', plain => 'a page of its rows is block 99999, and the file has \d+',
	sub {
		my ($f) = @_;
		my $head = leaf_head($f);
		$f->head($head, 'rows', 99999);
		$f->head($head, 'rows_rest', 100000);
		return leaf($f);
	});
damage('run: missing', plain => 'a page of its rows is missing',
	sub { my ($f) = @_; my $head = leaf_head($f); $f->head($head, 'rows', NONE); $f->head($head, 'rows_offset', 24); return leaf($f) });
damage('run: of another block', plain => 'the row at offset \d+ is for row \(\d+,\d+\), its slot for \(\d+,\d+\)',
	sub {
		my ($f) = @_;
		my ($to, $from) = (leaf_head($f, 0), leaf_head($f, 1));
		$f->head($to, $_, $f->head($from, $_)) for qw(rows rows_rest rows_offset);
		return $f->row_place($from, 0)->[0];
	});
damage('run: of another block, with no entries to show it', plain =>
	  'rows of code page \d+ begin at offset \d+, where rows of code page \d+ stand',
	sub {
		my ($f) = @_;
		my ($to, $from) = (leaf_head($f, 0), leaf_head($f, 1));
		$f->kill($to, $_) for 0 .. IvfFile::SLOTS - 1;
		$f->head($to, $_, $f->head($from, $_)) for qw(rows rows_rest rows_offset);
		return qr/\d+/;
	});

sub row_damage
{
	my ($name, $field, $value, $says) = @_;
	return damage("row: $name", plain => 'the row at offset \d+ ' . $says,
		sub {
			my ($f) = @_;
			my $place = leaf_row($f, SLOT);
			$f->row($place, $field, ref $value ? $value->($f->row($place, $field)) : $value);
			return $place->[0];
		});
}

row_damage('another row\'s TID', tid => IvfFile::tid(0, 77), 'is for row \(0,77\), its slot for \(\d+,\d+\)');
row_damage('flags', flags => 1, 'has flags 0001, which this version does not set');
row_damage('t no number', t => NAN, 'has factors NaN, .*');
row_damage('t negative', t => -1, 'has factors -1, .*');
row_damage('norm no number', norm => NAN, 'has factors \S+ NaN, .*');
row_damage('norm of the code infinite', code_norm => INF, 'has factors \S+ \S+ Infinity, .*');
row_damage('error negative', error => -1, 'has factors \S+ \S+ \S+ -1 and 0');
row_damage('error no number', error => NAN, 'has factors \S+ \S+ \S+ NaN and 0');
row_damage('g without inner products', g => 1, 'has factors \S+ \S+ \S+ \S+ and 1');
row_damage('t', t => sub { 2 * $_[0] }, 'has a code of norm \S+, which is stored as \S+');
row_damage('norm', norm => sub { 1.01 * $_[0] }, 'is of norm \S+, but its code of norm \S+ with error \S+');
row_damage('error too small', error => sub { 0.5 * $_[0] }, 'is of norm \S+, but its code of norm \S+ with error \S+');
row_damage('error infinite', error => INF, 'is of norm \S+, but its code of norm \S+ with error Infinity');
damage('row: a byte of its code', plain => 'the row at offset \d+ has a code of norm \S+, which is stored as \S+',
	sub { my ($f) = @_; my ($b, $at) = @{ leaf_row($f, SLOT) }; $f->at($b, $at + 30, 'c', $f->at($b, $at + 30, 'c') ^ 1); return $b });
damage('row: a sign of its code', plain => 'slot 5 of the block at offset 24 has another sign in dimension 2 than its row',
	sub { my ($f) = @_; my ($b, $at) = @{ leaf_row($f, SLOT) }; $f->at($b, $at + 30, 'c', -1 - $f->at($b, $at + 30, 'c')); return leaf($f) });
damage('row: t zero with a code', plain => 'the row at offset \d+ has a code of norm 0, which is stored as 0',
	sub {
		my ($f) = @_;
		my $place = leaf_row($f, SLOT);
		$f->row($place, $_, 0) for qw(t code_norm);
		$f->row($place, 'error', $f->row($place, 'norm'));
		return $place->[0];
	});

# What only the heap shows -----------------------------------------------------------

heap_damage('heap: an entry is lost', plain => 'it has no entry for row \(\d+,\d+\) of table "\w+"',
	sub { my ($f) = @_; $f->kill(leaf_head($f), SLOT); return });
heap_damage('heap: a code of another vector', plain => 'the row at offset \d+ has another byte code than its row \(\d+,\d+\)',
	sub {
		my ($f) = @_;
		my ($b, $at) = @{ leaf_row($f, SLOT) };
		my @code = map { $f->at($b, $at + 28 + $_, 'c') } 0 .. 63;
		# two elements of one sign change places: nothing else shows that
		for my $i (1 .. 63)
		{
			next if ($code[0] >= 0) != ($code[$i] >= 0) || $code[0] == $code[$i];
			$f->at($b, $at + 28, 'c', $code[$i]);
			$f->at($b, $at + 28 + $i, 'c', $code[0]);
			return $b;
		}
	});
for my $factor (qw(add scale err))
{
	heap_damage("heap: $factor of another vector", plain => 'slot 5 of the block at offset 24 has another sign code than its row \(\d+,\d+\)',
		sub { my ($f) = @_; $f->slot(leaf_head($f), SLOT, $factor, 1.1 * $f->slot(leaf_head($f), SLOT, $factor)); return leaf($f) });
}
heap_damage('heap: entry for a row without a vector', chains => 'slot 5 of the block at offset 24 is for row \(\d+,\d+\), whose vector is NULL',
	sub {
		my ($f) = @_;
		$f->retarget(leaf_head($f), SLOT, $f->chain_tid($nulls->($f), 7));
		$f->chain_tid($nulls->($f), 7, IvfFile::NO_TID);
		return leaf($f);
	});
heap_damage('heap: entry for a row without a direction', chains => 'slot 5 of the block at offset 24 is for row \(\d+,\d+\), whose vector has no direction',
	sub {
		my ($f) = @_;
		$f->retarget(leaf_head($f), SLOT, $f->chain_tid($nans->($f), 7));
		$f->chain_tid($nans->($f), 7, IvfFile::NO_TID);
		return leaf($f);
	});
heap_damage('heap: entry for a row outside the predicate', partial => 'row \(0,1\) does not satisfy the index\'s predicate',
	sub { my ($f) = @_; $f->retarget(leaf_head($f), SLOT, IvfFile::tid(0, 1)); return leaf($f) });

# Run ----------------------------------------------------------------------------

# What another version of vecfeat made is no damage, but can't be read either.
$template{other} = $template{plain};
for my $field (qw(version rotation_version))
{
	push @cases, {
		name => "metapage: $field", template => 'other', code => '0A000',
		says => qr/index "\w+" has format version \d+, which this version of vecfeat does not read/,
		do => sub { my ($f) = @_; $f->meta($field, 9); return },
	};
}

my $node = ivf_node('damage');

# Damage is for us to find, not for the checksums that clusters of 18 have.
my ($control) = PostgreSQL::Test::Utils::run_command([ 'pg_controldata', $node->data_dir ]);
PostgreSQL::Test::Utils::system_or_bail('pg_checksums', '--disable', '-D', $node->data_dir)
  if $control !~ /checksum version: +0/;
$node->append_conf('postgresql.conf', "full_page_writes = off\nrestart_after_crash = off\n");
$node->start;
ivf_setup($node);

# a result instead of an error
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN '';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SQL

# one table and one index for each case
my $script = '';
for my $i (0 .. $#cases)
{
	my $case = $cases[$i];
	my $template = $template{ $case->{template} };
	my $table = $case->{table} = "case_$i";
	my $last = $template->{build} + $template->{more};
	$script .= "BEGIN; CREATE TABLE $table AS SELECT * FROM $case->{template}_rows WHERE id <= $template->{build};\n";
	$script .= $template->{index} =~ s/%1\$s/$table/gr . ";\n";
	$script .= "RESET ivf.debug_fanout; INSERT INTO $table SELECT * FROM $case->{template}_rows WHERE id > $template->{build}; COMMIT;\n";
}
for my $name (sort keys %template)
{
	my $template = $template{$name};
	my $last = $template->{build} + $template->{more};
	my $dimensions = $template->{dimensions} // 72;
	$script = "CREATE TABLE ${name}_rows (id int, v vector($dimensions)); INSERT INTO ${name}_rows"
	  . " SELECT i, $template->{rows} FROM generate_series(1, $last) i;\n$script";
}
$node->safe_psql('postgres', $script);
my $paths = $node->safe_psql('postgres',
	"SELECT format('%s %s', tablename, pg_relation_filepath((indexname)::regclass)) FROM pg_indexes WHERE tablename ~ '^case_'");
my %path = map { split / / } split /\n/, $paths;
is($node->safe_psql('postgres', "SELECT sum(sound(relname::regclass)) FROM pg_class WHERE relname ~ '^case_\\d+\$'"),
	scalar @cases, 'all indexes are sound before');

$node->stop;
for my $case (@cases)
{
	my $file = IvfFile->new($node->data_dir . '/' . $path{ $case->{table} });
	my $block = $case->{do}->($file);
	$file->save;
	$case->{block} = $block;
}
$node->start;

sub run_sql
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');
	my $status = $node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 0,
		timeout => 60, timed_out => \my $late);
	return ($late ? 'timed out' : $status == 2 ? "lost the server: $err" : $out, $err);
}

for my $case (@cases)
{
	my ($table, $says) = @$case{qw(table says)};
	my ($out) = run_sql("SELECT attempt('SELECT ivf_check(''${table}_v'')');\n"
		  . "SELECT attempt('SELECT ivf_check(''${table}_v'', true)');\n");
	my ($pages, $heap) = split /\n/, $out, -1;
	if (!defined $says)
	{
		ok(defined $heap && $pages . $heap eq '', $case->{name}) or diag($out);
		next;
	}
	my $at = defined $case->{block} ? " at block $case->{block}" : '';
	my $expected = $case->{code} ? qr/^$case->{code} $says$/ : qr/^XX002 index "${table}_v" is damaged$at: $says$/;
	# with the heap, the fault may show earlier and in another place
	my $found = $case->{heap} ? $pages eq '' && $heap =~ $expected : $pages =~ $expected && $heap =~ /^(XX002|0A000) /;
	ok($found, $case->{name}) or diag("$out\nexpected $expected");
}

# Whatever the damage, statements end, and with no other error than that there
# is damage, or that a block or file is not there.
my $bearable = qr/XX00[012]|58P01|0A000/;
for my $case (@cases)
{
	my ($table, $template) = ($case->{table}, $template{ $case->{template} });
	my $where = $case->{template} eq 'partial' ? 'WHERE id % 2 = 0' : '';
	my $vector = "(SELECT v FROM $case->{template}_rows WHERE v IS NOT NULL ORDER BY id DESC LIMIT 1)";
	my $order = "SELECT count(*) FROM (SELECT * FROM $table $where ORDER BY v $template->{order} ";
	my @before = (
		"$order $vector LIMIT 10) s",
		"$order $vector OFFSET 0) s",
		"SET LOCAL ivf.probes = 1000; $order $vector OFFSET 0) s",
		"$order (SELECT NULL::vector) OFFSET 0) s",
		"SELECT ivf_info(''${table}_v'')",
		"SELECT count(*) FROM ivf_lists(''${table}_v'')",
		"INSERT INTO $table SELECT * FROM $case->{template}_rows WHERE id <= 60",
		"DELETE FROM $table WHERE id % 2 = 0");
	my @after = ("INSERT INTO $table SELECT * FROM $case->{template}_rows WHERE id % 2 = 0", "SELECT ivf_check(''${table}_v'')");
	my ($out, $err) = run_sql("SET enable_seqscan = off; SET enable_sort = off; SET statement_timeout = '10s';\n"
		  . join('', map { "SELECT attempt('$_');\n" } @before)
		  . "\\set VERBOSITY sqlstate\nVACUUM (INDEX_CLEANUP on) $table;\n"
		  . join('', map { "SELECT attempt('$_');\n" } @after)
		  . "SELECT 'alive';\n");
	my @unbearable = grep { !/^($bearable .*|alive)?$/ } split /\n/, $out;
	push @unbearable, 'row not refused' if $case->{refuses} && (split /\n/, $out)[6] !~ /^XX002 .*is no vector/;
	push @unbearable, 'rows left out' if $case->{unordered} && (split /\n/, $out)[3] !~ /^XX00/;
	ok(!@unbearable && $out =~ /alive$/ && $err =~ /^(.*ERROR:  $bearable)?$/, "statements end: $case->{name}")
	  or diag("$out\n$err");
}
is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server is the same as before');
$node->stop('immediate');

done_testing();
