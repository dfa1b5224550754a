# SPDX-License-Identifier: Apache-2.0
"""tbedgec diff: what does not count, each kind of change by itself, how nodes are known again, scripts by lines."""
import copy
import difflib
import json
import os
import random
import tempfile

import common
from common import check, run

LOG = "org.thingsboard.rule.engine.action.TbLogNode"
FILTER = "org.thingsboard.rule.engine.filter.TbJsFilterNode"
SAVE = "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode"


def node(i, name, cls, **config):
    return {"id": {"entityType": "RULE_NODE", "id": f"00000000-0000-4000-8000-{i:012x}"}, "createdTime": i, "type": cls, "name": name,
            "configurationVersion": 0, "configuration": config, "additionalInfo": {"layoutX": i, "layoutY": i, "description": ""}}


BASE = {"ruleChain": {"id": {"entityType": "RULE_CHAIN", "id": "00000000-0000-4000-8000-0000000000ff"}, "name": "Root", "root": True, "createdTime": 1},
        "metadata": {"version": 1, "firstNodeIndex": 0, "nodes": [
            node(1, "Filter", FILTER, scriptLang="TBEL", tbelScript="var a = 1;\nvar b = 2;\nreturn a > b;\n", jsScript="return true;"),
            node(2, "Log yes", LOG, scriptLang="JS", jsScript="return 'yes';"),
            node(3, "Log no", LOG, scriptLang="JS", jsScript="return 'no';"),
            node(4, "Save", SAVE, defaultTTL=0, useServerTs=False, processingSettings={"type": "ON_EVERY_MESSAGE"})],
            "connections": [{"fromIndex": 0, "toIndex": 1, "type": "True"}, {"fromIndex": 0, "toIndex": 2, "type": "False"},
                            {"fromIndex": 1, "toIndex": 3, "type": "Success"}]}}

with tempfile.TemporaryDirectory() as d:
    def write(name, value):
        p = os.path.join(d, name)
        with open(p, "w", encoding="utf-8") as f:
            f.write(value if isinstance(value, str) else json.dumps(value))
        return p

    old = write("old.json", BASE)

    def diff(change, *args, base=None):
        """(status, text, JSON) of BASE and BASE changed"""
        new = copy.deepcopy(base or BASE)
        other = change(new)
        new = other if isinstance(other, list) else new
        a, b = write("a.json", base or BASE), write("new.json", new)
        s, text, err = run("diff", *args, a, b)
        s2, js, _ = run("diff", "--format", "json", *args, a, b)
        check("text and JSON agree", s == s2 and s in (0, 1) and (text == b"") == (s == 0), err.decode())
        js = json.loads(js)
        check("same is what the status says", js["same"] == (s == 0))
        return s, text.decode(), js

    def chain(js):
        return js["chains"][0] if len(js["chains"]) == 1 else {"keys": [], "nodes": [], "relations": [], "name": "?"}

    # ---- what does not count ----
    def noise(n):
        n["ruleChain"].update(createdTime=2, version=9, tenantId={"id": "x"}, firstRuleNodeId=None)
        n["metadata"]["version"] = 7
        for i, x in enumerate(n["metadata"]["nodes"]):
            x.update(createdTime=99, externalId=None, queueName=None, singletonMode=False)
            x["additionalInfo"].update(layoutX=7 * i, layoutY=3)
            del x["configurationVersion"]

    s, text, js = diff(noise)
    check("times, versions, places and nulls do not count", s == 0, text)
    s, text, js = diff(noise, "--layout")
    check("places do with --layout", s == 1 and "additionalInfo/layoutX: 1 -> 0" in text, text)

    def shuffled(n):
        m = n["metadata"]
        order = [2, 0, 3, 1]
        m["nodes"] = [m["nodes"][i] for i in order]
        where = {o: i for i, o in enumerate(order)}
        m["firstNodeIndex"] = where[0]
        m["connections"] = [dict(e, fromIndex=where[e["fromIndex"]], toIndex=where[e["toIndex"]]) for e in reversed(m["connections"])]

    def no_ids(n):
        shuffled(n)
        for x in n["metadata"]["nodes"]:
            del x["id"]

    check("the order of nodes and connections does not count", diff(shuffled)[0] == 0)
    check("nodes are known by name and type without ids", diff(no_ids)[0] == 0)
    yaml = write("new.yaml", run("fmt", "--to", "yaml", old)[1].decode())
    check("JSON and YAML of one chain are the same", run("diff", old, yaml)[:2] == (0, b""))
    check("standard input", run("diff", old, "-", stdin=json.dumps(BASE).encode())[0] == 0)

    # ---- one change at a time ----
    def nodes(n):
        return n["metadata"]["nodes"]

    s, text, js = diff(lambda n: nodes(n)[0].update(name="Guard"))
    check("a new name, known by id", s == 1 and chain(js)["nodes"] == [{"change": "changed", "name": "Filter", "type": FILTER, "keys": [
        {"path": "name", "old": "Filter", "new": "Guard"}]}] and not chain(js)["relations"], text)

    def renamed(n):
        no_ids(n)
        nodes(n)[1]["name"] = "Guard"

    s, text, js = diff(renamed)
    check("a new name, known by likeness", s == 1 and len(chain(js)["nodes"]) == 1 and chain(js)["nodes"][0]["keys"][0]["path"] == "name", text)

    def reclassed(n):
        no_ids(n)
        nodes(n)[1].update(type=LOG)

    s, text, js = diff(reclassed)
    check("another class, known by name", s == 1 and len(chain(js)["nodes"]) == 1 and chain(js)["nodes"][0]["keys"][0]["path"] == "type", text)
    s, text, js = diff(lambda n: nodes(n)[3]["configuration"].update(defaultTTL=5))
    check("a key", s == 1 and text.endswith('  ~ node "Save" (save time series)\n      configuration/defaultTTL: 0 -> 5\n'), text)
    s, text, js = diff(lambda n: nodes(n)[3]["configuration"].update(defaultTTL=0.0))
    check("a number spelled otherwise", "configuration/defaultTTL: 0 -> 0.0" in text, text)
    s, text, js = diff(lambda n: nodes(n)[3]["configuration"].pop("useServerTs"))
    check("a key that is gone", "configuration/useServerTs: false -> (none)" in text, text)
    s, text, js = diff(lambda n: nodes(n)[3]["configuration"]["processingSettings"].update(type="DEDUPLICATE", x=[1]))
    check("keys inside", "processingSettings/type: \"ON_EVERY_MESSAGE\" -> \"DEDUPLICATE\"" in text and "processingSettings/x: (none) -> [1]" in text, text)
    s, text, js = diff(lambda n: nodes(n)[0].update(debugMode=True))
    check("a flag of the node", "debugMode: (none) -> true" in text, text)
    s, text, js = diff(lambda n: nodes(n)[0]["additionalInfo"].update(description="x"))
    check("the description", 'additionalInfo/description: "" -> "x"' in text, text)
    s, text, js = diff(lambda n: n["ruleChain"].update(name="Other", root=False))
    check("name and root of the chain", [k["path"] for k in chain(js)["keys"]] == ["name", "root"], text)
    s, text, js = diff(lambda n: n["metadata"].update(firstNodeIndex=3))
    check("the first node", chain(js)["keys"] == [{"path": "first node", "old": "Filter", "new": "Save"}], text)
    s, text, js = diff(lambda n: n["metadata"]["connections"].pop())
    check("a relation that is gone", chain(js)["relations"] == [{"change": "removed", "from": "Log yes", "relation": "Success", "to": "Save"}] and
          '  - relation "Log yes" --Success--> "Save"\n' in text, text)
    s, text, js = diff(lambda n: n["metadata"]["connections"][2].update(toIndex=2))
    check("a relation that leads elsewhere", sorted((r["change"], r["to"]) for r in chain(js)["relations"]) == [("added", "Log no"), ("removed", "Save")], text)
    s, text, js = diff(lambda n: n["metadata"]["connections"].append(dict(n["metadata"]["connections"][0])))
    check("a relation given twice is one", s == 0, text)

    def added(n):
        nodes(n).insert(0, node(9, "New", LOG))
        n["metadata"]["firstNodeIndex"] = 1
        n["metadata"]["connections"] = [dict(e, fromIndex=e["fromIndex"] + 1, toIndex=e["toIndex"] + 1) for e in n["metadata"]["connections"]] + [
            {"fromIndex": 1, "toIndex": 0, "type": "Failure"}]

    s, text, js = diff(added)
    check("a node that is new", [(x["change"], x["name"]) for x in chain(js)["nodes"]] == [("added", "New")] and
          [r["to"] for r in chain(js)["relations"]] == ["New"] and '  + node "New" (log)\n' in text, text)

    def removed(n):
        nodes(n).pop(2)
        n["metadata"]["connections"] = [{"fromIndex": 0, "toIndex": 1, "type": "True"}, {"fromIndex": 1, "toIndex": 2, "type": "Success"}]

    s, text, js = diff(removed)
    check("a node that is gone", [(x["change"], x["name"]) for x in chain(js)["nodes"]] == [("removed", "Log no")] and len(chain(js)["relations"]) == 1, text)

    def twins(n):
        for i, x in enumerate(nodes(n)[1:3]):
            x["name"] = "Log"
            del x["id"]

    base = copy.deepcopy(BASE)
    twins(base)
    s, text, js = diff(lambda n: nodes(n)[1]["configuration"].update(jsScript="return 'other';"), base=base)
    check("of two nodes alike the one that changed", len(chain(js)["nodes"]) == 1 and "return 'yes';" in text and "return 'no';" not in text, text)

    # ---- chains ----
    two = [BASE, dict(BASE, ruleChain={"name": "Second"})]
    s, text, js = diff(lambda n: n[:1], base=two)
    check("a chain that is gone", s == 1 and js["chains"][0]["change"] == "removed" and js["chains"][0]["name"] == "Second", text)
    s, text, js = diff(lambda n: n[::-1], base=two)
    check("the order of chains does not count", s == 0, text)

    # ---- scripts ----
    s, text, js = diff(lambda n: nodes(n)[0]["configuration"].update(tbelScript="var a = 1;\nvar b = 3;\nreturn a > b;"))
    check("a script by lines", "configuration/tbelScript:\n        @@ line 1 @@\n         var a = 1;\n        -var b = 2;\n        -return a > b;\n"
          "        +var b = 3;\n        +return a > b; (no line break at the end)\n" in text, text)
    rng = random.Random(1)
    for _ in range(40):
        x = [rng.choice("abcde") for _ in range(rng.randint(1, 30))]
        y = [c for c in x if rng.random() < 0.8]
        for _ in range(rng.randint(0, 5)):
            y.insert(rng.randint(0, len(y)), rng.choice("abcdef"))
        a, b = "\n".join(x) + "\nend", "\n".join(y) + "\nend\n"
        s, text, js = diff(lambda n: nodes(n)[0]["configuration"].update(tbelScript=b),
                           base=json.loads(json.dumps(BASE).replace(json.dumps(nodes(BASE)[0]["configuration"]["tbelScript"]), json.dumps(a))))
        lines = chain(js)["nodes"][0]["keys"][0]["lines"]
        check("the lines give both scripts", "\n".join(k[1:] for k in lines if k[0] in " -") == a and
              "\n".join(k[1:] for k in lines if k[0] in " +") + "\n" == b, f"{a!r} {b!r} {lines}")
        same = sum(m.size for m in difflib.SequenceMatcher(None, x, y, False).get_matching_blocks())
        check("no fewer lines stay than need be", sum(k[0] == " " for k in lines) >= same, f"{lines}")

    for lines, whole in ((3000, False), (3001, True)):
        long = "\n".join(f"x{i}" for i in range(lines))
        s, text, js = diff(lambda n: nodes(n)[0]["configuration"].update(tbelScript=long))
        check(f"a script of {lines} lines", s == 1 and ("bytes replaced by" in text) == whole, text[:300])

    # ---- hostile, large, wrong ----
    s, text, js = diff(lambda n: nodes(n)[0].update(name="\x1b[31mred\nnext"))
    check("nothing steers the terminal", "\x1b" not in text and "\\u001b" in text.lower() or "\\x1b" in text, text)
    big = {"metadata": {"firstNodeIndex": 0, "nodes": [{"name": f"n{i}", "type": "log", "configuration": {"jsScript": str(i)}} for i in range(10000)],
                        "connections": []}}
    s, text, js = diff(lambda n: [x.update(name="m" + x["name"]) for x in n["metadata"]["nodes"]] and None, base=big)
    check("10000 nodes renamed at once end", s == 1 and len(chain(js)["nodes"]) == 20000)
    s, text, js = diff(lambda n: [x.update(name="m" + x["name"]) for x in n["metadata"]["nodes"][:1000]] and None, base=big)
    check("1000 are known by likeness", s == 1 and len(chain(js)["nodes"]) == 1000)
    check("a missing file", run("diff", old, os.path.join(d, "none"))[0] == 2)
    s, out, err = run("diff", old, "-", stdin=b"{}")
    check("no rule chain", s == 2 and b"C2008" in err, err.decode())
    check("standard input twice", run("diff", "-", "-")[0] == 2)
    check("one operand", run("diff", old)[0] == 2)
    check("three operands", run("diff", old, old, old)[0] == 2)

files = common.corpus()
if not files:
    print("SKIP the corpus: ../shared is absent (TBE_SHARED)")
for a, b in zip(files, files[1:] + files[:1]):
    check(f"{os.path.basename(a)} is as itself", run("diff", a, a)[:2] == (0, b""))
    s, out, err = run("diff", a, b)
    s2, js, err2 = run("diff", "--format", "json", a, b)
    check(f"{os.path.basename(a)} and the next", s in (0, 1) and s == s2 and json.loads(js)["same"] == (s == 0), (err + err2).decode())
common.end()
