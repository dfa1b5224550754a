#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# corpus.sh [--update]: every diagnostic on every chain of ../shared/corpus (TBE_SHARED overrides ../shared), file by
# file, is in corpus.table: file, code, line. The table was reviewed by hand and by a second program: each of its lines
# is true of its chain. After --update read the difference in the same way. C2302 (a class that is not built yet) is not
# in it: that list shrinks; each must be of a class that runtime/include/tbe/nodes.def does not have.
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
chains=${TBE_SHARED:-$src/../shared}/corpus/rule-chains
[ -d "$chains" ] || { echo "skipped: no $chains"; exit 77; }
command -v python3 >/dev/null 2>&1 || { echo "skipped: no python3"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/corpus.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
cd "$chains" || exit 2
n=0
for f in *.json; do
    "$build/tbedgec" check --format json "$f" >>"$work/said" 2>"$work/err"
    [ $? -le 1 ] && [ ! -s "$work/err" ] || { echo "FAIL $f"; cat "$work/err"; exit 1; }
    "$build/tbedgec" fmt --to yaml "$f" >"$work/${f%.json}.yaml" || exit 1
    (cd "$work" && "$build/tbedgec" check --format json "${f%.json}.yaml") >>"$work/said-yaml"
    n=$((n + 1))
done
python3 -c '
import json, re, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
built = set(re.findall(r"NODE\(\w+, \"([\w.]+)\"\)", open(sys.argv[2]).read()))
for r in rows:
    if r["code"] == "C2302" and r["message"].rsplit("org.thingsboard.rule.engine.")[-1] in built:
        sys.exit(r["message"])
rows = [r for r in rows if r["code"] != "C2302"]
print("# file, code, line of each diagnostic of tbedgec check on the shared corpus")
for r in sorted((r["file"], r["line"], r["column"], r["code"]) for r in rows):
    print(f"{r[0]}\t{r[3]}\t{r[1]}")' "$work/said" "$src/runtime/include/tbe/nodes.def" >"$work/table" || exit 1
python3 -c '
import json, sys
def told(name):
    rows = [json.loads(line) for line in open(name)]
    return sorted((r["file"].rsplit(".", 1)[0], r["code"], r.get("pointer"), r["message"]) for r in rows)
json_form, yaml_form = told(sys.argv[1]), told(sys.argv[2])
for row in set(json_form) ^ set(yaml_form):
    print("FAIL in one form only:", row)
sys.exit(json_form != yaml_form)' "$work/said" "$work/said-yaml" || exit 1
if [ "${1:-}" = --update ]; then
    cp "$work/table" "$here/corpus.table"
fi
if diff -u "$here/corpus.table" "$work/table"; then
    echo "$n files, $(grep -vc '^#' "$work/table") diagnostics"
    echo "$n passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
