#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks that each room includes only the rooms below it, as ARCHITECTURE.md section 5 orders them.
#   rooms.sh              check the source tree (TBE_SRC, else the directory above this script)
#   rooms.sh --self-test  prove that a bad include is found, with a scratch tree of its own
# Status: 0 clean, 1 violations (each printed as file:line: reason).
set -eu
LC_ALL=C
export LC_ALL

check() {
    ( cd "$1" && find runtime compiler -name '*.[ch]' -type f | sort | xargs grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' /dev/null || : ) |
    awk -v root="$1" '
    function allow(room, list,    n, i, a) {
        n = split(list, a, " ")
        for (i = 1; i <= n; i++) {
            ok[room, a[i]] = 1
        }
        known[room] = 1
    }
    function exists(path,    line, r) {
        r = (getline line < (root "/" path))
        close(root "/" path)
        return r >= 0
    }
    BEGIN {
        # room: the rooms it may include besides itself. tbe is runtime/include/tbe; "tbe-base" is its base.h alone.
        allow("tbe", "tbe tbe-base")
        allow("base", "tbe-base")
        allow("value", "base tbe tbe-base")
        allow("frame", "base tbe-base")
        allow("front", "base frame tbe-base")
        allow("link", "base frame proto tbe-base")
        allow("proto", "base tbe-base")
        low = "base value msg tbe tbe-base"
        allow("msg", low)
        allow("store", low)
        allow("device", low " store")
        allow("nodes", low " store device")
        high = low " store device nodes frame"
        allow("transport", high)
        allow("cloud", high " proto")
        allow("api", high)
        allow("deploy", high)
        allow("replay", high)
        allow("worker", high " transport cloud api deploy replay proto")
        allow("compiler", "base value tbe tbe-base")
        bad = 0
    }
    {
        # path:line:text
        file = $0; sub(/:.*/, "", file)
        rest = substr($0, length(file) + 2)
        line = rest; sub(/:.*/, "", line)
        inc = rest; sub(/^[^"]*"/, "", inc); sub(/".*/, "", inc)
        split(file, part, "/")
        if (part[1] == "compiler") {
            room = "compiler"
        } else if (part[2] == "include") {
            room = "tbe"
        } else {
            room = part[2]
            sub(/(_[a-z]+)?\.[ch]$/, "", room)   # runtime/worker.c, worker_main.c
        }
        if (inc == "config.h") {
            next
        }
        m = split(inc, to, "/")
        if (m == 1) {
            next                        # beside the file, or generated into its directory
        }
        if (to[1] == "tbe") {
            target = to[2] == "base.h" ? "tbe-base" : "tbe"
        } else if (room == "compiler" && (exists("compiler/" inc) || system_dir("compiler/" to[1]))) {
            next
        } else if (to[1] == ".." || to[1] == "runtime" || to[1] == "compiler") {
            print file ":" line ": \"" inc "\": include by room name, not by path"
            bad = 1
            next
        } else {
            target = to[1]
        }
        if (!(room in known)) {
            print file ":" line ": room \"" room "\" is not in the list of tests/rooms.sh"
            bad = 1
        } else if (target != room && !((room, target) in ok)) {
            print file ":" line ": " room " must not include \"" inc "\""
            bad = 1
        }
    }
    function system_dir(path) {
        # a compiler room that a runtime room has the name of: front, script
        return !exists("runtime/" inc) && system("test -d \"" root "/" path "\"") == 0
    }
    END { exit bad }'
}

# try WANTED-STATUS FILE INCLUDE: one file with one include in a scratch tree.
try() {
    rm -rf "$scratch/t"
    mkdir -p "$scratch/t/runtime/base" "$scratch/t/compiler/front" "$scratch/t/$(dirname "$2")"
    : >"$scratch/t/compiler/front/doc.h"
    printf '#include "config.h"\n#include "%s"\n' "$3" >"$scratch/t/$2"
    got=0
    check "$scratch/t" >"$scratch/out" || got=$?
    if [ "$got" -ne "$1" ]; then
        echo "self-test: $2 including $3: status $got, wanted $1"
        failed=1
    fi
}

self_test() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    failed=0
    try 1 runtime/base/x.c value/map.h
    try 1 runtime/base/x.c tbe/value.h
    try 0 runtime/base/x.c tbe/base.h
    try 0 runtime/value/x.c base/random.h
    try 1 runtime/value/x.c msg/x.h
    try 1 runtime/store/x.c device/hub.h
    try 0 runtime/device/x.c store/store.h
    try 1 runtime/device/x.c nodes/engine.h
    try 0 runtime/nodes/x.c device/hub.h
    try 1 runtime/nodes/x.c transport/x.h
    try 1 runtime/transport/x.c api/x.h
    try 1 runtime/cloud/x.c transport/x.h
    try 1 runtime/api/x.c cloud/x.h
    try 0 runtime/transport/x.c frame/frame.h
    try 0 runtime/worker.c transport/x.h
    try 1 runtime/transport/x.c worker/x.h
    try 0 runtime/front/mqtt/x.c frame/frame.h
    try 1 runtime/front/x.c store/store.h
    try 1 runtime/front/x.c tbe/msg.h
    try 0 runtime/link/x.c frame/frame.h
    try 1 runtime/link/x.c msg/x.h
    try 0 compiler/emit/x.c value/value_int.h
    try 0 compiler/emit/x.c front/doc.h
    try 0 compiler/emit/x.c tbe/script.h
    try 1 compiler/emit/x.c store/store.h
    try 1 compiler/emit/x.c nodes/engine.h
    try 0 runtime/include/tbe/x.h tbe/value.h
    try 1 runtime/include/tbe/x.h base/log.h
    try 1 runtime/nosuchroom/x.c tbe/base.h
    try 1 runtime/msg/x.c ../store/store.h
    [ "$failed" -eq 0 ] && echo "self-test: every bad include was found"
    return "$failed"
}

here=$(cd "$(dirname "$0")" && pwd)
if [ "${1-}" = --self-test ]; then
    self_test
    exit
fi
self_test
if check "${TBE_SRC:-$(dirname "$here")}"; then
    echo "rooms: clean"
else
    exit 1
fi
