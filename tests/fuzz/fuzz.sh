#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh [SECONDS [TARGET...]]: builds the fuzz targets with clang and runs each from its seed corpus, two at a time.
# The same way every time, so that a test run repeats; FUZZ_SEED=0 explores another way.
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=${1:-30}
[ $# -eq 0 ] || shift
command -v clang >/dev/null || { echo "skipped: clang is not installed"; exit 0; }
[ -x configure ] || autoreconf -fi >/dev/null 2>&1
mkdir -p build-fuzz
[ -f build-fuzz/Makefile ] || (cd build-fuzz && ../configure -q CC=clang --enable-fuzzing CFLAGS="-O1 -g") || exit 1
targets=$*
[ -n "$targets" ] || targets=$(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
list=
for t in $targets; do list="$list tests/fuzz/fuzz_$t"; done
# shellcheck disable=SC2086
make -C build-fuzz -s built-sources && make -C build-fuzz -s -j"$(nproc)" $list || exit 1

one() {
    work=build-fuzz/work/$1
    rm -rf "$work"
    mkdir -p "$work" "tests/fuzz/corpus/$1"
    dict=
    [ ! -f "tests/fuzz/$1.dict" ] || dict="-dict=tests/fuzz/$1.dict"
    # shellcheck disable=SC2086
    build-fuzz/tests/fuzz/fuzz_"$1" -max_total_time="$seconds" -seed="${FUZZ_SEED:-1}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$work/" $dict "$work" "tests/fuzz/corpus/$1" >"build-fuzz/$1.log" 2>&1
    echo $? >"build-fuzz/$1.rc"
}
n=0
for t in $targets; do
    one "$t" &
    n=$((n + 1))
    [ $((n % 2)) -eq 1 ] || wait
done
wait
passed=0 failed=0
for t in $targets; do
    if [ "$(cat "build-fuzz/$t.rc")" = 0 ]; then
        passed=$((passed + 1))
        echo "$t: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$t.log") runs, clean"
    else
        failed=$((failed + 1))
        echo "$t: FAILED"
        tail -30 "build-fuzz/$t.log"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
