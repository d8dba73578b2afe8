typedef int gh_store_is_empty;
