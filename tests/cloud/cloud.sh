#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cloud.sh [SUITE...]: the edge against the test cloud: session, uplink, commands, downlink, chains, deploy, hostile,
# beside one another.
# Last line: N passed, N failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
suites=${*:-session uplink commands downlink chains deploy hostile}
for s in $suites; do
    python3 "$here/$s.py" >"$logs/$s" 2>&1 &
done
wait
passed=0 failed=0
for s in $suites; do
    echo "-- $s"
    cat "$logs/$s"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$s" | tail -1)
    # shellcheck disable=SC2086
    set -- $line
    if [ $# -ge 4 ]; then
        passed=$((passed + $1)) failed=$((failed + $3))
    else
        failed=$((failed + 1))
        echo "$s did not end"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
