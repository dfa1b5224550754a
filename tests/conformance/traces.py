# SPDX-License-Identifier: Apache-2.0
"""Traces of rule chains: the chains of a trace file are compiled as they were imported, its cases run one after the
other on the same state, and each message's way is compared node by node, then the stored effects.

A file whose chains use a node class that is not in the library is skipped with a note."""
import glob
import json
import os
import re
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import recordings as rec  # noqa: E402

USER = {"userId": "", "userName": "", "userEmail": ""}


class Trace:
    def __init__(self, path):
        with open(path) as f:
            self.t = json.load(f)
        self.name = os.path.basename(path)
        self.u = lambda *p: rec.stable_id(self.name, *p)
        self.base = int(time.time() * 1000)
        self.known = {"$UUID:null": rec.NULL_UUID, "$UUID:tenant": self.u("tenant"), "$TENANT": self.u("tenant"),
                      "$SERVICE": "replay"}
        s = self.t["setup"]
        self.refs = {}
        for e in self.listed(s):
            ref = e["ref"].split(":", 1)[1]
            self.refs[ref] = e
            self.known[e["ref"]] = self.u(ref)
        for n in self.t["nodes"]:
            self.known["$UUID:node%d" % n["i"]] = self.u("node", n["i"])
        for i, c in enumerate(self.t["chains"]):
            self.known["$UUID:chain%d" % i] = self.u("chain", i)

    @staticmethod
    def listed(s):
        out = list(s.get("device") or [])
        for k in ("related", "asset", "customer"):
            if s.get(k):
                out.append(dict(s[k], kind=k))
        out += [dict(e, kind="named") for e in s.get("named") or []]
        return out

    def classes(self):
        return {n["type"].replace(rec.PREFIX, "") for n in self.t["nodes"]}

    def fill(self, x):
        t = x if isinstance(x, str) else json.dumps(x)
        for k in sorted(self.known, key=len, reverse=True):
            t = t.replace(k, self.known[k])
        t = re.sub(r"\$TS:(\d+)", lambda m: str(self.base + int(m.group(1)) * 10000), t)
        t = re.sub(r"\$NOW", str(self.base), t)
        t = re.sub(r"\$UUID:\w+|\$UUID", lambda m: self.u("other", m.group(0)), t)
        return t if isinstance(x, str) else json.loads(t)

    def number(self, x):
        """A time of the trace: a number, or "$TS:k"."""
        if isinstance(x, str):
            return int(self.fill(x))
        return x

    def kind(self, ref):
        e = self.refs.get(ref) or {}
        k = e.get("kind")
        if k in ("asset", "customer"):
            return k.upper()
        return e.get("type") if e.get("type") in ("DEVICE", "ASSET", "CUSTOMER", "ENTITY_VIEW", "USER", "TENANT") else "DEVICE"

    def entity(self, ref):
        ref = (ref or "device").replace("$UUID:", "")
        if ref == "tenant":
            return {"entityType": "TENANT", "id": self.u("tenant")}
        return {"entityType": self.kind(ref), "id": self.u(ref)}

    def chains(self):
        for i, c in enumerate(self.t["chains"]):
            imp = self.fill(c["import"])
            nodes = []
            for k, n in enumerate(imp.get("nodes") or []):
                n = dict(n)
                n["id"] = {"entityType": "RULE_NODE", "id": self.u("node", c["firstNodeBase"] + k)}
                nodes.append(n)
            imp = dict(imp, nodes=nodes)
            yield {"ruleChain": {"id": {"entityType": "RULE_CHAIN", "id": self.u("chain", i)}, "name": "%s %d %s" % (self.name, i, c["name"]),
                                 "type": "CORE", "root": False}, "metadata": imp}

    def scenario(self):
        s = self.t["setup"]
        sc = {"id": self.name, "root": "Root of the traces", "tenant": {"id": self.u("tenant"), "json": {"title": "Tenant"}}, "entities": [],
              "attributes": [], "timeseries": [], "relations": [], "rpc": {"answer": "{\"ok\":true}"}, "steps": [], "now": self.base}
        # Some chains would call themselves for ever; a stub called "entry" stands before those.
        entry = [i for i, c in enumerate(self.t["chains"]) if c["stub"] and c["name"] == "entry"]
        chain0 = self.u("chain", (entry or [0])[0])
        for t, name, chain in self.profiles(chain0):
            sc["entities"].append({"type": t, "id": self.u(t, name), "name": name, "chain": chain} if chain else
                                  {"type": t, "id": self.u(t, name), "name": name})
        for ref, e in self.refs.items():
            kind = self.kind(ref)
            x = {"type": kind, "id": self.u(ref), "name": e.get("name") or e.get("title") or ref, "created": self.base,
                 "json": {k: v for k, v in e.items() if k in ("country", "city", "email", "state", "zip", "address", "phone", "title")}}
            if e.get("profile"):
                x["kind"] = e["profile"]
            if e.get("label") is not None:
                x["label"] = e["label"]
            if e.get("customer"):
                x["customer"] = self.fill(e["customer"])
            if e.get("additionalInfo") is not None:
                x["json"]["additionalInfo"] = e["additionalInfo"]
            sc["entities"].append(x)
        for r in s.get("relations") or []:
            r = self.relation(r)
            sc["relations"].append(r)
        self.initial(sc, s)
        sc["steps"].append({"do": "state"})
        for case in self.t["cases"]:
            sc["steps"].append({"do": "advance", "ms": 100})
            sc["steps"] += self.steps(case["input"])
            sc["steps"].append({"do": "state"})
        return sc

    def profiles(self, chain0):
        names = {e["profile"] for r, e in self.refs.items() if e.get("profile") and self.kind(r) == "DEVICE" and not e.get("kind")}
        for n in sorted(names):
            yield "DEVICE_PROFILE", n, chain0
        asset = self.refs.get("asset")
        if asset and asset.get("profile"):
            yield "ASSET_PROFILE", asset["profile"], chain0 if self.t["setup"].get("assetProfileUsesChain") else None

    def relation(self, r):
        if isinstance(r, dict):
            a, t, b = r["from"], r["type"], r["to"]
        else:
            a, t, b = r
        return {"from": self.entity(a), "to": self.entity(b), "type": t}

    def initial(self, sc, s):
        devices = [r for r, e in self.refs.items() if not e.get("kind")]
        for r in devices:
            for scope, values in (s.get("deviceAttributes") or {}).items():
                sc["attributes"].append({"entity": self.u(r), "scope": scope, "ts": self.base, "values": values})
            for rec_ in self.series(s.get("deviceTelemetry")):
                sc["timeseries"].append(dict(rec_, entity=self.u(r)))
        other = s.get("otherAttributes") or {}
        for r in other.get("on", []):
            values = other["SERVER_SCOPE"]
            sc["attributes"].append({"entity": self.u(r), "scope": "SERVER_SCOPE", "ts": self.base, "values": values})
            sc["timeseries"].append({"entity": self.u(r), "ts": self.number(other["telemetryTs"]), "values": values})

    def series(self, t):
        if not t:
            return []
        t = t if isinstance(t, list) else [t]
        return [{"ts": self.number(x.get("ts", self.base)), "values": x.get("values", x)} for x in t]

    # What a device or user did, as the messages and writes it causes
    def steps(self, i):
        kind, ref = i["kind"], (i.get("device") or "device").replace("$UUID:", "")
        e = self.refs.get(ref) or {}
        me = self.entity(ref)
        body = self.fill(i["body"]) if "body" in i else None
        compact = json.dumps(body, separators=(",", ":"), ensure_ascii=False)

        def message(t, data, md, originator=None):
            return {"do": "message", "msg": {"type": t, "data": data, "metadata": md, "originator": originator or me,
                                             "customer": self.fill(e["customer"]) if e.get("customer") else rec.NULL_UUID}}
        if kind == "telemetry":
            return [{"do": "post", "what": "telemetry", "device": me["id"], "json": '{"ts":%d,"values":%s}' % (self.number(i["ts"]), compact)}]
        if kind == "attributes":
            return [{"do": "post", "what": "attributes", "device": me["id"], "json": compact}]
        if kind == "attributesRest":
            return [{"do": "attributes", "entity": me, "scope": i["scope"], "values": body},
                    message("ATTRIBUTES_UPDATED", compact, self.user(i, {"scope": i["scope"]}))]
        if kind == "attributesDeleteRest":
            return [{"do": "delete-attributes", "entity": me, "scope": i["scope"], "keys": body},
                    message("ATTRIBUTES_DELETED", json.dumps({"attributes": body}, separators=(",", ":")), self.user(i, {"scope": i["scope"]}))]
        if kind == "telemetryRest":
            ts = self.number(i["ts"])
            return [{"do": "timeseries", "entity": me, "ts": ts, "values": body},
                    message("TIMESERIES_UPDATED", json.dumps({"timeseries": [{"ts": ts, "values": body}]}, separators=(",", ":"), ensure_ascii=False), self.user(i, {}))]
        return self.recorded(i)

    def user(self, i, md):
        return dict(USER, **md)

    def recorded(self, i):
        """Other inputs enter as the message that the recording shows at its entry."""
        case = next(c for c in self.t["cases"] if c["input"] is i)
        if i["kind"] in ("alarmAck", "alarmClear"):
            return [{"do": "alarm", "op": "ack" if i["kind"] == "alarmAck" else "clear", "originator": self.entity(i.get("device"))}]
        return [self.entry(e) for e in case["trace"][:1] if e["dir"] == "IN" and e["relation"] is None]

    def entry(self, e):
        ref = (e["originator"] or "device")
        r = self.refs.get(ref) or {}
        md = self.fill(e["metadata"])
        if "expirationTime" in md:
            md["expirationTime"] = str(self.base + 5000)
        return {"do": "message", "msg": {"type": e["msgType"], "data": self.fill(e["data"]), "metadata": md,
                                         "originator": self.entity(ref), "customer": self.fill(r["customer"]) if r.get("customer") else rec.NULL_UUID}}


# Comparing ------------------------------------------------------------------------------------------------

def case_reports(trace, report):
    """The report's steps, cut at the state steps: one (events, rpc, state) for the start and for each case."""
    out, events, rpc = [], [], []
    for s in report["steps"]:
        events += s.get("events", [])
        rpc += s.get("rpc", [])
        if "state" in s:
            out.append((events, rpc, s["state"]))
            events, rpc = [], []
    return out


class Compare:
    def __init__(self, trace):
        self.t = trace
        self.mt = rec.Matcher(trace.known, trace.base)
        self.base_of = {}
        for i, c in enumerate(trace.t["chains"]):
            self.base_of["%s %d %s" % (trace.name, i, c["name"])] = c["firstNodeBase"]
        self.ids = {trace.u(r): r for r in trace.refs}
        self.ids[trace.u("tenant")] = "tenant"

    def ours(self, e):
        return dict(e, node=self.base_of[e["chain"]] + e["node"], originator=self.ids.get(e["originator"]["id"], e["originator"]["id"]))

    def event_same(self, e, g):
        if (e["node"], e["dir"]) != (g["node"], g["dir"]) or (e["relation"] or None) != (g["relation"] or None):
            return False
        if not self.mt.text(e["msgType"], g["msgType"]):
            return False
        if e["originator"] is not None and not self.mt.text(e["originator"].replace("$UUID:", ""), str(g["originator"])):
            if not e["originator"].startswith("$UUID"):
                return False
        if "_truncated" not in (e["metadata"] or {}) and not self.metadata(e, g):
            return False
        if len(e["data"]) < 4096 and not (self.mt.data(e["data"], g["data"]) or e["data"] == "$ANY"):
            return False
        return (e["error"] is None) == (g["error"] is None) or e["dir"] == "IN"

    def metadata(self, e, g):
        a, b = dict(e["metadata"] or {}), dict(g["metadata"] or {})
        for k in list(a):
            if k in ("userId", "userName", "userEmail", "userFirstName", "userLastName", "serviceId", "sessionId", "requestUUID",
                     "originServiceId", "expirationTime"):
                a.pop(k)
                b.pop(k, None)
        for k in USER:
            b.pop(k, None)
        return self.mt.metadata(a, b)

    def case(self, case, got):
        events = [self.ours(g) for g in got if g["chain"] in self.base_of]
        left = list(events)
        for e in case["trace"]:
            if e.get("external") and e["dir"] == "OUT" or self.outside(case, e):
                continue
            g = next((x for x in left if self.event_same(e, x)), None)
            if g is None:
                same_node = [x for x in left if x["node"] == e["node"] and x["dir"] == e["dir"]]
                return "expected %s\n    got %s" % (rec.show(e), rec.show([brief(x) for x in same_node] or [brief(x) for x in left]))
            left.remove(g)
        beyond = self.beyond(case)
        left = [x for x in left if not self.outside(case, x) and (x["node"], x["dir"]) not in beyond]
        if left:
            return "not in the recording: %s" % rec.show([brief(x) for x in left])
        return None

    def beyond(self, case):
        """What comes after a node whose outcome the recording could not show (push to cloud on a server that is no edge):
        its OUT events and all of the nodes behind it."""
        start = {e["node"] for e in case["trace"] if e.get("external") and e["dir"] == "OUT"}
        # ThingsBoard does not start a node whose configuration has an unknown key; tbedgec warns and goes on.
        idle = set(self.t.t.get("nodesWithoutEvents") or [])
        seen, todo = {(n, "OUT") for n in start} | {(n, d) for n in idle for d in ("IN", "OUT")}, list(start | idle)
        while todo:
            n = todo.pop()
            for c in self.t.t["chains"]:
                base = c["firstNodeBase"]
                for k in (c["import"] or {}).get("connections") or []:
                    to = base + k["toIndex"]
                    if base + k["fromIndex"] == n and (to, "IN") not in seen:
                        seen |= {(to, "IN"), (to, "OUT")}
                        todo.append(to)
        return seen

    def outside(self, case, x):
        return case.get("deviceEvents") and x["msgType"] in ("CONNECT_EVENT", "DISCONNECT_EVENT", "ACTIVITY_EVENT", "INACTIVITY_EVENT")

    def effects(self, case, before, after, rpc):
        if case.get("effectsFlaky"):
            return None
        exp = case.get("effects") or {}
        got = self.changes(before, after)
        for what in ("timeseries", "attributes"):
            a, b = exp.get(what) or {}, got[what]
            a = {r.replace("$UUID:", ""): v for r, v in a.items()}
            if a.keys() != b.keys():
                return "%s: expected %s\n    got %s" % (what, rec.show(a), rec.show(b))
            for r in a:
                if not self.kv_same(what, a[r], b[r]):
                    return "%s of %s: expected %s\n    got %s" % (what, r, rec.show(a[r]), rec.show(b[r]))
        ea, ga = exp.get("alarms") or [], list(got["alarms"])
        if len(ea) != len(ga):
            return "alarms: expected %s\n    got %s" % (rec.show(ea), rec.show(ga))
        for a in ea:
            g = next((x for x in ga if self.alarm_same(a, x)), None)
            if g is None:
                return "alarm: expected %s\n    got %s" % (rec.show(a), rec.show(ga))
            ga.remove(g)
        er = exp.get("rpcToDevice") or []
        if len(er) != len(rpc):
            return "rpcToDevice: expected %s\n    got %s" % (rec.show(er), rec.show(rpc))
        for a, b in zip(er, rpc):
            p = json.loads(a["payload"]) if "$" not in a["payload"] else rec.parse(a["payload"])
            if p is not None and not self.mt.value({k: p.get(k) for k in ("method", "params")}, {k: b.get(k) for k in ("method", "params")}):
                return "rpcToDevice: expected %s\n    got %s" % (rec.show(a), rec.show(b))
        return None

    def changes(self, before, after):
        out = {"timeseries": {}, "attributes": {}, "alarms": []}
        for uid, keys in (after.get("latest") or {}).items():
            d = {k: v for k, v in keys.items() if (before.get("latest") or {}).get(uid, {}).get(k) != v}
            if d:
                out["timeseries"][self.ids.get(uid, uid)] = d
        for uid, scopes in (after.get("attributes") or {}).items():
            old = (before.get("attributes") or {}).get(uid, {})
            for scope in set(scopes) | set(old):
                a, b = scopes.get(scope, {}), old.get(scope, {})
                d = {k: v for k, v in a.items() if k not in b or json.dumps(b[k]) != json.dumps(v)}
                d.update({k: None for k in b if k not in a})
                if d:
                    out["attributes"].setdefault(self.ids.get(uid, uid), {})[scope] = d
        old = {a["id"]["id"] if isinstance(a["id"], dict) else a["id"]: a for a in before.get("alarms") or []}
        for a in after.get("alarms") or []:
            key = a["id"]["id"] if isinstance(a["id"], dict) else a["id"]
            if old.get(key) != a:
                out["alarms"].append(a)
        return out

    def kv_same(self, what, exp, got):
        if what == "attributes":
            if exp.keys() != got.keys():
                return False
            return all(self.kv_keys(exp[s], got[s], False) for s in exp)
        return self.kv_keys(exp, got, True)

    def kv_keys(self, exp, got, with_ts):
        if exp.keys() != got.keys():
            return False
        for k, e in exp.items():
            g = got[k]
            if e is None or g is None:
                if e is not g:
                    return False
                continue
            v = g["value"] if with_ts else g
            if not self.mt.value(e.get("value"), v) and not (e.get("type") == "JSON" and self.mt.value(rec.parse(str(e.get("value"))), v)):
                return False
        return True

    def alarm_same(self, e, g):
        for k in ("type", "severity", "status", "propagate"):
            if k in e and not self.mt.value(e[k], g.get(k)):
                return False
        d = e.get("details")
        if isinstance(d, str) and "$" not in d:
            try:
                return self.mt.value(json.loads(d), g.get("details"))
            except ValueError:
                return True
        return True


def brief(e):
    return {k: e[k] for k in ("node", "dir", "relation", "msgType", "data", "metadata", "error", "originator") if e.get(k) is not None}


def run_file(path, classes):
    t = Trace(path)
    missing = sorted(t.classes() - classes)
    if missing:
        return None, "%s: skipped, uses %s" % (t.name, ", ".join(m.split(".")[-1] for m in missing))
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tbe-trace-") as work:
        src, worker = os.path.join(work, "chains.json"), os.path.join(work, "worker")
        root = {"ruleChain": {"name": "Root of the traces", "type": "CORE", "root": True},
                "metadata": {"firstNodeIndex": 0, "nodes": [{"type": rec.PREFIX + "flow.TbAckNode", "name": "end", "configuration": {}}], "connections": []}}
        with open(src, "w") as f:
            json.dump([root] + list(t.chains()), f)
        cases = [c for c in t.t["cases"]]
        p = rec.build(worker, [src], check=False)
        if p.returncode != 0:
            for c in cases:
                failed += not c.get("flaky")
            return (0, failed), "FAIL %s: does not compile\n    %s" % (t.name, rec.show(p.stdout + p.stderr))
        report = rec.replay(worker, [t.scenario()])[0]
        if "error" in report:
            return (0, sum(not c.get("flaky") for c in cases)), "FAIL %s: %s" % (t.name, report["error"])
        out, cmp_ = [], Compare(t)
        reports = case_reports(t, report)
        before = reports[0][2]
        for n, (c, (events, rpc, state)) in enumerate(zip(cases, reports[1:])):
            if c.get("flaky"):
                before = state
                continue
            err = cmp_.case(c, events) or cmp_.effects(c, before, state, rpc)
            before = state
            passed, failed = passed + (err is None), failed + (err is not None)
            if err:
                out.append("FAIL %s case %d %s\n    %s" % (t.name, n, rec.show(c["input"], 200), err))
        out.append("%s: %d of %d" % (t.name, passed, passed + failed))
        return (passed, failed), "\n".join(out)


def main():
    shared = os.environ.get("TBE_SHARED", os.path.join(rec.ROOT, "..", "shared"))
    files = sys.argv[1:] or sorted(glob.glob(os.path.join(shared, "facts", "chain-traces", "*.json")))
    if not files:
        print("skipped: no chain traces here")
        return 0
    classes = rec.supported()
    passed = failed = skipped = 0
    for f in files:
        try:
            counts, text = run_file(f, classes)
        except (SystemExit, KeyError, ValueError, TypeError) as e:
            counts, text = (0, 1), "FAIL %s: %s: %s" % (os.path.basename(f), type(e).__name__, e)
        if counts is None:
            skipped += 1
        else:
            passed, failed = passed + counts[0], failed + counts[1]
        print(text, flush=True)
    print("%d files use classes that are not in the library yet" % skipped)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
