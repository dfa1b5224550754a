# SPDX-License-Identifier: Apache-2.0
"""Covers: worker death, replay, swap, failed trial start, rollback, stop, commands; devices stay connected."""
import os
import random
import signal
import threading
import time

from wire import *


def bodies(e):
    return [r[7] for r in e.applied() if r[1] == 17]


def test_kill_before_and_after_commit_is_exactly_once():
    with Edge() as e:
        e.start(e.worker())
        c = e.client(client_id="dev")
        c.send(subscribe([("s/a", 1), ("s/b", 0)])).expect(bytes.fromhex("900400010100"))
        c.send(unsubscribe(["s/b"])).expect(bytes.fromhex("b0020001"))
        n = 0
        for topic in ("x", "die/before", "y", "die/after", "z"):
            n += 1
            c.send(publish(topic, "m%d" % n, pid=n))
        for i in range(1, n + 1):
            c.expect(puback(i))
        assert bodies(e) == ["m1", "m2", "m3", "m4", "m5"], bodies(e)
        assert len(e.sessions()) == 2 and all(s.split()[3:] == ["dev", "kept", "s/a=1"] for s in e.sessions()), e.sessions()
        assert len(set(r[0] for r in e.applied())) == len(e.applied())


class Load(threading.Thread):
    """One device that publishes numbered messages with a window and checks that each is acknowledged once."""

    def __init__(self, e, k, window=10):
        super().__init__(daemon=True)
        self.c, self.k, self.window = e.client(client_id="load%d" % k), k, window
        self.sent = self.acked = 0
        self.stop = False
        self.error = None

    def run(self):
        try:
            while not self.stop or self.acked < self.sent:
                out = b""
                while not self.stop and self.sent - self.acked < self.window:
                    self.sent += 1
                    out += publish("t", "%d-%d" % (self.k, self.sent), pid=self.sent % 65535 + 1)
                if out:
                    self.c.send(out)
                self.acked += 1
                want = puback(self.acked % 65535 + 1)
                got = self.c.read(20)
                assert got == want, "device %d: %r instead of %r" % (self.k, got, want)
        except Exception as x:
            self.error = x


def run_load(e, n=10):
    loads = [Load(e, k) for k in range(n)]
    for x in loads:
        x.start()
    return loads


def end_load(e, loads):
    for x in loads:
        x.stop = True
    for x in loads:
        x.join(30)
        assert not x.is_alive() and x.error is None, x.error
    got = bodies(e)
    for x in loads:
        mine = [b for b in got if b.startswith("%d-" % x.k)]
        assert mine == ["%d-%d" % (x.k, i) for i in range(1, x.sent + 1)], "device %d: lost, doubled or reordered" % x.k
    return sum(x.sent for x in loads)


def test_kill_9_of_the_worker_under_load():
    with Edge() as e:
        e.start(e.worker())
        loads = run_load(e)
        for _ in range(12):
            time.sleep(random.uniform(0.05, 0.3))
            for pid in e.worker_pids():
                os.kill(pid, signal.SIGKILL)
        assert end_load(e, loads) > 200
        assert "rolled back" not in e.log_text()


def test_swap_under_load():
    with Edge() as e:
        e.start(e.worker())
        loads = run_load(e)
        for i in range(4):
            time.sleep(0.2)
            rc, out, err = e.cmd("deploy", e.worker())
            assert rc == 0 and "is running" in out, (rc, out, err)
        time.sleep(0.2)
        end_load(e, loads)
        assert [n for n in dict.fromkeys(r[5] for r in e.applied())] == ["w1", "w2", "w3", "w4", "w5"]


def test_swap_kills_an_old_worker_that_does_not_drain():
    with Edge(TBEDGE_WORKER_DRAIN_TIMEOUT=300) as e:
        e.start(e.worker(FAKE_NO_DRAIN=1))
        loads = run_load(e, 3)
        rc, out, err = e.cmd("deploy", e.worker())
        assert rc == 0, err
        end_load(e, loads)


def test_failed_trial_start_changes_nothing():
    with Edge(TBEDGE_WORKER_READY_TIMEOUT=500) as e:
        e.start(e.worker())
        c = e.client()
        bad = os.path.join(e.data, "exits")
        with open(bad, "w") as f:
            f.write("#!/bin/sh\nexit 3\n")
        for w, why in ((bad, "status 3"), (e.worker(FAKE_NO_READY=1), "not ready in time")):
            rc, out, err = e.cmd("deploy", w)
            assert rc == 1 and "failed its trial start" in err and why in err, (rc, err)
            c.send(publish("a", "x")).expect(puback(1))
        assert {r[5] for r in e.applied()} == {"w1"}
        with open(os.path.join(e.data, "generations", "current")) as f:
            current = f.read()
        e.stop()
        e.start()
        with open(os.path.join(e.data, "generations", "current")) as f:
            assert f.read() == current


def test_repeated_deaths_roll_back():
    with Edge(TBEDGE_WORKER_HEALTHY_AFTER=400) as e:
        e.start(e.worker())
        e.wait_log("is good")
        c = e.client()
        rc, out, err = e.cmd("deploy", e.worker(FAKE_DIE_MS=60))
        assert rc == 0, err
        e.wait_log("rolled back to")
        c.send(publish("a", "after", pid=9)).expect(puback(9))
        assert e.applied()[-1][5] == "w1" and bodies(e).count("after") == 1


def test_message_that_kills_every_worker_is_given_up():
    with Edge() as e:
        e.start(e.worker())
        c, d = e.client(), e.client(version=5)
        c.send(b"".join(publish("a", "c%d" % i, pid=i) for i in range(1, 6)))
        d.send(publish("a", "d1", pid=1, version=5) + publish("die/always", "x", pid=2, version=5)
               + publish("a", "d3", pid=3, version=5))
        c.send(b"".join(publish("a", "c%d" % i, pid=i) for i in range(6, 11)))
        for i in range(1, 11):
            c.expect(puback(i), 20)
        d.expect(puback(1)).expect(bytes.fromhex("e0028300")).closed()
        got = bodies(e)
        assert [b for b in got if b[0] == "c"] == ["c%d" % i for i in range(1, 11)] and got.count("d1") == 1, got
        assert "is given up" in e.log_text()
        c.send(publish("a", "z", pid=99)).expect(puback(99))


def test_rollback_command():
    with Edge(TBEDGE_WORKER_HEALTHY_AFTER=300) as e:
        e.start(e.worker())
        e.wait_log("is good")
        rc, out, err = e.cmd("rollback")
        assert rc == 1 and "no earlier" in err
        rc, out, err = e.cmd("deploy", e.worker())
        assert rc == 0
        e.wait_log(r"is good(?s:.*)is good")
        rc, out, err = e.cmd("rollback")
        assert rc == 0 and "is running" in out, err
        c = e.client()
        c.send(publish("a", "x")).expect(puback(1))
        assert e.applied()[-1][5] == "w1"


def test_worker_that_never_starts_ends_tbedge():
    with Edge() as e:
        bad = os.path.join(e.data, "exits")
        with open(bad, "w") as f:
            f.write("#!/bin/sh\nexit 3\n")
        e.start(bad, ready=False)
        assert e.proc.wait(20) == 1
        assert "does not start" in e.log_text()


def test_stop_confirms_everything():
    with Edge() as e:
        e.start(e.worker())
        c = e.client(version=5)
        c.send(b"".join(publish("a", "%d" % i, pid=i, version=5) for i in range(1, 301)))
        c.expect(puback(1))
        assert e.stop() == 0
        n = 1
        while True:
            p = c.read()
            if p == bytes.fromhex("e0028b00"):
                break
            n += 1
            assert p == puback(n), p
        c.closed()
        assert len(bodies(e)) >= n
        assert [r for r in e.applied() if r[1] == 21]
        assert not os.path.exists(os.path.join(e.data, "control.sock"))


def test_many_connections_across_a_swap_and_stop():
    with Edge() as e:
        e.start(e.worker())
        cs = [e.client(client_id="c%d" % i) for i in range(300)]
        rc, out, err = e.cmd("deploy", e.worker())
        assert rc == 0, err
        assert len(e.sessions()) == 300
        for c in cs:
            c.send(publish("a", "x", pid=2))
        for c in cs:
            c.expect(puback(2))
        assert e.stop() == 0


def test_window_full_holds_devices_back_and_loses_nothing():
    with Edge(TBEDGE_WINDOW_FRAMES=16, TBEDGE_WINDOW_BYTES=65536) as e:
        e.start(e.worker())
        os.kill(e.worker_pids()[0], signal.SIGSTOP)
        c = Client(e.ports["mqtt"])
        n = 3000
        c.send(connect() + b"".join(publish("a", "%d" % i, pid=i) for i in range(1, n + 1)))
        time.sleep(0.3)
        rc, out, err = 0, "", ""
        os.kill(e.worker_pids()[0], signal.SIGCONT)
        c.expect(bytes.fromhex("20020000"))
        for i in range(1, n + 1):
            c.expect(puback(i))
        assert bodies(e) == [str(i) for i in range(1, n + 1)]


def test_commands_go_to_the_worker():
    with Edge() as e:
        e.start(e.worker())
        c = e.client()
        rc, out, err = e.cmd("attr", "get", "--x", "Dev ice")
        r = json.loads(out)
        assert rc == 5 and err == "from the worker\n" and r["argv"] == ["attr", "get", "--x", "Dev ice"]
        assert r["cwd"] == e.data and r["front"]["connections"] == 1 and r["front"]["state"] == "running"
        assert len(r["front"]["generation"]) == 64


def test_worker_may_ask_for_a_swap():
    with Edge() as e:
        e.start(e.worker())
        c = e.client()
        c.send(publish("swap", e.worker())).expect(puback(1))
        e.wait_log("took over")
        c.send(publish("a", "x", pid=2)).expect(puback(2))
        assert e.applied()[-1][5] == "w2"
        c.send(publish("swap", "/nonexistent", pid=3)).expect(puback(3))
        e.wait_log("the worker asked for failed: /nonexistent")
        e.wait_log("swap failed 0: /nonexistent") # the worker is told


def test_kill_of_the_front_waits_for_its_worker():
    with Edge() as e:
        e.start(e.worker())
        c = e.client()
        c.send(publish("a", "x")).expect(puback(1))
        pid = e.worker_pids()[0]
        os.kill(pid, signal.SIGSTOP)
        e.proc.kill()
        e.proc.wait()
        e.start(ready=False)
        time.sleep(0.5)
        assert "started" not in e.log_text().split("ready after")[1]
        os.kill(pid, signal.SIGCONT)
        assert e.proc.stdout.readline().startswith("ready ")
        assert e.stop() == 0


def test_chains_are_compiled_once():
    with Edge() as e:
        bin = os.path.join(e.data, "bin")
        os.mkdir(bin)
        tbedge = shutil.copy(TBEDGE, bin)
        with open(os.path.join(bin, "tbedgec"), "w") as f:
            f.write("#!/bin/sh\necho run >>%s/runs\ngrep -q wrong $5 && { echo 'chain: wrong' >&2; exit 1; }\ncat $5 >/dev/null\n"
                    "[ $1 = build ] && cp %s $3 && cat $5 >>$3\n" % (bin, e.worker()))
        os.chmod(os.path.join(bin, "tbedgec"), 0o755)
        chain = os.path.join(e.data, "chain.json")

        def write(text):
            with open(chain, "w") as f:
                f.write("# " + text + "\n")

        def call(*args, stdin=None):
            p = subprocess.run([tbedge, *args], env=e.env, capture_output=True, text=True, cwd=e.data, input=stdin)
            return p.returncode, p.stdout, p.stderr

        def runs():
            with open(os.path.join(bin, "runs")) as f:
                return len(f.readlines())

        write("one")
        rc, out, err = call("deploy", chain)  # without a daemon
        assert rc == 0 and "will run" in out and runs() == 1, err
        e.start()
        rc, out, err = call("deploy", "--", chain)
        assert rc == 0 and "running already" in out and runs() == 1, err
        write("two")
        rc, out, err = call("deploy", chain)
        assert rc == 0 and runs() == 2, err
        write("one")
        rc, out, err = call("deploy", chain)
        assert rc == 0 and "is running" in out and runs() == 2, err
        write("wrong")
        rc, out, err = call("deploy", chain)
        assert rc == 1 and "chain: wrong" in err and runs() == 3, err
        rc, out, err = call("deploy", os.path.join(e.data, "none.json"))
        assert rc == 1 and "none.json: No such file" in err
        rc, out, err = call("deploy", "-", stdin="# three\n")
        assert rc == 0 and "is running" in out, err
        e.client().send(publish("a", "x")).expect(puback(1))


def test_second_daemon_is_refused():
    with Edge() as e:
        e.start(e.worker())
        rc, out, err = e.cmd("run", e.worker())
        assert rc == 1 and "another tbedge" in err, err


def test_usage():
    with Edge() as e:
        assert e.cmd("--version")[1].startswith("tbedge ")
        assert e.cmd("--help")[0] == 0 and e.cmd("run", "--help")[0] == 0
        assert e.cmd()[0] == 2 and e.cmd("--fly")[0] == 2 and e.cmd("run", "--fly")[0] == 2
        rc, out, err = e.cmd("run")
        assert rc == 1 and "holds no worker" in err
        with open(os.path.join(e.data, "bad.yml"), "w") as f:
            f.write("transport:\n  mqtt:\n    bind_prot: 5\n")
        rc, out, err = e.cmd("run", "-c", "bad.yml")
        assert rc == 2 and "bad.yml:3: transport.mqtt.bind_prot is not a known setting" in err, err


def test_tbedge_yml_and_environment():
    with Edge() as e:
        del e.env["MQTT_BIND_PORT"]
        with open(os.path.join(e.data, "tbedge.yml"), "w") as f:
            f.write("transport:\n  mqtt:\n    bind_port: 0\n    netty:\n      max_payload_size: 200\n")
        e.start(e.worker())
        c = e.client()
        c.send(publish("a", b"x" * 195)).expect(puback(1))
        c.send(publish("a", b"x" * 196)).closed()


main(globals())
