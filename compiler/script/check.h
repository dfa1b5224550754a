/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the checker share. */
#ifndef SCRIPT_CHECK_H
#define SCRIPT_CHECK_H

#include "script/sema.h"

/* check_scope.c */
bool sema_is_js(const struct sema *s);
struct sema_scope *sema_push_scope(struct sema *s);
struct sema_var *sema_find_in(const struct sema_scope *sc, struct tbe_str name);
struct sema_var *sema_find(const struct sema *s, struct tbe_str name);
struct sema_var *sema_declare(struct sema *s, struct sema_scope *sc, const struct ast *at,
    struct tbe_str name, enum sema_kind kind);
void sema_note_write(struct sema *s, struct sema_var *v, struct ast *value, enum ast_op op,
    bool update);
void sema_capture(struct sema *s, struct sema_var *v);
struct sema_func *sema_no_arrow(const struct sema *s);
struct sema_var *sema_use(struct sema *s, struct ast *n);
void sema_declare_pattern(struct sema *s, struct sema_scope *sc, struct ast *p,
    enum sema_kind kind);
void sema_hoist_list(struct sema *s, struct ast *n, size_t block);
void sema_declare_lexical(struct sema *s, struct ast *list);
void sema_write_ident(struct sema *s, struct ast *n, struct ast *value, enum ast_op op, bool update,
    bool decl);
void sema_walk_target(struct sema *s, struct ast *n, bool decl);

/* check.c */
void sema_walk(struct sema *s, struct ast *n);

#endif
