# SPDX-License-Identifier: Apache-2.0
"""tbedgec graph: golden pictures; and of every picture of the corpus: it is well-formed, every node and edge is
in it, boxes do not cover each other, labels cover no box, and edges run from left to right."""
import json
import os
import re
import sys
import tempfile
import xml.etree.ElementTree as ET

import common
from common import check, run

NS = "{http://www.w3.org/2000/svg}"
GOLDEN = os.path.join(common.HERE, "graphs")
UPDATE = "--update" in sys.argv


def golden(name, *args):
    s, out, err = run("graph", *args)
    path = os.path.join(GOLDEN, name)
    if UPDATE:
        with open(path, "wb") as f:
            f.write(out)
    with open(path, "rb") as f:
        check(f"golden {name}", s == 0 and out == f.read(), err.decode()[:200] or "differs: see graph.sh --update")


def boxes(root, cls=None):
    for g in root.iter(NS + "g"):
        r = g.find(NS + "rect")
        if r is None or (r.get("class") == "paper") != (cls == "paper"):
            continue
        yield tuple(float(r.get(k)) for k in ("x", "y", "width", "height"))


def overlap(a, b, slack=0.2):
    return (a[0] + a[2] > b[0] + slack and b[0] + b[2] > a[0] + slack and
            a[1] + a[3] > b[1] + slack and b[1] + b[3] > a[1] + slack)


def any_overlap(rects, others=None):
    """The first two that cover each other, or None. Sorted by x so that large pictures stay quick."""
    if others is None:
        rects = sorted(rects)
        for i, a in enumerate(rects):
            for b in rects[i + 1:]:
                if b[0] >= a[0] + a[2]:
                    break
                if overlap(a, b):
                    return a, b
        return None
    return next(((a, b) for a in rects for b in others if overlap(a, b)), None)


def inspect(what, svg, n_nodes=None, n_edges=None):
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as e:
        check(f"{what}: well-formed", False, str(e))
        return
    nodes, labels = list(boxes(root)), list(boxes(root, "paper"))
    check(f"{what}: boxes apart", any_overlap(nodes) is None, str(any_overlap(nodes)))
    check(f"{what}: labels apart", any_overlap(labels) is None, str(any_overlap(labels)))
    check(f"{what}: labels beside boxes", any_overlap(nodes, labels) is None, str(any_overlap(nodes, labels)))
    w, h = float(root.get("width")), float(root.get("height"))
    check(f"{what}: inside the picture", all(x >= 0 and y >= 0 and x + a <= w and y + b <= h for x, y, a, b in nodes + labels))
    if n_nodes is not None:
        check(f"{what}: every node", len(nodes) == n_nodes, f"{len(nodes)} of {n_nodes}")
    if n_edges is not None:
        edges = [p for p in root.iter(NS + "path") if p.get("class") == "edge"]
        check(f"{what}: every edge", len(edges) == n_edges, f"{len(edges)} of {n_edges}")


def shape(path):
    """(nodes, edges) a picture of the file must have."""
    with open(path, encoding="utf-8-sig") as f:
        whole = json.load(f)
    nodes = edges = 0
    for c in whole if isinstance(whole, list) else [whole]:
        m = c.get("metadata") or c.get("metaData") or c
        pairs = {(e["fromIndex"], e["toIndex"]) for e in m.get("connections") or []}
        legacy = len(m.get("ruleChainConnections") or [])
        first = isinstance(m.get("firstNodeIndex"), int)
        nodes += len(m["nodes"]) + legacy + first
        edges += len(pairs) + legacy + first
    return nodes, edges


thermostat = os.path.join(common.SRC, "examples", "thermostat", "thermostat.yaml")
loop = os.path.join(GOLDEN, "loop.yaml")
for ext in ("svg", "dot", "mermaid"):
    golden("thermostat." + ext, "--format", ext, thermostat)
    golden("loop." + ext, "--format", ext, loop)
golden("loop-given.svg", "--layout", "given", loop)
golden("loop-given.dot", "--layout", "given", "--format", "dot", loop)
inspect("loop", run("graph", loop)[1], 6, 8)
one = float(ET.fromstring(run("graph", thermostat)[1]).get("height"))
two = ET.fromstring(run("graph", thermostat, thermostat)[1])
check("two chains below each other", abs(float(two.get("height")) - 2 * one) <= 1 and len(list(boxes(two))) % 2 == 0)

files = common.corpus()
if not files:
    print("SKIP the corpus: ../shared is absent (TBE_SHARED)")
for f in files:
    s, out, err = run("graph", f)
    if check(f"{os.path.basename(f)}: drawn", s == 0, err.decode()[:200]):
        inspect(os.path.basename(f), out, *shape(f))
    s, out, err = run("graph", "--layout", "given", f)
    if check(f"{os.path.basename(f)}: drawn as given", s == 0, err.decode()[:200]):
        ET.fromstring(out)
    for fmt in ("dot", "mermaid"):
        check(f"{os.path.basename(f)}: {fmt}", run("graph", "--format", fmt, f)[0] == 0)

# A tree needs no crossing: labels of one layer keep the order of what they lead to.
tree = {"ruleChain": {"name": "tree"}, "metadata": {"firstNodeIndex": 0, "nodes": [{"name": f"n{i}", "type": "log"} for i in range(40)],
        "connections": [{"fromIndex": (i - 1) // 3, "toIndex": i, "type": f"to {i}"} for i in range(39, 0, -1)]}}
s, out, err = run("graph", "-", stdin=json.dumps(tree).encode())
ys = {m[0]: float(m[1]) for m in re.findall(r'<title>n(\d+) .*?<rect x="[\d.]+" y="([\d.]+)"', out.decode())}
order = {i: [int(k) for k in sorted(ys, key=ys.get) if (int(k) - 1) // 3 == i] for i in range(13)}
spans = [(ys[str(3 * i + 1)], ys[str(3 * i + 3)]) for i in range(4, 13)]
check("a tree is drawn without crossings", all(max(a) < min(b) or max(b) < min(a) for i, a in enumerate(spans) for b in spans[:i]))

# At the limit of a chain's size, and a picture that is too large.
n = 10000
big = {"metadata": {"firstNodeIndex": 0, "nodes": [{"name": f"n{i}", "type": "log"} for i in range(n)],
                    "connections": [{"fromIndex": i, "toIndex": i + 1, "type": "Success"} for i in range(n - 1)]}}
text = json.dumps(big).encode()
s, out, err = run("graph", "-", stdin=text)
check("10000 nodes in a row", s == 0 and out.count(b'class="name"') == n + 1, err.decode()[:200])
big["metadata"]["connections"] += [{"fromIndex": 0, "toIndex": i, "type": "Far"} for i in range(n - 60, n)]
s, out, err = run("graph", "-", stdin=json.dumps(big).encode())
check("too many bends for a picture", s == 2 and b"too large" in err, err.decode()[:200])
check("but not for dot", run("graph", "--format", "dot", "-", stdin=json.dumps(big).encode())[0] == 0)

# ---- command line --------------------------------------------------------------------------------

with tempfile.TemporaryDirectory() as d:
    for ext, start in (("svg", b"<?xml"), ("dot", b"digraph"), ("gv", b"digraph"), ("mmd", b"flowchart"), ("txt", b"<?xml")):
        out = os.path.join(d, "x." + ext)
        s, _, err = run("graph", "-o", out, thermostat)
        check(f"format of x.{ext}", s == 0 and open(out, "rb").read().startswith(start), err.decode())
    check("a file that cannot be written", run("graph", "-o", os.path.join(d, "no", "x.svg"), thermostat)[0] == 2)
check("only one chain", run("graph", "--chain", "Thermostat", thermostat, loop)[1].count(b'class="chain"') == 1)
check("no such chain", run("graph", "--chain", "x", thermostat)[0] == 2)
s, out, err = run("graph", "-", stdin=b'{"nodes": 5}')
check("a broken chain is reported", s == 1 and b"C2102" in err and out == b"", err.decode())
s, out, err = run("graph", "-", stdin=b'{"nodes": []}')
check("an empty chain", s == 0 and ET.fromstring(out) is not None, err.decode())
common.end()
