/* cli/feed_config.h - what `gatehouse feed` follows: flags, or a file of lines `name = value`. */
#pragma once
#include "core/arena.h"
#include "follow/follower.h"

#define GH_FOLLOW_MAX 64

struct gh_feed_config {
    const char *data, *ca_file;
    struct gh_follow issuers[GH_FOLLOW_MAX];
    size_t count;
};

/* As gh_options_parse: 0 to go on, or an exit status + 1. The texts live in the arena. */
int gh_feed_config_read(struct gh_arena *a, int argc, char **argv, struct gh_feed_config *ret);
