# SPDX-License-Identifier: Apache-2.0
"""tbedgec fmt: JSON to YAML and back is the same for the corpus and for every nasty text and number, with
our reader and with PyYAML; formatting twice changes nothing; --check, -w and comments do what they say."""
import json
import os
import random
import stat
import tempfile

import common
from common import check, run

try:
    import yaml
except ImportError:
    yaml = None

# ---- round trips ---------------------------------------------------------------------------------

TEXTS = [
    "", " ", "a", "true", "True", "TRUE", "yes", "No", "on", "OFF", "y", "n", "null", "Null", "~", "1", "-1", "1.0", "1e5",
    "0x1F", "0o17", "017", "1_000", "12:30:45", "2020-01-01", ".5", ".inf", "-.INF", ".NaN", "+1", "=", "<<", "-", "--", "---", "...",
    "? a", ": a", "a: b", "a:", "a :b", "a #b", "a#b", "#a", "- a", "[a]", "{a}", "a, b", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a",
    "'", "''", '"', "it's", 'say "x"', "\\", "c:\\x", "a'b\"c", " lead", "trail ", "\ttab", "in\ttab", "tab\t",
    "a\nb", "a\nb\n", "a\n\nb\n\n", "\na", "\n", "\n\n", " \n", "a\n ", "a\n  \n", " a\nb", "\ta\nb", "a\n\tb\n", "\n a\nb", "a\n b\n  c\n",
    "a\n# no comment\n", "a\n---\nb", "a\n...\n", "a\r\nb", "a\rb", "\x00", "a\x00b", "\x07\x1b\x7f", "\x80\x9f\xa0", "\x85", "a\x85b",
    "\u2028", "a\u2029b", "\ufeff", "a\ufeff", "\ufffe\uffff", "\ud7ff\ue000", "\U0001F600", "é", "日本語: テスト", "ünï\ncödé\n",
    "${temperature}", "$[x]", "/a/b", "(x)", "return {msg: msg};", "a" * 3000, "x" * 1100 + ": y", "null ", "13814000-1dd2-11b2-8080-808080808080",
    "if (a) {\n    return 'x';\n}\n", "a  \nb  \n", "a\n\n\n", "|\n", "1\n", "key: |\n  x\n",
]
NUMBERS = ["0", "-0", "1", "-1", "1.0", "1.00", "1e5", "1E5", "1e+5", "-1.5e-300", "9007199254740993", "-9223372036854775808",
           "9223372036854775807", "9223372036854775808", "123456789012345678901234567890", "0.1", "1e999", "0.30000000000000004"]


def nasty_document():
    values = [json.dumps(t) for t in TEXTS] + NUMBERS + ["true", "false", "null", "[]", "{}", "[[]]", "[{}]", '[[1,[2]],{"a":[{"b":1}]}]']
    members = ",".join(f"{json.dumps(t + '.' if i % 2 else t)}:{v}" for i, t in enumerate(TEXTS) for v in [values[i]])
    flow = ",".join('{"from":%s,"to":%s,"type":%s}' % (json.dumps(t), NUMBERS[i % len(NUMBERS)], json.dumps([t, t])) for i, t in enumerate(TEXTS))
    return '{"nodes":[{"name":"n","configuration":{%s}}],"list":[%s],"deep":%s,"connections":[%s],"m":[{%s}]}' % (
        members, ",".join(values), "[" * 100 + "1" + "]" * 100, flow, members)


def random_document(rng):
    """A random tree of texts from an alphabet that YAML trips over."""
    alphabet = " \n\t:#-?'\"\\,[]{}&*!|>%@`~.=<0123456789abtrueyno\x07\x85\u2028é\U0001F600\r"

    def text():
        return "".join(rng.choice(alphabet) for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 13])))

    def value(depth):
        k = rng.random()
        if depth > 5 or k < 0.7:
            return rng.choice([text(), text(), text(), rng.randint(-10**20, 10**20), rng.random(), None, True, False])
        if k < 0.85:
            return [value(depth + 1) for _ in range(rng.randint(0, 4))]
        return {text(): value(depth + 1) for _ in range(rng.randint(0, 4))}

    return json.dumps([value(0) for _ in range(300)])


def py_value(v):
    """What PyYAML's BaseLoader makes of a value: texts everywhere."""
    if isinstance(v, tuple):
        return v[1]
    if isinstance(v, dict):
        return {k: py_value(x) for k, x in v.items()}
    if isinstance(v, list):
        return [py_value(x) for x in v]
    return {None: "null", True: "true", False: "false"}[v] if v is None or isinstance(v, bool) else v


def quoted_right(v, w, where=""):
    """PyYAML with the types of YAML 1.1: texts must stay texts, constants constants."""
    if isinstance(v, dict):
        return all(isinstance(k, str) for k in w) and all(quoted_right(v[k], w[k]) for k in v)
    if isinstance(v, list):
        return all(quoted_right(a, b) for a, b in zip(v, w))
    return isinstance(w, str) if isinstance(v, str) else True


def round_trip(what, text):
    """JSON -> YAML -> JSON, all stable."""
    want = common.load_json(text)
    s, y, err = run("fmt", "--to", "yaml", "-", stdin=text.encode())
    if not check(f"{what}: to YAML", s == 0, err.decode()[:300]):
        return
    s, back, err = run("fmt", "--to", "json", "-", stdin=y)
    if not check(f"{what}: back to JSON", s == 0, err.decode()[:300]):
        return
    check(f"{what}: round trip", common.load_json(back) == want)
    s, again, err = run("fmt", "-", stdin=y)
    check(f"{what}: YAML is stable", s == 0 and again == y, err.decode()[:300])
    s, json1, err = run("fmt", "--to", "json", "-", stdin=text.encode())
    s2, json2, err2 = run("fmt", "-", stdin=json1)
    check(f"{what}: JSON is stable", s == 0 and s2 == 0 and json1 == json2, (err + err2).decode()[:300])
    check(f"{what}: JSON is the same either way", json1 == back)
    check(f"{what}: JSON keeps everything", common.load_json(json1) == want)
    if yaml:
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        check(f"{what}: PyYAML reads the same", yaml.load(y, Loader=loader) == py_value(want))
        safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        check(f"{what}: PyYAML takes texts for texts", quoted_right(want, yaml.load(y, Loader=safe)))


round_trip("nasty texts and numbers", nasty_document())
for t in TEXTS:
    if t not in ("a" * 3000,):
        s, y, err = run("fmt", "--to", "yaml", "-", stdin=json.dumps([t]).encode())
        s2, back, err2 = run("fmt", "--to", "json", "-", stdin=y)
        check(f"a list of {t!r}", s == 0 and s2 == 0 and json.loads(back) == [t], (y + err + err2).decode()[:200])
for text in [json.dumps(t) for t in TEXTS[1:]] + NUMBERS + ["null", "true", "[]", "{}"]:
    if text.strip('" \\n').startswith(("[", "{")) or not text.strip('"'):
        continue
    s, y, err = run("fmt", "--to", "yaml", "-", stdin=("[" + text + "]").encode())
    check(f"value {text[:30]}", s == 0, err.decode()[:200])
for seed in range(8):
    round_trip(f"random document {seed}", random_document(random.Random(seed)))

files = common.corpus()
if not files:
    print("SKIP the corpus: ../shared is absent (TBE_SHARED)")
for path in files:
    with open(path, encoding="utf-8-sig") as f:
        round_trip(os.path.basename(path), f.read())
if not yaml:
    print("SKIP comparing with PyYAML: it is not installed")

# ---- what cannot be written ----------------------------------------------------------------------

s, out, err = run("fmt", "--to", "yaml", "-", stdin=b'{"a": "\\ud83d"}')
check("half a surrogate pair is refused as YAML", s == 1 and b"surrogate" in err and b"stdin:1:7" in err, err.decode())
s, out, err = run("fmt", "--to", "json", "-", stdin=b'{"a": "\\ud83d x \\udE00"}')
check("half a surrogate pair stays in JSON", s == 0 and b'"\\ud83d x \\ude00"' in out, out.decode())
s, out, err = run("fmt", "-", stdin=b'{"a": 1, "a": 2}')
check("a key given twice is refused", s == 1 and b"C2006" in err and out == b"", err.decode())
s, out, err = run("fmt", "-", stdin=b'{"a": ')
check("broken JSON is refused", s == 1 and out == b"", err.decode())
s, out, err = run("fmt", "/nonexistent")
check("a missing file", s == 2 and b"cannot read /nonexistent" in err, err.decode())

s, out, err = run("fmt", "--to", "yaml", "-", stdin=b'{"<<": 1}')
check("a key << is quoted, and read back", out == b'"<<": 1\n' and run("fmt", "-", stdin=out)[1] == out, (out + err).decode())

# ---- comments ------------------------------------------------------------------------------------

COMMENTED = b"""\
# first line
# yaml-language-server: $schema=x

ruleChain:
  name: a # behind a
  root: true

# before metadata
metadata:
  firstNode: first # behind first

  # before nodes
  nodes:
    # before the item
    - name: first
      type: log
      configuration:
        # the script
        jsScript: | # behind the header
          // # no comment
          return 'x # y';

          # no comment either
    - name: "# quoted"
      type: "a # b" # behind type
  connections:
    - {from: first, to: first, type: Success} # behind the connection

    # last item
    - {from: first, to: first, type: Failure}
# the end
"""
s, out, err = run("fmt", "-", stdin=COMMENTED)
check("comments stay where they are", out == COMMENTED, out.decode())
s, out, err = run("fmt", "-", stdin=COMMENTED.replace(b"\n", b"\r\n"))
check("with CR LF too", s == 0 and out.count(b"#") == COMMENTED.count(b"#"), out.decode())
MOVED = b"type: log # t\n# n\nname: x\nlist: [1, # one\n 2] # two\nmap: {a: 1} # m\nempty: # e\nnodes: # no\n- 1 # i\n"
s, out, err = run("fmt", "-", stdin=MOVED)
check("comments move with their values", s == 0 and all(c in out for c in (b"type: log # t\n", b"# n\nname: x\n", b"# one", b"# two", b"nodes: [1] # i # no\n",
      b"map: {a: 1} # m\n", b"empty: null # e\n")), out.decode())
s, again, err = run("fmt", "-", stdin=out)
check("and stay there", again == out, again.decode())

# ---- order ---------------------------------------------------------------------------------------

A = b'{"metadata":{"connections":[{"type":"x","toIndex":0,"fromIndex":0}],"nodes":[{"configuration":{"z":{"b":1,"a":2},"scriptLang":"JS"},"type":"log","name":"n"}]},"ruleChain":{"root":true,"name":"c"}}'
B = b'{"ruleChain":{"name":"c","root":true},"metadata":{"nodes":[{"name":"n","type":"log","configuration":{"scriptLang":"JS","z":{"b":1,"a":2}}}],"connections":[{"fromIndex":0,"toIndex":0,"type":"x"}]}}'
check("the order of keys does not matter", run("fmt", "-", stdin=A)[1] == run("fmt", "-", stdin=B)[1])
check("maps of the user keep their order", b'"b": 1,\n' in run("fmt", "-", stdin=A)[1])
s, out, err = run("fmt", "--to", "yaml", "-", stdin=b'{"nodes":[{"type":"log","configuration":{"jsScript":"return 1;"}}]}')
check("a script is a block", b"jsScript: |-\n" in out, out.decode())

# ---- files ---------------------------------------------------------------------------------------

with tempfile.TemporaryDirectory() as d:
    bad, good, broken = (os.path.join(d, n) for n in ("bad.yaml", "good.json", "broken.yaml"))
    with open(bad, "wb") as f:
        f.write(b"b:   1\n")
    os.chmod(bad, 0o640)
    with open(good, "wb") as f:
        f.write(b'{\n  "a": 1\n}\n')
    with open(broken, "wb") as f:
        f.write(b"a: [\n")
    s, out, err = run("fmt", "--check", bad, good)
    check("--check names what is not formatted", s == 1 and out.decode() == bad + "\n", out.decode())
    check("--check of a formatted file", run("fmt", "--check", good)[0] == 0)
    check("--check changes nothing", open(bad, "rb").read() == b"b:   1\n")
    link = os.path.join(d, "link.yaml")
    os.symlink(bad, link)
    s, out, err = run("fmt", "-w", link, good)
    check("-w changes the file", s == 0 and open(bad, "rb").read() == b"b: 1\n", err.decode())
    check("-w keeps mode and link", stat.S_IMODE(os.stat(bad).st_mode) == 0o640 and os.path.islink(link))
    s, out, err = run("fmt", "-w", broken, bad)
    check("-w leaves a broken file alone", s == 1 and open(broken, "rb").read() == b"a: [\n")
    s, out, err = run("fmt", "--to", "json", "-o", os.path.join(d, "o.json"), bad)
    check("-o writes another file", s == 0 and open(os.path.join(d, "o.json"), "rb").read() == b'{\n  "b": 1\n}\n')
    check("nothing else is left", sorted(os.listdir(d)) == ["bad.yaml", "broken.yaml", "good.json", "link.yaml", "o.json"], str(os.listdir(d)))
    check("two files on standard output", run("fmt", bad, good)[0] == 2)
    check("-w with --to", run("fmt", "-w", "--to", "json", bad)[0] == 2)
    check("-w of standard input", run("fmt", "-w", "-")[0] == 2)
    check("-w with --check", run("fmt", "-w", "--check", bad)[0] == 2)
    check("no directory", run("fmt", "-o", os.path.join(d, "no", "x"), bad)[0] == 2)
common.end()
