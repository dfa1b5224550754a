#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scripts.sh [VECTORS.json...]: compiles and runs script vectors (tbedgec eval). Default: the copies in scripts/ and,
# where it is at hand, the vectors made from the corpus.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${TBE_BUILD:-$PWD/build}
shared=${TBE_SHARED:-../shared}/facts
if [ $# -eq 0 ]; then
    set -- tests/conformance/scripts/tbel-vectors.json tests/conformance/scripts/js-vectors.json
    if [ -f "$shared/js-corpus-vectors.json" ]; then
        set -- "$@" "$shared/js-corpus-vectors.json"
    else
        echo "without $shared/js-corpus-vectors.json"
    fi
fi
passed=0 failed=0 bad=0
for f; do
    out=$(mktemp)
    "$build/tbedgec" eval "$f" >"$out" 2>&1
    cat "$out"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -1)
    rm -f "$out"
    # shellcheck disable=SC2086
    set -- ${line:-0 passed, 1 failed}
    echo "$f: $1 of $(($1 + $3))"
    passed=$((passed + $1)) failed=$((failed + $3))
    [ "$3" -eq 0 ] || bad=1
done
echo "$passed passed, $failed failed"
exit $bad
