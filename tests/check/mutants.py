# SPDX-License-Identifier: Apache-2.0
"""mutants.py TBEDGEC SRCDIR CORPUSDIR: correct chains broken in one place each, by rule and always the same way. The
one mistake must be told with the one right code at the right line; nothing else that was not told of the chain before.
From our own chains at least 100 mutants; the shared corpus, when it is there, gives some of each file."""
import copy
import glob
import json
import os
import subprocess
import sys
import tempfile

TBEDGEC, SRC, CORPUS = sys.argv[1:4]
PREFIX = "org.thingsboard.rule.engine."
GENERATOR = PREFIX + "debug.TbMsgGeneratorNode"
PER_FILE = 6  # mutants of one corpus file

SCHEMAS = {}
for path in glob.glob(os.path.join(SRC, "schemas/nodes/*.json")):
    schema = json.load(open(path))
    SCHEMAS[PREFIX + schema["x-class"]] = schema


def dump(value):
    """JSON text, one member a line, and the line of each path."""
    lines, where = [""], {}

    def put(v, path, pad):
        where[path] = len(lines)
        if isinstance(v, (dict, list)) and v:
            items = list(v.items()) if isinstance(v, dict) else list(enumerate(v))
            lines[-1] += "{" if isinstance(v, dict) else "["
            for i, (k, x) in enumerate(items):
                lines.append(" " * (pad + 1) + (json.dumps(k) + ": " if isinstance(v, dict) else ""))
                put(x, path + (k,), pad + 1)
                lines[-1] += "," if i + 1 < len(items) else ""
            lines.append(" " * pad + ("}" if isinstance(v, dict) else "]"))
        else:
            lines[-1] += json.dumps(v)

    put(value, (), 0)
    return "\n".join(lines) + "\n", where


def said(name):
    run = subprocess.run([TBEDGEC, "check", "--format", "json", name], capture_output=True, text=True, timeout=60)
    if run.returncode not in (0, 1) or run.stderr:
        raise SystemExit(f"tbedgec check {name}: status {run.returncode} {run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


class Chain:
    def __init__(self, name, whole):
        self.name, self.whole = name, whole
        self.meta = "metaData" if "metaData" in whole else "metadata" if "metadata" in whole else None

    def metadata(self, whole=None):
        whole = whole if whole is not None else self.whole
        return whole[self.meta] if self.meta else whole

    def at(self, *path):
        return ((self.meta,) if self.meta else ()) + path


def pick(items, n):
    """Some of them, spread evenly: always the same."""
    return items if len(items) <= n else [items[i * len(items) // n] for i in range(n)]


def mutants(chain, clean, told):
    """(what, code, path of the line, changed chain); clean: nodes nothing but notes is told of; told: pointers."""
    base = chain.metadata()
    nodes, conns = base["nodes"], base.get("connections") or []
    out = []

    def add(what, code, path, change, line=0):
        whole = copy.deepcopy(chain.whole)
        change(chain.metadata(whole))
        out.append((what, code, chain.at(*path), whole, line))

    def config(i):
        return nodes[i].get("configuration") or {}

    def is_current(i, s):
        return (nodes[i].get("configurationVersion") or 0) == s["x-version"] and not s.get("x-ignored")

    for i in pick(clean, 8):
        s, here = SCHEMAS[nodes[i]["type"]], ("nodes", i)
        add("class misspelt", "C2301", here + ("type",), lambda m, i=i: m["nodes"][i].update(type=nodes[i]["type"] + "s"))
        add("class of the cloud", "C2303", here + ("type",),
            lambda m, i=i: m["nodes"][i].update(type=PREFIX + "edge.TbMsgPushToEdgeNode"))
        add("commercial class", "C2318", here + ("type",),
            lambda m, i=i: m["nodes"][i].update(type=PREFIX + "action.TbChangeOwnerNode"))
        add("name removed", "C2101", here, lambda m, i=i: m["nodes"][i].pop("name"))
        add("type removed", "C2101", here, lambda m, i=i: m["nodes"][i].pop("type"))
        add("name too long", "C2111", here + ("name",), lambda m, i=i: m["nodes"][i].update(name="n" * 256))
        for key, value in (("configurationVersion", "one"), ("queueName", 5), ("debugSettings", "all"), ("singletonMode", 1)):
            add(f"{key} of another type", "C2102", here + (key,), lambda m, i=i, k=key, v=value: m["nodes"][i].update({k: v}))
        add("node key unknown", "C2103", here + ("colour",), lambda m, i=i: m["nodes"][i].update(colour="red"))
        script = s.get("x-script")
        if script:
            lang = config(i).get("scriptLang") or "JS"
            key = script["tbel"] if lang == "TBEL" else script["js"]
            text = config(i).get(key)
            if text and key in config(i):
                for what, code, new in (("script cut", "C2402", text + "\n("), ("script blank", "C2401", " \n"),
                                        ("script with two operators", "C2402", "return msg.a + * 2;\n" + text),
                                        ("script too long", "C2404", text + "\n" + "//" + "x" * 50000)):
                    add(what, code, here + ("configuration", key),
                        lambda m, i=i, key=key, new=new: m["nodes"][i]["configuration"].__setitem__(key, new))
        if not is_current(i, s):
            continue
        add("configuration key unknown", "C2308", here + ("configuration", "nonsense"),
            lambda m, i=i: m["nodes"][i]["configuration"].update(nonsense=1))
        add("configuration of another type", "C2304", here + ("configuration",),
            lambda m, i=i: m["nodes"][i].update(configuration="default"))
        for key, p in s["properties"].items():
            if key not in config(i) or key in (list(script.values()) if script else []) or key == "processingSettings":
                continue
            types = p.get("type")
            types = types if isinstance(types, list) else [types]
            path = here + ("configuration", key)

            def put(m, v, i=i, key=key):
                m["nodes"][i]["configuration"][key] = v

            if "x-null-error" in p:
                add(f"{key} removed", "C2307", here + ("configuration",),
                    lambda m, i=i, key=key: m["nodes"][i]["configuration"].pop(key))
            elif s["default"].get(key) is not None and "x-later" not in p and key not in ("scriptLang", "severity"):
                code = "C2306" if p.get("minimum", 0) > 0 else "C2314"
                if key == "relationsQuery" and config(i).get("originatorSource") == "RELATED":
                    code = "C2311"
                if key == "originatorType":
                    code = "C2311"
                add(f"{key} removed", code, here + ("configuration",),
                    lambda m, i=i, key=key: m["nodes"][i]["configuration"].pop(key))
            if "enum" in p:
                code = "C2312" if p.get("x-lenient") else "C2305"
                add(f"{key} not of its list", code, path, lambda m, put=put: put(m, "NOPE"))
            elif "boolean" in types:
                add(f"{key} no boolean", "C2304", path, lambda m, put=put: put(m, "perhaps"))
            elif "integer" in types and "minimum" in p:
                add(f"{key} no integer", "C2304", path, lambda m, put=put: put(m, "ten"))
                add(f"{key} out of range", "C2306", path, lambda m, put=put, p=p: put(m, p["maximum"] + 1))
                add(f"{key} as text", "C2309", path, lambda m, put=put, i=i, key=key: put(m, str(config(i)[key])))
            elif "array" in types or "object" in types:
                add(f"{key} no list or object", "C2304", path, lambda m, put=put: put(m, "text"))
            elif "string" in types and key != "ruleChainId":
                add(f"{key} no text", "C2304", path, lambda m, put=put: put(m, {"a": 1}))
            if key == "ruleChainId":
                add("chain id no UUID", "C2311", path, lambda m, put=put: put(m, "xyz"))
                add("chain id null", "C2307", path, lambda m, put=put: put(m, None))

    into = {}
    for c in conns:
        into[c["toIndex"]] = into.get(c["toIndex"], 0) + 1
    fine = [k for k in range(len(conns)) if not any(f"/connections/{k}" in t for t in told)]
    for k in pick(fine, 5):
        c, here = conns[k], ("connections", k)
        cls = SCHEMAS.get(nodes[c["fromIndex"]]["type"])
        add("edge to nowhere", "C2202", here + ("toIndex",), lambda m, k=k: m["connections"][k].update(toIndex=len(nodes)))
        add("edge from nowhere", "C2201", here + ("fromIndex",), lambda m, k=k: m["connections"][k].update(fromIndex=-1))
        add("end removed", "C2101", here, lambda m, k=k: m["connections"][k].pop("toIndex"))
        add("relation removed", "C2101", here, lambda m, k=k: m["connections"][k].pop("type"))
        add("relation no text", "C2102", here + ("type",), lambda m, k=k: m["connections"][k].update(type=1))
        add("edge twice", "C2208", ("connections", len(conns)), lambda m, k=k: m["connections"].append(dict(c)))
        if c["type"].lower() != "failure" and cls and cls["x-out"]:
            if not cls["x-custom-relations"]:
                add("relation the node has not", "C2203", here + ("type",), lambda m, k=k: m["connections"][k].update(type="Nonsense"))
            if c["type"] in cls["x-relations"]:
                add("relation in capitals", "C2204", here + ("type",), lambda m, k=k, c=c: m["connections"][k].update(type=c["type"].upper()))
        to = c["toIndex"]
        last = not any(o["fromIndex"] == to for o in conns + (base.get("ruleChainConnections") or []))
        if into[to] == 1 and last and c["type"].lower() != "failure" and to in clean and to != base.get("firstNodeIndex"):
            add("node cut off", "C2207", ("nodes", to), lambda m, k=k: m["connections"].pop(k))
    first = base.get("firstNodeIndex")
    if first is not None and first in clean and SCHEMAS[nodes[first]["type"]].get("x-in", True):
        reached, todo = set(), [first]
        while todo:
            at = todo.pop()
            if at not in reached:
                reached.add(at)
                todo += [c["toIndex"] for c in conns if c["fromIndex"] == at]
        for v in pick(sorted(reached & set(clean) - {first}), 2):
            s = SCHEMAS[nodes[v]["type"]]
            if s["x-out"] and not any(c["fromIndex"] == v for c in conns):
                rel = [r for r in s["x-relations"] if r != "Failure"][:1] or ["Failure"]
                add("cycle", "C2206", ("connections", len(conns)),
                    lambda m, v=v, rel=rel: m["connections"].append({"fromIndex": v, "toIndex": first, "type": rel[0]}))
        if conns:
            add("edge to itself", "C2205", ("connections", len(conns)),
                lambda m: m["connections"].append(
                    {"fromIndex": first, "toIndex": first, "type": SCHEMAS[nodes[first]["type"]]["x-relations"][0]}))
    if first is not None and first in clean and len(reached) > 1 and all(n["type"] in SCHEMAS and n["type"] != GENERATOR for n in nodes):
        add("first node removed", "C2105", (), lambda m: m.pop("firstNodeIndex"))
        if not base.get("ruleChainConnections"):
            add("connections removed", "C2207", (), lambda m: m.pop("connections"))
    if first is not None:
        add("first node nowhere", "C2104", ("firstNodeIndex",), lambda m: m.update(firstNodeIndex=len(nodes)))
        add("first node no number", "C2102", ("firstNodeIndex",), lambda m: m.update(firstNodeIndex="0"))
    add("nodes removed", "C2101" if chain.meta else "C2008", (), lambda m: m.pop("nodes"))
    add("nodes no list", "C2102", ("nodes",), lambda m: m.update(nodes={}))
    if conns:
        add("connections no list", "C2102", ("connections",), lambda m: m.update(connections="none"))
        out.append(("comma removed", "C2002", chain.at("nodes"), chain.whole, "comma"))
    return out


def key_of(d, moved=False):
    """What makes a diagnostic the same before and after; the number in C2213 may change, and places when parts moved."""
    if moved:
        return d["code"], "" if d["code"] == "C2213" else d["message"]
    return d["code"], d.get("pointer"), d["message"].split('": ', 1)[-1] if d["code"] == "C2314" else ""


class Count:
    passed = failed = 0
    kinds = {}


def judge(work, chain, before, mutant):
    what, code, path, whole, special = mutant
    text, where = dump(whole)
    line = where[path]
    if special == "comma":  # behind the last member before the list of connections ends a value
        lines = text.split("\n")
        at = next(i for i in range(line, len(lines)) if lines[i].endswith(","))
        lines[at] = lines[at][:-1]
        text, line = "\n".join(lines), at + 2
    name = os.path.join(work, "mutant.json")
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)
    moved = what == "node cut off"
    rest, new = [key_of(d, moved) for d in before], []
    for d in said(name):
        key = key_of(d, moved)
        if key in rest:
            rest.remove(key)
        else:
            new.append(d)
    good = len(new) == 1 and new[0]["code"] == code and new[0]["line"] == line
    Count.passed += good
    Count.failed += not good
    Count.kinds[code] = Count.kinds.get(code, 0) + 1
    if not good:
        print(f"FAIL {chain.name}: {what}: {code} at line {line} expected, got "
              + "; ".join(f"{d['code']} at line {d['line']}: {d['message'][:110]}" for d in new)[:500])


def run(work, name, n):
    with open(name, encoding="utf-8") as f:
        whole = json.load(f)
    if isinstance(whole, list):
        return
    chain = Chain(os.path.basename(os.path.dirname(name)) + "/" + os.path.basename(name), whole)
    text, _ = dump(whole)
    base = os.path.join(work, "base.json")
    with open(base, "w", encoding="utf-8") as f:
        f.write(text)
    before = said(base)
    bad = {d.get("nodeIndex") for d in before if d["severity"] != "note" and d["code"] != "C2302"}
    nodes = chain.metadata()["nodes"]
    clean = [i for i, node in enumerate(nodes) if i not in bad and node["type"] in SCHEMAS
             and isinstance(node.get("configuration"), dict)]
    for mutant in pick(mutants(chain, clean, [d.get("pointer") or "" for d in before]), n):
        judge(work, chain, before, mutant)


def main():
    own = [os.path.join(SRC, "tests/golden", d, "chain.json")
           for d in ("edge-root-core", "routing", "check-keys", "configs", "form-version-control")]
    with tempfile.TemporaryDirectory(prefix="mutants.") as work:
        for name in own:
            run(work, name, 60)
        print(f"{Count.passed + Count.failed} mutants of our own chains")
        if Count.passed + Count.failed < 100:
            print("FAIL fewer than 100")
            Count.failed += 1
        for name in sorted(glob.glob(os.path.join(CORPUS, "*.json"))):
            run(work, name, PER_FILE)
    print(f"{Count.passed + Count.failed} mutants, " + ", ".join(f"{c} {n}" for c, n in sorted(Count.kinds.items())))
    print(f"{Count.passed} passed, {Count.failed} failed")
    return 1 if Count.failed else 0


sys.exit(main())
