/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of TBEL (facts/tbel.md 2). */
#ifndef TBEL_LEX_H
#define TBEL_LEX_H

#include "script/ast.h"

enum tbel_tok { TK_EOF, TK_IDENT, TK_WORD /* reserved */, TK_NUMBER, TK_STRING, TK_PUNCT,
    TK_ERROR };

struct tbel_token {
    enum tbel_tok kind;
    struct tbe_str s;  /* spelling; STRING: the text with escapes resolved */
    tbe_val v;         /* NUMBER */
    size_t at, end;    /* bytes in the source */
    int line, col;
    bool newline;      /* a line ended before it */
};

struct tbel_lexer {
    struct ast_ctx *c;
    size_t pos;
    int line;
    size_t line_at; /* where the line starts */
};

/* The next token. An error is reported once, then ERROR tokens follow. */
struct tbel_token tbel_lex(struct tbel_lexer *l);
/* A number's value from its spelling, minus included: the class depends on its length (2). */
bool tbel_number(struct ast_ctx *c, struct tbe_str s, int line, int col, tbe_val *out);

#endif
