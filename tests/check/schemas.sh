#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schemas.sh [--install]: the schemas, `tbedgec schema` and the SARIF report before an independent validator (ajv). It
# needs node and ajv: AJV_DIR names a directory with node_modules; else build/ajv, where --install puts it by npm.
# Without them: skipped. SARIF_SCHEMA may name the standard's own schema, which then counts instead of ours.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
chains=${TBE_SHARED:-$src/../shared}/corpus/rule-chains
AJV_DIR=${AJV_DIR:-$build/ajv}
export AJV_DIR
command -v node >/dev/null 2>&1 || { echo "skipped: no node"; exit 77; }
if [ "${1:-}" = --install ] && [ ! -d "$AJV_DIR/node_modules/ajv" ] && command -v npm >/dev/null 2>&1; then
    mkdir -p "$AJV_DIR" && cp "$here/package.json" "$AJV_DIR" &&
        (cd "$AJV_DIR" && npm install --no-audit --no-fund --no-package-lock >install.log 2>&1)
fi
[ -d "$AJV_DIR/node_modules/ajv" ] || { echo "skipped: no ajv in $AJV_DIR (schemas.sh --install)"; exit 77; }
set --
[ -d "$chains" ] && set -- "$chains"/*.json
exec node "$here/schemas.mjs" "$build/tbedgec" "$src" "$@"
