# The file of an index, as bytes to read and to damage.  The offsets are those
# of src/page/format.h, written down once more on purpose: a change of the
# format that nobody meant to make fails here.
package IvfFile;

use strict;
use warnings;

use constant {
	PAGE    => 8192,
	FROM    => 24,
	TO      => 24 + 8128,
	SPECIAL => 8160,
	NONE    => 0xFFFFFFFF,
	META    => 1,
	MEAN    => 2,
	TIDS    => 3,
	CODE    => 4,
	REFINE  => 5,
	SLOTS   => 32,
	HEAD    => 592,
};

# offset and pack template of what stands at a place
my %header = (lower => [ 12, 'S' ], upper => [ 14, 'S' ], special => [ 16, 'S' ]);
my %special = (
	room       => [ 0,  'L' ],
	rows       => [ 4,  'L' ],
	next       => [ 8,  'L' ],
	owner      => [ 12, 'L' ],
	generation => [ 16, 'L' ],
	first      => [ 20, 'S' ],
	level      => [ 22, 'C' ],
	flags      => [ 23, 'C' ],
	kind       => [ 24, 'S' ],
	page_id    => [ 26, 'S' ]);
my %meta = (
	magic            => [ 0,  'L' ],
	version          => [ 4,  'L' ],
	metric           => [ 8,  'S' ],
	element_type     => [ 10, 'S' ],
	dimensions       => [ 12, 'L' ],
	seed             => [ 16, 'Q' ],
	rotation_version => [ 24, 'L' ],
	height           => [ 28, 'L' ],
	root             => [ 32, 'L' ],
	mean             => [ 36, 'L' ],
	nans             => [ 40, 'L' ],
	nulls            => [ 44, 'L' ],
	leaves           => [ 48, 'L' ],
	lists_option     => [ 52, 'l' ],
	rows_first       => [ 56, 'L' ],
	rows_end         => [ 60, 'L' ],
	entries          => [ 64, 'd' ],
	dead_slots       => [ 72, 'd' ],
	calibrated_blocks  => [ 84, 'L' ],
	calibrated_entries => [ 88, 'd' ],
	removed            => [ 96, 'd' ],
	weight             => [ 104, 'f' ],
	limit              => [ 120, 'f' ]);
my %head = (rows => [ 576, 'L' ], rows_rest => [ 580, 'L' ], rows_offset => [ 584, 'S' ]);
my %slot = (tid => [ 0, 'a6', 6 ], add => [ 192, 'f', 4 ], scale => [ 320, 'f', 4 ], err => [ 448, 'f', 4 ]);
my %row = (
	tid       => [ 0,  'a6' ],
	flags     => [ 6,  'S' ],
	t         => [ 8,  'f' ],
	norm      => [ 12, 'f' ],
	code_norm => [ 16, 'f' ],
	error     => [ 20, 'f' ],
	g         => [ 24, 'f' ]);
my %child = (tid => [ 0, 'a6' ], flags => [ 6, 'S' ], radius => [ 8, 'f' ]);

sub new
{
	my ($class, $path) = @_;
	open my $file, '<:raw', $path or die "$path: $!";
	local $/;
	my $self = bless { path => $path, bytes => scalar <$file> }, $class;
	close $file;
	my $n = int(($self->meta('dimensions') + 15) / 16) * 16;
	$self->{n} = $n < 64 ? 64 : $n;
	return $self;
}

sub save
{
	my ($self) = @_;
	open my $file, '>:raw', $self->{path} or die "$self->{path}: $!";
	print $file $self->{bytes};
	close $file or die "$self->{path}: $!";
	return;
}

sub pages { return length($_[0]{bytes}) / PAGE }

# Adds a copy of a page to the file; returns its number.
sub add_copy
{
	my ($self, $block) = @_;
	$self->{bytes} .= substr $self->{bytes}, $block * PAGE, PAGE;
	return $self->pages - 1;
}

# Gets or sets what stands at an offset of a block.
sub at
{
	my ($self, $block, $offset, $template, $value) = @_;
	my $size = length pack $template, $template =~ /a/ ? '' : 0;
	my $place = $block * PAGE + $offset;
	substr $self->{bytes}, $place, $size, pack $template, $value if defined $value;
	return unpack $template, substr $self->{bytes}, $place, $size;
}

sub field
{
	my ($self, $fields, $block, $base, $name, $value) = @_;
	my $field = $fields->{$name} or die "no field $name";
	return $self->at($block, $base + $field->[0], $field->[1], $value);
}

sub header  { my ($self, $block, @rest) = @_; return $self->field(\%header,  $block, 0,       @rest) }
sub special { my ($self, $block, @rest) = @_; return $self->field(\%special, $block, SPECIAL, @rest) }
sub meta    { my ($self, @rest)         = @_; return $self->field(\%meta,    0,      FROM,   @rest) }

# TIDs
sub tid { my ($block, $offset) = @_; return pack 'SSS', $block >> 16, $block & 0xFFFF, $offset }
sub tid_text { my ($high, $low, $offset) = unpack 'SSS', $_[0]; return '(' . ($high * 65536 + $low) . ",$offset)" }
sub tid_block { my ($high, $low) = unpack 'SS', $_[0]; return $high * 65536 + $low }
use constant NO_TID => pack 'SSS', 0xFFFF, 0xFFFF, 0;

# the i-th TID of a page of TIDs
sub chain_tid { my ($self, $block, $i, $value) = @_; return $self->at($block, FROM + 6 * $i, 'a6', $value) }

# The places of the heads of a node's blocks, as [block, offset], in order.
sub heads
{
	my ($self, $block) = @_;
	my ($offset, @heads) = (FROM);
	while ($block != NONE)
	{
		while ($offset + HEAD <= $self->header($block, 'lower'))
		{
			push @heads, [ $block, $offset ];
			$offset += HEAD + 4 * $self->{n};
		}
		$offset = $offset > TO ? FROM + $offset - TO : FROM;
		$block = $self->special($block, 'next');
	}
	return @heads;
}

sub head { my ($self, $head, @rest) = @_; return $self->field(\%head, @$head, @rest) }

sub slot
{
	my ($self, $head, $slot, $name, $value) = @_;
	my ($offset, $template, $size) = @{ $slot{$name} };
	return $self->at($head->[0], $head->[1] + $offset + $size * $slot, $template, $value);
}

# Makes an entry dead, as VACUUM does.
sub kill
{
	my ($self, $head, $slot) = @_;
	$self->slot($head, $slot, 'tid', NO_TID);
	$self->slot($head, $slot, 'add', 9**9**9);
	return;
}

# Where the row of a slot stands, as [block, offset].
sub row_place
{
	my ($self, $head, $slot) = @_;
	my $level = $self->special($head->[0], 'level');
	my ($size, $body) = $level == 0 ? (28, $self->{n}) : (12, 4 * $self->{n});
	my ($page, $offset) = (0, $self->head($head, 'rows_offset'));
	for my $i (0 .. $slot)
	{
		($page, $offset) = ($page + 1, FROM) if $offset + $size > TO;
		last if $i == $slot;
		$offset += $size + $body;
		($page, $offset) = ($page + 1, $offset - TO + FROM) while $offset > TO;
	}
	return [ $page == 0 ? $self->head($head, 'rows') : $self->head($head, 'rows_rest') + $page - 1, $offset ];
}

sub row   { my ($self, $place, @rest) = @_; return $self->field(\%row,   @$place, @rest) }
sub child { my ($self, $place, @rest) = @_; return $self->field(\%child, @$place, @rest) }

# Sets the TID of an entry, in the block and in its row.
sub retarget
{
	my ($self, $head, $slot, $tid) = @_;
	$self->slot($head, $slot, 'tid', $tid);
	$self->row($self->row_place($head, $slot), 'tid', $tid);
	return;
}

# The first pages of a node's children, in order.
sub children
{
	my ($self, $node) = @_;
	my @children;
	for my $head ($self->heads($node))
	{
		for my $slot (0 .. SLOTS - 1)
		{
			my $tid = $self->slot($head, $slot, 'tid');
			push @children, tid_block($tid) if (unpack('SSS', $tid))[2] != 0;
		}
	}
	return @children;
}

1;
