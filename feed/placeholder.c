typedef int gh_feed_is_empty;
