#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mutants.sh: chains broken in one place each; see mutants.py.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
command -v python3 >/dev/null 2>&1 || { echo "skipped: no python3"; exit 77; }
exec python3 "$here/mutants.py" "$build/tbedgec" "$src" "${TBE_SHARED:-$src/../shared}/corpus/rule-chains"
