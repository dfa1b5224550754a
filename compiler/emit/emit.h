/* SPDX-License-Identifier: Apache-2.0 */
/* IR to C text. Deterministic: the same input gives the same bytes. */
#ifndef TBE_EMIT_EMIT_H
#define TBE_EMIT_EMIT_H

#include "ir/ir.h"

struct emit_file {
    struct tbe_str name, text;
};

struct emit_result {
    struct emit_file *files; /* <chain symbol>.c for each chain and its script files; main.c is the last */
    uint32_t n_files;
};

/* digest: of the program, for its table. */
void emit_program(struct tbe_arena *a, const struct ir_program *p, const char *digest, bool line_directives,
                  struct emit_result *out);
/* Parts. */
void emit_config(struct tbe_buf *b, const struct ir_node *n);
void emit_str_init(struct tbe_buf *b, struct tbe_str s); /* TBE_STR_INIT("...") or { NULL, 0 } */

#endif
