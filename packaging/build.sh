#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh [DIR [CONFIGURE-OPTION...]]: configures (once) and builds in DIR, default build/.
set -eu
cd "$(dirname "$0")/.."
dir=${1:-build}
[ $# -eq 0 ] || shift
[ -x configure ] || autoreconf -fi >/dev/null 2>&1 || autoreconf -fi
mkdir -p "$dir"
[ -f "$dir/Makefile" ] || (cd "$dir" && "$OLDPWD/configure" -q "$@")
jobs=$(nproc 2>/dev/null || echo 2)
make -C "$dir" -s -j"$jobs"
