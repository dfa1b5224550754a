# SPDX-License-Identifier: Apache-2.0
"""Every command and option that --help names is in the manual page and in the completions of three shells; the pages
pass mandoc's or man's checks; the completions load and complete in the shells that are installed."""
import json
import os
import re
import shutil
import subprocess
import tempfile

import common
from common import check, run

PACKAGING = os.path.join(common.SRC, "packaging")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def sh(args, **kw):
    return subprocess.run(args, capture_output=True, text=True, check=False, timeout=60, **kw)


def plain(page):
    """Text of a manual page: macros and quoting gone."""
    text = read(page).replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")
    text = re.sub(r"\bFl (-?)([\w-]+)", lambda m: "-" + m[1] + m[2], text)
    return re.sub(r"\| (-?[a-z][\w-]*)", lambda m: "| -" + m[1], text)


s, out, err = run("--help")
commands = re.findall(r"^  tbedgec (\S+) +(.*)$", out.decode(), re.M)
check("--help lists the commands", len(commands) >= 8, out.decode())
names = [c for c, _ in commands]

with tempfile.TemporaryDirectory() as d:
    s, _, err = run("docs", "--settings", os.path.join(common.SRC, "schemas", "tbedge.json"), d)
    check("tbedgec docs", s == 0, err.decode())
    bash, zsh, fish = read(d, "tbedgec.bash"), read(d, "_tbedgec"), read(d, "tbedgec.fish")
    main = plain(os.path.join(d, "tbedgec.1"))
    for name, summary in commands:
        s, out, err = run(name, "--help")
        text = out.decode()
        check(f"{name} --help", s == 0 and text.startswith(f"usage: tbedgec {name}"), text[:100])
        check(f"{name} -h", run(name, "-h")[1] == out)
        check(f"{name} --version", run(name, "--version")[1].startswith(b"tbedgec "))
        check(f"{name}: lines of --help are short", max(map(len, text.splitlines())) <= 110, max(text.splitlines(), key=len))
        page = plain(os.path.join(d, f"tbedgec-{name}.1"))
        check(f"{name} in tbedgec.1", f".It Cm {name}\n" in main and summary in main)
        section = re.search(rf"^        {name}\) words='(.*)' ;;$", bash, re.M)
        zsection = re.search(rf"^    {name}\)$(.*?);;$", zsh, re.M | re.S)
        check(f"{name} in the completions", section and zsection and f"'{name}:" in zsh and f" -a {name} " in fish)
        options = re.findall(r"^ +(?:-(\w), )?--([\w-]+)(?: ([A-Z]\w*))?", text.split("\nOptions:\n")[1].split("\n\n")[0], re.M)
        check(f"{name} has options", len(options) >= 2)
        for letter, option, arg in options:
            check(f"{name} --{option} in its page", re.search(rf"--{option}\b", page) and (not letter or re.search(rf"-{letter} ,", page)))
            check(f"{name} --{option} in bash", section and f"--{option}" in section[1].split() and (not letter or f"-{letter}" in section[1].split()))
            check(f"{name} --{option} in zsh", zsection and f"--{option}" in zsection[1])
            if option not in ("help", "version"):
                check(f"{name} --{option} in fish", f"from {name}' -l {option} " in fish)

    # ---- the pages ----
    pages = [os.path.join(d, f) for f in sorted(os.listdir(d)) if f[-1].isdigit()] + [os.path.join(PACKAGING, "man", "tbedge.1")]
    check("all pages", len(pages) == len(names) + 3, str(pages))
    if shutil.which("mandoc"):
        for page in pages:
            r = sh(["mandoc", "-Tlint", "-Wwarning", page])
            check(f"mandoc {os.path.basename(page)}", r.returncode == 0 and not r.stdout, r.stdout)
    else:
        print("SKIP mandoc is not installed")
    if shutil.which("man") and shutil.which("groff"):
        for page in pages:
            r = sh(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], env=dict(os.environ, LC_ALL="C.UTF-8"))
            check(f"man {os.path.basename(page)}", r.returncode == 0 and not r.stderr, r.stderr[:300])
    else:
        print("SKIP man with groff is not installed")

    settings = plain(os.path.join(d, "tbedge.yml.5"))

    def each(schema, path=""):
        for key, v in schema.get("properties", {}).items():
            if "properties" in v:
                each(v, path + key + ".")
            else:
                check(f"{path + key} in tbedge.yml.5", f".It Cm {path + key} " in settings and v.get("x-env", "") in settings)

    with open(os.path.join(common.SRC, "schemas", "tbedge.json"), encoding="utf-8") as f:
        each(json.load(f))

    # ---- tbedge ----
    worker = os.path.join(common.BUILD, "tbedge-worker")
    page, tbash = plain(os.path.join(PACKAGING, "man", "tbedge.1")), read(PACKAGING, "completions", "tbedge.bash")
    tzsh, tfish = read(PACKAGING, "completions", "_tbedge"), read(PACKAGING, "completions", "tbedge.fish")
    usage = sh([os.path.join(common.BUILD, "tbedge"), "--help"]).stdout
    spoken = set(re.findall(r"^  ([a-z]+)\b", usage, re.M)) | {"backup"}
    check("commands of tbedge", len(spoken) >= 8, usage)
    for cmd in sorted(spoken):
        check(f"tbedge {cmd} in page and completions", f"Cm {cmd}" in page and cmd in tbash and cmd in tzsh and f" -a {cmd} " in tfish)
        if not os.access(worker, os.X_OK) or cmd in ("run", "deploy", "rollback"):
            continue
        r = sh([worker, "--data", os.path.join(d, "data"), "--command", cmd, "--help"])
        check(f"tbedge {cmd} --help", r.stdout.startswith("usage: tbedge " + cmd), r.stdout + r.stderr)
        for sub in re.findall(rf"tbedge {cmd} ([a-z]+)", r.stdout):
            check(f"tbedge {cmd} {sub}", f"Cm {cmd} {sub}" in page and sub in tbash and sub in tzsh and sub in tfish)
        for option in set(re.findall(r"--([\w-]+)", r.stdout)):
            check(f"tbedge {cmd} --{option}", f"--{option}" in page and f"--{option}" in tbash and f"--{option}" in tzsh and
                  re.search(rf"from {cmd}' -l {option}\b", tfish))
    for option in re.findall(r"--([\w-]+)", usage):
        check(f"tbedge --{option}", f"--{option}" in page and f"--{option}" in tbash and option in tzsh and f" -l {option} " in tfish)

    # ---- in the shells ----
    def bash_complete(file, function, *line):
        script = (f". '{file}'; COMP_WORDS=({' '.join(repr(w) for w in line)}); COMP_CWORD={len(line) - 1}; {function}; "
                  "printf '%s\\n' \"${COMPREPLY[@]}\"")
        r = sh(["bash", "--norc", "-eu", "-c", script], cwd=d)
        return r.stdout.split() if r.returncode == 0 and not r.stderr else [r.stderr]

    if shutil.which("bash"):
        f = os.path.join(d, "tbedgec.bash")
        check("bash: commands", set(names) <= set(bash_complete(f, "_tbedgec", "tbedgec", "")))
        check("bash: one command", bash_complete(f, "_tbedgec", "tbedgec", "gra") == ["graph"])
        check("bash: options", "--layout" in bash_complete(f, "_tbedgec", "tbedgec", "graph", "--"))
        check("bash: values", bash_complete(f, "_tbedgec", "tbedgec", "graph", "--format", "") == ["svg", "dot", "mermaid"])
        check("bash: values behind =", bash_complete(f, "_tbedgec", "tbedgec", "graph", "--format", "=", "d") == ["dot"])
        check("bash: files", "tbedgec.fish" in bash_complete(f, "_tbedgec", "tbedgec", "check", "tbedgec.f"))
        f = os.path.join(PACKAGING, "completions", "tbedge.bash")
        check("bash: tbedge", bash_complete(f, "_tbedge", "tbedge", "roll") == ["rollback"])
        check("bash: tbedge attr", bash_complete(f, "_tbedge", "tbedge", "--data", "x", "attr", "s") == ["set"])
        check("bash: tbedge export --format", bash_complete(f, "_tbedge", "tbedge", "export", "--format", "") == ["csv", "jsonl"])
    else:
        print("SKIP bash is not installed")
    if shutil.which("zsh"):
        for f, fn in ((os.path.join(d, "_tbedgec"), "_tbedgec"), (os.path.join(PACKAGING, "completions", "_tbedge"), "_tbedge")):
            r = sh(["zsh", "-f", "-n", f])
            check(f"zsh: {fn} has no mistakes", r.returncode == 0 and not r.stderr, r.stderr)
            r = sh(["zsh", "-f", "-c", f"fpath=('{os.path.dirname(f)}' $fpath); autoload -Uz compinit; compinit -u -d '{d}/dump{fn}'; "
                    f"echo $_comps[{fn[1:]}]; autoload -Uz +X {fn} && echo loaded"])
            check(f"zsh: {fn} loads", r.stdout.split() == [fn, "loaded"] and not r.stderr, r.stdout + r.stderr)
        zpty = """
zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z "PS1=; fpath=(%s \\$fpath); autoload -Uz compinit; compinit -u -d %s/dump2; zstyle ':completion:*' list-prompt ''; LISTMAX=1000"
zpty -w z "bindkey '^I' complete-word; echo rea''dy"; zpty -r -t z x '*ready*' ; sleep 1
zpty -w -n z $'tbedgec graph --format me\\t'; sleep 1; zpty -r -t z out '*mermaid*' && print -r -- GOT; zpty -d z
""" % (d, d)
        try:
            for fd in os.openpty():
                os.close(fd)
            r = sh(["zsh", "-f", "-c", zpty], env=dict(os.environ, TERM="dumb"))
            check("zsh: completes a value", "GOT" in r.stdout, r.stdout[-300:] + r.stderr[-300:])
        except subprocess.TimeoutExpired:
            check("zsh: completes a value", False, "nothing came")
        except OSError as e:
            print("SKIP zsh: completes a value: no terminal can be made here:", e)
    else:
        print("SKIP zsh is not installed")
    if shutil.which("fish"):
        home = dict(os.environ, HOME=d, XDG_CONFIG_HOME=d, XDG_DATA_HOME=d)

        def fish_complete(file, line):
            r = sh(["fish", "--no-config", "-c", f"source '{file}'; complete -C '{line}'"], env=home, cwd=d)
            return [x.split("\t")[0] for x in r.stdout.splitlines()] if not r.stderr else [r.stderr]

        f = os.path.join(d, "tbedgec.fish")
        check("fish: commands", set(names) <= set(fish_complete(f, "tbedgec ")), str(fish_complete(f, "tbedgec ")))
        check("fish: options", "--layout" in fish_complete(f, "tbedgec graph --"), str(fish_complete(f, "tbedgec graph --")))
        check("fish: values", set(fish_complete(f, "tbedgec graph --format ")) == {"svg", "dot", "mermaid"})
        f = os.path.join(PACKAGING, "completions", "tbedge.fish")
        check("fish: tbedge", "rollback" in fish_complete(f, "tbedge ro"))
        check("fish: tbedge attr", set(fish_complete(f, "tbedge attr ")) >= {"get", "set", "rm"})
        check("fish: tbedge attr --scope", set(fish_complete(f, "tbedge attr get --scope ")) == {"client", "shared", "server"})
    else:
        print("SKIP fish is not installed")

    check("docs into a place that is not there", run("docs", os.path.join(d, "no", "x"))[0] == 2)
    check("docs without a place", run("docs")[0] == 2)
    check("docs with a schema that is none", run("docs", "--settings", common.__file__, os.path.join(d, "o"))[0] == 2)
check("an unknown command", run("nonsense")[0] == 2)
check("no command", run()[0] == 2)
for name in names:
    check(f"{name} with an unknown option", run(name, "--no-such-option")[0] == 2)
common.end()
