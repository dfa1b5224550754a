/* SPDX-License-Identifier: Apache-2.0 */
/* The one syntax tree of TBEL and JavaScript scripts. Two parsers make it (js_parse.c,
 * tbel_parse.c), the checker resolves names and static types in place, the lowering writes C
 * from it. One struct for every node keeps the parsers and the walks small; which members a kind
 * uses is said beside the kind. All nodes and texts live in the arena of the compilation; texts
 * are UTF-8 (WTF-8) with escapes resolved. Children: a, b, c, d are single nodes (NULL =
 * absent); list is the first of a chain linked by next. */
#ifndef SCRIPT_AST_H
#define SCRIPT_AST_H

#include "tbe/value.h"

enum ast_kind {
    /* ---- expressions ---- */
    /* v: number with its class tag, string, boolean, null. JavaScript numbers are DOUBLE */
    AST_LITERAL,
    AST_EMPTY,    /* TBEL: the literal `empty` */
    AST_IDENT,    /* s */
    AST_THIS,     /* JavaScript */
    /* list: string LITERALs and expressions in order; a: the tag of a tagged template */
    AST_TEMPLATE,
    AST_REGEX,    /* s: pattern, s2: flags */
    /* list: expressions, SPREAD, HOLE. Also an array pattern (then DEFAULT and SPREAD) */
    AST_LIST,
    AST_HOLE,     /* JavaScript: [1,,2] */
    /* list: PROP and SPREAD. Also an object pattern (then DEFAULT as PROP.b, and SPREAD) */
    AST_MAP,
    AST_PROP,     /* a: key (LITERAL when static, any expression when computed), b: value or target;
                     flags: AST_F_GET, AST_F_SET, AST_F_METHOD, AST_F_SHORT */
    /* a: ...a, in lists, maps, arguments; the rest element in patterns and parameters */
    AST_SPREAD,
    AST_DEFAULT,  /* in patterns and parameters: a = target, b = default value */
    AST_FUNC,     /* s: name or absent; list: parameters (IDENT, LIST, MAP, DEFAULT, SPREAD);
                     d: body, a BLOCK, or with AST_F_EXPR_BODY an expression; flags: AST_F_ARROW;
                     src: its text */
    /* a.s; flags: AST_F_OPTIONAL (a?.s in JavaScript), AST_F_NULLSAFE (a.?s in TBEL) */
    AST_MEMBER,
    AST_INDEX,    /* a[b]; flags: AST_F_OPTIONAL */
    /* a(list); a method call when a is MEMBER or INDEX; flags: AST_F_OPTIONAL (a?.()) */
    AST_CALL,
    AST_CHAIN,    /* a: a whole chain that holds an OPTIONAL or NULLSAFE step; the short cut ends here */
    AST_NEW,      /* new a(list) */
    AST_NEW_ARRAY, /* TBEL: new s[a], or new s[]{list}, or {list} with s absent */
    AST_UNARY,    /* op a: OP_NEG PLUS NOT BNOT TYPEOF VOID DELETE */
    /* a op b: arithmetic, comparison, bits, IN, INSTANCEOF, and TBEL's word operators */
    AST_BINARY,
    AST_LOGICAL,  /* a op b: OP_AND, OP_OR, OP_NULLISH; OP_OR_EMPTY is TBEL's word `or` */
    /* a = b with op OP_NONE, else a op= b (logical ops too); a: IDENT, MEMBER, INDEX or pattern */
    AST_ASSIGN,
    AST_UPDATE,   /* a++ a-- ++a --a: op OP_ADD or OP_SUB, flags: AST_F_PREFIX */
    AST_COND,     /* a ? b : c */
    AST_SEQ,      /* list: comma operator */
    AST_CAST,     /* TBEL: (s) a */
    AST_ISDEF,    /* TBEL: isdef a */
    AST_FOLD,     /* TBEL: (a in b if c); in a and c the element is the IDENT "$" */
    /* TBEL: with (a) { list } and a.{ list }: list of ASSIGN whose a is IDENT (a property) */
    AST_WITH,
    /* ---- statements ---- */
    AST_EXPR,     /* a; */
    /* list: DECL; op: AST_DECL_VAR, _LET, _CONST; TBEL's typed declarations are VAR too */
    AST_VAR,
    AST_DECL,     /* a: IDENT or pattern, b: initial value, s: TBEL type name or absent */
    AST_BLOCK,    /* list */
    AST_IF,       /* if (a) b else c */
    AST_FOR,      /* for (a; b; c) d: a is VAR or an expression or NULL */
    AST_FOR_IN,   /* for (a in b) d: a is VAR with one DECL, or an lvalue */
    AST_FOR_OF,   /* for (a of b) d */
    AST_FOREACH,  /* TBEL: for (s : b) d; a: IDENT of the loop variable; s2: type name or absent */
    AST_WHILE,    /* while (a) d; flags: AST_F_UNTIL negates (TBEL's until) */
    AST_DO,       /* do d while (a); flags: AST_F_UNTIL */
    AST_SWITCH,   /* switch (a) list of CASE */
    AST_CASE,     /* a: value, NULL = default; list: statements */
    AST_BREAK,    /* s: label or absent */
    AST_CONTINUE, /* s: label or absent */
    AST_RETURN,   /* a or NULL */
    AST_THROW,    /* a */
    AST_TRY,      /* try a catch (b) c finally d: b IDENT, pattern or NULL; c, d BLOCK or NULL */
    AST_LABEL,    /* s: a */
    AST_FUNC_DECL, /* a: FUNC */
    AST_NOP,      /* ; */
    AST_ASSERT,   /* TBEL: assert a */
    AST_KINDS
};

enum ast_op {
    OP_NONE,
    OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_REM, OP_POW,
    OP_BAND, OP_BOR, OP_BXOR, OP_SHL, OP_SHR, OP_USHR,
    OP_EQ, OP_NE, OP_SEQ, OP_SNE, OP_LT, OP_LE, OP_GT, OP_GE,
    OP_IN, OP_INSTANCEOF,
    OP_NEG, OP_PLUS, OP_NOT, OP_BNOT, OP_TYPEOF, OP_VOID, OP_DELETE,
    OP_AND, OP_OR, OP_NULLISH, OP_OR_EMPTY,
    /* TBEL */
    OP_CONCAT /* # */, OP_MATCH /* ~= */, OP_CONTAINS, OP_SOUNDSLIKE, OP_STRSIM, OP_CONVERTABLE,
    OP_SHL_ABS /* <<< */,
    OP_COUNT
};

enum ast_decl { AST_DECL_VAR, AST_DECL_LET, AST_DECL_CONST };

enum ast_flags {
    AST_F_OPTIONAL = 1, AST_F_NULLSAFE = 2, AST_F_ARROW = 4, AST_F_EXPR_BODY = 8, AST_F_PREFIX = 16,
    AST_F_UNTIL = 32, AST_F_GET = 64, AST_F_SET = 128, AST_F_METHOD = 256, AST_F_SHORT = 512,
    AST_F_PAREN = 1024 /* the expression was parenthesised */
};

/* Static type of an expression. The first group is what the C expression is (its representation
 * is in the lowering); TBEL's classes are those of facts/tbel.md 4.1: lower case names are Java
 * primitives, upper case boxed. Built-in tables (tbe/tbel_builtins.def, tbe/js_builtins.def) use
 * the same names. */
enum ast_type {
    AT_ANY,     /* unknown */
    AT_BOOL, AT_STR, AT_LIST, AT_MAP, AT_NULL, AT_DATE, AT_FUNC, AT_OTHER,
    AT_NUM,     /* JavaScript number */
    AT_int, AT_long, AT_float, AT_double, AT_byte, AT_short,
    AT_Integer, AT_Long, AT_Float, AT_Double, AT_Byte, AT_Short
};

struct sema_var;   /* check.c */
struct sema_func;
struct sema_scope;

struct ast {
    uint16_t kind; /* enum ast_kind */
    uint8_t op;    /* enum ast_op or ast_decl */
    uint8_t type;  /* enum ast_type, by the checker; 0 from the parser */
    uint32_t flags;
    /* 1-based; col counts bytes. Of the token that names the node (operator, name, ...) */
    int line, col;
    struct ast *a, *b, *c, *d;
    struct ast *list, *next;
    struct tbe_str s, s2;
    struct tbe_str src; /* FUNC: source text */
    tbe_val v;
    /* Set by the checker. */
    struct sema_var *var;
    struct sema_func *func;
    struct sema_scope *scope;
};

#define AST_MAX_DEPTH 200   /* nesting of expressions and statements; deeper is a diagnostic */
#define AST_MAX_TEXT 200000 /* bytes of one script */

struct script_diag;
/* What a parser works with. */
struct ast_ctx {
    struct tbe_arena *a;
    struct tbe_str text;
    struct script_diag *diags; /* grown in the arena */
    uint32_t n_diags, cap_diags;
    bool failed; /* an error diagnostic was given: the tree must not be lowered */
};

/* ast.c */
struct ast *ast_new(struct ast_ctx *c, enum ast_kind kind, int line, int col);
/* Appends n to the chain *head (may be NULL) whose last is *tail. */
void ast_append(struct ast **head, struct ast **tail, struct ast *n);
/* Adds a diagnostic; errors set c->failed. code is a static short word ("syntax", "unsupported",
 * ...). */
void ast_error(struct ast_ctx *c, int line, int col, const char *code, const char *fmt,
    ...) TBE_PRINTF(5, 6);
void ast_warn(struct ast_ctx *c, int line, int col, const char *code, const char *fmt,
    ...) TBE_PRINTF(5, 6);

/* Text -> the BLOCK of the script's statements, or NULL when c->failed. Parsers give at least
 * one error diagnostic when they fail, never crash on any bytes, and bound their recursion by
 * AST_MAX_DEPTH. */
struct ast *js_parse(struct ast_ctx *c);   /* js_parse.c */
struct ast *tbel_parse(struct ast_ctx *c); /* tbel_parse.c */

#endif
