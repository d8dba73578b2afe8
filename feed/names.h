/* feed/names.h - kinds of epochs and facts as words, where they travel as text. */
#pragma once
#include "feed/feed.h"

const char *gh_epoch_name(enum gh_epoch_kind kind); /* NULL for what is none */
const char *gh_fact_name(enum gh_fact_kind kind);
bool gh_epoch_from_name(struct gh_str name, enum gh_epoch_kind *ret);
bool gh_fact_from_name(struct gh_str name, enum gh_fact_kind *ret);
