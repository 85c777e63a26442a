#!/usr/bin/env bash
# Redis on 127.0.0.1:$PORT for clients that give $REDIS_PASSWORD. It keeps nothing: no snapshots, no append-only file.
set -euo pipefail
: "${DATA:?}" "${PORT:?}" "${REDIS_PASSWORD:?}"
# shellcheck source=claim.sh
. "$(dirname "${BASH_SOURCE[0]}")/claim.sh"
command -v redis-server >/dev/null || { echo "Redis is not installed: there is no redis-server. On Debian: apt-get install redis-server" >&2; exit 1; }
umask 077
mkdir -p "$DATA"
cd "$DATA"
claim_data
password=${REDIS_PASSWORD//\\/\\\\}
# By standard input: arguments can be read by everybody on the machine.
exec redis-server - <<CONFIGURATION
bind 127.0.0.1
port $PORT
daemonize no
save ""
appendonly no
protected-mode yes
requirepass "${password//\"/\\\"}"
CONFIGURATION
