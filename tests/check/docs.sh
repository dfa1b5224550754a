#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs.sh: docs/checks.md is what `tbedgec explain --markdown` prints, each code and each node class has a page, and
# each code has a golden test, but those of states that no chain brings about.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
tbedgec=$build/tbedgec
work=$(mktemp -d "${TMPDIR:-/tmp}/docs.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
ok() {
    what=$1
    shift
    if "$@" >"$work/out" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL $what"; head -20 "$work/out"; fi
}
"$tbedgec" explain --markdown >"$work/checks.md"
[ "${1:-}" = --update ] && cp "$work/checks.md" "$src/docs/checks.md"
ok "docs/checks.md is fresh (docs.sh --update)" diff -u "$src/docs/checks.md" "$work/checks.md"
codes=$("$tbedgec" explain | cut -d' ' -f1)
# C2001 is left for the reading of parts; the limits of C2005 and C2108 are in unit tests; C2405 is a mistake of ours; C29xx are told by `tbedgec test`.
for c in $codes; do
    ok "explain $c" sh -c "'$tbedgec' explain $c | grep -q '^$c: '"
    case $c in
    C2001 | C2005 | C2108 | C2403 | C2405 | C29*) ;;
    *) ok "a golden test of $c" grep -rqs "\[$c\]" "$src"/tests/golden/*/expect.err ;;
    esac
done
n=0
for f in "$src"/schemas/nodes/*.json; do
    node=$(basename "$f" .json)
    n=$((n + 1))
    "$tbedgec" explain "$node" >"$work/page" 2>&1
    ok "explain $node" grep -q "configuration version" "$work/page"
done
ok "76 node classes" test $n -eq 76
ok "a class of the Professional Edition" sh -c "'$tbedgec' explain action.TbAddToGroupNode | grep -q Professional"
ok "what is not there" sh -c "! '$tbedgec' explain nonsense"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
