# The extension with AddressSanitizer and UndefinedBehaviorSanitizer in it, in a
# server that loads their library first.  test/run sources this.
#
# What the server's palloc() hands out lies within larger pieces of malloc(), so
# a small step beyond it goes unseen: a server configured with --enable-cassert,
# named by PG_CONFIG, puts marks there and sees more.

sanitize_flags='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1'

# watch_server: from here on, servers of the private installation are watched,
# and have the extension with sanitizers.  Reports go to the servers' logs.
watch_server() {
	mkdir "$work/sanitized"
	source_files | tar -C "$work/sanitized" -xf - --no-same-owner
	if [ "$(id -u)" = 0 ]; then chown -R postgres:postgres "$work/sanitized"; fi
	"${server_user[@]}" env COPT="$sanitize_flags" make -s -C "$work/sanitized" -j "$(nproc)" install \
		>"$work/sanitized.log" 2>&1 || return
	"${server_user[@]}" gcc -fPIC -shared -I"$(pg_config --includedir-server)" $sanitize_flags \
		-o "$work/sanitized/fault.so" "$work/sanitized/test/sanitize/fault.c" >>"$work/sanitized.log" 2>&1 || return
	gcc -fPIC -shared -o "$work/sanitized/nocatalogs.so" "$work/sanitized/test/sanitize/nocatalogs.c" >>"$work/sanitized.log" 2>&1 || return

	# "postgres" of the installation becomes a script
	mv "$bindir/postgres" "$bindir/postgres.plain"
	cat >"$bindir/postgres" <<SCRIPT
#!/bin/bash
export LD_PRELOAD='$(gcc -print-file-name=libasan.so) $work/sanitized/nocatalogs.so'
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:abort_on_error=1
exec -a "\$0" "\$0.plain" "\$@"
SCRIPT
	chmod 755 "$bindir/postgres"
}

# unwatch_server: all as it was
unwatch_server() {
	mv "$bindir/postgres.plain" "$bindir/postgres"
	"${server_user[@]}" make -s -C "$work/src" install >/dev/null 2>&1
	rm -rf "$work/sanitized"
}

# what sanitizers have said, and a little of where
reports() {
	cat "$work/server.log" "$work"/src/tmp_check/log/*.log 2>/dev/null |
		grep -A 20 'runtime error:\|ERROR: AddressSanitizer' || true
}

# finds_fault NAME EXPRESSION REPORT: a call that is a fault ends the server's
# process with a report
finds_fault() {
	psql -XAtq -d postgres >"$work/fault.log" 2>&1 <<SQL || true
CREATE OR REPLACE FUNCTION write_beyond(int) RETURNS int LANGUAGE c AS '$work/sanitized/fault.so';
CREATE OR REPLACE FUNCTION overflow(int) RETURNS int LANGUAGE c AS '$work/sanitized/fault.so';
SELECT $2;
SQL
	if reports | grep "$3" >/dev/null; then
		passes sanitize "$1"
	else
		fails sanitize "$1"
		show <"$work/fault.log"
	fi
	: >"$work/server.log"
	"${server_user[@]}" pg_ctl restart -s -w -m immediate -D "$work/data" -l "$work/server.log" >/dev/null 2>&1 8<&-
}

# The last case of all says what the sanitizers have found meanwhile, and where.
sanitized_cases() {
	stop_server
	if ! watch_server; then
		fails sanitize 'compiles with sanitizers'
		show <"$work/sanitized.log"
		return
	fi
	need_server
	finds_fault 'a write beyond the end would be found' 'write_beyond(9)' heap-buffer-overflow
	finds_fault 'undefined behaviour would be found' 'overflow(2147483647)' 'signed integer overflow'
	regress_cases sanitize/regress
	isolation_cases sanitize/isolation
	stop_server
	run_tap sanitize/tap src/test/t/010_damage.pl
	if [ -z "$(reports)" ]; then
		passes sanitize 'the sanitizers have found nothing'
	else
		fails sanitize 'the sanitizers have found nothing'
		reports | show
	fi
	unwatch_server
}
