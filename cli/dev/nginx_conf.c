#include <stdio.h>
#include <unistd.h>

#include "cli/dev/dev.h"
#include "core/buf.h"
#include "core/limits.h"
#include "sys/file.h"

#define MAX_CONF 65536

/* Both servers listen on loopback only. */
static void add_listen(struct gh_buf *b, const struct gh_port *port) {
    gh_buf_addf(b, "        listen 127.0.0.1:%d ssl http2;\n", port->number);
    if (port->ipv6 >= 0)
        gh_buf_addf(b, "        listen [::1]:%d ssl http2;\n", port->number);
}

static void add_main(struct gh_buf *b, const struct gh_dev *dev) {
    gh_buf_addf(b, "# Written by gatehouse dev at each start; changes here are lost.\n");
    /* As root the workers would become nobody and find the sockets closed to them. */
    if (geteuid() == 0)
        gh_buf_addf(b, "user root;\n");
    gh_buf_addf(b,
                "daemon off;\nworker_processes 2;\npid \"%s/run/nginx.pid\";\nerror_log stderr "
                "warn;\nload_module \"%s\";\n"
                "events { worker_connections 4096; }\n",
                dev->dir, dev->module);
}

static void add_http(struct gh_buf *b, const struct gh_dev *dev) {
    gh_buf_addf(b, "http {\n    access_log off;\n    server_tokens off;\n    tcp_nodelay on;\n");
    static const char *const temporary[] = { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" };
    for (size_t i = 0; i < GH_COUNT(temporary); i++)
        gh_buf_addf(b, "    %s_temp_path \"%s/nginx/tmp/%s\";\n", temporary[i], dev->dir, temporary[i]);
    gh_buf_addf(
        b,
        "    ssl_certificate \"%s/tls/localhost.pem\";\n    ssl_certificate_key \"%s/tls/localhost.key\";\n"
        "    ssl_protocols TLSv1.2 TLSv1.3;\n    ssl_session_cache shared:tls:1m;\n"
        "    large_client_header_buffers 8 32k;\n    client_header_buffer_size 4k;\n"
        "    proxy_http_version 1.1;\n    proxy_set_header Connection \"\";\n"
        "    upstream tenant { server unix:" GH_DEV_TENANT_SOCKET
        "; keepalive 64; keepalive_requests 1000000; }\n",
        dev->dir, dev->dir);
    if (!dev->upstream)
        gh_buf_addf(b, "    upstream ai { server unix:" GH_DEV_MOCK_SOCKET
                       "; keepalive 64; keepalive_requests 1000000; }\n");
}

static void add_tenant(struct gh_buf *b, const struct gh_dev *dev) {
    gh_buf_addf(b, "    server {\n");
    add_listen(b, &dev->tenant_port);
    /* The tenant has ceilings of its own and answers them in its clients' words: nginx only stops what is far
     * above. */
    gh_buf_addf(b, "        client_max_body_size %d;\n", GH_LIMIT_BODY * 2);
    gh_buf_addf(b, "        location / {\n"
                   "            proxy_pass http://tenant;\n"
                   "            proxy_buffer_size 32k;\n" /* a redirect repeats the caller's state */
                   "            proxy_buffers 4 32k;\n"
                   "            proxy_set_header Connection \"\";\n"
                   "            proxy_set_header Host $http_host;\n"
                   "            proxy_set_header X-Forwarded-For $remote_addr;\n"
                   "            proxy_set_header X-Forwarded-Proto https;\n"
                   "        }\n    }\n");
}

/* One guarded route: the method of the rule passes, any other is a route that no rule allows. */
static void add_route(struct gh_buf *b, const struct gh_dev *dev, const char *method, const char *path,
                      const char *permission) {
    gh_buf_addf(
        b,
        "        location = %s {\n            gatehouse_permission %s;\n            gatehouse_methods %s;\n"
        "            proxy_pass %s;\n        }\n",
        path, permission, method, dev->upstream ? dev->upstream : "http://ai");
}

static void add_gateway(struct gh_buf *b, const struct gh_dev *dev) {
    gh_buf_addf(b, "    server {\n");
    add_listen(b, &dev->gateway_port);
    gh_buf_addf(b,
                "        client_max_body_size 32m;\n        client_body_buffer_size 1m;\n        "
                "proxy_buffering off;\n"
                "        gatehouse on;\n        gatehouse_body_size 32m;\n        gatehouse_issuer %s/;\n    "
                "    gatehouse_audience \"%s\";\n"
                "        gatehouse_organization any;\n        gatehouse_feed \"%s/feed/tenant.feed\";\n      "
                "  gatehouse_leeway 0;\n        gatehouse_stream_check 1s;\n",
                dev->origin, dev->audience, dev->dir);
    for (size_t i = 0; i < dev->issuers->count; i++)
        gh_buf_addf(b, "        gatehouse_issuer %s;\n        gatehouse_feed \"%s\";\n",
                    dev->issuers->values[i], gh_dev_issuer_feed(dev, i));
    if (dev->upstream)
        gh_buf_addf(b,
                    "        proxy_ssl_server_name on;\n        proxy_ssl_verify on;\n        "
                    "proxy_ssl_verify_depth 4;\n"
                    "        proxy_ssl_trusted_certificate \"%s/tls/bundle.pem\";\n",
                    dev->dir);
    add_route(b, dev, "POST", "/v1/chat/completions", "chat:invoke");
    add_route(b, dev, "GET", "/v1/models", "models:list");
    gh_buf_addf(b, "    }\n}\n");
}

enum gh_err gh_dev_write_nginx_conf(const struct gh_dev *dev) {
    static const char *const folders[] = { "nginx", "nginx/tmp", "nginx/logs", "run" };
    for (size_t i = 0; i < GH_COUNT(folders); i++) {
        enum gh_err e = gh_dir_make(gh_dev_path(dev, folders[i]), 0700);
        if (e)
            return e;
    }
    gh_auto(gh_buf_release) struct gh_buf b = gh_buf_make(MAX_CONF);
    add_main(&b, dev);
    add_http(&b, dev);
    add_tenant(&b, dev);
    add_gateway(&b, dev);
    if (b.failed)
        return GH_ERR_TOO_LARGE;
    return gh_file_write_atomic(gh_dev_path(dev, "nginx/nginx.conf"), gh_buf_str(&b), 0600);
}
