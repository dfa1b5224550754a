/* SPDX-License-Identifier: Apache-2.0 */
/* script_compile: parse, check, lower, assemble the C text; or, when that fails, a refused
 * script. */
#include "config.h"
#include "script/script.h"

#include <stdio.h>
#include <string.h>

#include "script/cwrite.h"
#include "script/effects.h"
#include "script/lower.h"

void
script_prologue(struct tbe_buf *b)
{
    tbe_buf_putz(b, "#include <math.h>\n#include <tbe/script.h>\n#include <tbe/tbel.h>\n#include <tbe/js.h>\n"
                    "#ifdef __GNUC__ /* what a script leaves unused is its own matter */\n"
                    "#pragma GCC diagnostic ignored \"-Wunused-variable\"\n"
                    "#pragma GCC diagnostic ignored \"-Wunused-but-set-variable\"\n"
                    "#pragma GCC diagnostic ignored \"-Wunused-function\"\n#endif\n");
}

/* The server counts the body in UTF-16 units. */
static size_t
units(struct tbe_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        n += (c & 0xC0) != 0x80 ? 1 + (c >= 0xF0) : 0;
    }
    return n;
}

static void
emit_refused(const struct script_source *in, struct script_result *out)
{
    struct tbe_str why = TBE_STR("the script does not compile");
    char where[64] = "";
    for (uint32_t i = 0; i < out->n_diags; i++) {
        if (!out->diags[i].warning) {
            why = out->diags[i].msg;
            snprintf(where, sizeof(where), " (line %d, column %d)", out->diags[i].line,
                out->diags[i].col);
            break;
        }
    }
    if (why.n > 1000) {
        why.n = 1000;
    }
    struct tbe_buf text = { 0 };
    tbe_buf_puts(&text, why);
    tbe_buf_putz(&text, where);
    out->c.n = 0;
    tbe_buf_fmt(&out->c, "static const struct tbe_script %s = {\n    .dialect = %s,\n    .refused = ", in->symbol,
        in->dialect == TBE_DIALECT_JS ? "TBE_DIALECT_JS" : "TBE_DIALECT_TBEL");
    ctext_string(&out->c, tbe_buf_str(&text));
    tbe_buf_putz(&out->c, "\n};\n");
    tbe_buf_free(&text);
    out->refused = true;
    out->uses = 0;
}

static void
emit(struct lower *l, struct script_result *out)
{
    struct tbe_buf *b = &out->c;
    if (l->src->coverage) {
        tbe_buf_putz(b, "#include <tbe/cover.h>\n");
    }
    if (l->n_hints > 0) {
        tbe_buf_fmt(b, "static uint32_t %s_h[%d]; /* where each property was found last */\n",
            l->sym, l->n_hints);
    }
    tbe_buf_puts(b, tbe_buf_str(&l->frames));
    tbe_buf_puts(b, tbe_buf_str(&l->decls));
    tbe_buf_puts(b, tbe_buf_str(&l->funcs));
    if (l->src->line_directives) {
        tbe_buf_putz(b, "/* end of script lines */\n");
    }
    tbe_buf_fmt(b, "\nstatic const struct tbe_script %s = {\n    .run = %s_run,\n    .dialect = %s,\n"
                   "    .mutates_msg = %d,\n    .mutates_metadata = %d,\n    .uses = %u\n};\n",
        l->sym, l->sym, l->js ? "TBE_DIALECT_JS" : "TBE_DIALECT_TBEL", out->mutates_msg,
        out->mutates_metadata,
        (unsigned)out->uses);
}

static bool
lower_all(struct sema *s, struct ast *body, struct tbe_arena *a, struct script_result *out)
{
    struct lower l = { .s = s, .a = a, .src = s->src, .sym = s->src->symbol,
        .js = s->src->dialect == TBE_DIALECT_JS };
    l.converts = l.js && (memmem(l.src->text.p, l.src->text.n, "valueOf", 7) != NULL ||
        memmem(l.src->text.p, l.src->text.n, "toString", 8) != NULL);
    l.P = l.js ? "tbe_j" : "tbe_t";
    lw_func(&l, s->main, body);
    for (bool more = true; more;) { /* functions are written when something refers to them */
        more = false;
        for (struct sema_func *f = s->main->next; f != NULL; f = f->next) {
            if (f->queued && !f->emitted) {
                lw_func(&l, f, NULL);
                more = true;
            }
        }
    }
    bool oom = l.decls.oom || l.frames.oom || l.funcs.oom;
    if (!s->c->failed) {
        emit(&l, out);
    }
    tbe_buf_free(&l.decls);
    tbe_buf_free(&l.frames);
    tbe_buf_free(&l.funcs);
    tbe_buf_free(&l.frame);
    return !oom && !out->c.oom;
}

int
script_compile(struct tbe_arena *a, const struct script_source *in, struct script_result *out)
{
    struct ast_ctx c = { .a = a, .text = in->text };
    struct ast *body = NULL;
    bool ok = true;
    memset(out, 0, sizeof(*out));
    bool blank = true;
    for (size_t i = 0; i < in->text.n && blank; i++) {
        blank = (unsigned char)in->text.p[i] <= ' ';
    }
    if (in->text.n > AST_MAX_TEXT || units(in->text) > SCRIPT_MAX_UNITS) {
        ast_error(&c, 1, 1, "size", "Script body exceeds maximum allowed size of 50000 symbols");
    } else if (blank) {
        ast_error(&c, 1, 1, "empty", "%s script is blank!", in->dialect == TBE_DIALECT_JS ? "JS" :
            "TBEL");
    } else {
        body = in->dialect == TBE_DIALECT_JS ? js_parse(&c) : tbel_parse(&c);
    }
    if (body != NULL) {
        struct sema s = { .c = &c, .src = in };
        sema_check(&s, body);
        if (!c.failed) {
            effects_find(&s, body, out);
            ok = lower_all(&s, body, a, out);
        }
    } else if (!c.failed) {
        ast_error(&c, 1, 1, "syntax", "the script cannot be read");
    }
    out->diags = c.diags;
    out->n_diags = c.n_diags;
    if (c.failed) {
        emit_refused(in, out);
    }
    return ok && !out->c.oom ? 0 : -1;
}
