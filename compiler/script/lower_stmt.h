/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the lowering of statements share. */
#ifndef SCRIPT_LOWER_STMT_H
#define SCRIPT_LOWER_STMT_H

#include "script/lower.h"

/* lower_loop.c */
void lw_mark_line(struct lower *l, const struct ast *n);
struct target lw_push_target(struct lower *l, bool loop);
void lw_jump_to(struct lower *l, struct target *t, bool cont);
void lw_jump(struct lower *l, struct ast *n);
void lw_end_break(struct lower *l, struct target *t);
void lw_open_block(struct lower *l);
void lw_close_block(struct lower *l);
void lw_body(struct lower *l, struct ast *n);
void lw_if_stmt(struct lower *l, struct ast *n);
void lw_for_stmt(struct lower *l, struct ast *n);
void lw_while_stmt(struct lower *l, struct ast *n);
void lw_do_stmt(struct lower *l, struct ast *n);
void lw_iterate(struct lower *l, struct ast *n);

#endif
