// SPDX-License-Identifier: Apache-2.0
// schemas.mjs TBEDGEC SRCDIR [CHAIN...]: our schemas before an independent validator (ajv, JSON Schema 2020-12).
// - every schema is a valid one, and the default configuration of a class is valid by the class's schema;
// - `tbedgec schema` and the schema files say the same of recorded configurations;
// - the validator and tbedgec agree: a chain the schema refuses has a diagnostic of form (C21xx, C2304 to C2314),
//   and one with such an error is refused;
// - the SARIF report of all that is a SARIF log.
import { createRequire } from "node:module";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";

const require = createRequire(join(process.env.AJV_DIR, "x.js"));
const Ajv = require("ajv/dist/2020").default;
const formats = require("ajv-formats").default;
const [tbedgec, src, ...chains] = process.argv.slice(2);
const dir = join(src, "schemas"), configs = join(src, "tests/check/node-configs.jsonl");
const read = (f) => JSON.parse(readFileSync(f, "utf8"));
let passed = 0, failed = 0;
const ok = (what, good, why) => {
    if (good) { passed++; } else { failed++; console.log(`FAIL ${what}${why ? ": " + why : ""}`); }
};
const fresh = () => {
    const ajv = new Ajv({ strict: true, strictTypes: false, strictTuples: false, strictRequired: false, allErrors: true, allowUnionTypes: true });
    formats(ajv);
    ajv.addVocabulary(["x-class", "x-component", "x-version", "x-relations", "x-custom-relations", "x-in", "x-out", "x-async",
        "x-ignored", "x-upgrades", "x-script", "x-template", "x-secret", "x-secret-keys", "x-null-error", "x-range-error",
        "x-length-error", "x-lenient", "x-later", "x-when", "x-struct"]);
    return ajv;
};

// the files, each a schema of its own
const files = fresh();
for (const f of ["processing", "common"]) { files.addSchema(read(join(dir, f + ".json"))); }
const byName = {}, byClass = {};
const incomplete = new Set(["rule_chain", "customer_details", "tenant_details", "originator_telemetry", "send_notification"]);
for (const f of readdirSync(join(dir, "nodes")).sort()) {
    const name = f.replace(".json", ""), s = read(join(dir, "nodes", f));
    let v;
    try { v = files.compile(s); } catch (e) { ok(f, false, e.message); continue; }
    byName[name] = byClass[s["x-class"]] = { s, v };
    ok(`${name}: default`, v(s.default) !== incomplete.has(name), JSON.stringify(v.errors?.[0]));
}
ok("76 classes", Object.keys(byName).length === 76, Object.keys(byName).length);

// the whole schema
const text = execFileSync(tbedgec, ["schema"], { maxBuffer: 1 << 26 }).toString();
let whole;
try { whole = fresh().compile(JSON.parse(text)); ok("tbedgec schema", true); } catch (e) { ok("tbedgec schema", false, e.message); }

// recorded configurations: both give one verdict, and tbedgec the same one
const work = mkdtempSync(join(tmpdir(), "schemas."));
const form = /^C(21..|230[456789]|231[1234])$/;
const lines = readFileSync(configs, "utf8").trim().split("\n").map((l) => JSON.parse(l));
const cases = [];
for (const c of lines) {
    const cls = c.type.replace("org.thingsboard.rule.engine.", ""), k = byClass[cls];
    if (!k || k.s["x-ignored"] || (c.configurationVersion ?? 0) < k.s["x-version"] || c.configuration === null) { continue; }
    const chain = { firstNodeIndex: 0, connections: null, nodes: [{ type: c.type, name: c.id,
        configurationVersion: k.s["x-version"], configuration: c.configuration }] };
    const file = join(work, c.id + ".json");
    writeFileSync(file, JSON.stringify(chain));
    cases.push({ id: c.id, file, valid: k.v(c.configuration), whole: whole(chain) });
}
const told = (names) => {
    const out = {};
    const r = spawnSync(tbedgec, ["check", "--format", "json", ...names], { maxBuffer: 1 << 28 });
    for (const l of r.stdout.toString().split("\n").filter(Boolean)) {
        const d = JSON.parse(l);
        (out[d.file] ??= []).push(d);
    }
    return out;
};
let said = told(cases.map((c) => c.file));
for (const c of cases) {
    const ds = said[c.file] ?? [];
    ok(`${c.id}: file and whole schema`, c.valid === c.whole);
    const errors = ds.filter((d) => /^C(230[4568])$/.test(d.code) && d.severity !== "note");
    ok(`${c.id}: tbedgec refuses, the schema does not`, !(c.valid && errors.length), errors[0]?.message);
    ok(`${c.id}: the schema refuses, tbedgec says nothing`, c.valid || ds.some((d) => form.test(d.code)));
}
rmSync(work, { recursive: true });

// whole chains
said = told(chains);
for (const f of chains) {
    const valid = whole(read(f)), ds = said[f] ?? [];
    const first = whole.errors?.find((e) => e.keyword !== "if" && e.keyword !== "oneOf" && e.keyword !== "anyOf");
    ok(`${f.split("/").pop()}: the schema refuses, tbedgec says nothing`, valid || ds.some((d) => form.test(d.code)),
        JSON.stringify(first));
}
// SARIF
const golden = join(src, "tests/golden");
const broken = readdirSync(golden).flatMap((d) => ["json", "yaml"].map((e) => join(golden, d, "chain." + e)))
    .filter((f) => existsSync(f));
const own = JSON.parse(readFileSync(process.env.SARIF_SCHEMA ?? join(src, "tests/check/sarif.schema.json"), "utf8"));
const old = /draft-07/.test(own.$schema) ? require("ajv").default : null;
const ajv = old ? new old({ strict: false, unicodeRegExp: false }) : fresh();
if (old) { formats(ajv); }
const sarif = ajv.compile(own);
for (const f of [[], chains, ...broken.map((b) => [b])]) {
    const r = spawnSync(tbedgec, ["check", "--format", "sarif", ...f, join(golden, "edge-root-core/chain.json")], { maxBuffer: 1 << 28 });
    const log = JSON.parse(r.stdout.toString());
    ok(`SARIF of ${f[0] ?? "a clean chain"}`, sarif(log), JSON.stringify(sarif.errors?.[0]));
}
console.log(`${cases.length} configurations, ${chains.length} chains`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
