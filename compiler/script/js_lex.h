/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of JavaScript text. The parser asks for one token at a time and rescans a slash as a
 * regular expression where an operand is due. */
#ifndef SCRIPT_JS_LEX_H
#define SCRIPT_JS_LEX_H

#include "script/ast.h"

enum js_tok {
    JT_EOF, JT_IDENT /* also every keyword */, JT_NUM, JT_STR, JT_TEMPLATE, JT_REGEX, JT_PUNCT
};

/* A punctuator as its characters packed into one number, so that it can be switched on. */
#define PK1(a) ((uint32_t)(a))
#define PK2(a, b) (PK1(a) << 8 | (uint32_t)(b))
#define PK3(a, b, c) (PK2(a, b) << 8 | (uint32_t)(c))
#define PK4(a, b, c, d) (PK3(a, b, c) << 8 | (uint32_t)(d))

struct js_token {
    enum js_tok t;
    uint32_t punct;
    bool nl_before; /* a line end stands between the previous token and this one */
    bool escaped;   /* a string with escapes: not a directive */
    size_t start, end;
    int line, col;
    struct tbe_str s; /* IDENT name, STR value, REGEX pattern, TEMPLATE whole text */
    struct tbe_str s2; /* REGEX flags */
    double num;
};

struct js_lex {
    struct ast_ctx *c;
    size_t pos;
    int line;
    size_t line_start;
    bool quiet;     /* looking ahead: give no diagnostics */
    bool bad;
};

void js_lex_next(struct js_lex *l, struct js_token *prev_and_out);
/* Rescans the token t, a slash, as a regular expression. */
void js_lex_regex(struct js_lex *l, struct js_token *t);
/* Cooks the characters [from, to) of a string or template into a value. */
struct tbe_str js_lex_cook(struct js_lex *l, size_t from, size_t to, bool tmpl, int line, int col);
/* End of the template chunk that starts at `from`: the offset of "${" or of "`"; or c->text.n. */
size_t js_lex_chunk_end(const struct js_lex *l, size_t from);

#endif
