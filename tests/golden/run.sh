#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [--update] [CASE...]: golden tests of the compiler. A case is a directory with a chain and
#   args        arguments of tbedgec (default: build --emit-only OUT --no-line chain.*); run in the case's directory,
#               OUT stands for a scratch directory
#   expect.err  what it says (stdout, stderr) and its exit status
#   expect.c    the C of its chains, when it writes C; with a file expect.none the C is only compiled
# Generated C must also compile without a warning with every compiler that is there. --update rewrites the
# expectations: read the difference before you commit it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
[ -x "$build/tbedgec" ] || { echo "$build/tbedgec is not there" >&2; exit 2; }
update=
[ "${1:-}" = --update ] && { update=1; shift; }
cases=${*:-$(cd "$here" && ls -d */ | tr -d /)}
work=$(mktemp -d "${TMPDIR:-/tmp}/golden.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
warn="-std=gnu11 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
-Wwrite-strings -Wvla -Wformat=2 -Wno-missing-field-initializers -Werror"
passed=0 failed=0

# compile FILE: with gcc, clang and tcc as far as they are there.
compile() {
    for cc in gcc clang tcc; do
        command -v $cc >/dev/null 2>&1 || continue
        # shellcheck disable=SC2086
        $cc $warn -I"$src/runtime/include" -I"$build/runtime/include" -c "$1" -o "$work/x.o" 2>"$work/cc" ||
            { echo "$cc refuses $1:"; head -20 "$work/cc"; return 1; }
        [ ! -s "$work/cc" ] || { echo "$cc warns about $1:"; head -20 "$work/cc"; return 1; }
    done
}

# same EXPECTED GOT
same() {
    if [ -n "$update" ]; then
        cp "$2" "$1"
    else
        diff -u "$1" "$2" || return 1
    fi
}

one() {
    out=$work/out
    rm -rf "$out"
    args="build --emit-only OUT --no-line $(cd "$here/$1" && ls chain.*)"
    [ ! -f "$here/$1/args" ] || args=$(cat "$here/$1/args")
    # shellcheck disable=SC2046
    (cd "$here/$1" && NO_COLOR=1 "$build/tbedgec" $(echo "$args" | sed "s|OUT|$out|g") 2>&1; echo "exit status $?") |
        sed "s|$work|SCRATCH|g" >"$work/err"
    same "$here/$1/expect.err" "$work/err" || return 1
    if [ -d "$out" ]; then
        cat "$out"/c[0-9]*.c >"$work/c"
        [ -f "$here/$1/expect.none" ] || same "$here/$1/expect.c" "$work/c" || return 1
        for f in "$out"/*.c; do
            compile "$f" || return 1
        done
    elif [ -f "$here/$1/expect.c" ]; then
        echo "no C was written"
        return 1
    fi
}

for c in $cases; do
    if one "$c" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $c"
        cat "$work/log"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
