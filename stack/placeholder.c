typedef int gh_stack_is_empty;
