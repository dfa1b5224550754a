#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# corpus.sh: tbedgec check over every rule chain of ../shared/corpus (TBE_SHARED overrides ../shared): each file must be
# read (what is wrong inside is the chain's matter) and all of them in time.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
chains=${TBE_SHARED:-$src/../shared}/corpus/rule-chains
limit_ms=${CORPUS_MS:-2000} # the aim is 500 on an idle machine
[ -d "$chains" ] || { echo "skipped: no $chains"; exit 77; }
passed=0 failed=0
out=$(mktemp) || exit 2
trap 'rm -f "$out"' EXIT
for f in "$chains"/*.json; do
    "$build/tbedgec" check "$f" >"$out" 2>&1
    status=$?
    if [ $status -le 1 ] && ! grep -q 'error\[C20' "$out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $f: status $status"
        grep 'error\[C20' "$out" | head -3
    fi
done
start=$(date +%s%N)
"$build/tbedgec" check "$chains"/*.json >/dev/null 2>&1
ms=$((($(date +%s%N) - start) / 1000000))
echo "all $passed together: $ms ms"
[ $ms -le "$limit_ms" ] || { failed=$((failed + 1)); echo "FAIL more than $limit_ms ms"; }
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
