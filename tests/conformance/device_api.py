# SPDX-License-Identifier: Apache-2.0
"""Runs recorded device API vectors (one JSON object a line) against a real tbedge: device steps over MQTT and HTTP,
server-side steps through the commands of tbedge. Everything stays on 127.0.0.1.

  device_api.py [--jobs N] [--only ID-PREFIX] [--verbose] FILE...

A vector passes when each step's outcome and what is stored afterwards are as recorded. Bodies that are JSON compare as
JSON; $NOW stands for any time near the run, $ANY for anything."""
import argparse
import concurrent.futures
import fnmatch
import glob
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mqtt_client  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("TBE_BUILD", os.path.join(ROOT, "build"))
WORD = "abcdefghijklmnopqrstuvwxyz0123456789"


class Mismatch(Exception):
    pass


# What matches what ------------------------------------------------------------------------------------

def near_now(x):
    try:
        return abs(int(x) - time.time() * 1000) < 600000
    except (TypeError, ValueError):
        return False


def same(exp, got):
    """Deep equality of JSON values; 5 and 5.0 differ, as LONG and DOUBLE do."""
    if exp == "$ANY":
        return got is not None
    if exp == "$NOW":
        return near_now(got)
    if isinstance(exp, str) and isinstance(got, str):
        return same_text(exp, got)
    if type(exp) is not type(got):
        return False
    if isinstance(exp, dict):
        return exp.keys() == got.keys() and all(same(exp[k], got[k]) for k in exp)
    if isinstance(exp, list):
        return len(exp) == len(got) and all(map(same, exp, got))
    return exp == got


def as_json(s):
    try:
        return json.loads(re.sub(r'(?<!["\w])\$NOW\b(?!")', '"$NOW"', s))
    except ValueError:
        return None


def same_text(exp, got):
    if exp == got:
        return True
    if exp[:1] in "{[":
        a, b = as_json(exp), as_json(got)
        if a is not None and b is not None:
            return same(a, b)
    if "$" not in exp:
        return False
    pattern = re.escape(exp).replace(re.escape("$NOWISO"), r"\S+").replace(re.escape("$NOW"), r"\d{13}")
    return re.fullmatch(pattern.replace(re.escape("$ANY"), ".+"), got, re.S) is not None


# The edge under test ------------------------------------------------------------------------------------

class Edge:
    def __init__(self):
        self.data = tempfile.mkdtemp(prefix="tbe-api-")
        chain = os.path.join(HERE, "device-api-root.yaml")
        worker = os.path.join(self.data, "worker-root")
        subprocess.run([os.path.join(BUILD, "tbedgec"), "build", "-o", worker, chain], check=True)
        env = dict(os.environ, MQTT_BIND_PORT="0", HTTP_BIND_PORT="0")
        self.log = open(os.path.join(self.data, "tbedge.log"), "ab")
        self.proc = subprocess.Popen([os.path.join(BUILD, "tbedge"), "run", "--data", self.data, worker],
                                     stdout=subprocess.PIPE, stderr=self.log, text=True, env=env)
        line = self.proc.stdout.readline()
        if not line.startswith("ready "):
            raise SystemExit("tbedge did not become ready: %r\n%s" % (line, open(self.log.name).read()[-2000:]))
        ports = dict(f.split("=") for f in line.split()[1:])
        self.mqtt, self.http = int(ports["mqtt"]), int(ports["http"])

    def cmd(self, *args, ok=True):
        p = subprocess.run([os.path.join(BUILD, "tbedge"), "--data", self.data, *args], capture_output=True, text=True,
                           timeout=90)
        if ok and p.returncode != 0:
            raise Mismatch("tbedge %s: status %d: %s%s" % (" ".join(args), p.returncode, p.stdout, p.stderr))
        return p.stdout

    def stop(self):
        self.proc.terminate()
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
        shutil.rmtree(self.data, ignore_errors=True)


# One vector ----------------------------------------------------------------------------------------------

class Run:
    def __init__(self, edge, vector):
        self.edge, self.v = edge, vector
        self.u = "".join(random.choices(WORD, k=10))
        self.names = {"$U": self.u, "$TOKEN": "tok" + self.u, "$NAME": "dev-" + self.u, "$PROFILE": "default"}
        self.conns, self.background, self.last_rpc = {}, {}, None

    def sub(self, s):
        names = dict(self.names)
        names["$NOW"] = str(int(time.time() * 1000))
        for k in sorted(names, key=len, reverse=True):
            s = s.replace(k, names[k])
        return s

    def sub_all(self, x):
        """Placeholders of an expectation, all but $NOW and $ANY."""
        text = json.dumps(x)
        for k in sorted(self.names, key=len, reverse=True):
            text = text.replace(k, json.dumps(self.names[k])[1:-1])
        return json.loads(text)

    def input(self, x):
        return json.loads(self.sub(json.dumps(x)))

    # Fixture
    def profile(self, spec):
        name = self.sub(spec.get("name") or "prof-" + self.u)
        self.names["$PROFILE"] = name
        body = {"name": name, "type": "DEFAULT", "transportType": spec.get("transport", {}).get("type", "DEFAULT"),
                "provisionType": spec.get("provision", {}).get("type", "DISABLED"),
                "profileData": {"configuration": {"type": "DEFAULT"},
                                "transportConfiguration": spec.get("transport", {"type": "DEFAULT"}),
                                "provisionConfiguration": spec.get("provision", {"type": "DISABLED"})}}
        if spec.get("provisionKey"):
            body["provisionDeviceKey"] = self.sub(spec["provisionKey"])
        path = os.path.join(self.edge.data, "profile-%s.json" % self.u)
        with open(path, "w") as f:
            f.write(self.sub(json.dumps(body)))
        self.edge.cmd("profile", "add", name, "--json", path)
        return name

    def device(self, spec, name, token):
        args = ["device", "add", name]
        cred = spec.get("credentials")
        if cred and cred["type"] == "MQTT_BASIC":
            args += ["--mqtt-basic", json.dumps(self.input(cred["value"]))]
        else:
            args += ["--token", token]
        if spec.get("profile"):
            args += ["--profile", self.profile(spec["profile"])]
        if spec.get("additionalInfo"):
            args += ["--info", json.dumps(self.input(spec["additionalInfo"]))]
        device_id = self.edge.cmd(*args).strip().split()[-1]
        for scope, attrs in (spec.get("attributes") or {}).items():
            self.edge.cmd("attr", "set", name, "--scope", scope, "--json", self.sub(json.dumps(attrs)))
        return device_id

    def fixture(self):
        d = self.v.get("device") or {}
        if d.get("profileOnly"):
            self.profile(d.get("profile", {}))
        elif not d.get("none"):
            self.names["$ID"] = self.device(d, self.names["$NAME"], self.names["$TOKEN"])
        for key, spec in (self.v.get("devices") or {}).items():
            self.names["$NAME_" + key] = "dev%s-%s" % (key.lower(), self.u)
            self.names["$TOKEN_" + key] = "tok%s%s" % (key.lower(), self.u)
            self.names["$ID_" + key] = self.device(spec or {}, self.names["$NAME_" + key], self.names["$TOKEN_" + key])

    # Steps
    def mqtt(self, s):
        op, name = s["mqtt"], s.get("conn", "c1")
        c = self.conns.get(name)
        if c is None or (op == "connect" and not s.get("again")):
            if op in ("expect", "expectClosed", "close"):
                return {"packets": []}
            c = self.conns[name] = mqtt_client.Connection(self.edge.mqtt)
        c.no_ack = bool(s.get("noAck"))
        if op == "close":
            c.close()
            c.closed = True
            return {}
        if c.closed:
            return {"packets": []}
        exp = (s.get("expect") or {}).get("packets", [])
        want = lambda got: len(got) >= len(exp) if exp else True  # noqa: E731
        if op in ("connect", "publish", "subscribe", "unsubscribe"):
            getattr(c, op)(s, self.sub)
        elif op == "ping":
            c.send(b"\xc0\x00")
        elif op in ("raw", "disconnect"):
            c.send(bytes.fromhex(s["hex"]))
        settle = s.get("settle", 250) / 1000
        if op == "publish" and not s.get("qos", 0):
            settle = max(settle, 0.5)
        within = s.get("within", 4000) / 1000
        if not exp:
            settle = min(within, max(settle, 0.4))
        return {"packets": c.read(want, settle, within)}

    def http(self, s):
        h = self.input(s["http"])
        raw = s["http"]
        if "bodyHex" in raw:
            body = bytes.fromhex(raw["bodyHex"])
        elif "bodyRepeat" in raw:
            r = raw["bodyRepeat"]
            body = (r.get("prefix", "") + r["text"] * r["count"] + r.get("suffix", "")).encode()
        else:
            body = h["body"].encode("utf-8", "surrogatepass") if h.get("body") is not None else None
        conn = http.client.HTTPConnection("127.0.0.1", self.edge.http, timeout=raw.get("clientTimeout", 40000) / 1000)
        try:
            if raw.get("chunked"):
                conn.request(h["method"], h["path"], body=iter([body or b""]), headers=h.get("headers", {}), encode_chunked=True)
            else:
                conn.request(h["method"], h["path"], body=body, headers=h.get("headers", {}))
            r = conn.getresponse()
            data = r.read()
        except (OSError, http.client.HTTPException):
            return {"noResponse": True}
        finally:
            conn.close()
        out = {"status": r.status, "contentType": r.getheader("Content-Type"), "bytes": data,
               "headers": {k: v for k, v in r.getheaders()}}
        out["body"] = data.decode("utf-8", "replace")
        return out

    def server(self, s):
        a = s["server"]
        suffix = "_" + a["device"] if "device" in a else ""
        name = self.names["$NAME" + suffix]
        scope = {"setSharedAttributes": "SHARED_SCOPE", "setServerAttributes": "SERVER_SCOPE"}
        for key, sc in scope.items():
            if key in a:
                self.edge.cmd("attr", "set", name, "--scope", sc, "--json", self.sub(json.dumps(a[key])))
                return {"status": 200}
        if "setSharedAttributesText" in a:
            self.edge.cmd("attr", "set", name, "--scope", "SHARED_SCOPE", "--json", self.sub(a["setSharedAttributesText"]))
            return {"status": 200}
        if "deleteSharedAttributes" in a:
            self.edge.cmd("attr", "rm", name, "--scope", "SHARED_SCOPE", *a["deleteSharedAttributes"])
            return {"status": 200}
        if "deleteDevice" in a:
            self.edge.cmd("device", "rm", name)
            return {"status": 200}
        if "setCredentials" in a:
            self.edge.cmd("device", "credentials", name, "--token", self.sub(a["setCredentials"]["credentialsId"]))
            return {"status": 200}
        if "claim" in a:
            return json.loads(self.edge.cmd("device", "claim", name, "--secret", self.sub(a["claim"]["secretKey"]),
                                            "--customer", "Claiming customer", "--json", ok=False))
        if "reclaim" in a:
            self.edge.cmd("device", "unassign", name)
            return {"status": 200}
        if "assignCustomer" in a:
            self.edge.cmd("device", "assign", name, "--customer", "Claiming customer")
            return {"status": 200}
        if "rpc" in a:
            body = a["bodyText"] if "bodyText" in a else json.dumps(a["body"])
            args = ["rpc", name, "--body", self.sub(body), "--api", a.get("api", "v2"), "--json"]
            out = json.loads(self.edge.cmd(*args, *(["--oneway"] if a["rpc"] == "oneway" else []), ok=False) or "{}")
            try:
                self.names["$RPCID"] = self.last_rpc = json.loads(out.get("body") or "{}").get("rpcId")
                if not self.last_rpc:
                    del self.names["$RPCID"]
            except (ValueError, AttributeError):
                pass
            return out
        if "persistentRpc" in a:
            return json.loads(self.edge.cmd("rpc", "--show", self.last_rpc or "none", "--json"))
        raise Mismatch("server step not served: %s" % ", ".join(a))

    def step(self, s):
        if "wait" in s:
            time.sleep(s["wait"] / 1000)
            return None
        for kind in ("mqtt", "http", "server"):
            if kind in s:
                return getattr(self, kind)(s)
        if "coap" in s:
            raise Mismatch("CoAP is not served")
        raise Mismatch("unknown step %r" % s)

    def start(self, s):
        if "join" in s:
            t, box = self.background.pop(s["join"])
            t.join(60)
            if "error" in box:
                raise box["error"]
            return box.get("out")
        if "async" not in s:
            return self.step(s)
        box = {}

        def work():
            try:
                box["out"] = self.step(s)
            except Exception as e:  # noqa: BLE001: reported by the join
                box["error"] = e
        t = threading.Thread(target=work, daemon=True)
        t.start()
        time.sleep(0.4)
        self.background[s["async"]] = (t, box)
        return None

    # Comparing
    def check(self, n, s, got):
        exp = s.get("expect")
        if exp is None or got is None:
            return
        exp = self.sub_all(exp)
        where = "step %d" % (n + 1)
        if "packets" in exp:
            self.check_packets(where, exp["packets"], got.get("packets", []))
            return
        for k, e in exp.items():
            g = got.get(k)
            if k == "bodyHex":
                g = got.get("bytes", b"").hex()
                ok = g == e
            elif k == "headers":
                g = {x: got.get("headers", {}).get(x) for x in e}
                ok = same(e, g)
            elif k == "contentType":
                ok = (g or "").replace(" ", "").lower() == (e or "").replace(" ", "").lower()
            elif k == "body":
                ok = same_body(e, g)
            else:
                ok = same(e, g)
            if not ok:
                raise Mismatch("%s: %s: expected %s, got %s" % (where, k, show(e), show(g)))

    def check_packets(self, where, exp, got):
        left = list(got)
        for e in exp:
            for g in left:
                if self.packet_same(e, g):
                    left.remove(g)
                    break
            else:
                raise Mismatch("%s: expected %s, got %s" % (where, show(exp), show(got)))
        if left or (exp and exp[-1].get("closed") and not got[-1].get("closed")):
            raise Mismatch("%s: expected %s, got %s" % (where, show(exp), show(got)))

    @staticmethod
    def packet_same(e, g):
        if "raw" in e:
            return e["raw"] == g.get("raw")
        if "publish" not in e:
            return e == {k: v for k, v in g.items() if k != "raw"}
        if "publish" not in g:
            return False
        a, b = e["publish"], g["publish"]
        for k in ("topic", "qos", "retain", "dup", "id"):
            if a.get(k) != b.get(k):
                return False
        if "payloadHex" in a:
            return a["payloadHex"] == b["bytes"].hex()
        return "payload" in b and same_text(a["payload"], b["payload"])

    def after(self):
        a = self.v.get("after") or {}
        if "timeseries" not in a and "attributes" not in a:
            return
        exp = self.sub_all(a)
        name = self.names["$NAME"]
        deadline = time.time() + 3
        while True:
            ts = {}
            for line in self.edge.cmd("export", "--device", name, "--format", "jsonl").splitlines():
                p = json.loads(line)
                ts.setdefault(p["key"], []).append({"ts": p["ts"], "value": p["value"]})
            attrs = json.loads(self.edge.cmd("attr", "get", name, "--json"))
            attrs = recorded_attributes(attrs, exp.get("attributes", {}))
            bad = None
            if "timeseries" in exp and not same_series(exp["timeseries"], ts):
                bad = "stored time series: expected %s, got %s" % (show(exp["timeseries"]), show(ts))
            elif "attributes" in exp and not same(exp["attributes"], attrs):
                bad = "stored attributes: expected %s, got %s" % (show(exp["attributes"]), show(attrs))
            if bad is None:
                return
            if time.time() > deadline:
                raise Mismatch(bad)
            time.sleep(0.3)

    def after_device(self, name, exp):
        """One of the devices looked up by name at the end; None or what differs."""
        p = subprocess.run([os.path.join(BUILD, "tbedge"), "--data", self.edge.data, "device", "show", "--", name],
                           capture_output=True, text=True, timeout=90)
        if p.returncode != 0 or not exp.get("exists"):
            return None if (p.returncode != 0) == (not exp.get("exists")) else "exists: %s" % (p.returncode == 0)
        d = json.loads(p.stdout)
        got = {"type": d["device"]["type"], "additionalInfo": d["device"]["additionalInfo"],
               "relationsTo": [{k: r[k] for k in ("from", "type", "typeGroup")} for r in d["relationsTo"]],
               "credentialsType": d["credentialsType"], "credentialsId": d.get("credentialsId")}
        for k, v in got.items():
            if k in exp and exp[k] != "$ANY" and not same(exp[k], v):
                return "%s: expected %s, got %s" % (k, show(exp[k]), show(v))
        if "timeseries" in exp:
            ts = {}
            for line in self.edge.cmd("export", "--device", name, "--format", "jsonl").splitlines():
                p = json.loads(line)
                ts.setdefault(p["key"], []).append({"ts": p["ts"], "value": p["value"]})
            if not same_series(exp["timeseries"], ts):
                return "time series: expected %s, got %s" % (show(exp["timeseries"]), show(ts))
        if "attributes" in exp:
            attrs = json.loads(self.edge.cmd("attr", "get", "--json", "--", name))
            attrs = recorded_attributes(attrs, exp["attributes"])
            if not same(exp["attributes"], attrs):
                return "attributes: expected %s, got %s" % (show(exp["attributes"]), show(attrs))
        return None

    def after_devices(self):
        for name, exp in self.sub_all((self.v.get("after") or {}).get("devices", {})).items():
            deadline = time.time() + 3
            while True:
                bad = self.after_device(name, exp)
                if bad is None:
                    break
                if time.time() > deadline:
                    raise Mismatch("device %s: %s" % (name, bad))
                time.sleep(0.3)

    def run(self):
        try:
            self.fixture()
            for n, s in enumerate(self.v["steps"]):
                self.check(n, s, self.start(s))
            self.after()
            self.after_devices()
        finally:
            for c in self.conns.values():
                c.close()


STATE_KEYS = {"active", "lastConnectTime", "lastDisconnectTime", "lastActivityTime", "inactivityAlarmTime"}


def recorded_attributes(attrs, exp):
    """What the recordings keep of stored attributes: server scope only where recorded, without state keys."""
    attrs = {k: v for k, v in attrs.items() if k in exp or (k != "SERVER_SCOPE" and v)}
    if "SERVER_SCOPE" in attrs:
        attrs["SERVER_SCOPE"] = {k: v for k, v in attrs["SERVER_SCOPE"].items() if k not in STATE_KEYS}
    return attrs


def same_series(exp, got):
    if exp.keys() != got.keys():
        return False
    for k, points in exp.items():
        if len(points) != len(got[k]):
            return False
        for e, g in zip(points, got[k]):
            if isinstance(e, list):
                e = {"ts": e[0], "value": e[1]}
            if not same(e.get("ts"), g["ts"]) or not same(e.get("value"), g["value"]):
                return False
    return True


def same_body(e, g):
    if isinstance(e, str) and isinstance(g, str):
        return same_text(e, g)
    if isinstance(g, str):
        g = as_json(g)
    return same(e, g)


def show(x):
    def plain(v):
        if isinstance(v, dict):
            return {k: plain(w) for k, w in v.items() if k != "bytes"}
        return [plain(w) for w in v] if isinstance(v, list) else v
    t = json.dumps(plain(x), ensure_ascii=False, default=str)
    return t if len(t) < 600 else t[:600] + "..."


def one(edge, v):
    try:
        Run(edge, v).run()
        return v, None
    except Mismatch as e:
        return v, str(e)
    except Exception as e:  # noqa: BLE001: a broken vector is a failed one
        return v, "%s: %s" % (type(e).__name__, e)


def exceptions():
    """[(id pattern, reason)] of device-api-exceptions.txt; they count as failed all the same."""
    out, last = [], ""
    with open(os.path.join(HERE, "device-api-exceptions.txt")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                pattern, reason = (x.strip() for x in line.split("|", 1))
                last = last if reason == "same" else reason
                out.append((pattern, last))
    return out


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--jobs", type=int, default=48)
    ap.add_argument("--only")
    ap.add_argument("files", nargs="*")
    a = ap.parse_args()
    files = a.files or sorted(glob.glob(os.path.join(HERE, "device-api-vectors", "*.jsonl")))
    if not files:
        print("skipped: no device API vectors here")
        return 0
    vectors = []
    for f in files:
        with open(f) as fh:
            vectors += [(os.path.basename(f), json.loads(line)) for line in fh if line.strip()]
    if a.only:
        vectors = [x for x in vectors if x[1]["id"].startswith(a.only)]
    edge = Edge()
    counts = {}
    known = exceptions()
    try:
        with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
            for (f, _), (v, err) in zip(vectors, pool.map(lambda x: one(edge, x[1]), vectors)):
                ok, bad = counts.get(f, (0, 0))
                counts[f] = (ok + (err is None), bad + (err is not None))
                if err is not None:
                    why = next((r for p, r in known if fnmatch.fnmatchcase(v["id"], p)), None)
                    print("FAIL %s (%s)%s\n    %s" % (v["id"], v.get("about", ""), " known: " + why if why else "", err),
                          flush=True)
        if edge.proc.poll() is not None:
            print("tbedge ended during the run")
    finally:
        edge.stop()
    for f, (ok, bad) in counts.items():
        print("%s: %d of %d" % (f, ok, ok + bad))
    passed, failed = (sum(x[i] for x in counts.values()) for i in (0, 1))
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
