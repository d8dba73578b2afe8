/* gateway/metrics_feeds.c - what Prometheus reads of the feeds: asked when it asks,
 * nothing is counted. */

#include "gateway/ngx_http_gatehouse_module.h"

#include "core/buf.h"
#include "gateway/settings.h"


/* A label's value: what the format would take for its own is escaped. */

static void
ngx_http_gatehouse_metrics_label(struct gh_buf *text, ngx_str_t *value)
{
    size_t i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] == '"' || value->data[i] == '\\') {
            gh_buf_add_char(text, '\\');
        }
        gh_buf_add_char(text, value->data[i] == '\n' ? ' '
                                                     : (char) value->data[i]);
    }
}


void
ngx_http_gatehouse_metrics_feeds(struct gh_buf *text,
    ngx_http_gatehouse_main_conf_t *mcf)
{
    size_t i, which;
    ngx_uint_t ok;
    ngx_file_info_t fi;
    unsigned long long generation;
    ngx_http_gatehouse_feed_t **feeds = mcf->feeds.elts;

    static const struct {
        const char *name, *help;
    } gauges[] = {
        { "gatehouse_feed_up", "1 when this worker reads the feed." },
        { "gatehouse_feed_generation", "Counts the changes of its keys." },
        { "gatehouse_feed_modified_timestamp_seconds",
          "When the file was last written." },
    };

    for (which = 0; which < GH_COUNT(gauges) && mcf->feeds.nelts; which++) {
        gh_buf_addf(text, "# HELP %s %s\n# TYPE %s gauge\n",
                    gauges[which].name, gauges[which].help,
                    gauges[which].name);

        for (i = 0; i < mcf->feeds.nelts; i++) {
            generation = 0;
            ok = ngx_http_gatehouse_feed_check(feeds[i], ngx_cycle->log)
                     == GH_OK
                 && ngx_http_gatehouse_feed_generation(feeds[i], &generation)
                        == GH_OK;

            if ((which == 1 && !ok)
                || (which == 2
                    && ngx_file_info(feeds[i]->path.data, &fi)
                           == NGX_FILE_ERROR))
            {
                continue; /* not known is no number */
            }

            gh_buf_addf(text, "%s{feed=\"", gauges[which].name);
            ngx_http_gatehouse_metrics_label(text, &feeds[i]->path);
            gh_buf_addf(text, "\"} %llu\n",
                        which == 0   ? (unsigned long long) ok
                        : which == 1 ? generation
                                     : (unsigned long long) fi.st_mtime);
        }
    }
}
