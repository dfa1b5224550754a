# SPDX-License-Identifier: Apache-2.0
"""What the tests with a test cloud share: starting testcloud and tbedge, talking to them, checking. Python 3 only."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("TBE_BUILD", os.path.join(ROOT, "build"))
SHARED = os.environ.get("TBE_SHARED", os.path.join(ROOT, "..", "shared"))
EDGE_ID = "25a24040-e692-11f1-8705-1b498a4bdb30"
TENANT_ID = "91090590-e691-11f1-beeb-998483c8d1f1"
CHAIN_ID = "914b8cd0-e691-11f1-beeb-998483c8d1f1"
PROFILE_ID = "911588b0-e691-11f1-beeb-998483c8d1f1"
NULL_ID = "13814000-1dd2-11b2-8080-808080808080"
KEY, SECRET = "routing-key-1", "secret-1-do-not-log"
sys.path.insert(0, os.path.join(ROOT, "tests", "conformance"))


class Failed(Exception):
    pass


def check(cond, what, *more):
    if not cond:
        raise Failed(what + "".join(" %r" % (m,) for m in more))


def until(fn, what, seconds=20, every=0.02):
    """Waits for fn() to be true and returns what it returned."""
    end = time.time() + seconds
    while True:
        v = fn()
        if v:
            return v
        if time.time() > end:
            raise Failed("after %s s still not: %s" % (seconds, what))
        time.sleep(every)


def halves(u):
    """A UUID as the two signed numbers of the wire, as text."""
    n = uuid.UUID(u).int
    out = []
    for h in (n >> 64, n & (1 << 64) - 1):
        out.append(str(h - (1 << 64) if h >> 63 else h))
    return out


def whole(msb, lsb):
    m = (1 << 64) - 1
    return str(uuid.UUID(int=(int(msb) & m) << 64 | (int(lsb) & m)))


class Cloud:
    """A running testcloud and its control socket."""

    def __init__(self, *args, scenario=None, key=KEY, secret=SECRET, record=True):
        self.dir = tempfile.mkdtemp(prefix="tbe-cloud-")
        self.ctl = os.path.join(self.dir, "ctl")
        self.record = os.path.join(self.dir, "record.jsonl")
        cmd = [os.path.join(BUILD, "tests", "cloud", "testcloud")]
        if scenario:
            path = os.path.join(self.dir, "scenario.yaml")
            with open(path, "w") as f:
                f.write(scenario)
            cmd.append(path)
        cmd += ["control=" + self.ctl, *(["record=" + self.record] if record else []), *args]
        if key:
            cmd += ["routingKey=" + key, "secret=" + secret]
        self.log = open(os.path.join(self.dir, "log"), "w+")
        self.proc = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.proc.stdout.readline()
        if not line.startswith("ready "):
            self.log.seek(0)
            raise SystemExit("testcloud did not start: %r %s" % (line, self.log.read()))
        self.port = int(re.search(r"port=(\d+)", line).group(1))
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.ctl)
        self.file = self.sock.makefile()

    def cmd(self, command, **args):
        out = self.try_cmd(command, **args)
        check(out.get("ok"), "testcloud %s: %s" % (command, out.get("error")))
        return out

    def try_cmd(self, command, **args):
        self.sock.sendall((json.dumps(dict(args, cmd=command)) + "\n").encode())
        return json.loads(self.file.readline())

    def stats(self, **args):
        return self.cmd("stats", **args)

    def send(self, down, **args):
        """Queues a DownlinkMsg; returns its id."""
        return self.cmd("send", downlinkMsg=down, **args)["id"]

    def state(self, down_id):
        return self.cmd("acked", ids=[down_id])["states"][str(down_id)]

    def acked(self, down_id, seconds=20):
        s = until(lambda: (lambda x: x if x["state"] not in ("queued", "sent") else None)(self.state(down_id)),
                  "an answer to downlink %d" % down_id, seconds)
        check(s["state"] == "acked", "downlink %d is" % down_id, s)
        return s["ms"]

    def recorded(self):
        """All recorded lines so far."""
        with open(self.record) as f:
            return [json.loads(x) for x in f if x.endswith("\n")]

    def ups(self, field=None, statistics=False):
        """The UplinkMsgs received so far; with field: its items, without the edge's own statistics."""
        out = [x["msg"]["uplinkMsg"] for x in self.recorded() if x["dir"] == "up" and x["msg"].get("uplinkMsg")]
        if not field:
            return out
        return [i for m in out for i in m.get(field, []) if statistics or field != "entityData"
                or i["entityType"] != "EDGE"]

    def stop(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.sock.close()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        return self.proc.returncode


class Edge:
    """A running tbedge with its data directory, connected to a test cloud's port (or to none)."""

    def __init__(self, port=None, data=None, key=KEY, secret=SECRET, env=None, args=(), wait=True):
        self.data = data or tempfile.mkdtemp(prefix="tbe-edge-")
        self.port, self.key, self.secret, self.args = port, key, secret, list(args)
        self.extra = dict(env or {})
        self.proc = self.log = None
        self.start(wait)

    def start(self, wait=True):
        env = dict(os.environ, MQTT_BIND_PORT="0", HTTP_BIND_PORT="0", CLOUD_RECONNECT_TIMEOUT="200",
                   CLOUD_STATS_REPORT_INTERVAL_MS="86400000")  # at a full minute they would count as points
        if self.port:
            env.update(CLOUD_ROUTING_KEY=self.key, CLOUD_ROUTING_SECRET=self.secret, CLOUD_RPC_HOST="127.0.0.1",
                       CLOUD_RPC_PORT=str(self.port))
        env.update(self.extra)
        self.log = open(os.path.join(self.data, "tbedge.log"), "ab")
        self.proc = subprocess.Popen([os.path.join(BUILD, "tbedge"), "run", "--data", self.data, *self.args],
                                     stdout=subprocess.PIPE, stderr=self.log, text=True, env=env)
        if wait:
            line = self.proc.stdout.readline()
            if not line.startswith("ready "):
                raise Failed("tbedge is not ready: %r\n%s" % (line, self.tail()))
            ports = dict(f.split("=") for f in line.split()[1:])
            self.mqtt, self.http = int(ports["mqtt"]), int(ports["http"])

    def tail(self, n=3000):
        with open(os.path.join(self.data, "tbedge.log"), errors="replace") as f:
            return f.read()[-n:]

    def cmd(self, *args, ok=True, timeout=60):
        p = subprocess.run([os.path.join(BUILD, "tbedge"), "--data", self.data, *args], capture_output=True,
                           text=True, timeout=timeout)
        if ok and p.returncode != 0:
            raise Failed("tbedge %s: status %d: %s%s" % (" ".join(args), p.returncode, p.stdout, p.stderr))
        return p.stdout if ok else (p.returncode, p.stdout + p.stderr)

    def status(self):
        return json.loads(self.cmd("status", "--json"))

    def db(self, sql, *params):
        """Rows of a read-only look into the store."""
        import sqlite3
        paths = [f for f in os.listdir(self.data) if f.endswith((".db", ".sqlite"))]
        c = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.data, paths[0]), uri=True, timeout=5)
        try:
            return c.execute(sql, params).fetchall()
        finally:
            c.close()

    def entity(self, u):
        """The stored JSON of an entity, or None."""
        rows = self.db("SELECT json FROM entity WHERE id = ?", uuid.UUID(u).bytes)
        return json.loads(rows[0][0]) if rows else None

    def live_chain(self, chain_id):
        """Whether the running worker was made of that chain, among others."""
        d = self.status().get("deployment") or {}
        return d.get("state") == "live" and any(c["id"] == chain_id for c in d.get("chains", []))

    def children(self):
        """{program name: [pid]} of the processes below the daemon."""
        out, parents = {}, {}
        for d in os.listdir("/proc"):
            if d.isdigit():
                try:
                    with open("/proc/%s/stat" % d) as f:
                        text = f.read()
                    parents[int(d)] = (int(text[text.rindex(")") + 2:].split()[1]), text[text.index("(") + 1:
                                                                                         text.rindex(")")])
                except OSError:
                    pass
        for pid, (ppid, name) in parents.items():
            if ppid == self.proc.pid:
                out.setdefault(name, []).append(pid)
        return out

    def stop(self, keep=False, kill=False):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        if self.proc:
            self.proc.stdout.close()
            self.log.close()
        if not keep:
            shutil.rmtree(self.data, ignore_errors=True)
        return self.proc.returncode


class Device:
    """One MQTT device of the edge."""

    def __init__(self, edge, token=None, client_id="", user=None, password=None, clean=True):
        import mqtt_client
        self.c = mqtt_client.Connection(edge.mqtt)
        self.c.connect({"username": token or user, "password": password, "clientId": client_id, "clean": clean},
                       lambda s: s)
        got = self.c.read(lambda g: any("connack" in x for x in g), 0, 10)
        check(got and got[0].get("connack", {}).get("code") == 0, "device is let in", got)
        self.inbox, self.next_id = [], 1

    def subscribe(self, *filters):
        self.c.subscribe({"filters": [[f, 1] for f in filters], "packetId": 65000}, lambda s: s)
        self.inbox += [x["publish"] for x in self.c.read(lambda g: any("suback" in x for x in g), 0, 10)
                       if "publish" in x]

    def publish(self, topic, payload, qos=1, within=20):
        """With QoS 1 returns after the PUBACK."""
        self.next_id = self.next_id % 60000 + 1
        text = payload if isinstance(payload, str) else json.dumps(payload)
        self.c.publish({"topic": topic, "payload": text, "qos": qos, "packetId": self.next_id}, lambda s: s)
        if qos:
            got = self.c.read(lambda g: any("puback" in x for x in g), 0, within)
            self.inbox += [x["publish"] for x in got if "publish" in x]
            check(any("puback" in x for x in got), "the publish to %s is acknowledged" % topic, got)

    def telemetry(self, payload, **k):
        self.publish("v1/devices/me/telemetry", payload, **k)

    def receive(self, seconds=10):
        """The next message for the device, or None."""
        if not self.inbox:
            got = self.c.read(lambda g: any("publish" in x for x in g), 0, seconds)
            self.inbox += [x["publish"] for x in got if "publish" in x]
        return self.inbox.pop(0) if self.inbox else None

    @property
    def alive(self):
        got = self.c.read(bool, 0, 0.01) if not self.c.closed else []
        self.inbox += [x["publish"] for x in got if "publish" in x]
        return not self.c.closed

    def close(self):
        self.c.close()


class Client:
    """edgeclient: a bare client of the stream."""

    def __init__(self, port):
        self.proc = subprocess.Popen([os.path.join(BUILD, "tests", "cloud", "edgeclient"), str(port)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def send(self, msg):
        self.proc.stdin.write(json.dumps(msg) + "\n")
        self.proc.stdin.flush()

    def read(self):
        return json.loads(self.proc.stdout.readline() or '{"end":{"status":-1}}')

    def connect(self, key=KEY, secret=SECRET):
        self.send({"connectRequestMsg": {"edgeRoutingKey": key, "edgeSecret": secret, "edgeVersion": "V_4_3_0"}})
        return self.read()

    def ack(self, down_id, success=True):
        self.send({"msgType": "UPLINK_RPC_MESSAGE",
                   "downlinkResponseMsg": {"success": success, "downlinkMsgId": down_id}})

    def uplink(self, **fields):
        self.send({"msgType": "UPLINK_RPC_MESSAGE", "uplinkMsg": fields})

    def stop(self):
        self.proc.stdin.close()
        self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()


def run_tests(tests, argv=None):
    """Runs functions; argv may name some. Prints a line each, then the sum; ends the process."""
    want = (argv if argv is not None else sys.argv[1:])
    passed = failed = 0
    for fn in tests:
        if want and fn.__name__ not in want:
            continue
        start = time.time()
        try:
            fn()
            passed += 1
            print("ok      %-40s %5.1f s" % (fn.__name__, time.time() - start), flush=True)
        except Exception as e:
            failed += 1
            print("FAILED  %-40s %5.1f s  %s" % (fn.__name__, time.time() - start, e), flush=True)
            if not isinstance(e, Failed):
                traceback.print_exc()
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)
