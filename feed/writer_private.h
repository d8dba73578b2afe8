/* feed/writer_private.h - the inside of a writer: what writer.c and facts.c share. */
#pragma once
#include "feed/layout.h"

struct gh_feed_writer {
    int fd;
    unsigned char *map;
    struct gh_feed_view view; /* the same bytes */
    struct gh_feed_place table, keys, facts;
    uint64_t used;       /* slots of the table */
    uint64_t keys_bytes; /* of the key area */

    uint64_t facts_used, facts_bytes; /* slots; of the whole area */
    uint64_t facts_end;               /* where the next text goes, from the start of the area */
    bool facts_lost;                  /* nobody is told anything until the file is mended */
};

static inline struct gh_feed_header *gh_feed_writer_header(struct gh_feed_writer *w) {
    return (struct gh_feed_header *)w->map;
}

static inline struct gh_feed_slot *gh_feed_writer_slot(struct gh_feed_writer *w, struct gh_feed_place table,
                                                       uint64_t index) {
    return (struct gh_feed_slot *)(w->map + (uint64_t)table.page * GH_FEED_PAGE) + index;
}

/* The first place where `bytes` fit beside what is in use. IO. */
enum gh_err gh_feed_writer_reserve(struct gh_feed_writer *w, uint64_t bytes, uint32_t *ret_page);
void gh_feed_writer_give_back(struct gh_feed_writer *w, uint32_t page, uint64_t bytes);

/* Makes every slot of a new table empty. */
void gh_feed_writer_clear(struct gh_feed_writer *w, struct gh_feed_place table);
/* Fills an empty slot: it is empty to all until the last store. */
void gh_feed_writer_fill(struct gh_feed_writer *w, struct gh_feed_place table, const struct gh_feed_found *at,
                         const uint64_t hash[2], uint64_t payload);
/* False when the slot is damaged. */
bool gh_feed_writer_payload(struct gh_feed_writer *w, struct gh_feed_place table, uint64_t index,
                            uint64_t *ret);

/* facts.c. Reads what the writer before us left; false: some of it is damaged. */
bool gh_feed_facts_take_over(struct gh_feed_writer *w);
/* Keeps the facts that are whole. IO. */
enum gh_err gh_feed_facts_mend(struct gh_feed_writer *w);
