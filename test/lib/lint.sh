# Rules that hold for the sources and that no compiler checks.  test/run
# sources this; each rule is a case.

# rule NAME OFFENDERS
rule() { verdict lint "$@"; }

# Includes that point up: the layers from low to high, each file may include
# only its own and lower ones.  What no server is needed for includes no header
# of the server's.
upward_includes() {
	awk '
		BEGIN { n = split("ground type page index am", layers); for (i = 1; i <= n; i++) rank[layers[i]] = i }
		match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*/) {
			header = substr($0, RSTART, RLENGTH); sub(/.*["<]/, "", header)
			split(FILENAME, path, "/"); mine = path[2]; slash = index(header, "/")
			theirs = slash ? substr(header, 1, slash - 1) : ""
			if (theirs in rank && rank[theirs] > rank[mine]) print FILENAME ": " $0
			if (mine == "ground" && $0 ~ /"/ && theirs != "ground") print FILENAME ": " $0
		}' src/*/*.[ch]
}

# Lines of the examples in docs/idioms.md that no test runs.
untried_examples() {
	awk '/^```sql$/ { on = 1; next } /^```/ { on = 0 } on && NF' docs/idioms.md | grep -Fxvf sql/docs_idioms.sql
}

# Points of the test build (src/page/pause.h) at which no test pauses.
unused_pauses() {
	local point
	grep -rhoE 'IVF_PAUSE\("[^"]+' src --include='*.c' | sed 's/.*"//' | sort -u | while IFS= read -r point; do
		grep -rqE "'$point( [0-9]+)?['\"]|\"$point [\$]" test/races || echo "$point"
	done
}

lint_sources() {
	local marks='TO[D]O|FIX[M]E|X[X]X|HA[C]K' folders
	cd "$work/src"
	folders=$(ls -d .ci bench sql src test 2>/dev/null || true)
	rule 'includes point to the same layer or a lower one' "$(upward_includes)"
	rule 'version tests stand in src/compat.h' \
		"$(grep -rn 'PG_VERSION_NUM' src --include='*.[ch]' | grep -v '^src/compat.h:')"
	rule 'source files have at most 600 lines' \
		"$(find $folders -name '*.[ch]' -exec wc -l {} + | awk '$1 > 600 && $2 != "total"')"
	rule 'nothing is built for one machine only' \
		"$(grep -rnE -e '-m(arch|tune)=native' Makefile $folders --include='*akefile' --include='*.mk' --include='*.[ch]')"
	rule 'test inputs do not depend on random()' \
		"$(grep -nE '\brandom\(\)' sql/*.sql test/*/specs/*.spec 2>/dev/null)"
	rule 'no mark of unfinished work' "$(grep -rnIwE "$marks" Makefile $folders)"
	rule 'every pause point is used by a test' "$(unused_pauses)"
	rule 'the examples of docs/idioms.md are run by a test' "$(untried_examples)"
	cd "$work"
}

has_pauses() { grep -aq 'ivf\.pause_at' "$1"; }

# What users get can't be made to pause.
lint_pauses() {
	if has_pauses "$1"; then
		fails build 'the library has no pause points'
	else
		passes build 'the library has no pause points'
	fi
}

# Another vector extension may be loaded in the same server process.
lint_symbols() {
	local others
	others=$(nm -D --defined-only "$1" | awk '{ print $NF }' |
		grep -vE '^(Pg_magic_func|_PG_init|vecfeat_.*|pg_finfo_vecfeat_.*)$' || true)
	if [ -z "$others" ]; then
		passes build 'the library exports its own names only'
	else
		fails build 'the library exports its own names only'
		show <<<"$others"
	fi
}
