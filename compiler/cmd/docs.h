/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages and completions, written from the command tables and from the schema of tbedge.yml. */
#ifndef TBE_CMD_DOCS_H
#define TBE_CMD_DOCS_H

#include "cmd/cmd.h"
#include "front/doc.h"

#define DOCS_DATE "November 22, 2026" /* of the pages; changed by hand, so that builds repeat */

void docs_man_main(struct tbe_buf *b);                              /* tbedgec.1 */
void docs_man_command(struct tbe_buf *b, const struct command *c);  /* tbedgec-NAME.1 */
void docs_man_settings(struct tbe_buf *b, const struct doc *schema); /* tbedge.yml.5 */
void docs_bash(struct tbe_buf *b);
void docs_zsh(struct tbe_buf *b);
void docs_fish(struct tbe_buf *b);

#endif
