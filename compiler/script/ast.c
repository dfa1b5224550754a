/* SPDX-License-Identifier: Apache-2.0 */
/* Making of syntax trees and of diagnostics; shared by both parsers and the checker. */
#include "config.h"
#include "script/ast.h"

#include <string.h>

#include "script/script.h"

#define MAX_DIAGS 100 /* further ones are dropped: nobody reads more */

struct ast *
ast_new(struct ast_ctx *c, enum ast_kind kind, int line, int col)
{
    struct ast *n = tbe_arena_zalloc(c->a, sizeof(*n));
    n->kind = (uint16_t)kind;
    n->line = line;
    n->col = col;
    return n;
}

void
ast_append(struct ast **head, struct ast **tail, struct ast *n)
{
    if (n == NULL) {
        return;
    }
    if (*head == NULL) {
        *head = n;
    } else {
        (*tail)->next = n;
    }
    *tail = n;
}

static void TBE_PRINTF(6, 0)
add_diag(struct ast_ctx *c, int line, int col, bool warning, const char *code, const char *fmt,
    va_list ap)
{
    if (!warning) {
        c->failed = true;
    }
    if (c->n_diags >= MAX_DIAGS) {
        return;
    }
    if (c->n_diags == c->cap_diags) {
        uint32_t cap = c->cap_diags ? c->cap_diags * 2 : 8;
        struct script_diag *d = tbe_arena_alloc(c->a, cap * sizeof(*d));
        if (c->n_diags > 0) {
            memcpy(d, c->diags, c->n_diags * sizeof(*d));
        }
        c->diags = d;
        c->cap_diags = cap;
    }
    c->diags[c->n_diags++] = (struct script_diag){ .line = line, .col = col, .warning = warning,
        .code = code, .msg = tbe_arena_vfmt(c->a, fmt, ap) };
}

void
ast_error(struct ast_ctx *c, int line, int col, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_diag(c, line, col, false, code, fmt, ap);
    va_end(ap);
}

void
ast_warn(struct ast_ctx *c, int line, int col, const char *code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_diag(c, line, col, true, code, fmt, ap);
    va_end(ap);
}
