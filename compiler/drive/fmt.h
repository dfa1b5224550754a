/* SPDX-License-Identifier: Apache-2.0 */
/* `tbedgec fmt`: a document written back, as JSON or as YAML, in one canonical form. Nothing of the
 * content is lost: numbers keep their spelling, texts every character. See docs/tools.md. */
#ifndef TBE_DRIVE_FMT_H
#define TBE_DRIVE_FMT_H

#include "front/doc.h"

/* Comments and blank lines of a YAML file, each with the value it stands before or behind. */
struct fmt_comments;

/* Puts the keys of chains, nodes, connections and of configurations whose class is known into the order
 * of the schemas; other keys follow in the order of the file. Maps of the user keep theirs: it can mean
 * something. Marks scripts (doc.block) so that fmt_yaml writes them as blocks. Changes the tree in place. */
void fmt_order(struct tbe_arena *a, struct doc *root);

/* Of `text`, which yaml_read made `root` of. Lives in a. NULL when there are none. */
struct fmt_comments *fmt_comments_read(struct tbe_arena *a, struct tbe_str text,
                                       const struct doc *root);
/* Lines before a value ("" is a blank line) and the comment behind it, absent when there is none; with
 * d NULL: what stands at the end of the file. Returns how many lines. c may be NULL. */
uint32_t fmt_comments_before(const struct fmt_comments *c, const struct doc *d,
                             const struct tbe_str **lines);
struct tbe_str fmt_comment_behind(const struct fmt_comments *c, const struct doc *d);

/* Two spaces a level, one value a line, as the export of ThingsBoard's UI. */
void fmt_json(struct tbe_buf *out, const struct doc *root);

/* YAML that this and every other YAML 1.1 or 1.2 reader reads the same. NULL; or the text that YAML
 * cannot hold (half a surrogate pair): out is then of no use. */
const struct doc *fmt_yaml(struct tbe_buf *out, const struct doc *root,
                           const struct fmt_comments *c);

#endif
