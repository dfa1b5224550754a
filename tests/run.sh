#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [STEP...]: installs what the tests need, builds in build/, runs all tests (or the named steps).
# Each step's output is in build/test-logs/STEP.log; what fails is shown. Last line: N passed, N failed.
set -u
cd "$(dirname "$0")/.." || exit 2
sh packaging/debian-deps.sh test || exit 1
sh packaging/build.sh build || { echo "the build failed"; echo "0 passed, 1 failed"; exit 1; }
logs=build/test-logs
mkdir -p "$logs"
TBE_BUILD=$PWD/build
export TBE_BUILD
passed=0 failed=0 skipped=0
steps=${*:-check schemas script node-cases traces device-api cloud cloud-replay crash sanitize fuzz quickstart quickstart-cloud}

# run NAME COMMAND...: one step.
run() {
    name=$1
    shift
    case " $steps " in *" $name "*) ;; *) return 0 ;; esac
    start=$(date +%s)
    "$@" >"$logs/$name.log" 2>&1
    case $? in
    0 | 77) verdict=ok ;; # 77: the log says what was skipped
    *) verdict=FAILED ;;
    esac
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$name.log" | tail -1)
    if [ $verdict = ok ] && grep -q '^skipped:' "$logs/$name.log"; then
        skipped=$((skipped + 1))
        counts=$(grep '^skipped:' "$logs/$name.log" | tail -1)
    elif [ $verdict = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -40 "$logs/$name.log"
    fi
    printf '%-12s %-7s %4d s  %s\n' "$name" "$verdict" $(($(date +%s) - start)) "$counts"
}

# at_least PERCENT COMMAND...: succeeds when the last "N passed, N failed" line reaches the share.
at_least() {
    share=$1
    shift
    out=$(mktemp)
    "$@" >"$out" 2>&1
    cat "$out"
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -1)
    grep -q '^skipped:' "$out" && [ -z "$line" ] && { rm -f "$out"; return 0; }
    rm -f "$out"
    # shellcheck disable=SC2086
    set -- $line
    [ $# -ge 4 ] || { echo "no result line"; return 1; }
    [ $(($1 + $3)) -gt 0 ] && [ $(($1 * 1000)) -ge $(((($1 + $3)) * share)) ] ||
        { echo "below $share per mille"; return 1; }
}

make_check() {
    make -C build -s -j"$(nproc)" check
    rc=$?
    sed -n 's/^# \(TOTAL\|PASS\|SKIP\|FAIL\): */\1 /p' build/test-suite.log 2>/dev/null | tr '\n' ' '
    return $rc
}

sanitize() {
    sh packaging/build.sh build-asan --enable-asan --enable-ubsan || return 1
    ASAN_OPTIONS=detect_leaks=1 make -C build-asan -s -j"$(nproc)" check
}

run check make_check
run schemas sh tests/check/schemas.sh --install
run script sh tests/conformance/scripts.sh
run node-cases sh tests/conformance/node-cases.sh
run traces at_least 980 sh tests/conformance/traces.sh
run device-api sh tests/conformance/device-api-all.sh
run cloud sh tests/cloud/cloud.sh
run cloud-replay sh tests/conformance/cloud.sh
run crash sh tests/crash/crash.sh
run sanitize sanitize
run fuzz sh tests/fuzz/fuzz.sh 30
run quickstart sh examples/quickstart.sh --once
run quickstart-cloud sh examples/quickstart.sh --once --with-cloud

echo
if [ $skipped -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ $failed -eq 0 ]
