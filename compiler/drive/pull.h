/* SPDX-License-Identifier: Apache-2.0 */
/* Rule chains from a ThingsBoard server's REST API (facts/rest-ws-api.md 2 and 3). */
#ifndef TBE_DRIVE_PULL_H
#define TBE_DRIVE_PULL_H

#include "front/doc.h"

#define PULL_PAGE 100u           /* chains asked for at once */
#define PULL_MAX_CHAINS 1000u    /* of one server */
#define PULL_MAX_NAME 100u       /* bytes of a file name, without its ending */
#define PULL_RETRY_AFTER_MAX 60u /* seconds a server may ask us to wait */

struct pull_options {
    const char *url;              /* http:// or https://, no path needed */
    const char *user, *password;  /* both or none */
    const char *token;            /* JWT, or an API key, which starts with tb_ */
    const char *cacert, *cert, *key; /* PEM files or NULL */
    bool insecure;                /* any certificate is taken */
    long timeout_s;               /* of one request */
    unsigned retries;             /* after 429, 5xx and lost connections */
};

struct pull_chain {
    struct tbe_str id, name, type; /* type: CORE or EDGE */
    bool root;
    const struct doc *head;        /* as listed */
    struct tbe_str file;           /* name of the file without ending; safe, unique in its list */
};

struct pull;

/* Logs in, if user and password are given. *why says what went wrong: it never holds a secret. Returns 0; 1:
 * the server refuses; -1: it cannot be reached or makes no sense. Free with pull_close in any case. */
int pull_open(struct tbe_arena *a, const struct pull_options *o, struct pull **p,
              struct tbe_str *why) TBE_MUST_USE;
void pull_close(struct pull *p);

/* All chains of a type ("CORE", "EDGE"), appended to v; returns as pull_open. */
int pull_list(struct pull *p, const char *type, struct pull_chain *v, uint32_t *n,
              struct tbe_str *why) TBE_MUST_USE;
/* Gives all n chains their file names. */
void pull_names(struct tbe_arena *a, struct pull_chain *v, uint32_t n);
/* The chain as an exported file: {ruleChain, metadata}. raw: with times, tenant and versions, which change
 * without the chain changing. */
int pull_fetch(struct pull *p, const struct pull_chain *c, bool raw, struct doc **out,
               struct tbe_str *why) TBE_MUST_USE;

/* ---- HTTP, for the above --------------------------------------------------------------------- */

/* One request, repeated as the options say; body NULL: GET, else POST of JSON. *out: the answer as JSON. */
int pull_request(struct pull *p, const char *path, struct tbe_str body, struct doc **out,
                 struct tbe_str *why)
    TBE_MUST_USE;
struct tbe_arena *pull_arena(struct pull *p);
/* Answers and texts go to this arena from now on, so that one chain's can be freed before the next. */
void pull_use(struct pull *p, struct tbe_arena *a);
/* All later requests carry it. */
void pull_authorize(struct pull *p, const char *token);
int pull_http_open(struct tbe_arena *a, const struct pull_options *o, struct pull **p,
                   struct tbe_str *why) TBE_MUST_USE;

#endif
