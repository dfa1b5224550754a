#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# device-api-all.sh: the recorded device API vectors, file by file, each against the share it must reach.
# Files without a share are run and counted.
set -u
cd "$(dirname "$0")/../.." || exit 2
dir=tests/conformance/device-api-vectors
[ -d $dir ] || dir=${TBE_SHARED:-../shared}/facts/device-api-vectors
[ -d "$dir" ] || { echo "skipped: no device API vectors here"; exit 0; }
bad=0 passed=0 failed=0
for row in http:980 mqtt3:980 mqtt5:980 rpc-attributes:950 gateway:0 coap:0 provision-claim-ota:0; do
    file=${row%:*} share=${row#*:}
    out=$(mktemp)
    sh tests/conformance/device-api.sh "$dir/$file.jsonl" >"$out" 2>&1
    cat "$out"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -1)
    rm -f "$out"
    # shellcheck disable=SC2086
    set -- ${line:-0 passed, 1 failed}
    printf '%s: %s of %s\n\n' "$file" "$1" $(($1 + $3))
    if [ "$share" -gt 0 ]; then
        passed=$((passed + $1)) failed=$((failed + $3))
        [ $(($1 * 1000)) -ge $((($1 + $3) * share)) ] || { echo "$file: below $share per mille"; bad=1; }
    fi
done
echo "$passed passed, $failed failed"
exit $bad
