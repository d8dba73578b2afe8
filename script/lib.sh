# Shared by the scripts: where we are, how we speak. Sourced, never run.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

if [ -t 1 ]; then bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' red='' green='' plain=''; fi
say() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }
die() { printf '%serror: %s%s\n' "$red" "$*" "$plain" >&2; exit 1; }
good() { printf '%s%s%s\n' "$green" "$*" "$plain"; }
have() { command -v "$1" >/dev/null 2>&1; }

# The Node that the tests use: the system's when it is new enough, else the one that bootstrap put below .tools.
use_own_node() { if [ -x "$root/.tools/node_modules/node/bin/node" ]; then PATH=$root/.tools/node_modules/node/bin:$PATH; fi; }
node_is_new() { have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; }
use_own_node

# Where vectors and recordings lie, when they are there; tests that need them say when they are not.
if [ -z "${GATEHOUSE_SHARED:-}" ] && [ -d "$root/../shared/vectors" ]; then GATEHOUSE_SHARED=$(cd "$root/../shared" && pwd); fi
export GATEHOUSE_SHARED=${GATEHOUSE_SHARED:-}
