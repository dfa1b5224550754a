# SPDX-License-Identifier: Apache-2.0
"""tbedgec bounds: known chains, random ones against a computation of our own, cycles, parked messages, sizes."""
import functools
import json
import os
import random

import common
from common import check, run

MIB8, FUEL = 8 << 20, 50000000


def script(kind, body="return true;"):
    return {"name": kind, "type": kind, "configuration": {"scriptLang": "TBEL", "tbelScript": body}}


def bounds(nodes, edges, first=0, name="c"):
    for i, n in enumerate(nodes):
        n = nodes[i] = dict(n, name=n["name"] + str(i))
    doc = {"ruleChain": {"name": name}, "metadata": {"firstNodeIndex": first, "nodes": nodes, "connections": [
        {"fromIndex": a, "toIndex": b, "type": r} for a, r, b in edges]}}
    text = json.dumps(doc).encode()
    s, out, err = run("bounds", "--format", "json", "-", stdin=text)
    s2, plain, _ = run("bounds", "-", stdin=text)
    if not check("bounds run", s == 0 and s2 == 0, err.decode()[:300]):
        return {}, ""
    return json.loads(out)["chains"][0], plain.decode()


F, T, SW, LOG = script("script_filter"), script("script_transform", "return {msg: msg, metadata: metadata, msgType: msgType};"), \
    script("script_switch", "return ['a', 'b'];"), script("log", "return 'x';")

b, text = bounds([F, T, LOG], [(0, "True", 1), (0, "False", 2), (1, "Success", 2)])
check("three nodes", (b["nodes"], b["reachable"], b["relations"], b["longestPath"], b["nodeRuns"]) == (3, 3, 3, 3, 3), str(b))
check("three scripts", (b["scripts"], b["scriptRuns"], b["scriptsWithLoops"], b["fuel"], b["arenaBytes"]) == (3, 3, 0, 0, 2 * MIB8), str(b))
b, text = bounds([F, LOG, LOG], [(0, "True", 1), (0, "False", 2)])
check("of True and False one is taken", b["nodeRuns"] == 2, str(b))
b, text = bounds([F, LOG, LOG], [(0, "True", 1), (0, "True", 2)])
check("all of one relation are", b["nodeRuns"] == 3, str(b))
b, text = bounds([SW, LOG, LOG], [(0, "a", 1), (0, "b", 2)])
check("a switch may take all", b["nodeRuns"] == 3, str(b))
for body, loops in (("return 1 > 0;", 0), ("foreach (x : msg.a) { if (x) { return true; } } return false;", 1), ("while (msg.a) { msg.a = false; } return true;", 1),
                    ("def f(n) { n < 1 ? true : f(n - 1) } return f(msg.n);", 1)):
    b, text = bounds([script("script_filter", body), LOG], [(0, "True", 1)])
    check(f"loops of {body}", (b["scriptsWithLoops"], b["fuel"]) == (loops, loops * FUEL), str(b))
b, text = bounds([LOG, LOG], [])
check("what is not reachable does not count", (b["nodes"], b["reachable"], b["longestPath"], b["scripts"]) == (2, 1, 1, 1), str(b))
s, out, err = run("bounds", "-", stdin=b'{"nodes":[{"name":"a","type":"log"},{"name":"b","type":"log"}],"firstNodeIndex":0,'
                  b'"connections":[{"fromIndex":0,"toIndex":1,"type":"Success"},{"fromIndex":1,"toIndex":0,"type":"Success"}]}')
check("a chain with a cycle is refused", s == 1 and out == b"" and b"C2206" in err, err.decode())
for limit in (0, 1, 1000, 2147483647):
    b, text = bounds([{"name": "d", "type": "delay", "configuration": {"periodInSeconds": 1, "maxPendingMsgs": limit}}], [])
    check(f"a delay of {limit} messages", b["parked"] == [{"node": "d0", "limit": limit, "perOriginator": False}] and str(limit) in text, str(b))
b, text = bounds([{"name": "r", "type": "rpc_request", "configuration": {"timeoutInSeconds": 5}}], [])
check("RPC waits without a limit", b["parked"] == [{"node": "r0", "limit": None, "perOriginator": False}] and "no bound" in text, str(b))
b, text = bounds([{"name": "c", "type": "rule_chain", "configuration": {"ruleChainId": "00000000-0000-4000-8000-000000000001"}}], [])
check("calls of other chains are counted", b.get("chainsCalled") == 1, str(b))
s, out, err = run("bounds", "-", stdin=b'{"ruleChain":{"name":"\\u001b[31m"},"metadata":{"firstNodeIndex":null,"nodes":[]}}')
check("an empty chain; nothing steers the terminal", s == 0 and b"\x1b" not in out and b"longest path    0 nodes" in out, (out + err).decode())


def mine(nodes, edges):
    out = {}
    for a, r, t in set(edges):
        out.setdefault(a, {}).setdefault(r.lower(), set()).add(t)

    @functools.lru_cache(None)
    def longest(v):
        return 1 + max([longest(t) for ts in out.get(v, {}).values() for t in ts], default=0)

    @functools.lru_cache(None)
    def runs(v):
        groups = [sum(runs(t) for t in ts) for ts in out.get(v, {}).values()]
        return 1 + (sum(groups) if nodes[v] is SW else max(groups, default=0))

    return longest(0), runs(0)


for seed in range(25):
    rng = random.Random(seed)
    n = rng.randint(2, 25)
    kinds = [rng.choice([F, T, SW, LOG]) for _ in range(n)]
    rel = {id(F): ["True", "False", "Failure"], id(T): ["Success", "Failure"], id(SW): ["a", "b", "c", "Failure"], id(LOG): ["Success", "Failure"]}
    edges = [(i, rng.choice(rel[id(kinds[i])]), rng.randint(i + 1, n - 1)) for i in range(n - 1) for _ in range(rng.randint(0, 4))]
    b, text = bounds(list(kinds), edges)
    check(f"random chain {seed}", (b["longestPath"], b["nodeRuns"]) == mine(kinds, edges), f"{b} {mine(kinds, edges)}")

n = 10000
b, text = bounds([dict(LOG)] * n, [(i, "Success", i + 1) for i in range(n - 1)])
check("10000 nodes in a row", (b["longestPath"], b["nodeRuns"]) == (n, n) and b["callsInARow"] == 32, str(b)[:300])
b, text = bounds([dict(F)] * 201, [(i, r, i + 1) for i in range(200) for r in ("True", "true ", "True")] + [(i, "True", min(i + 2, 200)) for i in range(199)])
check("more than 64 bits of runs have no bound", b["nodeRuns"] is None and b["longestPath"] == 201, str(b)[:300])
s, out, err = run("bounds", "-", stdin=b"{}")
check("no rule chain", s == 1 and out == b"" and b"C2008" in err)
check("a missing file", run("bounds", "/nonexistent")[0] == 2)

files = common.corpus()
if not files:
    print("SKIP the corpus: ../shared is absent (TBE_SHARED)")
for f in files:
    s, out, err = run("bounds", "--format", "json", f)
    check(f"{os.path.basename(f)}", s == 0 and all(c["reachable"] <= c["nodes"] for c in json.loads(out)["chains"]), err.decode()[:300])
common.end()
