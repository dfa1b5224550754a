# SPDX-License-Identifier: Apache-2.0
"""Replays recorded exchanges of an edge with its cloud (one JSON object a line) against a real tbedge.

  cloud_replay.py [--verbose] [--keep] FILE...

For each file: an edge that knows what the recorded one knew then, a test cloud that says what the recorded cloud said,
and what was done on the edge's side (devices, the edge's own commands) derived from the marks and from what the
recorded edge then sent. Compared are the sets of messages inside the UplinkMsgs, the acknowledgements, and what is
stored afterwards. What cannot be equal (ids and times made during the run) is normalised; deliberate differences are in
cloud-differences.txt."""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "cloud")]
import cloud_base  # noqa: E402
from cloud_match import Matcher, flatten, title  # noqa: E402
from rig import CHAIN_ID, Device, Edge, Failed, until, whole  # noqa: E402

QUIET = 0.6       # silence after which a step is over
PATIENCE = 6.0    # for something that was sent at once in the recording


class Transcript:
    """The lines of a file, and what they say about the edge before the first of them."""

    def __init__(self, path):
        self.path = path
        self.lines = [json.loads(x) for x in open(path, encoding="utf-8") if x.strip()]
        self.ups = [(i, x["msg"]) for i, x in enumerate(self.lines) if x.get("dir") == "up"]
        self.downs = [(i, x["msg"]) for i, x in enumerate(self.lines) if x.get("dir") == "down"]
        marks = " ".join(x.get("mark", "") for x in self.lines)
        self.bare = os.path.basename(path).startswith("raw") or bool(re.search(r"\bclient\b|\buplink:", marks))
        first = [m["syncRequestMsg"] for _, m in self.ups if "syncRequestMsg" in m]
        self.fresh = bool(first) and bool(first[0].get("fullSync"))
        connects = [m["connectRequestMsg"] for _, m in self.ups if "connectRequestMsg" in m]
        self.key = connects[0]["edgeRoutingKey"] if connects else "rk-replay"
        self.secret = connects[0]["edgeSecret"] if connects else "sec-replay"
        self.config = self.find_config()
        if self.config:
            self.key, self.secret = self.config["routingKey"], self.config["secret"]

    def find_config(self):
        for _, m in self.downs:
            for k in ("connectResponseMsg", "edgeUpdateMsg"):
                c = m.get(k, {}).get("configuration")
                if c and c.get("routingKey"):
                    return c
        return None

    def downlinks(self):
        return [(i, m["downlinkMsg"]) for i, m in self.downs if "downlinkMsg" in m]

    def uplinks(self):
        return [(i, m["uplinkMsg"]) for i, m in self.ups if "uplinkMsg" in m]


class Replay:
    def __init__(self, path, verbose, keep):
        self.t = Transcript(path)
        self.verbose, self.keep = verbose, keep
        self.name = os.path.basename(path)
        self.passed, self.failed, self.allowed, self.skipped = 0, [], [], []
        self.rules = cloud_base.differences(os.path.join(HERE, "cloud-differences.txt"))
        self.base = cloud_base.Base(self.t)
        self.match = Matcher(self.base)
        self.expected, self.inbox, self.acks = [], [], {}
        self.step, self.devices, self.at = "", {}, 0
        self.conn, self.opened, self.rpc_requests = 0, 0, {}
        self.connects, self.syncs, self.connected = [], [], False
        self.cloud = self.edge = None

    # Verdicts ------------------------------------------------------------------------------------------

    def ok(self):
        self.passed += 1

    def bad(self, what, expected=None, got=None):
        self.failed.append(what)
        print("  %s: FAILED %s" % (self.name, what))
        print("      step: %s" % self.step[:160])
        if expected is not None:
            print("      expected %s" % json.dumps(expected)[:700])
        if got is not None:
            print("      got      %s" % json.dumps(got, default=repr)[:700])

    def rule(self, kind, what):
        for k, pattern, reason in self.rules:
            if k == kind and (what == pattern or what.startswith(pattern + " ")):
                return reason
        return None

    # What comes from the edge ----------------------------------------------------------------------------

    def poll(self, seconds=0.0):
        """Takes what the cloud has received."""
        for ev in self.cloud.events(seconds):
            self.opened = max(self.opened, ev.get("conn", 0) if ev["dir"] == "open" else 0)
            if ev["dir"] != "up":
                continue
            self.last = time.time()
            m = ev["msg"]
            if "connectRequestMsg" in m:
                self.connects.append((ev["conn"], m["connectRequestMsg"]))
            elif "syncRequestMsg" in m:
                self.syncs.append((ev["conn"], m["syncRequestMsg"]))
            elif "downlinkResponseMsg" in m:
                r = m["downlinkResponseMsg"]
                self.acks.setdefault(r.get("downlinkMsgId", 0), []).append(r)
            elif "uplinkMsg" in m:
                self.inbox += flatten(m["uplinkMsg"])

    def match_inbox(self):
        """Pairs what is expected with what came."""
        left = []
        for e in self.expected:
            for g in self.inbox:
                if self.match.same(e, g, self.step):
                    self.inbox.remove(g)
                    self.ok()
                    self.base.learn(e, g)
                    break
            else:
                left.append(e)
        self.expected = left

    def wait(self, seconds=PATIENCE):
        """Until everything expected so far has come."""
        end = time.time() + seconds
        while True:
            self.poll(0.02)
            self.match_inbox()
            self.match_acks()
            if not self.expected and not self.wanted_acks:
                return True
            if time.time() > end:
                return False

    def match_acks(self):
        left = []
        for down, want in self.wanted_acks:
            got = self.acks.get(down)
            if not got:
                left.append((down, want))
            elif bool(got[0].get("success")) == want:
                self.ok()
            else:
                self.bad("acknowledgement of downlink %d" % down, {"success": want}, got[0])
        self.wanted_acks = left

    def settle(self):
        """The end of a step: what is missing, what is too much, what is stored."""
        self.own_sync(self.at)
        self.wait()
        quiet = time.time()
        while time.time() - max(quiet, self.last) < QUIET:
            self.poll(0.05)
            self.match_inbox()
        for down, want in self.wanted_acks:
            self.bad("no acknowledgement of downlink %d" % down, {"success": want})
        self.wanted_acks = []
        for e in self.expected:
            reason = self.rule("missing", title(e))
            if reason:
                self.allowed.append("missing %s: %s" % (title(e), reason))
            else:
                self.bad("not sent: %s" % title(e), e[1], [g[1] for g in self.inbox if g[0] == e[0]][:3])
        for g in self.inbox:
            reason = self.rule("extra", title(g))
            if self.t.bare and g[0].endswith("RequestMsg"):
                reason = "the recorded client is no edge and asks for nothing"
            if reason:
                self.allowed.append("extra %s: %s" % (title(g), reason))
            else:
                self.bad("sent, but not in the recording: %s" % title(g), None, g[1])
        self.expected, self.inbox = [], []
        for what, want, got in self.base.check_stored(self.edge):
            if got is True:
                self.ok()
            else:
                self.bad("stored: " + what, want, got)

    # The beginning ---------------------------------------------------------------------------------------

    def start(self):
        t = self.t
        self.cloud = cloud_base.ReplayCloud()
        first = next((x for x in t.lines if x.get("dir") in ("up", "down", "open", "end")), {})
        opens_here = t.fresh or first.get("dir") == "open" or "connectRequestMsg" in first.get("msg", {})
        if not t.fresh:
            self.prelude(stop=opens_here)
        self.cloud.cmd("set", autoConnect=not opens_here, autoSync=False, recordBytes=False)
        self.cloud.subscribe()
        if opens_here and self.edge:
            self.edge.stop(keep=True)
        self.last = time.time()
        self.wanted_acks = []

    def prelude(self, stop):
        """An edge that is connected and synchronised and knows what the recorded one knew."""
        t = self.t
        self.cloud.cmd("edge", routingKey=t.key, secret=t.secret, **self.base.edge_config())
        for d in self.base.prelude():
            self.cloud.cmd("entities", downlinkMsg=d)
        self.edge = Edge(self.cloud.port, key=t.key, secret=t.secret)
        until(lambda: self.cloud.stats()["syncsDone"], "the first sync", 30)

        def idle():
            s = self.cloud.stats()
            return s["sessions"] and s["sessions"][-1]["inFlight"] == 0 and s["uplinksReceived"] >= 1
        until(idle, "the requests after the sync", 20)
        seen, since = -1, time.time()
        while time.time() - since < 1.5:
            n = self.cloud.stats()["uplinksReceived"]
            if n != seen:
                seen, since = n, time.time()
            time.sleep(0.05)
        until(lambda: self.edge.live_chain(CHAIN_ID), "the root chain runs", 60)

    # Lines ---------------------------------------------------------------------------------------------

    def run(self):
        try:
            self.start()
            for self.at, x in enumerate(self.t.lines):
                self.line(self.at, x)
            self.settle()
        except Failed as e:
            self.bad(str(e))
        finally:
            for d in self.devices.values():
                d.close()
            if self.edge:
                if self.failed and self.verbose:
                    print(self.edge.tail())
                self.edge.stop(keep=self.keep)
            if self.cloud:
                self.cloud.stop()
        for text in sorted(set(self.allowed)):
            if self.verbose:
                print("  %s: allowed %s" % (self.name, text))
        for text in self.skipped:
            print("  %s: not made: %s" % (self.name, text))
        print("%-45s %3d passed, %d failed" % (self.name, self.passed, len(self.failed)), flush=True)

    def line(self, i, x):
        if "mark" in x:
            self.settle()
            self.step = x["mark"]
            self.match.step_text = x["mark"]
            self.drive(i, x["mark"])
        elif x.get("dir") == "up":
            self.up(i, x)
        elif x.get("dir") == "down":
            self.down(i, x)
        elif x.get("dir") == "end":
            self.end(i, x)

    def up(self, i, x):
        m = x["msg"]
        if "connectRequestMsg" in m:
            self.expect_connect(m["connectRequestMsg"])
        elif "syncRequestMsg" in m:
            self.expect_sync(i, m["syncRequestMsg"])
        elif "downlinkResponseMsg" in m:
            r = m["downlinkResponseMsg"]
            self.wanted_acks.append((r.get("downlinkMsgId", 0), bool(r.get("success"))))
        elif "uplinkMsg" in m:
            if x.get("len", 0) > 4194304:
                self.allowed.append("missing UplinkMsg: a message above the cloud's limit is never sent")
                return
            for item in flatten(m["uplinkMsg"]):
                if not self.base.impossible(item, self.step, x):
                    self.expected.append(item)

    def expect_connect(self, want):
        if not self.edge or self.edge.proc.poll() is not None or \
                (want["edgeRoutingKey"], want["edgeSecret"]) != (self.edge.key, self.edge.secret):
            data = self.edge.data if self.edge else None
            if self.edge:
                self.edge.stop(keep=True)
            self.connects = []
            self.edge = Edge(self.cloud.port, key=want["edgeRoutingKey"], secret=want["edgeSecret"], data=data,
                             wait=True)
        if not self.connects and self.connected:
            self.cloud.cmd("cut")  # the recorded client went by itself to come again
        self.connected = True
        end = time.time() + 15
        while not self.connects and time.time() < end:
            self.poll(0.05)
        if not self.connects:
            self.bad("no connect", want)
            return
        self.conn, got = self.connects.pop(0)
        if got["edgeRoutingKey"] == want["edgeRoutingKey"] and got.get("maxInboundMessageSize", 0) >= 4194304:
            self.ok()
        else:
            self.bad("connect", want, got)

    def expect_sync(self, i, want):
        """A sync our edge does not ask for, because a bare client did so a second time, is not waited for."""
        again = any("syncRequestMsg" in m for k, m in self.t.ups if k < i and self.t.lines[k]["conn"] ==
                    self.t.lines[i]["conn"])
        if again and self.t.bare:
            self.allowed.append("missing syncRequestMsg again: " + self.rule("missing", "syncRequestMsg again"))
            return
        end = time.time() + PATIENCE
        while not self.syncs and time.time() < end:
            self.poll(0.05)
        if not self.syncs:
            self.bad("no sync request", want)
            return
        _, got = self.syncs.pop(0)
        if bool(got.get("fullSync")) == bool(want.get("fullSync")):
            self.ok()
        else:
            self.bad("sync request", want, got)

    def down(self, i, x):
        m = x["msg"]
        if "uplinkResponseMsg" in m:
            return
        prev = self.t.lines[i - 1] if i else {}
        if prev.get("dir") == "up" or "uplinkResponseMsg" in prev.get("msg", {}):
            self.wait()
            self.own_sync(i)
        if "connectResponseMsg" in m:
            self.cloud.cmd("raw", conn=self.conn, **self.body(x))
            return
        down = m.get("downlinkMsg")
        if down and any("requestMsg" in r for r in down.get("deviceRpcCallMsg", [])):
            x = self.before_rpc(i, x)
        x = self.base.ours(x)
        self.base.saw_down(x["msg"], self.edge)
        self.cloud.cmd("raw", **self.body(x))

    def own_sync(self, i):
        """A sync our edge asks for and the recorded one did not: answered with nothing but its end."""
        wanted_next = any("syncRequestMsg" in x.get("msg", {}) for x in self.t.lines[i:i + 3])
        self.poll(0.02)
        if self.syncs and not wanted_next:
            conn, _ = self.syncs.pop(0)
            self.allowed.append("extra syncRequestMsg: " + (self.rule("extra", "syncRequestMsg") or ""))
            # the session may be over already: then there is nothing to answer
            self.cloud.try_cmd("raw", conn=conn, msg={"downlinkMsg": {"downlinkMsgId": 1, "syncCompletedMsg": {}}})

    @staticmethod
    def body(x):
        return {"b64": x["b64"]} if "b64" in x else {"msg": x["msg"]}

    def end(self, i, x):
        by = x["end"].get("by", "")
        self.connected = False
        if "half-close" in by or any("half-close" in y.get("mark", "") for y in self.t.lines[max(0, i - 2):i]):
            if self.edge and self.edge.proc.poll() is None and not self.t.bare:
                self.edge.stop(keep=True)
                self.ok()
            return
        if by.startswith("cloud"):
            code = {"OK": 0, "CANCELLED": 1, "UNKNOWN": 2}.get(x["end"]["code"], 2)
            if code == 1:
                self.cloud.try_cmd("reset", conn=self.conn)
            else:
                self.cloud.try_cmd("close", conn=self.conn, status=code)
        else:
            self.cloud.cmd("cut")
        self.settle_short()

    def settle_short(self):
        self.poll(0.3)

    # What happens on the edge's side -------------------------------------------------------------------------

    def drive(self, i, mark):
        """Makes on this edge what the mark says was done on the recorded one."""
        block = []
        for x in self.t.lines[i + 1:]:
            if "mark" in x:
                break
            block.append(x)
        for pattern, action in cloud_base.ACTIONS:
            m = re.search(pattern, mark)
            if m:
                try:
                    action(self, m, block)
                except Failed as e:
                    self.skipped.append("%s (%s)" % (mark[:100], e))
                    self.drop_uplinks(block)
                return
        if re.match(r"(the )?cloud|\(", mark) or not block:
            return
        for x in block:
            if x.get("dir") == "up" and "uplinkMsg" in x["msg"] and not cloud_base.is_statistics(x["msg"]["uplinkMsg"]):
                for item in flatten(x["msg"]["uplinkMsg"]):
                    if not item[0].endswith("RequestMsg") and not cloud_base.drive_item(self, item):
                        self.base.give_up(item)
                        self.skipped.append("%s (nothing sends %s)" % (mark[:100], title(item)))

    def drop_uplinks(self, block):
        for x in block:
            if x.get("dir") == "up" and "uplinkMsg" in x["msg"]:
                for item in flatten(x["msg"]["uplinkMsg"]):
                    self.base.give_up(item)

    def device(self, u):
        """The MQTT connection of a device, by id."""
        if u not in self.devices or self.devices[u].c.closed:
            self.devices[u] = Device(self.edge, **self.base.login(u))
            self.devices[u].subscribe("v1/devices/me/rpc/request/+", "v1/devices/me/attributes",
                                      "v1/devices/me/attributes/response/+", "v1/devices/me/rpc/response/+")
        return self.devices[u]

    def disconnect(self, u):
        d = self.devices.pop(u, None)
        if d:
            d.close()
            time.sleep(0.1)

    def before_rpc(self, i, x):
        """Brings the device into the state the recorded answer shows, and moves the expiration to now."""
        call = x["msg"]["downlinkMsg"]["deviceRpcCallMsg"][0]
        u = whole(call["deviceIdMSB"], call["deviceIdLSB"])
        want, late = None, 0
        for k, m in self.t.uplinks():
            for r in m.get("deviceRpcCallMsg", []):
                if k > i and "responseMsg" in r and r.get("requestUuidMSB") == call["requestUuidMSB"]:
                    want, late = want or r["responseMsg"], self.t.lines[k]["t"] - x["t"]
        want = want or {}
        error, text = want.get("error", ""), want.get("response", "")
        life = max(late - 1000, 500) if error in ("TIMEOUT", "NO_ACTIVE_CONNECTION") else 8000
        expires = int(time.time() * 1000) + min(life, 1500 if error else 8000)
        old = call["expirationTime"]
        call["expirationTime"] = str(expires)
        self.match.replace[old] = str(expires)
        away = error == "NO_ACTIVE_CONNECTION" or "not connected" in self.step
        if away:
            self.disconnect(u)
        else:
            self.device(u)
            answer = text if text and text != "{}" and not text.startswith('{"rpcId"') else None
            self.rpc_requests[u] = (call["requestMsg"], answer)
        return {"msg": x["msg"]}

    def serve_devices(self):
        for u, (request, answer) in list(self.rpc_requests.items()):
            d = self.devices.get(u)
            got = d.receive(0.01) if d else None
            if not got:
                continue
            del self.rpc_requests[u]
            body = json.loads(got["payload"])
            params = request.get("params", "")
            try:
                params = json.loads(params)
            except ValueError:
                pass
            if body.get("method") == request.get("method") and body.get("params") == params:
                self.ok()
            else:
                self.bad("request as the device got it", request, got["payload"])
            if answer is not None:
                n = got["topic"].rsplit("/", 1)[1]
                d.publish("v1/devices/me/rpc/response/" + n, answer)


def serving(fn):
    """poll() also serves the devices' calls."""
    def poll(self, seconds=0.0):
        fn(self, seconds)
        self.serve_devices()
    return poll


Replay.poll = serving(Replay.poll)


def beside_one_another(a):
    """Each file in a process of its own; the results in the order of the files."""
    flags = ["--verbose"] * a.verbose + ["--keep"] * a.keep

    def one(f):
        return subprocess.run([sys.executable, os.path.abspath(__file__), *flags, f], capture_output=True, text=True)
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for f, p in zip(a.files, pool.map(one, a.files)):
            *lines, last = p.stdout.rstrip("\n").split("\n") if p.stdout else [""]
            print("\n".join(lines), flush=True)
            m = re.match(r"(\d+) passed, (\d+) failed", last)
            if not m:
                print("%s: FAILED the replay ended: %s%s" % (os.path.basename(f), last, p.stderr[-2000:]))
            yield (int(m.group(1)), int(m.group(2))) if m else (0, 1)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--keep", action="store_true", help="keep the data directories")
    p.add_argument("--jobs", type=int, default=min(4, (os.cpu_count() or 1) * 2))
    p.add_argument("files", nargs="+")
    a = p.parse_args()
    passed = failed = 0
    if len(a.files) == 1:
        r = Replay(a.files[0], a.verbose, a.keep)
        r.run()
        passed, failed = r.passed, len(r.failed)
    else:
        for ok, bad in beside_one_another(a):
            passed, failed = passed + ok, failed + bad
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
