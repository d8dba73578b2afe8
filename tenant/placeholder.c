typedef int gh_tenant_is_empty;
