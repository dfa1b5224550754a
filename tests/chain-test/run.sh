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

# --update of several kinds at once: comments, order and what is right stay
for f in "$here"/update/*.in.yaml; do
    cp "$f" "$work/u.yaml"
    expect 1 "not updated: --update needs the keys of a step on lines of their own" "$tbedgec" test --update "$work/u.yaml"
    ok "--update of $f" cmp "$work/u.yaml" "${f%.in.yaml}.out.yaml"
    expect 1 "6 passed, 1 failed" "$tbedgec" test "$work/u.yaml"
done
(echo "match: exact" && cat "$src/tests/nodes/create_alarm.yaml") >"$work/x.yaml"
expect 1 "expectations rewritten" "$tbedgec" test --update "$work/x.yaml"
expect 0 "0 failed" "$tbedgec" test "$work/x.yaml"
printf 'tests:\r\n  - name: a\r\n    node: {type: ack}\r\n    message: {}\r    # a\r\n    expect: {out: X}\r' >"$work/cr.yaml"
expect 1 "expectations rewritten" "$tbedgec" test --update "$work/cr.yaml"
expect 0 "1 passed" "$tbedgec" test "$work/cr.yaml"
ok "carriage returns stay" grep -q "message: {}$(printf '\r')    # a$(printf '\r')" "$work/cr.yaml"
printf '{"tests": [{"name": "a", "node": {"type": "ack"}, "message": {}, "expect": {"out": "X"}}]}' >"$work/j.json"
expect 2 "writes YAML files only" "$tbedgec" test --update "$work/j.json"

# Coverage: counted by hand
cat >"$work/cover.yaml" <<'END'
name: Cover
root: true
firstNode: Level
nodes:
  - name: Level
    type: script_switch
    configuration:
      scriptLang: JS
      jsScript: |
        if (msg.t > 100) {
          return 'hot';
        }
        for (var i = 0; i < 3; i++) {
          msg.t = msg.t + (msg.up ? 1 : 0);
        }
        return 'cold';
  - {name: Hot, type: ack}
  - {name: Cold, type: ack}
  - {name: Lost, type: ack}
connections:
  - {from: Level, to: Hot, type: hot}
  - {from: Level, to: Cold, type: cold}
  - {from: Level, to: Hot, type: Failure}
  - {from: Cold, to: Lost, type: Failure}
END
cat >"$work/cover.test.yaml" <<'END'
chains: cover.yaml
tests:
  - name: cold
    message: {data: {t: 1, up: true}}
    expect: {nodes: {Level: cold}}
END
expect 0 "nodes            2 of 4 (50 %)" "$tbedgec" test --coverage text "$work/cover.test.yaml"
ok "relations" grep -qF "relations        1 of 4 (25 %)" "$work/err"
ok "script lines" grep -qF "script lines     4 of 5 (80 %)" "$work/err"
ok "branches" grep -qF "script branches  4 of 6 (67 %)" "$work/err"
ok "never true" grep -qF 'cover.yaml:10: "Level" line 1, column 11: condition never true' "$work/err"
ok "never false" grep -qF 'cover.yaml:14: "Level" line 5, column 24: condition never false' "$work/err"
ok "line not run" grep -qF 'cover.yaml:11: "Level" line 2: not run' "$work/err"
ok "relation not taken" grep -qF '"Level" --hot--> "Hot" not taken' "$work/err"
ok "node not reached" grep -qF '"Lost" not reached' "$work/err"
expect 0 "" "$tbedgec" test --coverage json --coverage-output "$work/c.json" "$work/cover.test.yaml"
ok "JSON coverage" is_json "$work/c.json"
ok "JSON totals" grep -qF '"totals":{"nodes":[2,4],"relations":[1,4],"lines":[4,5],"branches":[4,6]}' "$work/c.json"
expect 0 "" "$tbedgec" test --coverage lcov --coverage-output "$work/c.info" "$work/cover.test.yaml"
for line in "SF:$work/cover.yaml" "FNDA:0,Lost" "FNDA:1,Cold" "DA:11,0" "DA:14,3" "BRF:6" "BRH:4" "LF:5" "LH:4" end_of_record; do
    ok "lcov $line" grep -qxF "$line" "$work/c.info"
done
ok "lcov branch taken three times" grep -qE '^BRDA:14,[0-9]+,0,3$' "$work/c.info"
ok "lcov branch never taken" grep -qE '^BRDA:14,[0-9]+,1,0$' "$work/c.info"
expect 2 "cannot write $work/none/c.info" "$tbedgec" test --coverage lcov --coverage-output "$work/none/c.info" "$work/cover.test.yaml"

if command -v tcc >/dev/null; then
    expect 0 "1 passed" "$tbedgec" test --cc tcc "$work/cover.test.yaml"
    expect 1 "needs gcc or clang" "$tbedgec" test --cc tcc --coverage text "$work/cover.test.yaml"
fi

# A worker that dies, hangs, or says nonsense costs the test it was at
cat >"$work/two.test.yaml" <<'END'
node: {type: ack}
tests:
  - {name: first, message: {}}
  - {name: second, message: {}}
END
rm -rf "$work/cache2"
expect 0 "2 passed" "$tbedgec" test --cache "$work/cache2" "$work/two.test.yaml"
worker=$(ls "$work"/cache2/*)
ok "one worker is in the cache" test "$(ls "$work/cache2" | wc -l)" = 1
stand_in() { printf '#!/bin/sh\n%s\n' "$1" >"$worker.new"; chmod +x "$worker.new"; mv "$worker.new" "$worker"; }
stand_in 'kill -9 $$'
expect 1 "ended by signal 9" "$tbedgec" test --cache "$work/cache2" "$work/two.test.yaml"
ok "both are told" grep -qF "0 passed, 2 failed" "$work/out"
stand_in 'sleep 30'
expect 1 "took more than 1 s" "$tbedgec" test --timeout 1 --cache "$work/cache2" "$work/two.test.yaml"
stand_in 'echo "not a report"; exit 3'
expect 1 "ended with status 3: not a report" "$tbedgec" test --cache "$work/cache2" "$work/two.test.yaml"
stand_in 'echo "{\"id\":\"t0\",\"steps\":[[[[[[}"; echo "{\"id\":\"t1\",\"error\":\"no way\"}"'
expect 1 "its report cannot be read" "$tbedgec" test --cache "$work/cache2" "$work/two.test.yaml"
ok "the second has its own" grep -qF "cannot run: no way" "$work/out"
stand_in 'exec yes "{\"id\":\"t0\",\"steps\":[]}" '
expect 1 "" "$tbedgec" test --timeout 2 --cache "$work/cache2" "$work/two.test.yaml"

# Filter, skip, several files at once
expect 0 "1 passed" "$tbedgec" test --filter sec "$work/two.test.yaml"
expect 2 "no test's name holds \"third\"" "$tbedgec" test --filter third "$work/two.test.yaml"
printf 'node: {type: ack}\ntests:\n  - {name: a, skip: "later # on", message: {}, expect: {out: X}}\n' >"$work/skip.test.yaml"
expect 0 "# SKIP later \\# on" "$tbedgec" test "$work/skip.test.yaml"
expect 0 "1 skipped" "$tbedgec" test "$work/skip.test.yaml"
expect 0 "<skipped" "$tbedgec" test --format junit "$work/skip.test.yaml"
for i in 1 2 3 4 5 6 7 8 9 10; do cp "$work/two.test.yaml" "$work/copy$i.test.yaml"; done
expect 0 "20 passed" "$tbedgec" test -j 4 "$work"/copy*.test.yaml

# Limits: at, and one past
many() { # many N HEAD ITEM TAIL: HEAD, N times ITEM with %d for its number, TAIL
    python3 -c 'import sys
n, head, item, tail = sys.argv[1:]
e = lambda t: t.encode().decode("unicode_escape")
sys.stdout.write(e(head) + "".join(e(item).replace("%d", str(i)) for i in range(int(n))) + e(tail))' "$@" >"$work/many.test.yaml"
}
one='tests: [{name: a, node: {type: ack}, message: {}}]\n'
many 1000 'node: {type: ack}\ntests:\n' '- {name: t%d, message: {}}\n' ''
expect 0 "1000 passed" "$tbedgec" test "$work/many.test.yaml"
many 1001 'node: {type: ack}\ntests:\n' '- {name: t%d, message: {}}\n' ''
expect 1 "1001 entries, but at most 1000 are allowed" "$tbedgec" test "$work/many.test.yaml"
many 1000 'tests:\n- name: a\n  node: {type: ack}\n  steps:\n' '  - {message: {}}\n' ''
expect 0 "1 passed" "$tbedgec" test "$work/many.test.yaml"
many 1001 'tests:\n- name: a\n  node: {type: ack}\n  steps:\n' '  - {message: {}}\n' ''
expect 1 "1001 entries" "$tbedgec" test "$work/many.test.yaml"
many 1000 'entities:\n' '  e%d: {}\n' "$one"
expect 0 "1 passed" "$tbedgec" test "$work/many.test.yaml"
many 1001 'entities:\n' '  e%d: {}\n' "$one"
expect 1 "1001 keys" "$tbedgec" test "$work/many.test.yaml"
many 250 'alarms:\n' '  - {type: a%d}\n' "$one"
expect 0 "1 passed" "$tbedgec" test "$work/many.test.yaml"
many 251 'alarms:\n' '  - {type: a%d}\n' "$one"
expect 1 "251 entries" "$tbedgec" test "$work/many.test.yaml"
many 255 'tests: [{node: {type: ack}, message: {originator: ' 'x' ' }, name: a}]\nentities: {'"$(printf 'x%.0s' $(seq 255))"': {}}\n'
expect 0 "1 passed" "$tbedgec" test "$work/many.test.yaml"
many 256 'tests: [{node: {type: ack}, message: {originator: ' 'x' ' }, name: a}]\n'
expect 1 "256 characters, but at most 255 are allowed" "$tbedgec" test "$work/many.test.yaml"
printf 'tests: [{name: a, node: {type: ack}, message: {}}]\n#' >"$work/big.test.yaml"
size=$(wc -c <"$work/big.test.yaml")
head -c $((4194304 - size)) /dev/zero | tr '\0' ' ' >>"$work/big.test.yaml"
expect 0 "1 passed" "$tbedgec" test "$work/big.test.yaml"
printf ' ' >>"$work/big.test.yaml"
expect 1 "larger than 4194304 bytes" "$tbedgec" test "$work/big.test.yaml"

# Usage
expect 2 "no FILE given" "$tbedgec" test
expect 2 "cannot read $work/none" "$tbedgec" test "$work/none"
expect 2 "--jobs 17" "$tbedgec" test --jobs 17 "$thermostat"
expect 2 "needs --coverage-output" "$tbedgec" test --coverage lcov "$thermostat"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
