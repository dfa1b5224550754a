#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schema.sh: schemas/chain-test.json before an independent validator (ajv, as tests/check/schemas.sh finds it): it takes
# every test file there is, and refuses exactly those wrong ones that tbedgec refuses by the schema (C2901).
set -u
here=$(cd "$(dirname "$0")" && pwd)
src=${TBE_SRC:-$(cd "$here/../.." && pwd)}
build=${TBE_BUILD:-$src/build}
AJV_DIR=${AJV_DIR:-$build/ajv}
export AJV_DIR
command -v node >/dev/null 2>&1 || { echo "skipped: no node"; exit 77; }
[ -d "$AJV_DIR/node_modules/ajv" ] || { echo "skipped: no ajv in $AJV_DIR (tests/check/schemas.sh --install)"; exit 77; }
python3 -c 'import yaml' 2>/dev/null || { echo "skipped: no python3-yaml"; exit 77; }
python3 - "$src"/examples/*/*.test.yaml "$src"/tests/nodes/*.yaml "$here"/update/*.yaml "$here"/wrong/*.yaml <<'END' |
import json, sys, yaml
# YAML 1.2: only true and false are booleans, times are texts
class Loader(yaml.SafeLoader):
    pass
Loader.yaml_implicit_resolvers = {k: [(t, r) for t, r in v if t not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")]
                                  for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", __import__("re").compile("^(true|false)$"), list("tf"))
for f in sys.argv[1:]:
    text = open(f).read()
    want = text.split("\n")[0] if "/wrong/" in f else ""
    if "bomb" in f or "C2003" in want:
        continue
    print(json.dumps({"file": f, "refused": "C2901" in want, "doc": yaml.load(text, Loader)}))
END
node --input-type=module -e '
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
const Ajv = createRequire(join(process.env.AJV_DIR, "x.js"))("ajv/dist/2020").default;
const schema = JSON.parse(readFileSync(process.argv[1], "utf8"));
const check = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true }).compile(schema);
let passed = 0, failed = 0;
for (const line of readFileSync(0, "utf8").trim().split("\n")) {
    const { file, refused, doc } = JSON.parse(line);
    if (check(doc) !== refused) { passed++; continue; }
    failed++;
    console.log(`FAIL ${file}: ${refused ? "taken" : JSON.stringify(check.errors[0])}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);' "$src/schemas/chain-test.json"
