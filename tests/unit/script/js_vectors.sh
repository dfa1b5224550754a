#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles, runs and judges the script vectors of vectors/: order of evaluation, limits.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${TBE_BUILD:-$PWD}
for f in "$here"/vectors/*.json; do
    echo "$f"
    "$build/tbedgec" eval "$f"
done
