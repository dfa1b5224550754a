# SPDX-License-Identifier: Apache-2.0
"""The figures of the running edge. All traffic stays on 127.0.0.1; every load is bounded.

ingest   100 connections, window 20, 3-key payload, edge root chain, stored + outbox, acknowledged after fsync;
         mosquitto, which stores nothing, in the same run. Bytes written to disk per point from /proc/PID/io.
memory   PSS of front + worker idle, and with 1,000 devices at 1 message a second; CPU per message at that load.
startup  exec to the first CONNACK with 1,000,000 stored points.
swap     1,000 publishing clients while another worker is swapped in: disconnects, losses, longest stall.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("TBE_BUILD", os.path.join(ROOT, "build"))
LOAD = os.path.join(BUILD, "tests", "bench", "mqtt_load")
CHAIN = os.path.join(ROOT, "examples", "edge-root", "edge-root.yaml")


def tool(name):
    return os.path.join(BUILD, name)


def load(port, **kw):
    argv = [LOAD, "--port", str(port)]
    for k, v in kw.items():
        argv += ["--" + k.replace("_", "-"), str(v)]
    p = subprocess.run(argv, capture_output=True, text=True)
    if not p.stdout:
        raise SystemExit("mqtt_load failed: " + p.stderr)
    return json.loads(p.stdout)


class Edge:
    def __init__(self, devices=0, workers=1):
        self.data = tempfile.mkdtemp(prefix="tbe-bench-", dir=os.environ.get("BENCH_DIR"))
        self.workers = []
        for i in range(workers):
            out = os.path.join(self.data, "w%d" % i)
            text = open(CHAIN).read()
            src = os.path.join(self.data, "root%d.yaml" % i)
            with open(src, "w") as f:
                f.write(text + "# variant %d\n" % i if i == 0 else text.replace("Push to cloud", "Push to cloud %d" % i))
            subprocess.run([tool("tbedgec"), "build", "-o", out, src], check=True)
            self.workers.append(out)
        csv = os.path.join(self.data, "devices.csv")
        with open(csv, "w") as f:
            f.write("".join("load%d,load%d\n" % (i, i) for i in range(devices)))
        if devices:
            subprocess.run([tool("tbedge"), "--data", self.data, "device", "add", "--csv", csv], check=True,
                           stdout=subprocess.DEVNULL)
        self.proc = None

    def start(self, *args):
        env = dict(os.environ, MQTT_BIND_PORT=os.environ.get("BENCH_PORT", "0"), HTTP_BIND_PORT="0")
        self.log = open(os.path.join(self.data, "log"), "ab")
        self.proc = subprocess.Popen([tool("tbedge"), "run", "--data", self.data, *args], stdout=subprocess.PIPE,
                                     stderr=self.log, text=True, env=env)
        line = self.proc.stdout.readline()
        if not line.startswith("ready "):
            raise SystemExit("tbedge is not ready: %r" % line)
        self.port = int(dict(f.split("=") for f in line.split()[1:])["mqtt"])
        return self.port

    def pids(self):
        out = [self.proc.pid]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    if f.read().rsplit(")", 1)[1].split()[1] == str(self.proc.pid):
                        out.append(int(pid))
            except OSError:
                pass
        return out

    def pss_kb(self):
        total = 0
        for pid in self.pids():
            with open("/proc/%d/smaps_rollup" % pid) as f:
                total += sum(int(x.split()[1]) for x in f if x.startswith("Pss:"))
        return total

    def cpu_s(self):
        """Exact time on a processor, of all threads (schedstat counts nanoseconds; the ticks of stat are coarse)."""
        total = 0
        for pid in self.pids():
            for tid in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
                    total += int(f.read().split()[0])
        return total / 1e9

    def written(self):
        total = 0
        for pid in self.pids():
            with open("/proc/%d/io" % pid) as f:
                total += sum(int(x.split()[1]) for x in f if x.startswith("write_bytes:"))
        return total

    def points(self):
        p = subprocess.run([tool("tbedge"), "--data", self.data, "status", "--json"], capture_output=True, text=True)
        return json.loads(p.stdout).get("points", 0)

    def stop(self, keep=False):
        if self.proc:
            self.proc.terminate()
            self.proc.wait(30)
        if not keep:
            shutil.rmtree(self.data, ignore_errors=True)


class Mosquitto:
    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="tbe-mosq-")
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        self.port = s.getsockname()[1]
        s.close()
        conf = os.path.join(self.dir, "m.conf")
        with open(conf, "w") as f:
            f.write("listener %d 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\npersistence false\n" % self.port)
        self.proc = subprocess.Popen(["mosquitto", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return self

    def __exit__(self, *exc):
        self.proc.terminate()
        self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def med(values):
    return statistics.median(values)


def ingest(runs):
    edge_rates, peer_rates, bytes_pp, p99 = [], [], [], []
    for _ in range(runs):
        edge = Edge(devices=100)
        port = edge.start(edge.workers[0])
        load(port, messages=20000)
        before = edge.written()
        r = load(port, messages=300000)
        time.sleep(5)
        bytes_pp.append((edge.written() - before) / (3 * r["acked"]))
        edge_rates.append(r["rate"])
        p99.append(r["p99_us"])
        edge.stop()
        with Mosquitto() as m:
            load(m.port, messages=20000)
            peer_rates.append(load(m.port, messages=300000)["rate"])
    return {"bench": "ingest", "tbedge_msgs_per_s": med(edge_rates), "mosquitto_msgs_per_s": med(peer_rates),
            "share": round(med(edge_rates) / med(peer_rates), 3), "p99_us": med(p99),
            "bytes_written_per_point": round(med(bytes_pp), 1), "runs": runs}


def memory(runs):
    idle, busy, cpu = [], [], []
    for _ in range(runs):
        edge = Edge(devices=1000)
        port = edge.start(edge.workers[0])
        time.sleep(1)
        idle.append(edge.pss_kb())
        p = subprocess.Popen([LOAD, "--port", str(port), "--conns", "1000", "--rate", "1", "--seconds", "20"],
                             stdout=subprocess.PIPE, text=True)
        time.sleep(5)  # connecting is not what is measured
        c0, t0 = edge.cpu_s(), time.monotonic()
        time.sleep(13)
        cpu.append((edge.cpu_s() - c0) / (1000 * (time.monotonic() - t0)) * 1e6)
        busy.append(edge.pss_kb())
        r = json.loads(p.communicate()[0])
        if r["acked"] != r["sent"]:
            raise SystemExit("%d of %d messages acknowledged" % (r["acked"], r["sent"]))
        edge.stop()
    return {"bench": "memory", "idle_pss_kb": med(idle), "pss_kb_1000_devices": med(busy),
            "cpu_us_per_message": round(med(cpu), 1), "runs": runs}


def first_connack(port, deadline):
    user = b"load0"
    body = b"\x00\x04MQTT\x04\x82\x00\x00" + b"\x00\x01x" + len(user).to_bytes(2, "big") + user
    while time.monotonic() < deadline:
        try:
            s = socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.0005)
            continue
        s.sendall(b"\x10" + bytes([len(body)]) + body)
        got = s.recv(4)
        s.close()
        if got == b"\x20\x02\x00\x00":
            return True
        raise SystemExit("refused: %r" % got)
    raise SystemExit("no CONNACK in time")


def startup(runs):
    edge = Edge(devices=100)
    port = edge.start(edge.workers[0])
    load(port, messages=334000, ts=1700000000000)
    time.sleep(5)
    edge.stop(keep=True)
    times = []
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    env = dict(os.environ, MQTT_BIND_PORT=str(port), HTTP_BIND_PORT="0")
    points = 0
    for _ in range(max(runs, 3)):
        t = time.monotonic()
        p = subprocess.Popen([tool("tbedge"), "run", "--data", edge.data], stdout=subprocess.PIPE, stderr=edge.log, env=env)
        first_connack(port, t + 10)
        times.append((time.monotonic() - t) * 1000)
        edge.proc = p
        points = edge.points()
        p.terminate()
        p.wait()
    edge.proc = None
    edge.stop()
    return {"bench": "startup", "ms_to_first_connack": round(med(times), 1), "stored_points": points, "runs": len(times)}


def swap(runs):
    stalls, lost, drops = [], [], []
    for _ in range(runs):
        edge = Edge(devices=1000, workers=2)
        port = edge.start(edge.workers[0])
        p = subprocess.Popen([LOAD, "--port", str(port), "--conns", "1000", "--rate", "5", "--seconds", "10", "--ts", "1700000000000"],
                             stdout=subprocess.PIPE, text=True)
        time.sleep(5)
        subprocess.run([tool("tbedge"), "--data", edge.data, "deploy", edge.workers[1]], check=True, stdout=subprocess.DEVNULL)
        r = json.loads(p.communicate()[0])
        time.sleep(1)
        stalls.append(r["stall_ms"])
        drops.append(r["disconnects"])
        lost.append(r["sent"] - r["acked"] + max(0, 3 * r["acked"] - edge.points()))
        edge.stop()
    return {"bench": "swap", "clients": 1000, "stall_ms": med(stalls), "disconnects": max(drops), "lost": max(lost), "runs": runs}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("what", choices=["ingest", "memory", "startup", "swap", "all"])
    ap.add_argument("--runs", type=int, default=3)
    a = ap.parse_args()
    for f in (ingest, memory, startup, swap):
        if a.what in (f.__name__, "all"):
            print(json.dumps(f(a.runs)), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
