# SPDX-License-Identifier: Apache-2.0
"""tbedgec build: when it builds again and when not. A copy of the build tree stands for an installed compiler, so
that its library can change; a counting wrapper stands for the C compiler, so that every run of it is seen."""
import os
import shutil
import subprocess
import tempfile

import common
from common import check

CHAIN = """\
ruleChain: {name: A, root: true}
metadata:
  firstNodeIndex: 0
  nodes:
    - name: f
      type: script_filter
      configuration:
        scriptLang: TBEL
        tbelScript: |
          return msg.t > 1;
  connections: []
"""

with tempfile.TemporaryDirectory() as d:
    tool = os.path.join(d, "bin")
    os.makedirs(os.path.join(tool, "runtime"))
    for name in ("tbedgec", "libtbedge.a"):
        shutil.copy2(os.path.join(common.BUILD, name), tool)
    if os.path.isdir(os.path.join(common.BUILD, "runtime", "include")):
        shutil.copytree(os.path.join(common.BUILD, "runtime", "include"), os.path.join(tool, "runtime", "include"))
    common.TBEDGEC = os.path.join(tool, "tbedgec")
    cc, log, out = (os.path.join(d, n) for n in ("cc", "log", "worker"))
    a, b = os.path.join(d, "a.yaml"), os.path.join(d, "b.yaml")

    def write(path, text, mode=0o644):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def wrapper(extra=""):
        write(cc, f"#!/bin/sh\n{extra}\necho run >>'{log}'\nexec gcc \"$@\"\n", 0o755)

    def build(*args, files=(a,), stdin=b""):
        """(C compiler was run, status, stdout, stderr)"""
        write(log, "")
        s, o, e = common.run("build", "--cc", cc, "-o", out, *args, *files, stdin=stdin)
        return os.path.getsize(log) > 0, s, o, e

    def again(what, want, *args, **kw):
        ran, s, o, e = build(*args, **kw)
        check(what, ran == want and s == 0 and os.access(out, os.X_OK), f"cc run: {ran}, status {s}, {e.decode()[:300]}")
        return o, e

    def works():
        return b"--replay" in subprocess.run([out, "--help"], capture_output=True, check=False).stdout

    wrapper()
    write(a, CHAIN)
    again("the first build builds", True)
    check("the worker works", works())
    again("the second does not", False)
    os.utime(out, (1, 1))
    again("nor when the worker was touched", False)
    os.utime(a, (1, 1))
    again("nor when the chain was touched", False)
    os.utime(os.path.join(tool, "libtbedge.a"))
    again("nor when the library was touched", False)
    again("--strict alone changes nothing", False, "--strict")
    write(a, CHAIN.replace("- name: f", "- name:   f"))
    again("nor after a change of spaces only", False)
    o, e = again("a JSON report is written all the same", False, "--format", "json")
    check("the report is there", b'"errors":0' in o or b'"warnings":0' in o or o == b"", o.decode()[:200])
    again("IR is shown all the same", False, "--dump", "ir")

    write(a, CHAIN.replace("> 1", "> 2"))
    again("a changed script builds", True)
    again("once", False)
    again("other #line directives build", True, "--no-line")
    again("and back", True)
    with open(out, "ab") as f:
        f.write(b"x")
    again("a changed worker is built again", True)
    check("and works", works())
    with open(out, "r+b") as f:
        f.truncate(1000)
    again("so is a cut one", True)
    os.unlink(out)
    again("so is one that went away", True)
    os.chmod(out, 0o644)
    again("so is one that may not be run", True)
    for junk in (b"", b"x" * 5000, b"0" * 64 + b"\n", b"\xff\x00" * 40, b"0" * 64 + b"\ncc " + b"0" * 64 + b"\ninputs -\noutput 1 2 3\n"):
        with open(out + ".digest", "wb") as f:
            f.write(junk)
        again(f"a broken record builds: {junk[:10]!r}", True)
    os.unlink(out + ".digest")
    again("so does a missing one", True)
    os.unlink(out + ".digest")
    os.mkdir(out + ".digest")
    again("a record that cannot be written costs a build", True)
    again("each time", True)
    os.rmdir(out + ".digest")
    again("and then", True)

    wrapper("# a new version")
    again("a changed C compiler builds", True)
    again("once", False)
    common.run("build", "--cc", cc + " -O1", "-o", out, a)
    again("other flags of it do too", True)
    write(b, CHAIN.replace("name: A, root: true", "name: B"))
    again("another chain builds", True, files=(a, b))
    again("once", False, files=(a, b))
    again("another root builds", True, "--root", "B", files=(a, b))
    again("once", False, "--root", "B", files=(a, b))
    again("standard input builds", True, files=("-",), stdin=CHAIN.encode())
    again("once", False, files=("-",), stdin=CHAIN.encode())
    again("and builds when it changes", True, files=("-",), stdin=CHAIN.replace("> 1", "> 3").encode())

    write(b, CHAIN.replace("root: true", "root: true").replace("type: script_filter", "type: no_such_node"))
    ran, s, o, e1 = build(files=(b,))
    ran, s, o, e2 = build(files=(b,))
    check("what there is to say is said each time", e1 == e2 and b"no_such_node" in e1, e2.decode()[:300])
    check("and a record says that nothing has changed", not ran and len(open(out + ".digest", "rb").read()) > 500)
    ran, s, o, e3 = build("--format", "json", files=(b,))
    check("in another format too", not ran and b"no_such_node" in o, o.decode()[:300])
    ran, s, o, e4 = build(files=(b,))
    check("and again as text", not ran and e4 == e1, e4.decode()[:300])

    again("the chain of before", True)
    write(os.path.join(d, "x.c"), "int cache_test_nothing;\n")
    subprocess.run(["gcc", "-c", os.path.join(d, "x.c"), "-o", os.path.join(d, "x.o")], check=True)
    subprocess.run(["ar", "r", os.path.join(tool, "libtbedge.a"), os.path.join(d, "x.o")], check=True, capture_output=True)
    again("a changed library builds", True)
    again("once", False)

    # ---- another machine: a compiler and a library of its name ----
    triple = "some-other-machine"
    write(os.path.join(d, triple + "-gcc"), f"#!/bin/sh\necho cross >>'{log}'\nexec gcc \"$@\"\n", 0o755)
    path = {"PATH": d + ":" + os.environ["PATH"]}
    cross = os.path.join(d, "cross")
    s, o, e = common.run("build", "--target", triple, "-o", cross, a, env=path)
    check("no run time for a target", s == 2 and f"bin/{triple}/libtbedge.a is missing".encode() in e and not os.path.exists(cross), e.decode())
    os.mkdir(os.path.join(tool, triple))
    shutil.copy2(os.path.join(tool, "libtbedge.a"), os.path.join(tool, triple))
    write(log, "")
    s, o, e = common.run("build", "--target", triple, "-o", cross, a, env=path)
    check("a target is built with its compiler", s == 0 and os.access(cross, os.X_OK) and "cross" in open(log, encoding="utf-8").read(), e.decode())
    write(log, "")
    s, o, e = common.run("build", "--target", triple, "-o", cross, a, env=path)
    check("once", s == 0 and os.path.getsize(log) == 0, e.decode())
    s, o, e = common.run("build", "--target", triple, "--cc", cc, "-o", cross, a, env=path)
    check("--cc goes before it", s == 0 and open(log, encoding="utf-8").read().startswith("run"), e.decode())
    if shutil.which("aarch64-linux-gnu-gcc"):
        s, o, e = common.run("build", "--emit-only", os.path.join(d, "c"), a)
        for f in sorted(os.listdir(os.path.join(d, "c"))):
            if f.endswith(".c"):
                r = subprocess.run(["aarch64-linux-gnu-gcc", "-std=gnu11", "-Wall", "-Werror", "-c", "-o", os.path.join(d, "x.o"), "-I" + os.path.join(common.SRC, "runtime", "include"),
                                    "-I" + os.path.join(tool, "runtime", "include"), os.path.join(d, "c", f)], capture_output=True, text=True, check=False)
                check(f"aarch64-linux-gnu-gcc takes {f}", r.returncode == 0, r.stderr[:300])
    else:
        print("SKIP aarch64-linux-gnu-gcc is not installed")
    check("nothing else is left", sorted(n for n in os.listdir(d) if n.startswith("worker")) == ["worker", "worker.digest"])
common.end()
