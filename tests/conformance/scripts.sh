#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scripts.sh [VECTORS.json...]: compiles and runs script vectors (tbedgec eval). Default: the copies in scripts/ and,
# where it is at hand, the vectors made from the corpus. What may fail is in scripts/exceptions.txt, each with its
# reason; exit status 1: another one fails, or one of these passes.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${TBE_BUILD:-$PWD/build}
shared=${TBE_SHARED:-../shared}/facts
listed=tests/conformance/scripts/exceptions.txt
if [ $# -eq 0 ]; then
    set -- tests/conformance/scripts/tbel-vectors.json tests/conformance/scripts/js-vectors.json
    if [ -f "$shared/js-corpus-vectors.json" ]; then
        set -- "$@" "$shared/js-corpus-vectors.json"
    else
        echo "without $shared/js-corpus-vectors.json"
    fi
fi
passed=0 failed=0 bad=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for f; do
    "$build/tbedgec" eval "$f" >"$out" 2>&1
    cat "$out"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -1)
    # shellcheck disable=SC2086
    set -- ${line:-0 passed, 1 failed}
    echo "$f: $1 of $(($1 + $3))"
    passed=$((passed + $1)) failed=$((failed + $3))
    [ -n "$line" ] || bad=1
    awk -v vectors="$f" '
        FILENAME == ARGV[1] { if ($1 !~ /^#/ && NF > 0) { reason[$1] = 1 } next }
        /^[^ ]+ \([a-z]+\)/ { failed[$1] = 1 }
        END {
            while ((getline text < vectors) > 0) { all = all text "\n" }
            for (id in failed) { if (!(id in reason)) { print "not listed: " id; bad = 1 } }
            for (id in reason) {
                if (!(id in failed) && index(all, "\"" id "\"")) { print "listed, but passes: " id; bad = 1 }
            }
            exit bad
        }' "$listed" "$out" || bad=1
done
echo "$passed passed, $failed failed"
exit $bad
