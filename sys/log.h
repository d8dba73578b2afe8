/* sys/log.h - operational lines on stderr: one event a line, key=value, never a secret.
 *
 *     gh_log(GH_LOG_INFO, "tenant.ready", "port", "%d", port, "data", "%s", dir, NULL);
 *
 * writes: time=2026-04-23T07:39:13.465Z level=info event=tenant.ready port=8443 data=/var/lib/gatehouse
 * Values with blanks, quotes or controls are quoted and escaped, so that no value can forge a line. */
#pragma once

enum gh_log_level { GH_LOG_DEBUG, GH_LOG_INFO, GH_LOG_WARN, GH_LOG_ERROR };

/* Triples of key, format and that format's ONE argument, ended by NULL. Formats: %s %d %lld %zu %.*s (two
 * arguments). Thread-safe. */
void gh_log(enum gh_log_level level, const char *event, ...) __attribute__((sentinel));
void gh_log_set_level(enum gh_log_level level);
