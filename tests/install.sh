#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh: installs a build (TBE_BUILD, else build/) into a scratch DESTDIR and proves that what is there is enough:
# every file has its place, the installed tbedgec compiles the edge root chain to a worker with nothing of the source
# or build tree, and the installed tbedge runs that worker and stores a reading.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/.." && pwd)}
build=${TBE_BUILD:-$src/build}
[ -f "$build/Makefile" ] || { echo "$build is not a build directory" >&2; exit 2; }
work=$(mktemp -d "${TMPDIR:-/tmp}/install.XXXXXX") || exit 2
pid=
cleanup() {
    [ -z "$pid" ] || { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
passed=0 failed=0
ok() { # ok WHAT COMMAND...
    what=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $what"
        head -20 "$work/out"
    fi
}

make -C "$build" -s install DESTDIR="$work/dest" >"$work/install.log" 2>&1 ||
    { cat "$work/install.log"; echo "0 passed, 1 failed"; exit 1; }
prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
# The prefix is moved out of DESTDIR: no path known to configure leads to it.
mv "$work/dest$prefix" "$work/inst" || exit 2
inst=$work/inst
for f in bin/tbedgec bin/tbedge libexec/tbedge-worker libexec/tbedge-link; do
    ok "$f is a program" test -x "$inst/$f"
done
for f in man/man1/tbedge.1 man/man1/tbedgec.1 man/man1/tbedgec-build.1 man/man5/tbedge.yml.5 \
    bash-completion/completions/tbedgec bash-completion/completions/tbedge zsh/site-functions/_tbedgec \
    zsh/site-functions/_tbedge fish/vendor_completions.d/tbedgec.fish fish/vendor_completions.d/tbedge.fish; do
    ok "share/$f is installed" test -s "$inst/share/$f"
done
for f in base value script msg chain tbel js node_cfg; do
    ok "include/tbe/$f.h is installed" test -f "$inst/include/tbe/$f.h"
done
for f in nodes tbel_builtins js_builtins; do
    ok "include/tbe/$f.def is installed" test -f "$inst/include/tbe/$f.def"
done
ok "lib/libtbedge.a is installed" test -f "$inst/lib/libtbedge.a"

cp "$src/examples/edge-root/edge-root.yaml" "$work/root.yaml"
cd "$work" || exit 2
unset CC TBE_SRC TBE_BUILD
PATH=$inst/bin:$PATH
ok "tbedgec checks a chain" tbedgec check root.yaml
ok "tbedgec builds a worker" tbedgec build -o worker root.yaml
ok "the worker is there" test -x worker
printf '#include <tbe/chain.h>\n#include <tbe/tbel.h>\n#include <tbe/js.h>\nint x;\n' >all.c
ok "the headers need no others" "${HOSTCC:-gcc}" -std=gnu11 -I"$inst/include" -c all.c -o all.o

ok "a device is added without a daemon" tbedge --data data device add D1 --token installtest
MQTT_BIND_PORT=0 HTTP_BIND_PORT=0 tbedge run --data data worker >ready 2>log &
pid=$!
i=0
until grep -q '^ready ' ready || [ $i -ge 100 ] || ! kill -0 $pid 2>/dev/null; do
    i=$((i + 1))
    sleep 0.1
done
ok "the worker runs" grep -q '^ready ' ready
http=$(sed -n 's/^ready .*http=\([0-9]*\).*/\1/p' ready)
ok "a reading is taken" curl -fsS -H 'Content-Type: application/json' -d '{"temperature":21.5}' \
    "http://127.0.0.1:$http/api/v1/installtest/telemetry"
tbedge --data data export --device D1 --format csv >export.csv 2>&1
ok "the reading is stored" grep -q 'temperature.*21\.5' export.csv
ok "another chain file is compiled and swapped in" tbedge --data data deploy root.yaml
kill $pid
wait $pid
ok "it stops with status 0" test $? -eq 0
pid=
[ $failed -eq 0 ] || tail -5 log
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
