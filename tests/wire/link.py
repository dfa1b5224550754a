# SPDX-License-Identifier: Apache-2.0
"""Covers: tbedge with its link and the test cloud, and the fake worker: the session outlives workers and their
swaps, nothing is lost when any process dies, the cloud is held when the window is full, secrets stay hidden."""
import base64
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time

from wire import *

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cloud"))
import rig

KEY, SECRET = rig.KEY, rig.SECRET


class Linked(Edge):
    """An edge with a cloud of its own; cloud=None: a cloud at this port that the test makes itself."""

    def __init__(self, *cloud_args, port=None, **env):
        self.cloud = None if port else rig.Cloud("set={\"autoSync\":false}", *cloud_args)
        env.setdefault("CLOUD_RECONNECT_TIMEOUT", 100)
        env.setdefault("TBEDGE_CLOUD_RECONNECT_MAX", 500)
        env.setdefault("CLOUD_RPC_HOST", "127.0.0.1")
        super().__init__(CLOUD_ROUTING_KEY=KEY, CLOUD_ROUTING_SECRET=SECRET, CLOUD_RPC_PORT=port or self.cloud.port,
                         **env)

    def __exit__(self, *a):
        super().__exit__(*a)
        if self.cloud:
            self.cloud.stop()

    def lines(self, first):
        """Lines of the fake worker's log that begin so."""
        try:
            with open(os.path.join(self.data, "applied")) as f:
                return [x.rstrip("\n").split(" ") for x in f if x.startswith(first + " ")]
        except FileNotFoundError:
            return []

    def states(self):
        """[state, session, replayed, attempts, limit, bytes of the answer, worker, error]"""
        return [[v[1]] + [int(n) for n in v[2:7]] + [v[7], " ".join(v[8:])] for v in self.lines("link")]

    def up(self, session=1):
        return eventually(lambda: [s for s in self.states() if s[0] == "up" and s[1] >= session])

    def messages(self):
        """Sizes of the FR_LINK applied, in order."""
        return [int(r[7]) for r in self.applied() if r[1] == 22]

    def link_pid(self):
        for pid in self.worker_pids():
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                if b"tbedge-link" in f.read():
                    return pid
        return None

    def send(self, text="x"):
        return self.cloud.send({"deviceUpdateMsg": [{"msgType": 1, "entity": text}]})


def uplink(n):
    """A RequestMsg with an UplinkMsg of this number."""
    return b"\x08\x01\x1a\x02\x08" + bytes([n])


def test_messages_both_ways():
    with Linked() as e:
        e.start(e.worker())
        s = e.up()[0]
        assert s[1:3] == [1, 0] or s[2] == 1, s
        assert s[4] == 4194304 and s[5] > 50, s
        for _ in range(60):
            d = e.send("message")
        e.cloud.acked(d)
        assert len(e.messages()) == 60
        c = e.client()
        for i in range(1, 6):
            c.send(publish("uplink", uplink(i), pid=i)).expect(puback(i))
        eventually(lambda: len(e.cloud.ups()) == 5)
        assert all(v[2] == "0" for v in e.lines("done")), e.lines("done")
        n = e.cloud.stats()
        assert n["acksUnknown"] == 0 and n["sessions"][0]["edgeVersion"] == 13, n
        assert e.stop() == 0
        eventually(lambda: not e.cloud.stats()["edges"][0]["connected"])


def test_swap_keeps_the_session():
    with Linked() as e:
        e.start(e.worker())
        e.up()
        stop = []

        def load():
            while not stop:
                e.send("x" * 100)
                time.sleep(0.005)

        t = threading.Thread(target=load)
        t.start()
        for _ in range(3):
            time.sleep(0.2)
            assert e.cmd("deploy", e.worker())[0] == 0
        stop.append(1)
        t.join()
        e.cloud.acked(e.send("last"))
        n = e.cloud.stats()
        assert n["accepts"] == 1 and n["downlinksAcked"] == n["downlinksSent"] == len(e.messages()), n
        replays = [s for s in e.states() if s[0] == "up" and s[2] == 1]
        assert len(replays) >= 3 and all(s[1] == 1 and s[5] > 50 for s in replays), replays
        seqs = [r[0] for r in e.applied()]
        assert seqs == sorted(set(seqs))


def test_worker_dies_and_nothing_is_lost_or_doubled():
    with Linked() as e:
        e.start(e.worker())
        e.up()
        for i in range(20):
            e.send("x" * i if i != 10 else "die-once")
        e.cloud.acked(e.send("last"))
        assert len(e.messages()) == 21
        n = e.cloud.stats()
        assert n["accepts"] == 1 and n["downlinksAcked"] == 21, n
        os.kill([p for p in e.worker_pids() if p != e.link_pid()][0], signal.SIGKILL)
        e.cloud.acked(e.send("after"))
        assert e.cloud.stats()["accepts"] == 1


def test_link_dies_and_comes_again():
    with Linked() as e:
        e.start(e.worker())
        e.up()
        e.cloud.acked(e.send("one"))
        os.kill(e.link_pid(), signal.SIGKILL)
        e.up(2)
        lost = [s for s in e.states() if s[0] == "waiting"]
        assert lost and "died_by_signal_9" in lost[0][7], e.states()
        e.cloud.acked(e.send("two"))
        text = e.cmd("status")[1]
        assert '"link":{"pid":%d,"starts":2,' % e.link_pid() in text, text
        assert e.stop() == 0


def test_every_end_is_followed_by_a_reconnect():
    with Linked() as e:
        e.start(e.worker())
        e.up()
        e.cloud.cmd("close", status=0)
        e.up(2)
        e.cloud.cmd("close", status=14)
        e.up(3)
        e.cloud.cmd("cut")
        e.up(4)
        e.cloud.cmd("reset", code=8)
        e.up(5)
        e.cloud.cmd("refuse")
        eventually(lambda: [s for s in e.states() if s[0] == "waiting" and s[3] > 2])
        e.cloud.cmd("resume")
        e.up(6)
        e.cloud.acked(e.send("still there"))
        assert e.log_text().count("cloud link: connected") == 6


def test_half_open():
    with Linked(CLOUD_RPC_KEEP_ALIVE_TIME_SEC=1, CLOUD_RPC_KEEP_ALIVE_TIMEOUT_SEC=1, TBEDGE_CLOUD_CONNECT_TIMEOUT=700) as e:
        e.start(e.worker())
        e.up()
        e.cloud.cmd("half-open")
        eventually(lambda: [s for s in e.states() if s[0] == "waiting"])
        eventually(lambda: [s for s in e.states() if "no_answer_to_the_connect" in s[7]])
        e.cloud.cmd("resume")
        e.up(2)


def test_uplinks_without_a_session_come_back():
    with Linked() as e:
        e.start(e.worker())
        e.up()
        e.cloud.cmd("refuse")
        e.cloud.cmd("cut")
        eventually(lambda: e.states()[-1][0] == "waiting")
        c = e.client()
        c.send(publish("uplink", uplink(1), pid=1)).expect(puback(1))
        eventually(lambda: e.lines("done"))
        assert e.lines("done")[0][2] == "1", e.lines("done")
        assert not e.cloud.ups()


def test_reconnect_on_request():
    with Linked() as e:
        e.start(e.worker())
        e.up()
        e.client().send(publish("reconnect", "because of this")).expect(puback(1))
        e.up(2)
        assert [s for s in e.states() if s[0] == "waiting" and s[7] == "because_of_this"], e.states()
        e.wait_log("because of this")


def test_full_window_holds_the_cloud_and_not_the_devices():
    with Linked(TBEDGE_WINDOW_BYTES=1 << 20) as e:
        e.start(e.worker())
        e.up()
        pid = [p for p in e.worker_pids() if p != e.link_pid()][0]
        os.kill(pid, signal.SIGSTOP)
        for _ in range(50):  # one pack: all of it is sent at once
            last = e.send("y" * 60000)
        time.sleep(1)
        with open("/proc/%d/smaps_rollup" % e.proc.pid) as f:
            pss = int(re.search(r"Pss: +(\d+)", f.read()).group(1))
        assert pss < 12000, pss
        c = Client(e.ports["mqtt"])
        c.send(connect())
        os.kill(pid, signal.SIGCONT)
        c.expect(b"\x20\x02\0\0")
        e.cloud.acked(last)
        assert len(e.messages()) == 50 and e.cloud.stats()["accepts"] == 1


def test_stop_with_a_link_that_hangs():
    with Linked(CLOUD_RPC_TIMEOUT=1) as e:
        e.start(e.worker())
        e.up()
        c = e.client()
        body = b"\x08\x01\x1a\xe4\xd4\x03" + b"\x08\x01" + b"\xba\x3e\xde\xd4\x03" + b"z" * 60000
        os.kill(e.link_pid(), signal.SIGSTOP)
        for i in range(1, 31):  # more than its socket holds
            c.send(publish("uplink", body[:60000], pid=i)).expect(puback(i))
        start = time.time()
        assert e.stop() == 0
        assert time.time() - start < 8


def test_stop_while_the_cloud_sends():
    with Linked() as e:
        e.start(e.worker())
        e.up()
        stop = []

        def load():
            while not stop:
                last[0] = e.send("x" * 2000)

        last = [0]
        t = threading.Thread(target=load)
        t.start()
        time.sleep(0.5)
        start = time.time()
        assert e.stop() == 0
        took = time.time() - start
        stop.append(1)
        t.join()
        assert took < 5, took
        assert len(e.messages()) > 20
        e.start()
        e.cloud.acked(last[0])


def test_secrets_are_nowhere():
    with Linked() as e:
        e.cloud.cmd("update-edge", secret="another")
        e.start(e.worker())
        e.wait_log("the secret is wrong")
        pid = e.link_pid()
        for what in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pid, what), "rb") as f:
                text = f.read()
            assert SECRET.encode() not in text and KEY.encode() not in text, what
        assert not [s for s in e.states() if s[0] == "up"]
        e.cloud.cmd("update-edge", secret=SECRET)
        e.up()
        log = e.log_text()
        assert SECRET not in log and KEY not in log


def test_the_same_trouble_is_told_once():
    with Linked(CLOUD_RECONNECT_TIMEOUT=10, TBEDGE_CLOUD_RECONNECT_MAX=20) as e:
        e.cloud.cmd("refuse")
        e.start(e.worker())
        eventually(lambda: e.states() and e.states()[-1][3] > 20)
        assert e.log_text().count("cloud link:") == 1, e.log_text()


def test_without_cloud_settings_there_is_no_link():
    with Edge() as e:
        e.start(e.worker())
        e.client()
        assert len(e.worker_pids()) == 1
        with open(os.path.join(e.data, "applied")) as f:
            assert "link off 0 1 0 0 0 w1 \n" in f.read()
        assert e.stop() == 0
    with Edge(CLOUD_ROUTING_KEY="only") as e:
        e.start(e.worker())
        assert len(e.worker_pids()) == 1
        e.wait_log("cloud.secret one is empty")


def test_link_program_missing():
    with Linked() as e:
        bin = os.path.join(e.data, "bin")
        os.mkdir(bin)
        shutil.copy(TBEDGE, bin)
        import wire
        wire.TBEDGE, old = os.path.join(bin, "tbedge"), wire.TBEDGE
        try:
            e.env["PATH"] = "/nonexistent"
            shutil.copy("/bin/sh", os.path.join(bin, "sh"))
            e.start(e.worker())
        finally:
            wire.TBEDGE = old
        e.client().send(publish("t", "x")).expect(puback(1))
        if e.link_pid():
            return  # an installed one was found
        eventually(lambda: [s for s in e.states() if "cannot_be_started" in s[7]])
        assert e.stop() == 0


def test_settings_that_cannot_be_used():
    for env, text in (({"CLOUD_RPC_PROXY_ENABLED": "true"}, "cloud.rpc.proxy.enabled needs"),
                      ({"CLOUD_RPC_HOST": ""}, "cloud.rpc.host is empty"),
                      ({"TBEDGE_CLOUD_EDGE_VERSION": "V_3_9_0"}, "must be one of")):
        with Linked(port=1) as e:
            e.env.update(env)
            e.start(e.worker(), ready=False)
            assert e.proc.wait(10) != 0
            assert text in e.log_text(), e.log_text()


class Proxy(threading.Thread):
    """An HTTP CONNECT proxy for one target, with a password; notes what it was asked."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port, self.target, self.seen, self.refused = self.sock.getsockname()[1], port, [], 0

    def run(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        head = b""
        while b"\r\n\r\n" not in head:
            more = c.recv(4096)
            if not more:
                return
            head += more
        self.seen.append(head.split(b"\r\n")[0].decode())
        want = b"Basic " + base64.b64encode(b"us er:p@ss/word")
        if want not in head:
            self.refused += 1
            c.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            c.close()
            return
        s = socket.create_connection(("127.0.0.1", self.target))
        c.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        def pump(a, b):
            try:
                while True:
                    x = a.recv(65536)
                    if not x:
                        break
                    b.sendall(x)
            except OSError:
                pass
            for k in (a, b):
                try:
                    k.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        threading.Thread(target=pump, args=(s, c), daemon=True).start()
        pump(c, s)


def test_proxy():
    cloud = rig.Cloud()
    try:
        p = Proxy(cloud.port)
        p.start()
        with Linked(port=7070, CLOUD_RPC_HOST="cloud.example.org", CLOUD_RPC_PROXY_ENABLED="true",
                    CLOUD_RPC_PROXY_HOST="127.0.0.1", CLOUD_RPC_PROXY_PORT=p.port,
                    CLOUD_RPC_PROXY_USERNAME="us er", CLOUD_RPC_PROXY_PASSWORD="p@ss/word") as e:
            e.start(e.worker())
            e.up()
            assert p.seen[-1].startswith("CONNECT cloud.example.org:7070 "), p.seen
            assert p.refused == 0
            e.stop()
            e.env["CLOUD_RPC_PROXY_PASSWORD"] = "wrong-one"
            e.start()
            eventually(lambda: p.refused)
            eventually(lambda: [s for s in e.states() if s[0] == "waiting" and s[7]])
            assert "wrong-one" not in e.log_text() and "p@ss/word" not in e.log_text()
    finally:
        cloud.stop()


main(globals())
