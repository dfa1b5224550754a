# SPDX-License-Identifier: Apache-2.0
"""The link process with the test cloud and the fake worker: its memory when idle, after a burst of downlinks (as many
and as large as a full synchronisation: 758 messages, 3.8 MB), after uplinks, with TLS, and how fast messages pass. The
three processes get copies of their libraries: PSS counts a page in parts when any process has it too, and the test
cloud and others have gRPC as well. Kilobytes, milliseconds. Lines of JSON."""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "wire"))
argv, sys.argv = sys.argv, sys.argv[:1] + ["none"]
from wire import Edge, eventually, publish, puback  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "cloud"))
import rig  # noqa: E402


def memory(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        text = f.read()
    return {k: int(re.search(r"^%s: +(\d+)" % n, text, re.M).group(1))
            for k, n in (("pss", "Pss"), ("private_dirty", "Private_Dirty"), ("rss", "Rss"))}


def link_of(e):
    for pid in e.worker_pids():
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            if b"tbedge-link" in f.read():
                return pid


def field(number, value):
    n, size = len(value), b""
    while n > 127:
        size, n = size + bytes([n & 127 | 128]), n >> 7
    tag = number << 3 | 2
    return (bytes([tag]) if tag < 128 else bytes([tag & 127 | 128, tag >> 7])) + size + bytes([n]) + value


def uplink(text):
    """RequestMsg{UPLINK, uplinkMsg{uplinkMsgId, deviceUpdateMsg{entity}}}"""
    return b"\x08\x01" + field(3, b"\x08\x01" + field(3, b"\x08\x01" + field(18, text)))


def wait_up(e):
    eventually(lambda: re.search(r"^link up ", open(os.path.join(e.data, "applied")).read(), re.M))
    return link_of(e)


def report(what, e, **more):
    time.sleep(4)  # what is given back, is given back soon
    print(json.dumps(dict({"bench": "link", "what": what}, **memory(link_of(e)), **more)), flush=True)


def copy_libraries(to):
    """Of all but libc: a loader of another directory would be needed for that."""
    os.mkdir(to)
    for name in ("tbedge-link", "tbedge", "tests/wire/fake_worker"):
        out = subprocess.run(["ldd", os.path.join(rig.BUILD, name)], check=True, capture_output=True, text=True).stdout
        for path in re.findall(r"=> (/\S+)", out):
            if not re.search(r"/(libc|ld-linux)[.-]", path):
                shutil.copy(path, to)
    os.sync()  # a page not written yet would count as dirty
    return to


def measure(tls):
    args, env = ['set={"autoSync":false,"packSize":50}'], {}
    with tempfile.TemporaryDirectory() as d:
        if tls:
            cert, key = os.path.join(d, "cert.pem"), os.path.join(d, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                            "-keyout", key, "-out", cert], check=True, capture_output=True)
            args += ["tlsCert=" + cert, "tlsKey=" + key]
            env = {"CLOUD_RPC_SSL_ENABLED": "true", "CLOUD_RPC_SSL_CERT": cert}
        cloud = rig.Cloud(*args)
        try:
            with Edge(CLOUD_ROUTING_KEY=rig.KEY, CLOUD_ROUTING_SECRET=rig.SECRET, CLOUD_RPC_HOST="localhost",
                      CLOUD_RPC_PORT=cloud.port, LD_LIBRARY_PATH=copy_libraries(os.path.join(d, "lib")), **env) as e:
                e.start(e.worker())
                wait_up(e)
                name = "tls " if tls else ""
                report(name + "idle", e)
                start = time.time()
                for i in range(758):
                    last = cloud.send({"deviceUpdateMsg": [{"msgType": 1, "entity": "x%d " % i * 900}]})
                queued = time.time()
                cloud.acked(last, 60)
                report(name + "after 758 downlinks", e, queue_ms=round((queued - start) * 1000),
                       ms=round((time.time() - start) * 1000))
                c = e.client()
                body = uplink(base64.b64encode(os.urandom(45000)))
                start = time.time()
                for i in range(1, 101):
                    c.send(publish("uplink", body, pid=i)).expect(puback(i))
                eventually(lambda: len([x for x in open(os.path.join(e.data, "applied")) if x.startswith("done ")]) >= 100)
                report(name + "after 100 uplinks of 60 KB", e, ms=round((time.time() - start) * 1000))
        finally:
            cloud.stop()


if len(argv) > 1:
    sys.exit("usage: link_bench.sh")
measure(False)
measure(True)
