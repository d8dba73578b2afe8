typedef int gh_sys_is_empty;
