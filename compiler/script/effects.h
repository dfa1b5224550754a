/* SPDX-License-Identifier: Apache-2.0 */
/* Which arguments a script reads, and which it may change in place. */
#ifndef SCRIPT_EFFECTS_H
#define SCRIPT_EFFECTS_H

#include "script/sema.h"

void effects_find(const struct sema *s, struct ast *body, struct script_result *out);

#endif
