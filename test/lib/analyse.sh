# Eyes other than the build's: another compiler, more warnings, and analysers
# that follow paths.  Every finding fails; what is no fault is rewritten, or
# argued for in test/lint.  test/run sources this.

# the newest clang there is, by whatever name
clang() {
	local name
	for name in clang clang-{30..11}; do
		if type -P "$name"; then return; fi
	done
	return 1
}

need_analysers() {
	need clang clang
	need libclang-rt-14-dev has_fuzzer		# the fuzzers' headers
	need cppcheck command -v cppcheck
}

# c_files [FOLDER...]: what there is to compile
c_files() { find "${@:-src}" -name '*.c' | sort; }

# findings COMMAND...: what COMMAND says about the files named on standard
# input, a file at a time, several at once
findings() { xargs -P "$(nproc)" -n 1 "$@" 2>&1 || true; }

analyse_sources() {
	local server flags gcc_warnings clang_warnings checkers clang
	clang=$(clang)
	server=$("$PG_CONFIG" --includedir-server)
	flags=(-std=gnu99 -D_GNU_SOURCE -O2 -fPIC -ffp-contract=off -fno-math-errno -Wall -Wextra -Wno-unused-parameter
		-Isrc -isystem "$server")
	# the server declares functions once more in PG_FUNCTION_INFO_V1
	gcc_warnings=(-Wshadow=compatible-local -Wformat=2 -Wno-format-nonliteral -Wmissing-format-attribute -Wundef
		-Wcast-qual -Wduplicated-cond -Wlogical-op -Wnull-dereference -Wvla -Walloca -Wpointer-arith
		-Wimplicit-fallthrough=5 -Wstrict-prototypes -Wmissing-prototypes)
	# the server's headers were configured for gcc, whose printf attribute clang does not know
	clang_warnings=(-Wno-ignored-attributes -Wshadow -Wformat-security -Wimplicit-fallthrough -Wcomma -Wassign-enum
		-Wunreachable-code -Wloop-analysis -Wvla -Wstrict-prototypes -Wmissing-prototypes)
	checkers=core,deadcode,nullability,unix,optin.portability,security.FloatLoopCounter,alpha.core.CastSize
	checkers+=,alpha.core.IdenticalExpr,alpha.core.PointerArithm,alpha.core.SizeofPtr,alpha.core.TestAfterDivZero
	checkers+=,alpha.deadcode.UnreachableCode,alpha.security.MallocOverflow,alpha.security.ReturnPtrRange

	cd "$work/src"
	verdict analyse 'gcc has no more to warn of' \
		"$(c_files | findings gcc "${flags[@]}" "${gcc_warnings[@]}" -c -o /dev/null)"
	verdict analyse 'clang has nothing to warn of' \
		"$(c_files | findings "$clang" "${flags[@]}" "${clang_warnings[@]}" -fsyntax-only)"
	verdict analyse "clang's analyser finds nothing" \
		"$(c_files | findings "$clang" --analyze "${flags[@]}" -Xclang -analyzer-output=text \
			-Xclang "-analyzer-checker=$checkers" -o /dev/null)"
	verdict analyse 'cppcheck finds nothing' \
		"$(cppcheck -q -j "$(nproc)" --enable=warning,style,performance,portability --inline-suppr --std=c99 \
			--platform=unix64 --library=posix --max-configs=1 -D_GNU_SOURCE -D__x86_64__ -D__GNUC__=12 \
			-Isrc -I"$server" --suppress='*:/usr/*' --suppress="*:$server/*" \
			--suppressions-list=test/lint/cppcheck.txt \
			--template='{file}:{line}: {severity} {id}: {message}' src 2>&1)"

	# the tests' own C, and what is made for it; some of it compares sizes with the server's ints
	"${server_user[@]}" make -s -C test/unit build/mutants.h
	verdict analyse 'clang has nothing to warn of in the tests' \
		"$(c_files test | grep -v /build/ | findings "$clang" "${flags[@]}" -Wno-sign-compare -Wno-ignored-attributes \
			-Itest/unit -Itest/unit/build -Itest/fuzz -fsyntax-only)"
	cd "$work"
}
