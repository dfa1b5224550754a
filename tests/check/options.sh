#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# options.sh: exit states, formats and the baseline of tbedgec check.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
tbedgec=$build/tbedgec
work=$(mktemp -d "${TMPDIR:-/tmp}/options.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
# expect STATUS COMMAND...
expect() {
    want=$1
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ $got -eq "$want" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $*: status $want expected, got $got"
        head -5 "$work/out" "$work/err"
    fi
}
ok() {
    what=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $what"; fi
}
cd "$work" || exit 2
cat >note.yaml <<'X'
name: Notes only
firstNode: A
nodes:
  - { name: A, type: save_timeseries }
  - { name: B, type: ack }
connections:
  - { from: A, to: B, type: Success }
X
sed 's/type: Success/type: Sucess/' note.yaml >warning.yaml
sed 's/type: ack/type: acknowledge_it/' note.yaml >error.yaml

# 0, 1, 2
expect 0 "$tbedgec" check note.yaml
ok "a note is told" grep -q 'note\[C2213\]' err
expect 0 "$tbedgec" check --strict note.yaml
expect 0 "$tbedgec" check warning.yaml
expect 1 "$tbedgec" check --strict warning.yaml
expect 1 "$tbedgec" check error.yaml
expect 1 "$tbedgec" check note.yaml warning.yaml error.yaml
expect 2 "$tbedgec" check note.yaml none.yaml
expect 2 "$tbedgec" check --format xml note.yaml
expect 2 "$tbedgec" explain C9999

# formats
expect 1 "$tbedgec" check --format json error.yaml warning.yaml
ok "JSON: nothing on stderr" test ! -s err
ok "JSON: one object a line" sh -c 'while IFS= read -r l; do case $l in "{\"code\":\""*\}) ;; *) exit 1 ;; esac; done <out'
ok "JSON: chain and node" grep -q '"chain":"Notes only","node":"B","nodeIndex":1' out
expect 1 "$tbedgec" check --format github error.yaml
ok "GitHub: a workflow command" grep -q '^::error file=error.yaml,line=5,col=22,title=C2301::' out
expect 1 "$tbedgec" check --format sarif error.yaml
ok "SARIF: version" grep -q '"version": "2.1.0"' out
expect 1 "$tbedgec" check error.yaml
ok "text: a caret below the class" grep -q '^       |                      ^$' err
ok "text: no colours in a file" sh -c "! grep -q '$(printf '\033')' err"
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    script -qec "$tbedgec check error.yaml" /dev/null >tty 2>&1 </dev/null
    ok "text: colours on a terminal" grep -q "$(printf '\033\\[1;31m')" tty
    NO_COLOR=1 script -qec "$tbedgec check error.yaml" /dev/null >tty 2>&1 </dev/null
    ok "text: NO_COLOR" sh -c "! grep -q '$(printf '\033')' tty"
else
    echo "SKIP colours on a terminal: none can be made here"
fi

# baseline
expect 0 "$tbedgec" check --write-baseline known error.yaml
expect 0 "$tbedgec" check --baseline known error.yaml
ok "all is accepted" grep -q 'accepted by known' err
{ printf '# moved\n\n'; cat error.yaml; } >moved && mv moved error.yaml
expect 0 "$tbedgec" check --strict --baseline known error.yaml
sed 's/type: save_timeseries/type: save_timeserie/' error.yaml >more && mv more error.yaml
expect 1 "$tbedgec" check --baseline known error.yaml
ok "what is new is told" grep -q 'save_timeserie' err
ok "what is known is not" sh -c '! grep -q acknowledge_it err'
expect 2 "$tbedgec" check --baseline none error.yaml
expect 2 "$tbedgec" check --baseline note.yaml error.yaml

# together
sed 's/^name:.*/name: Other/' note.yaml >other.yaml
expect 0 "$tbedgec" check --strict note.yaml other.yaml
expect 1 "$tbedgec" check --strict --together note.yaml other.yaml
ok "no root" grep -q 'C2112' err
expect 1 "$tbedgec" check --together note.yaml warning.yaml
ok "the same chain twice" grep -q 'error\[C2107\]' err

# schema
expect 0 "$tbedgec" schema
ok "the schema is whole" sh -c '! grep -q "\"\$ref\": \"\.\./" out && grep -q node_rest_api_call out'
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
