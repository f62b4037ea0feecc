# Set-up shared by test/run, test/demo and bench/run, which source it: packages,
# a work folder, a private PostgreSQL installation with vecfeat in it, a server.
#
# Nothing of the system's PostgreSQL is written to or started.  The private
# installation is PostgreSQL's own relocation at work: its programs look for
# everything else relative to where they themselves stand, so a tree of copied
# programs and symbolic links, with vecfeat's files added, is an installation
# of its own, like the temporary one that "make check" uses in the server's
# sources.

export LC_ALL=C.UTF-8
clone=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
server_user=()			# command prefix that changes to who runs servers
server_running=
socket_dir=
background=			# pid of the one tool whose output is read
more_background=()		# pids of others that run meanwhile

say() { printf '%s\n' "$*" >&2; }
step() { printf '%s== %s%s\n' "${bold-}" "$*" "${plain-}" >&2; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}
if [ -t 2 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi

# Packages -------------------------------------------------------------------

# Sets bindir to the programs of the version to use: PG_CONFIG's if that is set,
# else the newest installed that one can build against, else the newest, and
# server_packages to what that lacks.
choose_version() {
	local version newest=
	bindir= server_packages=()
	if [ -n "${PG_CONFIG:-}" ]; then
		bindir=$("$PG_CONFIG" --bindir) || die "PG_CONFIG=$PG_CONFIG does not run"
		[ -x "$bindir/postgres" ] || die "$bindir holds no server"
		return
	fi
	for version in 14 15 16 17 18; do
		[ -x /usr/lib/postgresql/$version/bin/postgres ] || continue
		newest=$version
		[ -e /usr/include/postgresql/$version/server/postgres.h ] || continue
		bindir=/usr/lib/postgresql/$version/bin
	done
	if [ -z "$bindir" ] && [ -n "$newest" ]; then
		bindir=/usr/lib/postgresql/$newest/bin
		server_packages=("postgresql-server-dev-$newest")
	elif [ -z "$bindir" ]; then
		server_packages=(postgresql)
	fi
}

# need PACKAGE PROBE...: PACKAGE is installed unless the command PROBE works
missing=()
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

# wish_for EXTENSION: an extension that is measured beside ours is installed
# where the distribution packages it for the server's version
wishes=()
wish_for() { wishes+=("$1"); }

# wished_packages VERSION: those that are known to apt and not installed
wished_packages() {
	local extension package
	for extension in "${wishes[@]}"; do
		package=postgresql-$1-$extension
		! dpkg-query -W "$package" >/dev/null 2>&1 || continue
		! apt-cache show "$package" >/dev/null 2>&1 || echo "$package"
	done
}

# The Python that Debian's packages are for; one of pyenv's may stand before it.
debian_python() { command -v /usr/bin/python3 || command -v python3; }
has_python_modules() {
	"$(debian_python)" -c 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))' "$@"
}

# need_python MODULE...: Debian's Python with these modules
need_python() {
	local module
	need python3 debian_python
	for module in "$@"; do
		need "python3-$module" has_python_modules "$module"
	done
}

has_fuzzer() { echo 'int LLVMFuzzerTestOneInput() { return 0; }' | clang-14 -fsanitize=fuzzer -o /dev/null -x c -; }
has_libc_headers() { echo '#include <stdio.h>' | gcc -fsyntax-only -x c -; }

# Takes back what install_packages puts under /etc.
as_root=() undo_config=()
restore_config() {
	[ ${#undo_config[@]} = 0 ] || "${as_root[@]}" "${undo_config[@]}"
	undo_config=()
}

# install_packages: what the needs so far, the compiler and the server lack
install_packages() {
	local version status=0 conf=/etc/postgresql-common/createcluster.d

	need make command -v make
	need gcc command -v gcc
	need libc6-dev has_libc_headers
	choose_version
	if [[ $bindir =~ ^/usr/lib/postgresql/([0-9]+)/bin$ ]] && command -v apt-cache >/dev/null; then
		mapfile -t -O "${#missing[@]}" missing < <(wished_packages "${BASH_REMATCH[1]}")
	fi
	[ $((${#missing[@]} + ${#server_packages[@]})) -gt 0 ] || return 0

	command -v apt-get >/dev/null || die "missing, and there is no apt: ${missing[*]} ${server_packages[*]}"
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null ||
			die "missing: ${missing[*]} ${server_packages[*]}; install them, or run this as root or with sudo at hand"
		as_root=(sudo)
	fi
	step "Installing through apt: ${missing[*]} ${server_packages[*]}"
	# old lists name files that the mirror no longer has
	"${as_root[@]}" apt-get update -q >&2 || die "apt-get update failed"

	if [ -z "$bindir" ]; then
		# what this release of Debian calls its PostgreSQL
		version=$(apt-cache depends postgresql | sed -n 's/^ *Depends: postgresql-\([0-9][0-9]*\)$/\1/p')
		[ -n "$version" ] || die "apt knows no PostgreSQL"
		server_packages=("postgresql-$version" "postgresql-server-dev-$version")
		mapfile -t -O "${#missing[@]}" missing < <(wished_packages "$version")
		bindir=/usr/lib/postgresql/$version/bin
		# The package would make and start a cluster, which is not ours to do.
		# This file is there for as long as it is installed.
		if [ -d $conf ]; then undo_config=(rm -f $conf/vecfeat.conf); else undo_config=(rm -rf $conf); fi
		"${as_root[@]}" mkdir -p $conf
		echo 'create_main_cluster = false' | "${as_root[@]}" tee $conf/vecfeat.conf >/dev/null
	fi
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
		"${missing[@]}" "${server_packages[@]}" </dev/null >&2 || status=$?
	restore_config
	[ $status = 0 ] || die "apt-get install failed"
}

# Work folder ----------------------------------------------------------------

# make_work NAME: an empty folder $work that the server's user can write to,
# test/cluster/NAME.  Where that user can't reach the clone, or its path is
# long or has characters that make and PGXS trip over, test/cluster is a
# symbolic link to a short path under /var/tmp instead.
make_work() {
	local name=$1 top=$clone/test/cluster

	if [ "$(id -u)" = 0 ]; then
		id postgres >/dev/null 2>&1 || die "there is no user postgres to run servers as"
		server_user=(setpriv --reuid postgres --regid postgres --init-groups --)
	fi
	if [ -L "$top" ] && [ ! -d "$top/" ]; then
		rm -f "$top"	# /var/tmp was cleaned
	fi
	if [ ! -e "$top" ]; then
		if [[ "$top" =~ ^[A-Za-z0-9_./+-]{1,80}$ ]] && mkdir "$top" 2>/dev/null &&
			"${server_user[@]}" test -x "$top"; then
			:
		else
			rmdir "$top" 2>/dev/null || true
			ln -s "$(mktemp -d /var/tmp/vecfeat.XXXXXX)" "$top" || die "can't write to $clone/test"
			chmod 755 "$top/."
		fi
	fi
	work=$(cd "$top" && pwd -P)/$name
	mkdir -p "$work" || die "can't write to $top: an earlier run was another user's"
	exec 8<"$work"
	flock -n 8 || die "$work is in use by another run"
}

# empty_work: what an earlier run left goes, its server first
empty_work() {
	if [ -e "$work/data/postmaster.pid" ]; then
		"${server_user[@]}" "$bindir/pg_ctl" stop -s -D "$work/data" -m immediate >/dev/null 2>&1 || true
	fi
	find "$work" -xdev -mindepth 1 -delete || die "can't empty $work"
}

# Building -------------------------------------------------------------------

# The files that make up the project, with no trace of an earlier build.
source_files() {
	tar -C "$clone" -cf - --exclude-vcs --exclude=./test/cluster --exclude=./.build \
		--exclude=./test/unit/build --exclude=./test/fuzz/build --exclude=./bench/plain/build --exclude=node_modules --exclude=__pycache__ \
		--exclude='*.o' --exclude='*.so' --exclude='*.bc' --exclude=./tmp_check \
		--exclude=./results --exclude=./output_iso --exclude=./bench/results --exclude=./bench/.venv "$@" .
}

# copy_sources: the sources in $work/src, the server's user's own
copy_sources() {
	mkdir -p "$work/src" "$work/home"
	source_files | tar -C "$work/src" -xf - --no-same-owner
	if [ "$(id -u)" = 0 ]; then
		chown -R postgres:postgres "$work"
	fi
}

# private_installation: $work/pg, PostgreSQL's programs and files once more
private_installation() {
	local tree=$work/pg share lib include entry
	share=$("$bindir/pg_config" --sharedir)
	lib=$("$bindir/pg_config" --pkglibdir)
	include=$("$bindir/pg_config" --includedir)

	mkdir -p "$tree$bindir" "$tree$lib" "$tree$share/extension" "$tree${include%/*}"
	cp -pL "$bindir"/* "$tree$bindir/"	# copies: from a link they would look where it points
	ln -s "$include" "$tree$include"
	# a vecfeat that is installed in the system stays out of sight
	for entry in "$lib"/* "$share"/* "$share"/extension/*; do
		case $entry in
			"$share/extension" | */vecfeat.so | */vecfeat.control | */vecfeat--*) ;;
			*) ln -s "$entry" "$tree$entry" ;;
		esac
	done
	if [ "$(id -u)" = 0 ]; then
		chown -R -h postgres:postgres "$tree"
	fi
	use_installation
}

# use_installation: from here on, PostgreSQL is the one in $work/pg
use_installation() {
	bindir=$work/pg$bindir
	export PG_CONFIG=$bindir/pg_config
	if [ "$(id -u)" = 0 ]; then
		# root's own folders are no use to postgres
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	fi
	export PATH=$bindir:$PATH
	# a tool that wants a home gets one that it may write to
	user_home=${HOME:-/} HOME=$work/home
	export HOME
	cd "$work"
	version=$(pg_config --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
}

# build_extension LOG: builds and installs into the private installation
build_extension() {
	"${server_user[@]}" make -s -C "$work/src" -j "$(nproc)" install >"$1" 2>&1 8<&-
}

# copy_installation ROOT: a copy of the private installation that works in the
# file system below ROOT, whose libraries may be others.  Sets copied to its
# folder there, seen from inside; those of our libraries that its programs want
# are in the folder needed of it, for what is missing there.
copies=()
copy_installation() {
	local to
	to=$(mktemp -d "$1/var/tmp/vecfeat.XXXXXX")
	copies+=("$to")
	chmod 755 "$to"
	tar -C "$work/pg" -chf - --exclude=./usr/include --exclude=bitcode --exclude=pgxs . | tar -C "$to" -xf - --no-same-owner
	copied=$to${bindir#"$work/pg"}
	copied=${copied%/bin}
	mkdir "$copied/needed"
	{ ldd "$bindir"/* 2>/dev/null || true; } | awk '$3 ~ /^\// { print $3 }' | sort -u | xargs -r cp -L -t "$copied/needed"
	copied=${copied#"$1"}
}

# Server ---------------------------------------------------------------------

# start_server [SETTING...]: a cluster in $work/data, reached by PGHOST alone
start_server() {
	local setting
	socket_dir=$(mktemp -d /tmp/vecfeat.XXXXXX)	# a socket's path has 107 bytes at most
	if [ "$(id -u)" = 0 ]; then
		chown postgres:postgres "$socket_dir"
	fi
	unset PGDATABASE PGSERVICE PGOPTIONS PGPASSWORD PGHOSTADDR
	export PGHOST=$socket_dir PGPORT=5432 PGUSER=postgres
	if [ ! -e "$work/data/PG_VERSION" ]; then
		"${server_user[@]}" initdb -D "$work/data" -U postgres --auth=trust --no-locale \
			--encoding=UTF8 --no-sync >"$work/initdb.log" 2>&1 || {
			cat "$work/initdb.log" >&2
			die "initdb failed"
		}
	fi
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$socket_dir'"
		echo "fsync = off"
		for setting in "$@"; do echo "$setting"; done
	} >"$work/server.conf"
	grep -q server.conf "$work/data/postgresql.conf" ||
		echo "include '$work/server.conf'" >>"$work/data/postgresql.conf"
	server_running=yes
	"${server_user[@]}" pg_ctl start -s -w -D "$work/data" -l "$work/server.log" >/dev/null 2>&1 8<&- || {
		tail -n 20 "$work/server.log" >&2
		die "the server does not start"
	}
}

stop_server() {
	[ -z "$server_running" ] || "${server_user[@]}" pg_ctl stop -s -m fast -D "$work/data" >/dev/null 2>&1 || true
	[ -z "$socket_dir" ] || rm -rf "$socket_dir"
	server_running= socket_dir=
}

# Whatever ends the script, its exit status stays what it was.
clean_up() {
	local status=$?
	trap '' INT TERM
	[ -z "$background" ] || kill "$background" 2>/dev/null || true
	[ ${#more_background[@]} = 0 ] || kill "${more_background[@]}" 2>/dev/null || true
	cd /
	stop_server
	restore_config
	[ ${#copies[@]} = 0 ] || rm -rf "${copies[@]}"
	exit $status
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
