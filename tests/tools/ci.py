# SPDX-License-Identifier: Apache-2.0
"""The CI examples: their run steps are taken out of the files and run, as written and in their order, in a clone of a
repository of chains made of examples/. The build tree stands for the cache that a CI server restores; with
TBE_CI_FULL=1 there is none and tbedgec is built from a clone of its own. Then each step must fail when it should."""
import json
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET

import common
from common import check

try:
    import yaml
except ImportError:
    print("SKIP PyYAML is not installed")
    common.end()

FULL = os.environ.get("TBE_CI_FULL")
CI = os.path.join(common.SRC, "examples", "ci")


def git(*args, cwd):
    env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")
    subprocess.run(["git", *args], cwd=cwd, check=True, capture_output=True, env=env)


def repository(d):
    """A repository of chains, and a clone of it."""
    origin = os.path.join(d, "origin")
    for name in ("thermostat", "edge-root"):
        shutil.copytree(os.path.join(common.SRC, "examples", name), os.path.join(origin, "chains", name))
    # The schema a test file names for editors is not in this repository; nothing needs it.
    git("init", "-q", "-b", "main", ".", cwd=origin)
    git("add", ".", cwd=origin)
    git("commit", "-q", "-m", "chains", cwd=origin)
    git("clone", "-q", origin, os.path.join(d, "clone"), cwd=d)
    return os.path.join(d, "clone")


def tbedgec_into(clone):
    """What the checkout and the cache steps leave."""
    if FULL:
        git("clone", "-q", common.SRC, os.path.join(clone, "tbedgec"), cwd=clone)
        return
    os.makedirs(os.path.join(clone, "tbedgec"))
    shutil.copytree(os.path.join(common.SRC, "packaging"), os.path.join(clone, "tbedgec", "packaging"))
    os.symlink(common.BUILD, os.path.join(clone, "tbedgec", "build"))


def step(clone, script, path_file=None, path=""):
    """One run step as the server runs it: sh -e, PATH grown by what earlier steps wrote into GITHUB_PATH."""
    more = [p for p in (open(path_file, encoding="utf-8").read().split("\n") if path_file else []) if p]
    env = dict(os.environ, PATH=":".join(more + [os.environ["PATH"]]), GITHUB_PATH=path_file or "", TBEDGEC_REPOSITORY=common.SRC,
               XDG_CACHE_HOME=os.path.join(clone, ".cache"), CI="true")
    env.pop("CC", None)
    return subprocess.run(["sh", "-e", "-c", script], cwd=clone, env=env, capture_output=True, text=True, timeout=1800, check=False)


def inspect(what, clone, tests=True, built=True):
    sarif = json.load(open(os.path.join(clone, "check.sarif"), encoding="utf-8"))
    check(f"{what}: SARIF", sarif["version"] == "2.1.0" and not [r for r in sarif["runs"][0]["results"] if r["level"] in ("error", "warning")])
    if tests:
        suite = ET.parse(os.path.join(clone, "tests.xml")).getroot()
        cases = list(suite.iter("testcase"))
        check(f"{what}: JUnit", len(cases) > 10 and not list(suite.iter("failure")), str(len(cases)))
        info = open(os.path.join(clone, "chains.info"), encoding="utf-8").read()
        check(f"{what}: lcov", "end_of_record" in info and "SF:" in info, info[:200])
    if built:
        for name in ("thermostat", "edge-root"):
            check(f"{what}: worker {name}", os.access(os.path.join(clone, "workers", name), os.X_OK))
            ET.parse(os.path.join(clone, "pictures", name + ".svg"))
        check(f"{what}: bounds", len(json.load(open(os.path.join(clone, "bounds.json"), encoding="utf-8"))["chains"]) == 2)


def github(d):
    clone = repository(d)
    tbedgec_into(clone)
    path_file = os.path.join(d, "path")
    open(path_file, "w", encoding="utf-8").close()
    flow = yaml.safe_load(open(os.path.join(CI, "github.yml"), encoding="utf-8"))
    steps = flow["jobs"]["rule-chains"]["steps"]
    runs = {s["name"]: s["run"] for s in steps if "run" in s}
    check("GitHub: steps", list(runs) == ["tbedgec", "Format", "Check", "Test", "Build"], str(list(runs)))
    for name, script in runs.items():
        r = step(clone, script, path_file)
        check(f"GitHub: {name}", r.returncode == 0, f"{script}\n{r.stdout[-1500:]}{r.stderr[-1500:]}")
    inspect("GitHub", clone)
    uploads = [s["with"] for s in steps if s.get("uses", "").startswith(("github/codeql-action/upload-sarif", "actions/upload-artifact"))]
    named = {p for u in uploads for p in u.get("path", u.get("sarif_file", "")).split()}
    check("GitHub: what is uploaded is there", named and all(os.path.exists(os.path.join(clone, p)) for p in named), str(named))
    # Each step stops the pipeline when it should.
    chain = os.path.join(clone, "chains", "thermostat", "thermostat.yaml")
    good = open(chain, encoding="utf-8").read()
    for name, old, new in (("Format", "firstNode:", "firstNode:  "), ("Check", "type: script_filter", "type: script_fliter"),
                           ("Test", "msg.temperature > 30", "msg.temperature > 31"), ("Build", "type: script_filter", "type: script_fliter")):
        check(f"GitHub: the mistake for {name}", old in good)
        open(chain, "w", encoding="utf-8").write(good.replace(old, new))
        r = step(clone, runs[name], path_file)
        check(f"GitHub: {name} fails when it should", r.returncode != 0, r.stdout[-300:] + r.stderr[-300:])
    open(chain, "w", encoding="utf-8").write(good)


def gitlab(d):
    flow = yaml.safe_load(open(os.path.join(CI, "gitlab-ci.yml"), encoding="utf-8"))
    jobs = {k: v for k, v in flow.items() if isinstance(v, dict) and "script" in v}
    check("GitLab: jobs", list(jobs) == ["check", "test", "build"], str(list(jobs)))
    clone = repository(d)
    if not FULL:
        tbedgec_into(clone)
    for name, job in jobs.items(): # each in a shell of its own, as on the server; the cache stays
        r = step(clone, "\n".join(flow["before_script"] + job["script"]))
        check(f"GitLab: {name}", r.returncode == 0, r.stdout[-1500:] + r.stderr[-1500:])
        paths = job["artifacts"].get("paths", []) + list(job["artifacts"].get("reports", {}).values())
        check(f"GitLab: artifacts of {name}", all(os.path.exists(os.path.join(clone, p)) for p in paths), str(paths))
    inspect("GitLab", clone)


for ci in (github, gitlab):
    with tempfile.TemporaryDirectory() as d:
        ci(d)
common.end()
