/* cli/dev/tenant_child.h - the tenant as a child of `gatehouse dev`: a fork without exec, so that the first
 * machine client reaches the supervisor through a pipe and never through arguments, environment or files that
 * it did not ask for. */
#pragma once
#include "cli/dev/dev.h"

struct gh_dev_credentials {
    char id[64], secret[192]; /* NUL-terminated */
};

/* Runs until SIGTERM. Writes one struct gh_dev_credentials to `pipe` when it serves. Returns the exit status.
 */
int gh_dev_tenant_main(const struct gh_dev *dev, int pipe);
