/* core/limits.h - every limit that a stranger can meet, in one place; each has an error (rule 10). */
#pragma once

/* tokens (shared/vectors policy) */
#define GH_LIMIT_TOKEN 16384   /* bytes of a bearer token */
#define GH_LIMIT_KID 256       /* bytes of a key id */
#define GH_LIMIT_JSON_DEPTH 16 /* nesting of header and claims; the outermost object is 1 */
#define GH_LIMIT_AUDIENCES 32  /* members of an aud array */
#define GH_LIMIT_PERMISSIONS                                                                                 \
    1000 /* members of a permissions array: Auth0's permissions per role and user                            \
          */
#define GH_LIMIT_NUMERIC_DATE (1LL << 53)
#define GH_LIMIT_JSON_NESTING 128  /* nesting that no caller of the scanner can lift: it recurses */
#define GH_LIMIT_JSON_MEMBERS 1024 /* member names of all objects that are open at one place of a text */
#define GH_LIMIT_JSON_INTEGER (1LL << 53)
#define GH_LIMIT_RSA_BITS_MIN 2048
#define GH_LIMIT_RSA_BITS_MAX 8192 /* larger keys are a way to make us slow */
#define GH_LIMIT_JWKS 262144       /* bytes of a JWK set */
#define GH_LIMIT_JWKS_KEYS 100
#define GH_LIMIT_DISCOVERY 65536 /* bytes of an issuer's description of itself */

/* models */
#define GH_LIMIT_FACT 1024         /* bytes of a fact in the feed: an organization's longest metadata value */
#define GH_LIMIT_MODEL_NAME 256    /* bytes of a model's name */
#define GH_LIMIT_MODEL_NAMES 16    /* models that one request names */
#define GH_LIMIT_MODEL_DEPTH 64    /* nesting of a request body whose model is looked for */
#define GH_LIMIT_MODEL_LEVELS 8    /* ... of what is looked into */
#define GH_LIMIT_MODEL_MEMBERS 256 /* members of that */
#define GH_LIMIT_FORM_BOUNDARY 70  /* bytes of a multipart boundary: RFC 2046 */
#define GH_LIMIT_FORM_LINE 1024    /* bytes of one part's headers */

/* gateway */
#define GH_LIMIT_CREDENTIAL 8192     /* bytes of an upstream's credential */
#define GH_LIMIT_KEY_FILE 16384      /* bytes of a private key in PEM */
#define GH_LIMIT_IDENTITY_SECONDS 60 /* life of X-Gatehouse-Identity */

/* HTTP, tenant */
#define GH_LIMIT_BODY (1 << 20)           /* bytes of a request body */
#define GH_LIMIT_TARGET 8192              /* bytes of path and query */
#define GH_LIMIT_HEADERS 32768            /* bytes of all request headers */
#define GH_LIMIT_REQUEST_ARENA (16 << 20) /* memory of one request */
#define GH_LIMIT_BODY_DEPTH 32            /* nesting of a JSON body */
#define GH_LIMIT_CONNECTIONS 4096         /* open connections of the tenant */

/* Management API paging */
#define GH_LIMIT_PAGE_SIZE 100     /* per_page and take */
#define GH_LIMIT_PAGE_RECORDS 1000 /* page * per_page; beyond it checkpoint paging is needed */

/* passwords and one-time values */
#define GH_LIMIT_PASSWORD 1024      /* bytes; longer is refused, never cut */
#define GH_LIMIT_HASH_QUEUE 256     /* waiting password hashes; then 503 */
#define GH_LIMIT_WRITE_QUEUE 4096   /* waiting writes; then 503 */
#define GH_LIMIT_CODE_SECONDS 60    /* life of an authorization code */
#define GH_LIMIT_DEVICE_SECONDS 900 /* life of a device code and its user code */
#define GH_LIMIT_DEVICE_INTERVAL 5  /* seconds between two questions of a device */

/* stack files */
#define GH_LIMIT_STACK_FILE (4 << 20) /* bytes of one file: 20,000 resources fit */
#define GH_LIMIT_STACK_NODES 500000   /* scalars, lists and maps of one file */
#define GH_LIMIT_STACK_DEPTH 64
#define GH_LIMIT_STACK_VALUE (16 << 20) /* bytes of one value: variables can be put together */
#define GH_LIMIT_STACK_RESOURCES 20000
