#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cli.sh: tbedgec's command line: help, exit states, standard input, and building a worker: found compilers, the
# skipped second build, a rebuild after a change, a compiler that fails, output that cannot be written.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
tbedgec=$build/tbedgec
work=$(mktemp -d "${TMPDIR:-/tmp}/cli.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
unset CC

# expect STATUS TEXT COMMAND...: runs it with standard input from $work/in; TEXT must be in the output.
: >"$work/in"
expect() {
    want=$1 text=$2
    shift 2
    "$@" <"$work/in" >"$work/out" 2>&1
    got=$?
    if [ $got -eq "$want" ] && { [ -z "$text" ] || grep -qF -e "$text" "$work/out"; }; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $*"
        echo "    status $want expected, got $got; output should have \"$text\":"
        head -20 "$work/out"
    fi
}
ok() { # ok WHAT COMMAND...
    what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $what"; fi
}

chain=$here/edge-root-core/chain.json
expect 0 "tbedgec check" "$tbedgec" --help
expect 0 "tbedgec check" "$tbedgec" -h
expect 0 "usage: tbedgec build" "$tbedgec" build --help
expect 0 "tbedgec " "$tbedgec" build --version
expect 0 "tbedgec " "$tbedgec" --version
expect 2 "no command given" "$tbedgec"
expect 2 "unknown command \"frobnicate\"" "$tbedgec" frobnicate
expect 2 "no FILE given" "$tbedgec" check
expect 2 "cannot read $work/none" "$tbedgec" check "$work/none"
expect 2 "cannot read $work" "$tbedgec" check "$work"
expect 2 "--format takes text" "$tbedgec" check --format xml "$chain"
expect 2 "unknown option --cc" "$tbedgec" check --cc gcc "$chain"
expect 2 "unknown option --nonsense" "$tbedgec" check --nonsense "$chain"
expect 2 "--format needs a value" "$tbedgec" check --format
expect 2 "the C compiler no-such-machine-gcc is not there" "$tbedgec" build --target no-such-machine "$chain"
expect 2 "is no name of a machine" "$tbedgec" build --target ../x "$chain"
expect 2 "is no name of a machine" "$tbedgec" build --target -x "$chain"
expect 2 "--dump takes" "$tbedgec" build --dump=asm "$chain"
expect 0 "" "$tbedgec" check -- "$chain"
cp "$chain" "$work/in"
expect 0 "" "$tbedgec" check -
printf '{"nodes": 5}' >"$work/in"
expect 1 "stdin:1:11: error[C2102]" "$tbedgec" check -
printf 'nodes:\n  - {name: a, type: nonsense}\nfirstNodeIndex: 0\n' >"$work/in"
expect 1 "stdin:2:21: error[C2301]" "$tbedgec" check -
expect 0 '"code":"C2213"' "$tbedgec" check --format json "$chain"
expect 0 'chain c0_edge_root_rule_chain "Edge Root Rule Chain"' "$tbedgec" build --dump=ir --emit-only "$work/c" "$chain"
expect 0 '"ruleChain"' "$tbedgec" build --dump=ast,opt --emit-only "$work/c" "$chain"
expect 2 "cannot write /proc/none" "$tbedgec" build --emit-only /proc/none "$chain"
expect 2 "is not there" "$tbedgec" build --cc no-such-compiler -o "$work/w" "$chain"
expect 2 "the C compiler ended with status 1" "$tbedgec" build --cc false -o "$work/w" "$chain"
ok "a failed build leaves nothing" test ! -e "$work/w"

for cc in gcc clang tcc; do
    command -v $cc >/dev/null 2>&1 || continue
    [ $cc = gcc ] || ! grep -q 'define TBE_SANITIZE ".*fsanitize' "$build/config.h" || continue
    expect 0 "" "$tbedgec" build --cc $cc -o "$work/$cc" "$chain"
    "$work/$cc" --help >"$work/out" 2>&1
    ok "a worker made by $cc runs" grep -q -e --replay "$work/out"
done
expect 0 "" "$tbedgec" build --cc gcc -o "$work/w" "$chain"
touch -d '2001-01-01' "$work/w"
expect 0 "" "$tbedgec" build --cc gcc -o "$work/w" "$chain"
ok "an unchanged chain is not built again" test "$(date -r "$work/w" +%Y)" = 2001
sed 's/"Push to cloud"/"Push"/' "$chain" >"$work/changed.json"
expect 0 "" "$tbedgec" build --cc gcc -o "$work/w" "$work/changed.json"
ok "a changed chain is built again" test "$(date -r "$work/w" +%Y)" != 2001
rm "$work/w"
expect 0 "" "$tbedgec" build --cc gcc -o "$work/w" "$work/changed.json"
ok "a worker that went away is built again" test -x "$work/w"
expect 2 "" "$tbedgec" build --cc gcc -o "$work/no/such/dir/w" "$chain"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
