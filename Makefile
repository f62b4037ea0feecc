# vecfeat: vectors and the ivf index access method for PostgreSQL 14-18 (PGXS)

EXTENSION = vecfeat
MODULE_big = vecfeat
DATA = sql/vecfeat--0.1.sql

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard \
	$(srcdir)/src/*.c $(srcdir)/src/ground/*.c $(srcdir)/src/type/*.c \
	$(srcdir)/src/page/*.c $(srcdir)/src/index/*.c $(srcdir)/src/am/*.c)))
srcdir = .

PG_CPPFLAGS = -I$(srcdir)/src
# Distances must have the same bits on every machine: no fused multiply-add.
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -ffp-contract=off -fno-math-errno

# Before PostgreSQL 16 a module exports every symbol; another vector extension
# loaded in the same backend must not be able to bind to ours, nor we to its.
SHLIB_LINK = -Wl,--version-script=$(srcdir)/vecfeat.map

REGRESS ?= $(sort $(patsubst $(srcdir)/sql/%.sql,%,$(filter-out $(srcdir)/sql/vecfeat--%,$(wildcard $(srcdir)/sql/*.sql))))
REGRESS_OPTS = --inputdir=$(srcdir) --load-extension=vecfeat
ISOLATION ?= $(sort $(patsubst $(srcdir)/test/isolation/specs/%.spec,%,$(wildcard $(srcdir)/test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation --load-extension=vecfeat
TAP_TESTS = 1
PROVE_TESTS = $(srcdir)/test/t/*.pl

# The bitcode that the JIT would inline is compiled by clang with its own
# contraction rules: an inlined distance could differ in its last bit.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# gcc's -O2 vectorises only loops of constant length.
src/ground/%.o: CFLAGS += -O3
# Without this, it vectorises none that compares; nobody reads the flags that
# comparisons raise.  Only kernels need it, and gcc 12 for ARM breaks down on others.
src/ground/kernel_%.o: CFLAGS += -fno-trapping-math

EXTRA_CLEAN = test/unit/build test/fuzz/build

# Every object depends on every header: a full build takes seconds, and a
# stale object costs an hour.
$(OBJS): $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h)
