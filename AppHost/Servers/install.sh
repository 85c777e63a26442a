#!/usr/bin/env bash
# Installs the servers that this machine lacks, where it has no container runtime: packages of Debian, as root or by sudo without a password.
# Says what it wants to install before it does, starts nothing, and does nothing when nothing is missing. With --tests also what tests alone need.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

fail() { printf '%s\n' "$*" >&2; exit 1; }
as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi; }
may_install() { command -v apt-get >/dev/null && { [[ $(id -u) == 0 ]] || sudo -n true 2>/dev/null; }; }
runs_containers() { docker info >/dev/null 2>&1 || podman info >/dev/null 2>&1; }

oldest_postgresql=15
has_postgresql() {
  local binary major
  for binary in /usr/lib/postgresql/*/bin/postgres; do
    major=${binary#/usr/lib/postgresql/}
    [[ -x $binary && ${major%%/*} -ge $oldest_postgresql ]] && return
  done
  return 1
}

# Keycloak itself is optional, and Java is needed only where there is one to run.
has_keycloak() { [[ -n ${KEYCLOAK_HOME:-} ]] || compgen -G "../shared/keycloak*" >/dev/null; }

missing_packages() {
  has_postgresql || echo postgresql
  [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || echo rabbitmq-server
  command -v redis-server >/dev/null || echo redis-server
  ! has_keycloak || command -v java >/dev/null || echo openjdk-17-jre-headless
}

# A distribution's server starts when it is installed, on its default port and as a system service. Ours are processes of their own, so the
# package scripts are told not to; an existing policy of the machine stays as it is.
policy=/usr/sbin/policy-rc.d
log=artifacts/install.log
install_packages() {
  local own_policy=
  if [[ ! -e $policy ]]; then
    own_policy=1
    # shellcheck disable=SC2064 # the path is to be expanded now
    trap "as_root rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  local apt=(as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@")
  "${apt[@]}" >"$log" 2>&1 || { as_root apt-get update -q >>"$log" 2>&1 && "${apt[@]}" >>"$log" 2>&1; } ||
    { tail -n 20 "$log" >&2; fail "apt-get could not install: $*. The whole log is $log."; }
  if [[ $own_policy ]]; then
    as_root rm -f "$policy"
    trap - EXIT
  fi
  # The policy holds until now; without this the next boot of a machine with systemd would start them.
  if [[ -d /run/systemd/system ]]; then
    for service in postgresql rabbitmq-server redis-server nginx; do
      [[ " $* " != *" $service"[\ -]* ]] || as_root systemctl disable --quiet "$service" || true
    done
  fi
}

mkdir -p artifacts
exec {lock}>artifacts/install.lock
flock "$lock"

packages=()
if [[ ${1:-} == --tests ]] || ! runs_containers; then
  mapfile -t packages < <(missing_packages)
fi
# For the tests of docs/operations.md alone, which are skipped where it cannot be installed.
if [[ ${1:-} == --tests && ! -x /usr/sbin/nginx && ! -x /usr/local/sbin/nginx ]] && may_install; then
  packages+=(nginx-light)
fi
if ((${#packages[@]})); then
  command -v apt-get >/dev/null || fail "Please install with your package manager: ${packages[*]}"
  may_install || fail "Please install as root: apt-get install --no-install-recommends ${packages[*]}"
  echo "Installing what this machine lacks, from Debian's packages: ${packages[*]}"
  install_packages "${packages[@]}"
fi
command -v dotnet >/dev/null || fail "The .NET SDK is needed (see global.json) and was not found."
