#!/usr/bin/env bash
# Keycloak on 127.0.0.1:$PORT_HTTP, its management on 127.0.0.1:$PORT_MANAGEMENT, with its files in $DATA. $KEYCLOAK is an unpacked distribution or its
# archive, and $IMPORT a folder of realm files, imported at the first start. The arguments are Keycloak's.
set -euo pipefail
: "${DATA:?}" "${PORT_HTTP:?}" "${PORT_MANAGEMENT:?}" "${KEYCLOAK:?}" "${IMPORT:?}"
# shellcheck source=claim.sh
. "$(dirname "${BASH_SOURCE[0]}")/claim.sh"
cache=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/artifacts/keycloak
umask 077
mkdir -p "$cache" "$DATA"
claim_data

# A folder appears under its name when it is complete, whoever was the first to make it.
publish() { mv -T "$1" "$2" 2>/dev/null || { rm -rf "$1"; [[ -d $2 ]]; }; }

if [[ -f $KEYCLOAK ]]; then
  unpacked=$cache/$(basename "$KEYCLOAK" .tar.gz)
  if [[ ! -d $unpacked ]]; then
    echo "Unpacking $(basename "$KEYCLOAK")"
    part=$(mktemp -d "$cache/.part.XXXXXX")
    tar -xzf "$KEYCLOAK" -C "$part" --strip-components=1
    publish "$part" "$unpacked"
  fi
  KEYCLOAK=$unpacked
fi

# A home of its own for each server: its data and what Keycloak builds for itself are its own, everything large is the distribution's, by links.
home=$DATA/home
mkdir -p "$home/data/import"
find "$home" -mindepth 1 -maxdepth 1 -not -name data -exec rm -rf {} +
mkdir -p "$home/bin" "$home/lib"
cp "$KEYCLOAK/bin/kc.sh" "$home/bin/"
for name in conf providers themes version.txt lib/lib lib/app; do ln -s "$KEYCLOAK/$name" "$home/$name"; done
cp "$KEYCLOAK/lib/quarkus-run.jar" "$home/lib/"
# kc.sh starts Java as a child, which is not to outlive it.
printf '#!/bin/sh\nexec setpriv --pdeathsig KILL "%s" "$@"\n' "${JAVA_HOME:+$JAVA_HOME/bin/}java" >"$home/bin/java"
chmod +x "$home/bin/java"
export JAVA=$home/bin/java
# What the first start builds, the longest part of it, is kept for the next server of the same distribution with the same build options.
built=$cache/built-$( { realpath "$KEYCLOAK"; cat "$KEYCLOAK/version.txt"; printf '%s\n' "$@"; env | grep -E '^KC_(FEATURES|DB|METRICS|HEALTH)' | sort || true; } | sha256sum | cut -c 1-16)
if [[ -d $built ]]; then cp -r "$built" "$home/lib/quarkus"; else cp -r "$KEYCLOAK/lib/quarkus" "$home/lib/quarkus"; fi
rm -f "$home"/data/import/*
find "$IMPORT" -name "*.json" -exec cp {} "$home/data/import/" \;

export KC_HEALTH_ENABLED=true JAVA_OPTS_KC_HEAP="-Xms128m -Xmx768m"
# A server of one machine and one person starts in half the time, and takes a quarter less memory, without the optimizing compiler and its threads.
export JAVA_OPTS_APPEND="-XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC -Dquarkus.management.host=127.0.0.1"
# Without a host name of its own the issuer would follow the Host header of whoever asks.
export KC_HOSTNAME=${KC_HOSTNAME:-http://127.0.0.1:$PORT_HTTP}
if [[ ! -d $built ]]; then
  # It is kept as soon as the server is ready.
  is_ready() { exec 3<>"/dev/tcp/127.0.0.1/$PORT_MANAGEMENT" && printf 'GET /health/ready HTTP/1.0\r\n\r\n' >&3 && grep -q '^HTTP/1.. 200' <&3; }
  (
    until (is_ready) 2>/dev/null; do kill -0 $$ 2>/dev/null || exit 0; sleep 1; done
    part=$(mktemp -d "$cache/.part.XXXXXX")
    cp -r "$home/lib/quarkus/." "$part/"
    publish "$part" "$built"
  ) &
fi
exec "$home/bin/kc.sh" "$@" --http-host=127.0.0.1 --http-port="$PORT_HTTP" --http-management-port="$PORT_MANAGEMENT"
