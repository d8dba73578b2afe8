/* gateway/directives.h - the directives of the module: one row each, read by
 * the module (its command table) and by directives_text.c (the man page
 * gatehouse_nginx(5) and the part of docs/gateway.md between its marks).
 *
 * A row:
 *   X(name, arguments as people read them, where, nginx's count of them,
 *     setter, field, what the setter needs, default, text)
 *
 * `where` is IN_ANY (http, server, location), IN_HTTP or IN_PLACE (location); none is allowed in
 * "if": which location guards must not depend on the request. `field` is
 * LOCATION(member) for a setter of nginx's, else IN_LOCATION or IN_MAIN. In the
 * text `...` is what is typed, and "\n\n" begins a paragraph.
 *
 * A new directive is a row here, its setter in settings.c, its inheritance in
 * inherit.c; then `build/gateway/directives_text --renew docs/gateway.md`. */

/* clang-format off */
#define NGX_HTTP_GATEHOUSE_DIRECTIVES(X)                                      \
                                                                              \
X("gatehouse", "off | on | public", IN_ANY, NGX_CONF_TAKE1,                   \
  ngx_conf_set_enum_slot, LOCATION(mode), &ngx_http_gatehouse_modes,          \
  "`off`",                                                                    \
  "`off`: the module has no opinion and touches nothing. `on`: the policy "   \
  "below decides. `public`: nobody is asked, and nobody is named; headers of "\
  "our namespace and `Authorization` are still taken away, because the "      \
  "upstream believes them. Inside a guarded or public location `off` is "     \
  "refused. Put `on` into the servers of your API, not into `http`.")         \
                                                                              \
X("gatehouse_issuer", "URL", IN_ANY, NGX_CONF_TAKE1,                          \
  ngx_http_gatehouse_issuer, IN_LOCATION, NULL,                               \
  NULL,                                                                       \
  "Required. Compared with `iss` byte for byte: Auth0's issuers end with a "  \
  "slash. Several lines name several issuers. A token is checked with the "   \
  "keys of the issuer that it names, and no others. Lines of a location "     \
  "replace those around it.")                                                 \
                                                                              \
X("gatehouse_audience", "URI", IN_ANY, NGX_CONF_TAKE1,                        \
  ngx_http_gatehouse_text, LOCATION(audience), NULL,                          \
  NULL,                                                                       \
  "Required. One member of `aud` must equal it byte for byte. It is also the "\
  "`realm` of challenges.")                                                   \
                                                                              \
X("gatehouse_organization", "any | none | ORG_ID", IN_ANY, NGX_CONF_TAKE1,    \
  ngx_http_gatehouse_organization, IN_LOCATION, NULL,                         \
  "`any`",                                                                    \
  "`any`: the token must have an `org_id`, whichever. `none`: it must have "  \
  "none. `ORG_ID`: exactly this one. Names are not accepted: a name can be "  \
  "given to another organization later.")                                     \
                                                                              \
X("gatehouse_permission", "none | NAME ...", IN_ANY, NGX_CONF_1MORE,          \
  ngx_http_gatehouse_permission, IN_LOCATION, NULL,                           \
  NULL,                                                                       \
  "What the token's `permissions` must hold: all of the names. `none`: any "  \
  "good token will do. Without the directive, here or above, the location is "\
  "closed but for the routes of `gatehouse_route` and `gatehouse_routes`. "   \
  "`scope` never counts.")                                                    \
                                                                              \
X("gatehouse_methods", "METHOD ...", IN_ANY, NGX_CONF_1MORE,                  \
  ngx_conf_set_bitmask_slot, LOCATION(methods), &ngx_http_gatehouse_methods,  \
  "every method",                                                             \
  "Others are 403 `no_route`. `GET` admits `HEAD`. Known: `GET`, `HEAD`, "    \
  "`POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`.")                             \
                                                                              \
X("gatehouse_models", "auto | required | off", IN_ANY, NGX_CONF_TAKE1,        \
  ngx_conf_set_enum_slot, LOCATION(models), &ngx_http_gatehouse_model_rules,  \
  "`auto`",                                                                   \
  "Whether the model that a request names must be allowed: by a permission "  \
  "`model:NAME` of the token (or the beginning of names and `*`), and by the "\
  "organization's metadata `ai_models` where it has one. `auto`: when the "   \
  "feed says that the API defines such a permission. `required`: always. "    \
  "`off`: never. [More](#models).")                                           \
                                                                              \
X("gatehouse_route", "METHOD PATH none | NAME [model=PLACE]", IN_ANY,         \
  NGX_CONF_TAKE3 | NGX_CONF_TAKE4,                                            \
  ngx_http_gatehouse_own_route, IN_LOCATION, NULL,                            \
  NULL,                                                                       \
  "A route of your API: the permission that it needs in a location without "  \
  "`gatehouse_permission`, and where it names its model: `body` (JSON, the "  \
  "default for `POST`), `form` (or multipart), `path` (the segment "          \
  "`<model>`), `query` (`?model=`), `list` (it tells the models), `none` (the "\
  "default for others), `hidden` (refused while the model rule binds). `<id>` "\
  "stands for any segment. Asked before the tables that are built in. Lines " \
  "of a location replace those around it.")                                   \
                                                                              \
X("gatehouse_routes", "off | openai | anthropic | gemini | azure ...", IN_ANY,\
  NGX_CONF_1MORE, ngx_conf_set_bitmask_slot, LOCATION(apis),                  \
  &ngx_http_gatehouse_apis,                                                   \
  "`off`",                                                                    \
  "Locations without `gatehouse_permission` take the permission of the route "\
  "from the tables of these APIs; a route that is in none of them is 403 "    \
  "`no_route`. [The tables](routes.md).")                                     \
                                                                              \
X("gatehouse_body_size", "SIZE", IN_ANY, NGX_CONF_TAKE1,                      \
  ngx_conf_set_off_slot, LOCATION(body_size), NULL,                           \
  "`1m`",                                                                     \
  "Bodies whose model is looked for are kept in memory up to this size, never "\
  "on disk; larger ones are 413. At most `64m`. nginx's "                     \
  "`client_max_body_size` (default 1m) counts too.")                          \
X("gatehouse_cors", "* | ORIGIN ... [credentials]", IN_ANY, NGX_CONF_1MORE,   \
  ngx_http_gatehouse_cors_origins, IN_LOCATION, NULL,                         \
  NULL,                                                                       \
  "Scripts of these origins (`https://app.example.com`) may call the API from "\
  "a browser. Preflights are answered here and never reach the upstream; "    \
  "answers, refusals too, say that the origin may read them, whatever the "   \
  "upstream says. `*`: every origin. `credentials`: with cookies, which `*` " \
  "must not be.")                                                             \
                                                                              \
X("gatehouse_feed", "FILE", IN_ANY, NGX_CONF_TAKE1,                           \
  ngx_http_gatehouse_feed_file, IN_LOCATION, NULL,                            \
  NULL,                                                                       \
  "Required. Relative to nginx's prefix. When the file is not there yet, "    \
  "nginx starts, says so, and answers 503 until it is.\n\n"                   \
  "Several lines name several files, one for each writer: a tenant on this "  \
  "machine, and those of `gatehouse feed`. Keys of an issuer come from the "  \
  "first that has some; what was revoked, from each that has keys of the "    \
  "issuer. All of them must be there. Lines of a location replace those "     \
  "around it.")                                                               \
                                                                              \
X("gatehouse_leeway", "TIME", IN_ANY, NGX_CONF_TAKE1,                         \
  ngx_conf_set_sec_slot, LOCATION(leeway), &ngx_http_gatehouse_leeway_bounds, \
  "`60s`",                                                                    \
  "How far the clocks of issuer and gateway may differ, for `exp`, `nbf` and "\
  "`iat`. At most 60 s.")                                                     \
                                                                              \
X("gatehouse_cookies", "strip | keep", IN_ANY, NGX_CONF_TAKE1,                \
  ngx_conf_set_enum_slot, LOCATION(cookies), &ngx_http_gatehouse_cookies,     \
  "`strip`",                                                                  \
  "`strip`: `Cookie` does not reach the upstream, `Set-Cookie` does not "     \
  "reach the caller. On public routes cookies are kept.")                     \
                                                                              \
X("gatehouse_forward_auth", "off | nginx | traefik | caddy | envoy", IN_PLACE,\
  NGX_CONF_TAKE1,                                                             \
  ngx_conf_set_enum_slot, LOCATION(forward_auth),                             \
  &ngx_http_gatehouse_forward_auths,                                          \
  "`off`",                                                                    \
  "Another proxy asks here about a request of its own: 200 with headers that "\
  "say who calls, or the refusal. The location that would serve that request "\
  "in this server decides; nothing is proxied. The word says how the request "\
  "is told: `nginx`: `X-Original-URI` and `X-Original-Method`. `traefik`, "   \
  "`caddy`: `X-Forwarded-Uri` and `X-Forwarded-Method`. `envoy`: method and " \
  "path of the asking request itself, behind the name of this location. "     \
  "Needs `gatehouse_forward_auth_from`. Not inherited.")                      \
                                                                              \
X("gatehouse_forward_auth_from", "ADDRESS | CIDR | unix: ...", IN_ANY,        \
  NGX_CONF_1MORE,                                                             \
  ngx_http_gatehouse_peers, IN_LOCATION, NULL,                                \
  NULL,                                                                       \
  "The proxies that may ask. What others send is refused with 403. It is the "\
  "address of the connection that counts, whatever `set_real_ip_from` makes " \
  "of it.")                                                                   \
                                                                              \
X("gatehouse_metrics", "local | any", IN_PLACE, NGX_CONF_TAKE1,               \
  ngx_http_gatehouse_metrics, IN_LOCATION, NULL,                              \
  NULL,                                                                       \
  "The location answers with counters of all workers in the text format of "  \
  "Prometheus. `local`: only over a unix socket or on a loopback address, at "\
  "both ends of the connection. `any`: other access rules decide. They live " \
  "on over a reload. Not inherited; in a guarded server it needs a token as " \
  "any location does.")                                                       \
                                                                              \
X("gatehouse_upstream_credential", "HEADER FILE [SCHEME]", IN_ANY,            \
  NGX_CONF_TAKE23,                                                            \
  ngx_http_gatehouse_credential, IN_LOCATION, NULL,                           \
  NULL,                                                                       \
  "The upstream of a guarded location gets this header, with the content of " \
  "the file behind `SCHEME` and a blank; what the caller sent under the name "\
  "is taken away. The file is read at start and reload, before privileges "   \
  "are dropped; it must not be readable by others nor writable by group or "  \
  "others. nginx does not start unless the upstream is proven: `proxy_pass` " \
  "to `https:` with `proxy_ssl_verify on`, or to unix sockets or loopback "   \
  "addresses, and never to an address out of variables. Public locations get "\
  "none. Directives of one location add up; a location with some of its own " \
  "inherits none.")                                                           \
                                                                              \
X("gatehouse_identity_key", "FILE ISSUER [OLD_FILE ...]", IN_ANY,             \
  NGX_CONF_2MORE,                                                             \
  ngx_http_gatehouse_identity_key, IN_LOCATION, NULL,                         \
  NULL,                                                                       \
  "The upstream of a guarded location also gets `X-Gatehouse-Identity`: who " \
  "calls, as a JWT of at most 60 s for the same audience, signed with ES256 " \
  "by this key (a private P-256 key in PEM, with the rights of a credential), "\
  "for upstreams that should not have to trust the network. `ISSUER` is its " \
  "`iss`; choose one that issues nothing else. `OLD_FILE`s are keys, private "\
  "or public, that are only published: for the time of a change.")            \
                                                                              \
X("gatehouse_identity_jwks", "on | off", IN_PLACE, NGX_CONF_FLAG,             \
  ngx_http_gatehouse_identity_jwks, IN_LOCATION, NULL,                        \
  "`off`",                                                                    \
  "The location answers with the public keys of `gatehouse_identity_key` as " \
  "a JWK set. In a guarded server it needs `gatehouse public`. Not inherited.")\
                                                                              \
X("gatehouse_stream_check", "off | TIME", IN_ANY, NGX_CONF_TAKE1,             \
  ngx_http_gatehouse_stream_interval, IN_LOCATION, NULL,                      \
  "`off`",                                                                    \
  "`off`: an answer that was admitted goes on to its end. A time, as `1s`: "  \
  "while it lasts the decision is made again that often, and when the token " \
  "expires; a refusal ends it: an event stream without its last chunk, a "    \
  "WebSocket on both sides. Each running request then costs a timer.")        \
                                                                              \
X("gatehouse_token_cache", "off | SIZE", IN_HTTP, NGX_CONF_TAKE1,             \
  ngx_http_gatehouse_token_cache, IN_MAIN, NULL,                              \
  "`8m`",                                                                     \
  "Room for some 35,000 tokens: what their signatures proved is remembered, " \
  "for all workers, until a reload. Times, revocation, organization and "     \
  "permission are decided anew for each request.")
/* clang-format on */
