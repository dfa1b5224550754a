# SPDX-License-Identifier: Apache-2.0
"""kill -9 under load (20 MQTT connections, QoS 1), with swaps in between.

1. The worker is killed at random moments. Every acknowledged message must be stored exactly once and be in the
   outbox exactly once, in each device's order; no device connection may drop.
2. Front and worker are killed together. Every acknowledged message must be there after the restart.

Each message carries its device's running number as value and as timestamp, so a lost one is a missing point and a
doubled one is a second entry of the outbox. Sends nothing anywhere but to 127.0.0.1.
"""
import argparse
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("TBE_BUILD", os.path.join(ROOT, "build"))
BASE_TS = 1700000000000


class Client(threading.Thread):
    """One device: publishes numbered messages with a window, remembers what was acknowledged."""

    def __init__(self, port, token, window=20, pause=0.0):
        super().__init__(daemon=True)
        self.port, self.token, self.window, self.pause = port, token, window, pause
        self.sent = 0
        self.acked = set()
        self.dropped = False
        self.stop_at = None
        self.error = None

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tok = self.token.encode()
        body = b"\x00\x04MQTT\x04\x82\x00\x00" + struct.pack(">H", len(tok)) + tok + struct.pack(">H", len(tok)) + tok
        s.sendall(b"\x10" + bytes([len(body)]) + body)
        got = s.recv(4)
        if got[:1] != b"\x20" or got[3] != 0:
            raise OSError("connection refused: %r" % got)
        return s

    def run(self):
        try:
            self.loop(self.connect())
        except OSError as e:
            self.dropped = True
            self.error = str(e)

    def publish(self, sock, ids):
        self.sent += 1
        n = self.sent
        pid = (n - 1) % 65535 + 1
        ids[pid] = n
        body = json.dumps({"ts": BASE_TS + n, "values": {"n": n, "even": n % 2 == 0}}).encode()
        topic = b"v1/devices/me/telemetry"
        rest = struct.pack(">H", len(topic)) + topic + struct.pack(">H", pid) + body
        sock.sendall(b"\x32" + varint(len(rest)) + rest)

    def loop(self, sock):
        ids, buf, deadline = {}, b"", None
        while True:
            stopping = self.stop_at is not None
            if not stopping:
                while len(ids) < self.window:
                    self.publish(sock, ids)
            elif not ids:
                sock.close()
                return
            elif deadline is None:
                deadline = time.time() + 30
            elif time.time() > deadline:
                self.error = "%d messages without PUBACK for 30 s" % len(ids)
                sock.close()
                return
            ready, _, _ = select.select([sock], [], [], 0.2)
            if ready:
                got = sock.recv(65536)
                if not got:
                    self.dropped = True
                    return
                buf += got
                while len(buf) >= 4:
                    if buf[0] != 0x40:
                        self.error = "unexpected packet %r" % buf[:8]
                        return
                    n = ids.pop(struct.unpack(">H", buf[2:4])[0], None)
                    if n is not None:
                        self.acked.add(n)
                    buf = buf[4:]
            if self.pause:
                time.sleep(self.pause)


def varint(n):
    out = b""
    while True:
        b = n & 127
        n >>= 7
        out += bytes([b | (128 if n else 0)])
        if not n:
            return out


class Edge:
    def __init__(self, data):
        self.data = data
        self.log = open(os.path.join(data, "tbedge.log"), "ab")
        self.proc = None

    def cmd(self, *args, check=True):
        p = subprocess.run([os.path.join(BUILD, "tbedge"), "--data", self.data, *args], capture_output=True, text=True)
        if check and p.returncode != 0:
            raise SystemExit("tbedge %s: status %d\n%s%s" % (" ".join(args), p.returncode, p.stdout, p.stderr))
        return p.stdout

    def start(self, *args):
        env = dict(os.environ, MQTT_BIND_PORT="0", HTTP_BIND_PORT="0")
        self.proc = subprocess.Popen([os.path.join(BUILD, "tbedge"), "run", "--data", self.data, *args],
                                     stdout=subprocess.PIPE, stderr=self.log, text=True, env=env)
        line = self.proc.stdout.readline()
        if not line.startswith("ready "):
            raise SystemExit("tbedge did not become ready: %r" % line)
        return int(dict(f.split("=") for f in line.split()[1:])["mqtt"])

    def workers(self):
        out = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    if f.read().rsplit(")", 1)[1].split()[1] == str(self.proc.pid):
                        out.append(int(pid))
            except OSError:
                pass
        return out

    def outbox(self):
        """{device name: [numbers in outbox order]}"""
        seen = {}
        for line in self.cmd("outbox", "--json").splitlines():
            e = json.loads(line)
            for rec in points(e["body"]):
                seen.setdefault(e["name"], []).append(rec)
        return seen

    def stored(self):
        seen = {}
        for line in self.cmd("export", "--key", "n", "--format", "jsonl").splitlines():
            e = json.loads(line)
            seen.setdefault(e["device"], []).append((e["ts"], e["value"]))
        return seen


def points(body):
    """Values of "n" in an outbox entry's telemetry body, whatever packs them."""
    if isinstance(body, str):
        body = json.loads(body)
    if isinstance(body, list):
        return [n for b in body for n in points(b)]
    if "data" in body:
        return points(body["data"])
    if "values" in body:
        return points(body["values"])
    return [body["n"]] if "n" in body else []


def verify(edge, names, acked, sent, what):
    bad = []
    stored, outbox = edge.stored(), edge.outbox()
    for name in names:
        got = stored.get(name, [])
        numbers = [v for _, v in got]
        missing = acked[name] - set(numbers)
        if missing:
            bad.append("%s: %s: %d acknowledged messages are not stored (first %s)" % (what, name, len(missing), sorted(missing)[:5]))
        if len(set(numbers)) != len(numbers):
            bad.append("%s: %s: points stored twice" % (what, name))
        if any(ts != BASE_TS + v for ts, v in got):
            bad.append("%s: %s: a point has the wrong time" % (what, name))
        queued = outbox.get(name, [])
        if len(set(queued)) != len(queued):
            bad.append("%s: %s: %d messages twice in the outbox" % (what, name, len(queued) - len(set(queued))))
        if acked[name] - set(queued):
            bad.append("%s: %s: %d acknowledged messages are not in the outbox" % (what, name, len(acked[name] - set(queued))))
        if queued != sorted(queued):
            bad.append("%s: %s: outbox out of order" % (what, name))
        if set(queued) != set(numbers):
            bad.append("%s: %s: store and outbox differ" % (what, name))
        if max(numbers, default=0) > sent[name]:
            bad.append("%s: %s: stored what was never sent" % (what, name))
    return bad


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--kills", type=int, default=100)
    ap.add_argument("--seed", type=int, default=int(time.time()))
    ap.add_argument("--keep", action="store_true")
    a = ap.parse_args()
    rnd = random.Random(a.seed)
    print("seed %d" % a.seed)
    data = tempfile.mkdtemp(prefix="tbe-crash-")
    passed = failed = 0
    try:
        chains = [os.path.join(ROOT, "tests", "crash", "root-%s.yaml" % x) for x in "ab"]
        workers = []
        for c in chains:
            out = os.path.join(data, os.path.basename(c)[:-5])
            subprocess.run([os.path.join(BUILD, "tbedgec"), "build", "-o", out, c], check=True)
            workers.append(out)
        names = ["dev%02d" % i for i in range(20)]
        with open(os.path.join(data, "devices.csv"), "w") as f:
            f.write("".join("%s,tok-%s\n" % (n, n) for n in names))
        edge = Edge(data)
        edge.cmd("device", "add", "--csv", os.path.join(data, "devices.csv"))
        port = edge.start(workers[0])
        clients = {n: Client(port, "tok-" + n) for n in names}
        for c in clients.values():
            c.start()
        swaps = 0
        for k in range(a.kills):
            time.sleep(rnd.uniform(0.02, 0.35))
            victims = edge.workers()
            if victims:
                os.kill(rnd.choice(victims), signal.SIGKILL)
            if k % 10 == 9:
                # Let the worker come back: many deaths in a row are a rollback, which is another test.
                time.sleep(0.5)
                swaps += 1
                edge.cmd("deploy", workers[swaps % 2], check=False)
        for c in clients.values():
            c.stop_at = True
        for c in clients.values():
            c.join(60)
        bad = ["%s: connection dropped: %s" % (n, c.error) for n, c in clients.items() if c.dropped]
        bad += ["%s: %s" % (n, c.error) for n, c in clients.items() if c.error and not c.dropped]
        acked = {n: c.acked for n, c in clients.items()}
        sent = {n: c.sent for n, c in clients.items()}
        bad += verify(edge, names, acked, sent, "worker killed")
        total = sum(map(len, acked.values()))
        print("%d kills of the worker, %d swaps, %d messages acknowledged, %d connections dropped" %
              (a.kills, swaps, total, sum(c.dropped for c in clients.values())))
        passed, failed = passed + (not bad), failed + bool(bad)
        print("\n".join(bad))

        clients2 = {n: Client(port, "tok-" + n) for n in names}
        for n, c in clients2.items():
            c.sent = sent[n]
            c.start()
        time.sleep(1.5)
        victims = edge.workers() + [edge.proc.pid]
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        edge.proc.wait()
        for c in clients2.values():
            c.join(10)
        edge.start()
        acked2 = {n: acked[n] | clients2[n].acked for n in names}
        bad = verify(edge, names, acked2, {n: clients2[n].sent for n in names}, "all killed")
        print("everything killed, %d messages acknowledged since" % sum(len(c.acked) for c in clients2.values()))
        passed, failed = passed + (not bad), failed + bool(bad)
        print("\n".join(bad))
        edge.proc.terminate()
        rc = edge.proc.wait(20)
        if rc != 0:
            print("tbedge ended with status %d after SIGTERM" % rc)
            failed += 1
        else:
            passed += 1
    finally:
        if failed:
            with open(os.path.join(data, "tbedge.log"), errors="replace") as f:
                sys.stdout.write("".join(f.readlines()[-40:]))
        if a.keep:
            print("kept: " + data)
        else:
            subprocess.run(["pkill", "-9", "-f", data], check=False)
            shutil.rmtree(data, ignore_errors=True)
    print("%d passed, %d failed" % (passed, failed))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
