/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share and nobody else includes. */
#ifndef TBE_VALUE_VALUE_INT_H
#define TBE_VALUE_VALUE_INT_H

#include "tbe/value.h"

/* Adds an entry whose key is known to be absent; false when out of memory. */
bool value_map_append(struct tbe_arena *a, struct tbe_map *m, tbe_val key, tbe_val v);

/* Decimal text of a JSON number literal to a value, by the number flags of tbe_json_parse. */
bool value_number(struct tbe_arena *a, struct tbe_str literal, unsigned flags, tbe_val *out);

/* True when s is UTF-8 (with `wtf`: or lone surrogates in three bytes); *bad is the first
 * offence. */
bool value_utf8_ok(struct tbe_str s, bool wtf, size_t *bad);
/* s with every malformed piece as U+FFFD, as Java decodes; s itself when there is none. p NULL:
 * no memory. */
struct tbe_str value_utf8_clean(struct tbe_arena *a, struct tbe_str s);
/* Bytes of the well-formed WTF-8 sequence at p (n > 0), or 0. */
size_t value_utf8_seq(const char *p, size_t n);
/* Bytes of the (W)UTF-8 form of a UTF-16 unit or code point, written to out[4]. */
size_t value_utf8_put(uint32_t cp, char *out);

/* Case (casemap.c). change_case: the text in the arena. */
uint32_t value_upper(uint32_t cp);
uint32_t value_lower(uint32_t cp);
struct tbe_str value_change_case(struct tbe_arena *a, struct tbe_str s, bool up);

/* Four hex digits at p to *out. */
bool value_hex4(const char *p, uint32_t *out);

/* s quoted and escaped for the output of tbe_json_write with these flags. */
void value_json_str(struct tbe_buf *b, struct tbe_str s, unsigned out_flags);

/* Gson's lenient reader (facts/device-apis.md 4.1), json_gson.c. On an error *err is filled and,
 * when words is not NULL, *words is the message as the reference reports it, in the arena. */
int value_gson_parse(struct tbe_arena *a, struct tbe_str text, unsigned flags, tbe_val *out,
                     struct tbe_json_err *err, struct tbe_str *words);

#endif
