# SPDX-License-Identifier: Apache-2.0
"""Rule node cases: each case's node stands alone in a chain; its message goes in, what comes out and what is stored is
compared with the recording. All cases of a file are compiled into one worker."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recordings as rec  # noqa: E402

TENANT = {"title": "Node cases", "name": "Node cases", "country": "Wonderland", "state": "ST", "city": "Cityville",
          "zip": "12345", "address": "1 Main St", "address2": "Floor 2", "phone": "+1555", "email": "tenant@nodes.org",
          "additionalInfo": {"description": "tenant descr"}}
JAVA_TEXT = re.compile(r"Cannot invoke|For input string|No enum constant|com\.fasterxml|com\.google\.gson|Unexpected |"
                       r"gson|Unrecognized|MalformedJson|\[Error:|Line: \d|NullPointer|IllegalState|JsonSyntax|SyntaxError|"
                       r"TypeError|ReferenceError|Can't convert value|Cannot deserialize|<eval>|javax?\.|jdk\.|JDBC", re.S)


class Case:
    def __init__(self, c):
        self.c, self.id = c, c["id"]
        self.u = lambda *p: rec.stable_id(self.id, *p)
        s = c.get("setup") or {}
        self.names = ["device"] + list(s.get("entities") or {})
        self.kinds = {"device": "DEVICE", "tenant": "TENANT"}
        for n, e in (s.get("entities") or {}).items():
            self.kinds[n] = e.get("kind", "DEVICE")
        self.known = {"$UUID:null": rec.NULL_UUID, "$UUID:chain": self.u("chain"), "$UUID:node": self.u("node"),
                      "$UUID:tenant": self.u("tenant"), "$NAME:tenant": "Node cases", "$NAME:service": "replay"}
        for n in self.names:
            self.known["$UUID:" + n] = self.u(n)
            self.known["$NAME:" + n] = "%s %s" % (n, self.id)
        for n in s.get("chains") or {}:
            self.known["$UUID:" + n] = self.u("chain", n)
            self.known["$NAME:" + n] = "%s %s" % (n, self.id)
        self.known["$NAME:device"] = "Dev device"
        self.now = int(time.time() * 1000)

    def fill(self, x):
        """Placeholders of an input become our values."""
        t = x if isinstance(x, str) else json.dumps(x)
        for k in sorted(self.known, key=len, reverse=True):
            t = t.replace(k, self.known[k])
        t = re.sub(r"\$NOW([+-]\d+)?", lambda m: str(self.now + int(m.group(1) or 0)), t)
        t = re.sub(r"\$UUID\b", lambda m: self.u("any"), t)
        return t if isinstance(x, str) else json.loads(t)

    def entity(self, name):
        return {"entityType": self.kinds.get(name, "DEVICE"), "id": self.known["$UUID:" + name]}

    # Chains
    def chains(self):
        c = self.c
        node = {"id": {"entityType": "RULE_NODE", "id": self.u("node")}, "type": c["type"],
                "name": c.get("nodeName", "node under test"), "configurationVersion": c.get("configurationVersion", 0),
                "configuration": self.fill(c["configuration"]) if c.get("configuration") is not None else None}
        if c.get("queueName"):
            node["queueName"] = c["queueName"]
        yield self.chain("chain", "Case " + self.id, [node], [])
        for name, spec in ((c.get("setup") or {}).get("chains") or {}).items():
            nodes, conns = [], []
            for n in (spec or {}).get("nodes", []):
                nodes.append({"type": self.full(n[1]), "name": n[0], "configurationVersion": 99, "configuration": self.fill(n[2]) if n[2] else {}})
            index = {n["name"]: i for i, n in enumerate(nodes)}
            for a, b, r in (spec or {}).get("connections", []):
                conns.append({"fromIndex": index.get(a, a), "toIndex": index.get(b, b), "type": r})
            yield self.chain(("chain", name), self.known["$NAME:" + name], nodes, conns)

    @staticmethod
    def full(short):
        for c in rec.supported():
            if c.split(".")[-1] == short.split(".")[-1]:
                return rec.PREFIX + c
        return rec.PREFIX + short

    def chain(self, key, name, nodes, conns):
        key = key if isinstance(key, tuple) else (key,)
        return {"ruleChain": {"id": {"entityType": "RULE_CHAIN", "id": self.u(*key)}, "name": name, "type": "CORE", "root": False},
                "metadata": {"firstNodeIndex": 0 if nodes else None, "nodes": nodes, "connections": conns}}

    # Scenario
    def scenario(self):
        s = self.c.get("setup") or {}
        e = [self.make_entity("device", dict({"kind": "DEVICE"}, **(s.get("device") or {})))]
        e += [self.make_entity(n, spec) for n, spec in (s.get("entities") or {}).items()]
        if (s.get("profile") or {}).get("alarms"):
            e.append({"type": "DEVICE_PROFILE", "id": self.u("profile"), "name": "profile with rules", "created": self.now,
                      "json": {"profileData": {"alarms": self.fill(s["profile"]["alarms"])}}})
            e[0]["profile"] = self.u("profile")
        for n, cust in (s.get("assign") or {}).items():
            for x in e:
                if x["id"] == self.known["$UUID:" + n]:
                    x["customer"] = self.known["$UUID:" + cust]
        sc = {"id": self.id, "root": "Root of the cases", "tenant": {"id": self.u("tenant"), "json": TENANT}, "entities": e,
              "attributes": [{"entity": self.u("tenant"), "scope": "SERVER_SCOPE", "ts": self.now,
                              "values": {"alarmThreshold": 99, "d": 2.5, "s": "ten", "j": {"y": 1}}}],
              "timeseries": [{"entity": self.u("tenant"), "ts": 1700000000000, "values": {"tlt": 8.25}}],
              "relations": [{"from": self.entity(a), "to": self.entity(b), "type": t} for a, t, b in s.get("relations") or []],
              "alarms": [], "steps": []}
        for n, scopes in (s.get("attributes") or {}).items():
            for scope, values in scopes.items():
                sc["attributes"].append({"entity": self.known["$UUID:" + n], "scope": scope, "ts": self.now, "values": values})
        for n, records in (s.get("timeseries") or {}).items():
            for r in self.fill(records):
                sc["timeseries"].append({"entity": self.known["$UUID:" + n], "ts": int(r["ts"]), "values": r["values"]})
        for i, a in enumerate(s.get("alarms") or []):
            a = self.fill(a)
            start = int(a.get("startTs", self.now))
            sc["alarms"].append({"id": self.u("alarm", i), "originator": self.entity(a.get("originator", "device")), "type": a["type"],
                                 "severity": a.get("severity", "MAJOR"), "details": a.get("details"), "ack": bool(a.get("ack")),
                                 "clear": bool(a.get("clear")), "start": start, "end": int(a.get("endTs", start))})
        note = self.c.get("note") or ""
        m = re.search(r"device replies (\{.*\}|\[.*\]|\S+)", note)
        if m:
            sc["rpc"] = {"answer": m.group(1)}
        elif self.c["type"].endswith("TbSendRPCRequestNode") and re.search(r"no answer|does not (answer|reply)|never replies|no reply|silent", note):
            sc["rpc"] = {"answer": None}
        for i, m in enumerate(self.c.get("inputs") or [self.c.get("input")]):
            if i:
                sc["steps"].append({"do": "advance", "ms": 1200})
            sc["steps"].append({"do": "message", "chain": self.u("chain"), "msg": {
                "type": m["msgType"], "data": self.fill(m["data"]), "metadata": self.fill(m["metadata"]),
                "originator": self.entity(m["originator"])}})
        sc["now"] = self.now
        if any(t in self.c["type"] for t in ("TbMsgDelayNode", "TbSendRPCRequestNode")):
            sc["steps"].append({"do": "advance", "ms": 3500})
        sc["steps"].append({"do": "state"})
        return sc

    def make_entity(self, name, spec):
        spec = self.fill(spec)
        kind = spec.pop("kind", "DEVICE")
        e = {"type": kind, "id": self.known["$UUID:" + name], "name": self.known["$NAME:" + name], "kind": spec.pop("type", "default"),
             "created": self.now}
        if "label" in spec:
            e["label"] = spec.pop("label")
        if "name" in spec:
            e["name"] = spec.pop("name")
        e["json"] = spec
        return e

    # Comparing
    def compare(self, r):
        if r is None or "error" in r:
            return "no report: %s" % (r or {}).get("error")
        mt = rec.Matcher(self.known, self.now)
        events = [e for s in r["steps"] for e in s.get("events", []) if e["chain"] == "Case " + self.id and e["dir"] == "OUT"]
        if self.c.get("initError"):
            bad = [e for e in events if e["relation"] not in ("Failure",)]
            return "the node must not start, but it gave %s" % rec.show(bad) if bad else None
        exp = self.c.get("outputs") or []
        if len(exp) != len(events):
            return "expected %d outputs %s\n    got %d %s" % (len(exp), rec.show(exp), len(events), rec.show([brief(e) for e in events]))
        left = list(events)
        for e in exp:
            g = next((x for x in left if self.output_same(mt, e, x)), None)
            if g is None:
                return "expected %s\n    got %s" % (rec.show(e), rec.show([brief(x) for x in left]))
            left.remove(g)
        return self.effects(mt, r)

    def output_same(self, mt, e, g):
        if e["relation"] != g["relation"] or not mt.text(e["msgType"], g["msgType"]):
            return False
        want = self.known.get("$UUID:" + str(e.get("originator")))
        if want and g["originator"]["id"] != want:
            return False
        # A device label like r12 is an artefact of the recording.
        exp = re.sub(r'("originator(?:Label|DisplayName)":")~?r\d+"', r'\1$ANY"', e["data"])
        mapping = self.c["type"].endswith(("TbGetOriginatorFieldsNode", "TbGetAttributesNode"))
        if not mt.data(exp, g["data"], mapping) or not mt.metadata(e["metadata"], g["metadata"]):
            return False
        if "error" in e and e["error"] and not JAVA_TEXT.search(e["error"]):
            return mt.text(e["error"], g.get("error") or "")
        return True

    def effects(self, mt, r):
        state = r["steps"][-1].get("state") or {}
        for key, exp in (self.c.get("effects") or {}).items():
            what, _, who = key.partition("@")
            uid = self.known["$UUID:" + (who or "device")]
            if what == "timeseries":
                got = {"history": (state.get("history") or {}).get(uid, {}), "latest": (state.get("latest") or {}).get(uid, {})}
                got = {k: got[k] for k in exp}
            elif what == "attributes":
                got = {k: v for k, v in ((state.get("attributes") or {}).get(uid) or {}).items() if v}
                exp = {k: v for k, v in exp.items() if v}
            elif what == "alarms":
                got = [alarm_view(a, exp) for a in state.get("alarms", []) if a["originator"]["id"] == uid]
                got += [alarm_view(a, exp) for a in (state.get("shown") or {}).get(uid, [])]
                if not same_alarms(mt, exp, got):
                    return "%s: expected %s\n    got %s" % (key, rec.show(exp), rec.show(got))
                continue
            elif what == "deviceReceived":
                got = [{"id": i, "method": x["method"], "params": x["params"]} for i, x in
                       enumerate(x for s in r["steps"] for x in s.get("rpc", []))]
            else:
                continue
            if not mt.value(exp, got):
                return "%s: expected %s\n    got %s" % (key, rec.show(exp), rec.show(got))
        return None


def alarm_view(a, exp):
    keys = exp[0].keys() if exp else a.keys()
    return {k: a.get(k) for k in keys}


def same_alarms(mt, exp, got):
    return len(exp) == len(got) and (all(map(mt.value, exp, got)) or all(map(mt.value, exp, reversed(got))))


def brief(e):
    return {k: e[k] for k in ("relation", "msgType", "data", "metadata", "originator", "error") if e.get(k) is not None}


def upgrade(case, work):
    """A case that records what the server stored: our compiler must upgrade the configuration to the same."""
    src = os.path.join(work, "upgrade.json")
    with open(src, "w") as f:
        json.dump(next(iter(case.chains())), f)
    p = subprocess.run([os.path.join(rec.BUILD, "tbedgec"), "build", "--dump=ir", "--emit-only", os.path.join(work, "c"), src],
                       capture_output=True, text=True)
    m = re.search(r"^\s*configuration (\{.*\})$", p.stdout, re.M)
    if not m:
        return "no upgraded configuration in --dump=ir: %s" % rec.show(p.stdout + p.stderr)
    got, exp = json.loads(m.group(1)), case.c["stored"].get("configuration")
    return None if rec.Matcher(case.known, case.now).value(case.fill(exp), got) else "stored: expected %s\n    got %s" % (rec.show(exp), rec.show(got))


def save_error(case, work):
    src = os.path.join(work, "save.json")
    with open(src, "w") as f:
        json.dump(next(iter(case.chains())), f)
    p = subprocess.run([os.path.join(rec.BUILD, "tbedgec"), "check", src], capture_output=True, text=True)
    return None if p.returncode == 1 else "check must refuse it (%s), status %d" % (case.c["saveError"]["message"], p.returncode)


def unknown_key(case, work):
    """A node with an unknown key does not start there; here it is a warning and the node works (docs/migration.md)."""
    if "Can't convert value" not in ((case.c.get("initError") or {}).get("message") or ""):
        return False
    src = os.path.join(work, "unknown.json")
    with open(src, "w") as f:
        json.dump(next(iter(case.chains())), f)
    p = subprocess.run([os.path.join(rec.BUILD, "tbedgec"), "check", "--format", "json", src], capture_output=True, text=True)
    return '"C2308"' in p.stdout


def run_file(path, classes, verbose):
    passed = failed = skipped = differ = 0
    cases, special = [], []
    with open(path) as f:
        for line in f:
            c = json.loads(line)
            if c["type"].replace(rec.PREFIX, "") not in classes or c.get("flaky"):
                skipped += 1
            elif c.get("saveError") or c.get("stored"):
                special.append(Case(c))
            else:
                cases.append(Case(c))
    results = []
    with tempfile.TemporaryDirectory(prefix="tbe-nodes-") as work:
        for c in special:
            results.append((c, save_error(c, work) if c.c.get("saveError") else upgrade(c, work)))
        if cases:
            chains = [{"ruleChain": {"name": "Root of the cases", "type": "CORE", "root": True},
                       "metadata": {"firstNodeIndex": 0, "nodes": [{"type": rec.PREFIX + "flow.TbAckNode", "name": "end", "configuration": {}}],
                                    "connections": []}}]
            for c in cases:
                chains += list(c.chains())
            src, worker = os.path.join(work, "chains.json"), os.path.join(work, "worker")
            with open(src, "w") as f:
                json.dump(chains, f)
            rec.build(worker, [src])
            reports = rec.replay(worker, [c.scenario() for c in cases])
            for c, r in zip(cases, reports):
                err = c.compare(r)
                if err is not None and unknown_key(c, work):
                    differ += 1
                else:
                    results.append((c, err))
    for c, err in results:
        passed, failed = passed + (err is None), failed + (err is not None)
        if err is not None:
            print("FAIL %s %s\n    %s" % (c.id, json.dumps(c.c.get("configuration")), err))
    print("%s: %d of %d%s%s" % (os.path.basename(path), passed, passed + failed, ", %d skipped" % skipped if skipped else "",
                                ", %d with an unknown key" % differ if differ else ""), flush=True)
    return passed, failed, skipped, differ


def main():
    files = sys.argv[1:] or sorted(glob.glob(os.path.join(rec.HERE, "node-cases", "*.jsonl")))
    if not files:
        print("skipped: no node cases here")
        return 0
    classes = rec.supported()
    total = [0, 0, 0, 0]
    for f in files:
        try:
            r = run_file(f, classes, False)
        except SystemExit as e:
            with open(f) as fh:
                r = (0, sum(1 for _ in fh), 0, 0)
            print("FAIL %s: %s" % (os.path.basename(f), e))
        total = [a + b for a, b in zip(total, r)]
    if total[3]:
        print("%d cases with an unknown key are not counted: a warning here, see docs/migration.md" % total[3])
    if total[2]:
        print("%d cases of other classes, or flaky in the recording, are not counted" % total[2])
    print("%d passed, %d failed" % (total[0], total[1]))
    return total[1] != 0


if __name__ == "__main__":
    sys.exit(main())
