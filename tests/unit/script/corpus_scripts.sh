#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every script of the corpus' rule chains compiles. Skipped (77) where the corpus is not beside the project.
set -eu
top=$(cd "$(dirname "$0")/../../.." && pwd)
build=${TBE_BUILD:-$PWD}
chains=${TBE_SHARED:-$top/../shared}/corpus/rule-chains
[ -d "$chains" ] || {
    echo "skipped: no $chains"
    exit 77
}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
"$build/tbedgec" check "$chains"/*.json >"$out" 2>&1 || [ $? -eq 1 ]
n=$(find "$chains" -name '*.json' | wc -l)
if grep -A1 'error\[C2402\]' "$out"; then
    exit 1
fi
[ "$n" -gt 100 ] && grep -q 'warning\|error' "$out"
echo "the scripts of $n chains compile"
