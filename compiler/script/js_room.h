/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the JavaScript parser share. */
#ifndef SCRIPT_JS_ROOM_H
#define SCRIPT_JS_ROOM_H

#include "script/ast.h"
#include "script/js_lex.h"

#define MAX_CHAIN 500 /* steps of one a.b.c(...)... chain, terms of one operator chain */

struct jp {
    struct ast_ctx *c;
    struct js_lex l;
    struct js_token t; /* current token */
    size_t prev_end;
    int depth;
    bool no_in;    /* `in` ends an expression: head of for */
    bool in_func;
};

typedef struct ast *jp_fn(struct jp *p);

/* js_parse.c */
void jp_elements(struct jp *p, struct ast *n, uint32_t close, const char *end, bool holes,
    jp_fn *element, jp_fn *rest);
void jp_next(struct jp *p);
void jp_fail_at(struct jp *p, const struct js_token *t, const char *code, const char *fmt,
    ...) TBE_PRINTF(4, 5);
struct ast *jp_node(struct jp *p, enum ast_kind k);
bool jp_is(const struct jp *p, uint32_t punct);
bool jp_is_word(const struct jp *p, const char *w);
bool jp_accept(struct jp *p, uint32_t punct);
bool jp_accept_word(struct jp *p, const char *w);
void jp_unexpected(struct jp *p, const char *want);
void jp_expect(struct jp *p, uint32_t punct, const char *want);
bool jp_enter(struct jp *p);
bool jp_reserved(struct tbe_str s);
void jp_check_word(struct jp *p);
struct ast *jp_ident(struct jp *p);
struct ast *jp_str_node(struct jp *p, struct tbe_str s);
void jp_to_pattern(struct jp *p, struct ast *n, bool binding);
struct ast *jp_prop_key(struct jp *p);
struct ast *jp_binding_target(struct jp *p);
void jp_params(struct jp *p, struct ast *f);
void jp_func_body(struct jp *p, struct ast *f);
void jp_func_src(struct jp *p, struct ast *f, size_t start);
struct ast *jp_function(struct jp *p, bool decl);
bool jp_arrow_ahead(struct jp *p);
struct ast *jp_arrow(struct jp *p);

/* js_primary.c */
struct ast *jp_postfix(struct jp *p);

/* js_expr.c */
struct ast *jp_assign(struct jp *p);
struct ast *jp_expression(struct jp *p);

/* js_stmt.c */
struct ast *jp_block(struct jp *p);

#endif
