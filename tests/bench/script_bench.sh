#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# script_bench.sh: nanoseconds of processor time a run of a compiled script takes; one JSON object a figure, the
# median of three rounds, with Node.js beside the JavaScript ones in the same run ("node": null without it); and how
# long a script of 100 lines takes to be compiled to C.
# TBE_BUILD is the build directory, CC the compiler of the generated C. Exit status 1: a figure is above its limit.
set -eu
cd "$(dirname "$0")/../.."
src=$PWD
build=${TBE_BUILD:-$src/build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[ -x "$build/tests/bench/script_emit" ] || {
    echo "script_bench.sh: no $build/tests/bench/script_emit: build first, or set TBE_BUILD" >&2
    exit 2
}
"$build/tests/bench/script_emit" <tests/bench/script_bench.json >"$dir/scripts.c"
libs=$(sed -n 's/^#define TBE_WORKER_LIBS "\(.*\)"$/\1/p' "$build/compiler/drive/paths.h")
# The flags tbedgec gives to generated C. $CC and $libs are words.
# shellcheck disable=SC2086
${CC:-cc} -std=gnu11 -O2 -fno-strict-aliasing -Itests/bench -Iruntime/include -I"$build/runtime/include" \
    "$dir/scripts.c" tests/bench/script_run.c "$build/libtbedge.a" $libs -o "$dir/run"
: >"$dir/node"
if command -v node >/dev/null 2>&1; then
    node tests/bench/script_node.js tests/bench/script_bench.json >"$dir/node"
fi
"$dir/run" >"$dir/ours"
"$build/tests/bench/script_emit" --time >>"$dir/ours"
awk -v peers="$dir/node" '
    BEGIN { while ((getline line < peers) > 0) { split(line, f, " "); node[f[1] " " f[2]] = f[3] } }
    {
        key = $1 " " $2
        printf "{\"bench\":\"script_%s\",\"lang\":\"%s\",\"ns_per_run\":%s,\"limit_ns\":%s,\"node\":%s}\n",
            $1, $2, $4, $3, key in node ? node[key] : "null"
        if ($4 + 0 > $3 + 0) { above = 1 }
    }
    END { exit above }' "$dir/ours"
