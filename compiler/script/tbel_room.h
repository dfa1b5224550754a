/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the TBEL parser share. */
#ifndef SCRIPT_TBEL_ROOM_H
#define SCRIPT_TBEL_ROOM_H

#include "script/tbel_lex.h"

#define MAX_CHAIN 500 /* operators or steps in one chain: the tree leans left, walks recurse */

struct parser {
    struct ast_ctx *c;
    struct tbel_lexer lex;
    struct tbel_token t; /* current */
    size_t last_end;     /* where the token before it ended */
    int depth;
    int loops;           /* loops and switches around: break belongs to them */
    bool literal_item;   /* directly inside a map or list literal: ?: is misread there */
};

/* tbel_parse.c */
void tp_next(struct parser *p);
bool tp_is(const struct parser *p, const char *s);
bool tp_accept(struct parser *p, const char *s);
struct ast *tp_fail(struct parser *p, const char *msg);
struct ast *tp_fail_str(struct parser *p, const char *msg, struct tbe_str s);
bool tp_expect(struct parser *p, const char *s, const char *msg);
bool tp_enter(struct parser *p);
struct ast *tp_leave(struct parser *p, struct ast *n);
struct ast *tp_node(struct parser *p, enum ast_kind kind);
struct ast *tp_node_at(struct parser *p, enum ast_kind kind, const struct tbel_token *t);
struct ast *tp_literal_at(struct parser *p, const struct tbel_token *t, tbe_val v);
struct ast *tp_ident_at(struct parser *p, const struct tbel_token *t, struct tbe_str s);
tbe_val tp_string_value(struct tbe_str s);
struct ast *tp_not_ended(struct parser *p, const struct ast *n);

/* tbel_primary.c */
bool tp_type_name(struct tbe_str s);
struct tbe_str tp_class_name(struct parser *p);
struct ast *tp_function(struct parser *p, bool named);
struct ast *tp_number(struct parser *p, struct tbe_str s, struct tbel_token at);
void tp_with_body(struct parser *p, struct ast *w);
struct ast *tp_postfix(struct parser *p);

/* tbel_expr.c */
struct ast *tp_operand(struct parser *p);
struct ast *tp_binary_expr(struct parser *p, int min);
struct ast *tp_expr(struct parser *p);

/* tbel_stmt.c */
struct ast *tp_block(struct parser *p);

#endif
