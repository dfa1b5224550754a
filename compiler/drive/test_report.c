/* SPDX-License-Identifier: Apache-2.0 */
/* Results as TAP 13, JUnit XML or one JSON object. */
#include "config.h"
#include <string.h>
#include "drive/test_int.h"
#include "tbe/value.h"

struct totals {
    uint32_t n, passed, failed, skipped;
};

enum verdict { PASSED, FAILED, SKIPPED, LEFT_OUT };

static enum verdict
verdict(const struct test_case *c)
{
    return c->shut ? LEFT_OUT : c->skip.p ? SKIPPED : c->ran && c->n_fails == 0 ? PASSED : FAILED;
}

static struct totals
count(const struct test_file *f)
{
    struct totals t = { 0 };
    for (uint32_t i = 0; i < f->n; i++) {
        enum verdict v = verdict(&f->v[i]);
        t.passed += v == PASSED;
        t.failed += v == FAILED;
        t.skipped += v == SKIPPED;
    }
    t.failed += f->bad && f->n == 0;
    t.n = t.passed + t.failed + t.skipped;
    return t;
}

/* Why a case that did not run failed. */
static struct tbe_str
why_not(const struct test_file *f)
{
    return f->bad ? TBE_STR("the test file has mistakes: see the messages")
           : f->set && f->set->why.p ? f->set->why
                                     : TBE_STR("it did not run");
}

/* ---- TAP ---- */

/* Text of a test line: "#" would start a directive. */
static void
tap_text(FILE *out, struct tbe_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '#' || c == '\\') {
            putc('\\', out);
        }
        putc(c < 32 || c == 127 ? ' ' : c, out);
    }
}

static void
json_text(FILE *out, struct tbe_str s)
{
    struct tbe_buf b = { 0 };
    tbe_json_write_str(&b, s);
    fwrite(b.p ? b.p : "\"\"", 1, b.p ? b.n : 2, out);
    tbe_buf_free(&b);
}

static void
tap_value(FILE *out, const char *key, struct tbe_str s)
{
    fprintf(out, "    %s: ", key);
    json_text(out, s);
    putc('\n', out);
}

static void
tap_failures(FILE *out, const struct test_case *c)
{
    fputs("  ---\n", out);
    if (c->n_fails == 0) {
        fputs("  - at: ", out);
        json_text(out, tbe_strz(c->file->path));
        fprintf(out, "\n    line: %u\n    column: %u\n", c->doc->line, c->doc->col);
        tap_value(out, "message", why_not(c->file));
    }
    for (uint32_t i = 0; i < c->n_fails && i < TEST_MAX_FAILURES; i++) {
        const struct test_failure *f = &c->fails[i];
        fprintf(out, "  - at: ");
        json_text(out, tbe_strz(c->file->path)); /* a path may hold anything */
        fprintf(out, "\n    line: %u\n    column: %u\n", f->line, f->col);
        if (f->where.n) {
            tap_value(out, "of", f->where);
        }
        if (f->expected.p) {
            tap_value(out, "expected", f->expected);
            tap_value(out, "got", f->got);
        } else {
            tap_value(out, "message", f->got);
        }
    }
    if (c->n_fails > TEST_MAX_FAILURES) {
        fprintf(out, "  - more: %u\n", c->n_fails - TEST_MAX_FAILURES);
    }
    fputs("  ...\n", out);
}

static void
tap_line(FILE *out, uint32_t n, bool ok, const struct test_file *f, struct tbe_str name)
{
    fprintf(out, "%s %u - ", ok ? "ok" : "not ok", n);
    tap_text(out, tbe_strz(f->path));
    fputs(": ", out);
    tap_text(out, name);
}

static void
tap(struct test_run *r, const struct totals *all, double seconds, FILE *out)
{
    uint32_t n = 0;
    fprintf(out, "TAP version 13\n1..%u\n", all->n);
    for (uint32_t i = 0; i < r->n_files; i++) {
        const struct test_file *f = &r->files[i];
        if (f->bad && f->n == 0) {
            tap_line(out, ++n, false, f, TBE_STR("the file cannot be read"));
            putc('\n', out);
        }
        for (uint32_t k = 0; k < f->n; k++) {
            const struct test_case *c = &f->v[k];
            enum verdict v = verdict(c);
            if (v == LEFT_OUT) {
                continue;
            }
            tap_line(out, ++n, v != FAILED, f, c->name);
            if (v == SKIPPED) {
                fputs(" # SKIP ", out);
                tap_text(out, c->skip);
            }
            putc('\n', out);
            if (v == FAILED) {
                tap_failures(out, c);
            }
        }
    }
    fprintf(out, "# %u passed, %u failed, %u skipped, %.2f s\n", all->passed, all->failed, all->skipped, seconds);
}

/* ---- JUnit ---- */

/* XML 1.0 text: what may not be in it becomes U+FFFD. */
static void
xml_text(FILE *out, struct tbe_str s)
{
    static const struct {
        char c;
        const char *as;
    } special[] = { { '<', "&lt;" }, { '>', "&gt;" }, { '&', "&amp;" }, { '"', "&quot;" }, { '\n', "&#10;" }, { '\t', "&#9;" },
                    { '\r', "&#13;" } };
    for (size_t i = 0; i < s.n; i++) {
        const char *as = NULL;
        for (size_t k = 0; k < sizeof special / sizeof special[0]; k++) {
            as = s.p[i] == special[k].c ? special[k].as : as;
        }
        /* U+FFFE and U+FFFF are no characters of XML */
        bool no_char = s.n - i >= 3 && memcmp(s.p + i, "\xEF\xBF", 2) == 0 && (unsigned char)s.p[i + 2] >= 0xBE;
        if (as) {
            fputs(as, out);
        } else if ((unsigned char)s.p[i] < 32 || no_char) {
            fputs("\xEF\xBF\xBD", out);
            i += no_char ? 2 : 0;
        } else {
            putc(s.p[i], out);
        }
    }
}

static void
xml_attr(FILE *out, const char *key, struct tbe_str s)
{
    fprintf(out, " %s=\"", key);
    xml_text(out, s);
    putc('"', out);
}

static void
junit_failure(struct test_run *r, FILE *out, const struct test_case *c)
{
    struct tbe_buf b = { 0 };
    for (uint32_t i = 0; i < c->n_fails && i < TEST_MAX_FAILURES; i++) {
        const struct test_failure *f = &c->fails[i];
        tbe_buf_fmt(&b, "%s:%u:%u: %.*s%s", c->file->path, f->line, f->col, (int)f->where.n, f->where.p ? f->where.p : "",
                    f->where.n ? ": " : "");
        if (f->expected.p) {
            tbe_buf_fmt(&b, "expected %.*s, got ", (int)f->expected.n, f->expected.p);
        }
        tbe_buf_puts(&b, f->got);
        tbe_buf_putc(&b, '\n');
    }
    if (c->n_fails == 0) {
        tbe_buf_puts(&b, why_not(c->file));
        tbe_buf_putc(&b, '\n');
    }
    struct tbe_str all = tbe_arena_dup(r->a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    const char *nl = memchr(all.p, '\n', all.n);
    fputs("\n      <failure", out);
    xml_attr(out, "message", (struct tbe_str){ all.p, (size_t)(nl - all.p) });
    putc('>', out);
    xml_text(out, all);
    fputs("</failure>\n    ", out);
}

static void
junit_file(struct test_run *r, const struct test_file *f, FILE *out)
{
    struct totals t = count(f);
    int64_t us = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        us += f->v[i].us;
    }
    fputs("  <testsuite", out);
    xml_attr(out, "name", tbe_strz(f->path));
    fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\" time=\"%.6f\">\n", t.n, t.failed, t.skipped,
            (double)us / 1e6);
    if (f->bad && f->n == 0) {
        fputs("    <testcase name=\"the file can be read\"", out);
        xml_attr(out, "classname", tbe_strz(f->path));
        fputs("><failure message=\"it has mistakes: see the messages\"/></testcase>\n", out);
    }
    for (uint32_t i = 0; i < f->n; i++) {
        const struct test_case *c = &f->v[i];
        enum verdict v = verdict(c);
        if (v == LEFT_OUT) {
            continue;
        }
        fputs("    <testcase", out);
        xml_attr(out, "name", c->name);
        xml_attr(out, "classname", tbe_strz(f->path));
        xml_attr(out, "file", tbe_strz(f->path));
        fprintf(out, " line=\"%u\" time=\"%.6f\">", c->doc->line, (double)c->us / 1e6);
        if (v == SKIPPED) {
            fputs("<skipped", out);
            xml_attr(out, "message", c->skip);
            fputs("/>", out);
        } else if (v == FAILED) {
            junit_failure(r, out, c);
        }
        fputs("</testcase>\n", out);
    }
    fputs("  </testsuite>\n", out);
}

static void
junit(struct test_run *r, const struct totals *all, double seconds, FILE *out)
{
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tbedgec test\" tests=\"%u\" failures=\"%u\" "
                 "errors=\"0\" skipped=\"%u\" time=\"%.3f\">\n", all->n, all->failed, all->skipped, seconds);
    for (uint32_t i = 0; i < r->n_files; i++) {
        junit_file(r, &r->files[i], out);
    }
    fputs("</testsuites>\n", out);
}

/* ---- JSON ---- */

static void
json_failures(FILE *out, const struct test_case *c)
{
    fputs(",\"failures\":[", out);
    if (c->n_fails == 0) {
        fprintf(out, "{\"line\":%u,\"column\":%u,\"message\":", c->doc->line, c->doc->col);
        json_text(out, why_not(c->file));
        putc('}', out);
    }
    for (uint32_t i = 0; i < c->n_fails && i < TEST_MAX_FAILURES; i++) {
        const struct test_failure *f = &c->fails[i];
        fprintf(out, "%s{\"line\":%u,\"column\":%u", i ? "," : "", f->line, f->col);
        if (f->where.n) {
            fputs(",\"of\":", out);
            json_text(out, f->where);
        }
        if (f->expected.p) {
            fputs(",\"expected\":", out);
            json_text(out, f->expected);
        }
        fputs(f->expected.p ? ",\"got\":" : ",\"message\":", out);
        json_text(out, f->got);
        putc('}', out);
    }
    putc(']', out);
}

static void
json(struct test_run *r, const struct totals *all, double seconds, FILE *out)
{
    static const char *const names[] = { "passed", "failed", "skipped" };
    fputs("{\"files\":[", out);
    for (uint32_t i = 0; i < r->n_files; i++) {
        const struct test_file *f = &r->files[i];
        const char *sep = "";
        fprintf(out, "%s\n{\"file\":", i ? "," : "");
        json_text(out, tbe_strz(f->path));
        fprintf(out, ",\"readable\":%s,\"tests\":[", f->bad ? "false" : "true");
        for (uint32_t k = 0; k < f->n; k++) {
            const struct test_case *c = &f->v[k];
            enum verdict v = verdict(c);
            if (v == LEFT_OUT) {
                continue;
            }
            fprintf(out, "%s\n {\"name\":", sep);
            json_text(out, c->name);
            fprintf(out, ",\"line\":%u,\"result\":\"%s\",\"us\":%lld", c->doc->line, names[v], (long long)c->us);
            if (v == FAILED) {
                json_failures(out, c);
            }
            putc('}', out);
            sep = ",";
        }
        fputs("]}", out);
    }
    fprintf(out, "],\n\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"seconds\":%.3f}\n", all->passed, all->failed, all->skipped,
            seconds);
}

static const struct {
    const char *name;
    void (*fn)(struct test_run *r, const struct totals *all, double seconds, FILE *out);
} formats[] = { { "tap", tap }, { "junit", junit }, { "json", json } };

uint32_t
test_report(struct test_run *r, double seconds, FILE *out, uint32_t *n)
{
    struct totals all = { 0 };
    for (uint32_t i = 0; i < r->n_files; i++) {
        struct totals t = count(&r->files[i]);
        all.n += t.n;
        all.passed += t.passed;
        all.failed += t.failed;
        all.skipped += t.skipped;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(formats[i].name, r->o->format ? r->o->format : "tap") == 0) {
            formats[i].fn(r, &all, seconds, out);
        }
    }
    *n = all.n;
    return all.failed;
}
