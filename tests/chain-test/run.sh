#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh: tbedgec test: the examples' tests pass, results are well-formed in each format, failures tell expected, got
# and line, --update writes what passes afterwards, hostile and wrong files are refused where they are wrong.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
tbedgec=$build/tbedgec
work=$(mktemp -d "${TMPDIR:-/tmp}/chain-test.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
XDG_CACHE_HOME=$work/cache
export XDG_CACHE_HOME
unset CC
passed=0 failed=0

ok() { # ok WHAT COMMAND...
    what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $what"; fi
}
# expect STATUS TEXT COMMAND...: TEXT must be in what it says.
expect() {
    want=$1 text=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err"
    got=$?
    cat "$work/out" "$work/err" >"$work/all"
    if [ $got -eq "$want" ] && { [ -z "$text" ] || grep -qF -e "$text" "$work/all"; }; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $*"
        echo "    status $want expected, got $got; output should have \"$text\":"
        head -30 "$work/all"
    fi
}
well_formed() { python3 -c 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])' "$1"; }
is_json() { python3 -c 'import sys, json; json.load(open(sys.argv[1]))' "$1"; }

thermostat=$src/examples/thermostat/thermostat.test.yaml

# Formats
expect 0 "ok 1 - " "$tbedgec" test "$thermostat"
if command -v prove >/dev/null; then
    cp "$work/out" "$work/a.tap"
    expect 0 "Result: PASS" prove -e cat "$work/a.tap"
fi
expect 0 "<testsuites" "$tbedgec" test --format junit "$thermostat"
ok "JUnit is well-formed" well_formed "$work/out"
expect 0 '"failed":0' "$tbedgec" test --format json "$thermostat"
ok "JSON is JSON" is_json "$work/out"

# A failure: status 1, expected and got, the line; in each format
cat >"$work/bad.test.yaml" <<'END'
tests:
  - name: "wrong <&> \u0001 # on purpose"
    node: {type: script_filter, configuration: {scriptLang: TBEL, tbelScript: return msg.a > 1;}}
    message: {data: {a: 3}}
    expect:
      out: {relation: "False", data: {a: "<]]>\uFFFE"}}
END
expect 1 "line: 6" "$tbedgec" test "$work/bad.test.yaml"
ok "expected is told" grep -qF 'expected: "\"False\""' "$work/out"
ok "got is told" grep -qF 'got: "\"True\""' "$work/out"
if command -v prove >/dev/null; then
    cp "$work/out" "$work/b.tap"
    expect 1 "Failed 1/1 subtests" prove -e cat "$work/b.tap"
fi
expect 1 "<failure" "$tbedgec" test --format junit "$work/bad.test.yaml"
ok "JUnit of a failure is well-formed" well_formed "$work/out"
expect 1 '"line":6' "$tbedgec" test --format json "$work/bad.test.yaml"
ok "JSON of a failure is JSON" is_json "$work/out"

# --update, then it passes
expect 1 "expectations rewritten" "$tbedgec" test --update "$work/bad.test.yaml"
expect 0 "" "$tbedgec" test "$work/bad.test.yaml"

# What the examples promise, and every node
expect 0 "" "$tbedgec" test "$src"/examples/*/*.test.yaml
expect 0 "" "$tbedgec" test "$src"/tests/nodes/*.yaml
ok "each node of the library has its cases" test "$(grep -c '^NODE(' "$src/runtime/include/tbe/nodes.def")" = \
    "$(sed -n 's/^NODE(\([a-z_]*\),.*/\1/p' "$src/runtime/include/tbe/nodes.def" |
        while read -r n; do ls "$src/tests/nodes/$n.yaml"; done | wc -l)"

# Wrong files: each says in its first line what is told
for f in "$here"/wrong/*.test.yaml; do
    expect 1 "$(sed -n '1s/^# expect: //p' "$f")" "$tbedgec" test "$f"
done

# Usage
expect 2 "no FILE given" "$tbedgec" test
expect 2 "cannot read $work/none" "$tbedgec" test "$work/none"
expect 2 "--jobs 17" "$tbedgec" test --jobs 17 "$thermostat"
expect 2 "needs --coverage-output" "$tbedgec" test --coverage lcov "$thermostat"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
