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

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi

# Debian starts services when it installs them; ours run in their own folders, so nothing may be left listening that was not there.
install_quietly() {
  local policy=/usr/sbin/policy-rc.d made=
  [ "$(id -u)" -eq 0 ] || have sudo || die "not root and there is no sudo; install these as root: apt-get install $*"
  say "installing with apt what is missing: $*"
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    made=1
  fi
  local status=0
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null || status=$?
  [ -z "$made" ] || "${as_root[@]}" rm -f "$policy"
  return "$status"
}

# Where vectors and recordings lie, when they are there; tests that need them say when they are not.
if [ -z "${GATEHOUSE_SHARED:-}" ] && [ -d "$root/../shared/vectors" ]; then GATEHOUSE_SHARED=$(cd "$root/../shared" && pwd); fi
export GATEHOUSE_SHARED=${GATEHOUSE_SHARED:-}
