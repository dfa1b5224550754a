#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""script_diff.py [SEED [COUNT]]: differential test of compiled scripts with generated ones.

JavaScript: COUNT scripts run in Node.js, where it is installed, and compiled. Both languages: COUNT expressions
once over literals, which are folded, and once over properties of the message, which are not. The same seed makes
the same scripts. The smallest script that differs is printed; exit status 1 then, 77 without a compiler.
TBE_BUILD is the build directory; else the current one, or build/ of the sources."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HERE_BUILT = os.access('tbedgec', os.X_OK)  # make check runs in the build directory
BUILD = os.environ.get('TBE_BUILD') or (os.getcwd() if HERE_BUILT else os.path.join(HERE, '..', '..', 'build'))
ARGS = {'msg': {'a': 7, 'b': -2.5, 'c': 'text', 'd': '12', 'e': True, 'f': None, 'l': [3, 1, 2],
                'o': {'x': 1, 'y': 'z'}}, 'metadata': {'k': 'v'}, 'msgType': 'T'}

# ---- JavaScript programs ----


class Js:
    def __init__(self, rnd):
        self.r = rnd
        self.vars = []
        self.n = 0

    def pick(self, *choices):
        return self.r.choice(choices)

    def literal(self):
        return self.pick('0', '1', '-1', '2', '7', '0.5', '1e21', '-0', '255', 'NaN', '"a"', '"12"', '""', '" 5 "',
                         '"x,y"', 'true', 'false', 'null', 'undefined', '[]', '[1,2,3]', '["b","a"]', '{}',
                         '({p: 1, q: "r"})')

    def number(self, depth):
        """What is a number, mostly: operands of any kind make nearly all arithmetic NaN."""
        if depth <= 0 or self.r.random() < 0.4:
            return self.pick('0', '1', '-1', '2', '3', '7', '0.5', '-2.5', '255', '1e21', '-0', 'msg.a', 'msg.b', 'msg.d',
                             'msg.l[0]', 'msg.o.x', 'msg.e', *self.vars)
        return f'({self.number(depth - 1)} {self.pick("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", ">>>")} ' \
               f'{self.number(depth - 1)})'

    def expr(self, depth):
        if self.r.random() < 0.2:
            return self.number(depth)
        if depth <= 0 or self.r.random() < 0.15:
            choices = [self.literal(), 'msg.' + self.pick(*'abcdefloz'), 'metadata.k']
            if self.vars:
                choices += [self.r.choice(self.vars)] * 3
            return self.r.choice(choices)
        e = lambda: self.expr(depth - 1)
        kind = self.r.randrange(15)
        if kind < 5:
            op = self.pick('+', '-', '*', '/', '%', '==', '===', '!=', '<', '>=', '&', '|', '^', '<<', '>>', '>>>', '&&',
                           '||')
            return f'({e()} {op} {e()})'
        if kind == 5:
            return f'{self.pick("!", "-", "+", "~", "typeof ")}({e()})'
        if kind == 6:
            return f'({e()} ? {e()} : {e()})'
        if kind == 7:
            return f'[{e()}, {e()}]'
        if kind == 8:
            return '({x: %s, y: %s})' % (e(), e())
        if kind == 9:
            return f'String({e()})'
        if kind == 10:
            m = self.pick('slice(1)', 'toUpperCase()', 'split(",")', 'indexOf("a")', 'charAt(1)', 'trim()', 'length',
                          'padStart(4, "-")', 'replace(/a|x/g, "[$&]")', 'concat("!")', 'substring(1, 3)', 'repeat(2)')
            return f'String({e()}).{m}'
        if kind == 11:
            m = self.pick('map(function (v, i) { return v + i; })', 'filter(Boolean)', 'join("-")', 'slice(-2)', 'length',
                          'reverse()', 'sort()', 'indexOf(1)', 'concat([9])', 'some(function (v) { return v > 1; })',
                          'reduce(function (p, v) { return p + v; }, 0)')
            return f'[{e()}, {e()}, 1].{m}'
        if kind == 12:
            return f'Math.{self.pick("floor", "abs", "round", "ceil", "trunc", "sign")}({e()})'
        if kind == 13:
            return f'{self.pick("parseInt", "parseFloat", "Number", "isNaN", "JSON.stringify", "Object.keys")}({e()})' \
                if self.r.random() < 0.9 else f'Number({e()}).toFixed(2)'
        return f'(msg.{self.pick(*"lo")} || {{}})[{e()}]'

    def block(self, depth, loops):
        return ' '.join(self.stmt(depth, loops) for _ in range(self.r.randint(1, 3)))

    def stmt(self, depth, loops=0):
        kind = self.r.randrange(10)
        if depth <= 0 or kind < 4:
            if self.vars and self.r.random() < 0.6:
                return f'{self.r.choice(self.vars)} {self.pick("=", "=", "+=", "-=", "*=")} {self.expr(2)};'
            return f'msg.{self.pick(*"abz")} = {self.expr(2)};'
        if kind == 4:
            return f'if ({self.expr(2)}) {{ {self.block(depth - 1, loops)} }} else {{ {self.block(depth - 1, loops)} }}'
        if kind == 5:
            self.n += 1
            i = f'i{self.n}'
            return f'for (var {i} = 0; {i} < {self.r.randint(1, 4)}; {i}++) {{ {self.block(depth - 1, loops + 1)} }}'
        if kind == 6:
            self.n += 1
            k = f'k{self.n}'
            return f'for (var {k} in {self.pick("msg.o", "msg.l", "metadata")}) {{ {self.block(depth - 1, loops + 1)} }}'
        if kind == 7:
            return f'switch ({self.expr(1)}) {{ case {self.literal()}: {self.block(depth - 1, loops)} ' \
                   f'{self.pick("break;", "")} default: {self.block(depth - 1, loops)} }}'
        if kind == 8:
            return f'try {{ {self.block(depth - 1, loops)} {self.pick("", "throw " + self.expr(1) + ";")} }} ' \
                   f'catch (e) {{ msg.z = typeof e; }} {self.pick("", "finally { msg.y = 1; }")}'
        return f'{self.pick("break", "continue")};' if loops else f'msg.z = {self.expr(2)};'

    def script(self):
        out = []
        for _ in range(self.r.randint(0, 3)):
            self.n += 1
            out.append(f'var v{self.n} = {self.expr(2)};')
            self.vars.append(f'v{self.n}')
        for _ in range(self.r.randint(0, 3)):
            out.append(self.stmt(2))
        vals = ', '.join(self.vars + ['msg'])
        out.append(f'return [{self.expr(3)}, {vals}];')
        return '\n'.join(out)


NODE = r'''
const vm = require('vm'), all = JSON.parse(require('fs').readFileSync(0, 'utf8'));
function enc(v, d) {
    if (v === undefined || typeof v === 'function') { return {$undefined: true}; }
    if (typeof v === 'number') {
        return Number.isNaN(v) ? {$num: 'NaN'} : v === Infinity ? {$num: 'Infinity'} : v === -Infinity ?
            {$num: '-Infinity'} : Object.is(v, -0) ? {$num: '-0'} : v;
    }
    if (v === null || typeof v !== 'object') { return v; }
    if (d > 20) { throw new Error('deep'); }
    if (Object.prototype.toString.call(v) === '[object Array]') { return Array.from(v, e => enc(e, d + 1)); }
    const r = {};
    for (const k of Object.keys(v)) { r[k] = enc(v[k], d + 1); }
    return r;
}
const out = all.map(t => {
    const a = t.args;
    try {
        const f = vm.runInNewContext('(function (s, metadata, msgType) { var msg = JSON.parse(s);\n' + t.script + '\n})',
            {}, {timeout: 1000});
        return {expect: enc(f(JSON.stringify(a.msg), JSON.parse(JSON.stringify(a.metadata)), a.msgType), 0)};
    } catch (e) {
        return e && e.message === 'deep' ? {skip: true} : {expectError: '', lenient: true};
    }
});
console.log(JSON.stringify(out));
'''

# ---- expressions over literals and over properties ----


def folded(rnd, lang):
    """An expression with its literals, and the same over msg.v0, msg.v1 ..."""
    values = []
    pool = [1, 2, 7, -3, 100000, 2.5, -0.5, '12', 'ab', True, False] + ([''] if lang == 'js' else [])
    ops = ['+', '-', '*', '/', '%', '==', '!=', '<', '>='] + (['&', '|', '^', '<<', '>>', '===', '&&'] if lang == 'js' else [])

    def make(depth):
        if depth == 0:
            values.append(rnd.choice(pool))
            return '\0%d\0' % (len(values) - 1)
        return f'({make(depth - 1)} {rnd.choice(ops)} {make(0)})'

    text = make(rnd.randint(1, 3 if lang == 'js' else 1))
    lit = re.sub('\0(\\d+)\0', lambda m: json.dumps(values[int(m.group(1))]), text)
    var = re.sub('\0(\\d+)\0', lambda m: 'msg.v' + m.group(1), text)
    return lit, var, {'v%d' % i: v for i, v in enumerate(values)}


# ---- running ours ----


def evaluate(vectors):
    """id -> what the report says of a vector that fails"""
    with tempfile.NamedTemporaryFile('w', suffix='.json') as f:
        json.dump(vectors, f)
        f.flush()
        run = subprocess.run([os.path.join(BUILD, 'tbedgec'), 'eval', f.name], capture_output=True, text=True,
                             errors='replace')
    if not re.search(r'^\d+ passed, \d+ failed', run.stdout, re.M):
        sys.exit('tbedgec eval broke off: ' + run.stdout[-500:] + run.stderr[-500:])
    bad = {}
    for m in re.finditer(r'^(\w+) \(expr\).*?\n  script: .*?\n  expected: (.*?)\n  got:      (.*?)$', run.stdout,
                         re.M | re.S):
        bad[m.group(1)] = (m.group(2), m.group(3))
    return bad


def smallest(what, vectors, bad):
    if not bad:
        print(f'{what}: {len(vectors)} agree')
        return 0
    v = min((v for v in vectors if v['id'] in bad), key=lambda v: len(v['script']))
    print(f'{what}: {len(bad)} of {len(vectors)} differ; the smallest:\n{v["script"]}\nargs {json.dumps(v["args"])}\n'
          f'expected {bad[v["id"]][0]}\ngot      {bad[v["id"]][1]}')
    return 1


def against_node(seed, count):
    if not shutil.which('node'):
        print('JavaScript against Node.js: skipped, node is not installed')
        return 0
    vectors = [{'id': f'n{i}', 'lang': 'js', 'kind': 'expr', 'args': ARGS,
                'script': Js(random.Random(f'{seed}-{i}')).script()} for i in range(count)]
    run = subprocess.run(['node', '-e', NODE], input=json.dumps(vectors), capture_output=True, text=True, check=True)
    known = []
    for v, r in zip(vectors, json.loads(run.stdout)):
        if 'skip' not in r:
            known.append({**v, **r})
    return smallest('JavaScript against Node.js', known, evaluate(known))


def against_folding(seed, count, lang):
    rnd = random.Random(f'{seed}-{lang}')
    lits, variables = [], []
    for i in range(count):
        lit, var, msg = folded(rnd, lang)
        common = {'id': f'f{i}', 'lang': lang, 'kind': 'expr', 'args': {'msg': msg}, 'expect': '\1'}
        lits.append({**common, 'script': f'return {lit};'})
        variables.append({**common, 'script': f'return {var};'})
    a, b = evaluate(lits), evaluate(variables)
    bad = {}
    for v in lits:
        x, y = a.get(v['id'], ('', '?'))[1], b.get(v['id'], ('', '?'))[1]
        # an error is an error: folding has it at compile time, with a position
        ex, ey = not is_json(x), not is_json(y)
        if ex != ey or (not ex and x != y):
            bad[v['id']] = (y, x)
    return smallest(f'{lang}: folding against run time', lits, bad)


def is_json(s):
    try:
        json.loads(s)
        return True
    except ValueError:
        return False


def main():
    seed = sys.argv[1] if len(sys.argv) > 1 else '1'
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    if not os.access(os.path.join(BUILD, 'tbedgec'), os.X_OK):
        print('skipped: no tbedgec in ' + BUILD)
        return 77
    bad = against_node(seed, count)
    for lang in ('js', 'tbel'):
        bad |= against_folding(seed, count, lang)
    return bad


if __name__ == '__main__':
    sys.exit(main())
