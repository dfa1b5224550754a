# SPDX-License-Identifier: Apache-2.0
"""What the wire tests share: a running tbedge with the fake worker, raw MQTT packets, assertions."""
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("TBE_BUILD", os.path.abspath("build"))
TBEDGE = os.path.join(BUILD, "tbedge")
FAKE = os.path.join(BUILD, "tests", "wire", "fake_worker")


def s16(text):
    b = text if isinstance(text, bytes) else text.encode()
    return struct.pack(">H", len(b)) + b


def varint(n):
    out = b""
    while True:
        out += bytes([n % 128 | (128 if n > 127 else 0)])
        n //= 128
        if not n:
            return out


def packet(first, body=b""):
    return bytes([first]) + varint(len(body)) + body


def connect(version=4, client_id="c1", user="tok", password=None, keep_alive=60, clean=True, props=b""):
    flags = (2 if clean else 0) | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = s16("MQIsdp" if version == 3 else "MQTT") + bytes([version, flags]) + struct.pack(">H", keep_alive)
    if version == 5:
        body += varint(len(props)) + props
    body += s16(client_id)
    for x in (user, password):
        if x is not None:
            body += s16(x)
    return packet(0x10, body)


def publish(topic, payload=b"", qos=1, pid=1, version=4, dup=False):
    payload = payload if isinstance(payload, bytes) else payload.encode()
    body = s16(topic) + (struct.pack(">H", pid) if qos else b"") + (b"\0" if version == 5 else b"")
    return packet(0x30 | qos << 1 | (8 if dup else 0), body + payload)


def subscribe(filters, pid=1, version=4):
    body = struct.pack(">H", pid) + (b"\0" if version == 5 else b"")
    return packet(0x82, body + b"".join(s16(f) + bytes([q]) for f, q in filters))


def unsubscribe(filters, pid=1, version=4):
    return packet(0xA2, struct.pack(">H", pid) + (b"\0" if version == 5 else b"") + b"".join(map(s16, filters)))


PING = b"\xc0\x00"
PINGRESP = b"\xd0\x00"


def puback(pid):
    return b"\x40\x02" + struct.pack(">H", pid)


class Client:
    def __init__(self, port, sock=None):
        self.sock = sock or socket.create_connection(("127.0.0.1", port), timeout=10)
        self.sock.settimeout(10)
        self.buf = b""

    def send(self, data):
        """A connection that was closed meanwhile is seen by the next read."""
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return self

    def read(self, timeout=10):
        """One packet's bytes, or None when the connection is closed."""
        self.sock.settimeout(timeout)
        while True:
            if len(self.buf) >= 2:
                n = shift = 0
                i = 1
                while i < len(self.buf):
                    n |= (self.buf[i] & 127) << shift
                    shift += 7
                    i += 1
                    if self.buf[i - 1] < 128:
                        if len(self.buf) >= i + n:
                            p, self.buf = self.buf[: i + n], self.buf[i + n :]
                            return p
                        break
            try:
                more = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                return None
            if not more:
                return None
            self.buf += more

    def nothing(self, seconds=0.2):
        try:
            p = self.read(seconds)
        except socket.timeout:
            return True
        raise AssertionError("expected nothing, got %r" % (p.hex() if p else "close"))

    def expect(self, want, timeout=10):
        got = self.read(timeout)
        assert got == want, "expected %s, got %s" % (want and want.hex(), got.hex() if got else "close")
        return self

    def closed(self, timeout=10):
        return self.expect(None, timeout)

    def close(self):
        self.sock.close()


class Edge:
    """tbedge in a directory of its own. worker(**env) makes a worker binary that behaves as env says."""

    def __init__(self, **env):
        self.data = tempfile.mkdtemp(prefix="tbe-wire-")
        self.env = dict(os.environ, MQTT_BIND_PORT="0", MQTT_BIND_ADDRESS="127.0.0.1", HTTP_BIND_PORT="0",
                        HTTP_BIND_ADDRESS="127.0.0.1", TBEDGE_DATA=self.data)
        self.env.update({k: str(v) for k, v in env.items()})
        self.n = 0
        self.proc = None

    def worker(self, **env):
        self.n += 1
        path = os.path.join(self.data, "worker%d" % self.n)
        env.setdefault("FAKE_NAME", "w%d" % self.n)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n")
            for k, v in env.items():
                f.write("export %s='%s'\n" % (k, v))
            f.write('exec %s "$@"\n' % FAKE)
        os.chmod(path, 0o755)
        return path

    def start(self, *args, ready=True):
        self.log = open(os.path.join(self.data, "log"), "ab")
        self.proc = subprocess.Popen([TBEDGE, "run", *args], env=self.env, stdout=subprocess.PIPE, stderr=self.log,
                                     text=True, cwd=self.data)
        if ready:
            line = self.proc.stdout.readline()
            assert line.startswith("ready mqtt="), "no ready line but %r\n%s" % (line, self.log_text())
            self.ports = dict((k, int(v)) for k, v in (f.split("=") for f in line.split()[1:]))
        return self

    def client(self, **kw):
        c = Client(self.ports["mqtt"])
        c.send(connect(**kw))
        c.expect(b"\x20\x03\0\0\0" if kw.get("version") == 5 else b"\x20\x02\0\0")
        return c

    def cmd(self, *args):
        p = subprocess.run([TBEDGE, *args], env=self.env, capture_output=True, text=True, timeout=60, cwd=self.data)
        return p.returncode, p.stdout, p.stderr

    def worker_pids(self):
        out = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    if f.read().rsplit(")", 1)[1].split()[1] == str(self.proc.pid):
                        out.append(int(pid))
            except OSError:
                pass
        return out

    def applied(self):
        """Rows of the fake worker's log: [seq, type, conn, aux, flags, name, topic, body]."""
        rows = []
        try:
            with open(os.path.join(self.data, "applied")) as f:
                for line in f:
                    v = line.rstrip("\n").split(" ")
                    if v[0].isdigit():
                        rows.append([int(v[1]), int(v[2]), int(v[3]), int(v[4]), int(v[5]), v[6], v[7], v[8]])
        except FileNotFoundError:
            pass
        return rows

    def sessions(self):
        with open(os.path.join(self.data, "applied")) as f:
            return [x.rstrip("\n") for x in f if x.startswith("session ")]

    def log_text(self):
        with open(os.path.join(self.data, "log"), errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, timeout=10):
        end = time.time() + timeout
        while time.time() < end:
            if re.search(pattern, self.log_text()):
                return
            time.sleep(0.02)
        raise AssertionError("not logged: %s\n%s" % (pattern, self.log_text()))

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        return self.proc.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.proc and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        if self.proc:
            for pid in self.worker_pids():
                os.kill(pid, signal.SIGKILL)
            self.proc.stdout.close()
            self.log.close()
        if kind:
            try:
                sys.stderr.write(self.log_text())
            except OSError:
                pass
        shutil.rmtree(self.data, ignore_errors=True)


def eventually(fn, timeout=10):
    end = time.time() + timeout
    while True:
        try:
            v = fn()
            if v:
                return v
        except (AssertionError, OSError, ValueError):
            if time.time() > end:
                raise
        if time.time() > end:
            raise AssertionError("did not become true")
        time.sleep(0.02)


def main(tests):
    """Runs functions named test_*; the arguments choose some. Exit status 1 when one failed."""
    wanted = sys.argv[1:]
    passed = failed = 0
    for name, fn in sorted(tests.items()):
        if not name.startswith("test_") or (wanted and name not in wanted and name[5:] not in wanted):
            continue
        try:
            fn()
            passed += 1
            print("ok   %s" % name[5:], flush=True)
        except Exception as e:  # every failure is reported, the others still run
            failed += 1
            print("FAIL %s: %s: %s" % (name[5:], type(e).__name__, e), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)
