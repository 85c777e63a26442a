#!/usr/bin/env bash
# PostgreSQL on 127.0.0.1:$PORT with its files in $DATA, for the superuser $POSTGRES_USER with $POSTGRES_PASSWORD, which may change between runs.
# DURABLE=false gives up fsync, for data that may be thrown away.
set -euo pipefail
: "${DATA:?}" "${PORT:?}" "${POSTGRES_PASSWORD:?}" "${POSTGRES_USER:=postgres}" "${DURABLE:=true}"
# shellcheck source=claim.sh
. "$(dirname "${BASH_SOURCE[0]}")/claim.sh"
missing() { echo "PostgreSQL${1:+ $1} is not installed. On Debian: apt-get install postgresql${1:+-$1}" >&2; exit 1; }
# A folder of a client alone has no initdb.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing

mkdir -p "$(dirname "$DATA")"
owner=()
if [[ $(id -u) == 0 ]]; then
  # PostgreSQL refuses to run as root, and its own user must be able to reach the data.
  owner=(setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups)
  if ! "${owner[@]}" test -x "$(dirname "$DATA")"; then
    wanted=$DATA
    DATA=/var/tmp/platform-postgres-$(sha256sum <<<"$wanted" | cut -c 1-16)
    # Whoever removes the folder that was wanted starts from nothing.
    [[ -f $wanted/elsewhere ]] || rm -rf "$DATA"
    mkdir -p "$wanted"
    # Everybody may write to /var/tmp, so somebody else's folder or link may be there.
    mkdir -m 700 "$DATA" 2>/dev/null || [[ ! -L $DATA && $(stat -c %U "$DATA") == @(root|postgres) ]] || { echo "$DATA belongs to somebody else." >&2; exit 1; }
    echo "$DATA" >"$wanted/elsewhere"
    echo "The user postgres cannot reach $wanted, so the data is in $DATA."
  fi
fi
umask 077
mkdir -p "$DATA"
chmod 700 "$DATA"
claim_data
(( ! ${#owner[@]} )) || chown -R postgres "$DATA"
cd "$DATA"
unset PGDATA PGPORT
export HOME=$DATA LC_ALL=C.UTF-8 TZ=UTC

# The version that made the data, or the newest that is installed.
version=$(cat data/PG_VERSION 2>/dev/null || true)
bin=$(printf '%s\n' /usr/lib/postgresql/${version:-*}/bin/initdb | sort -V | tail -n 1)
bin=${bin%/initdb}
[[ -x $bin/postgres ]] || missing "$version"

# Written as the server's user, so that only that user can read it.
remember_password() { printf %s "$POSTGRES_PASSWORD" | "${owner[@]}" sh -c 'umask 077; cat > password'; }
# What an initdb that was killed has left is made anew.
if [[ ! -f initialized ]]; then
  rm -rf data
  remember_password
  "${owner[@]}" "$bin/initdb" -D data -U "$POSTGRES_USER" -A scram-sha-256 --pwfile=password -E UTF8 --locale=C.UTF-8 $([[ $DURABLE == true ]] || echo --no-sync)
  touch initialized
fi

# A lock file whose process id now belongs to something else would keep the server from starting.
if [[ -f data/postmaster.pid ]]; then
  holder=$(head -n 1 data/postmaster.pid)
  [[ $(tr '\0' ' ' <"/proc/$holder/cmdline" 2>/dev/null) == *postgres*"$DATA/data"* ]] || rm -f data/postmaster.pid
fi
if [[ $(cat password 2>/dev/null) != "$POSTGRES_PASSWORD" ]]; then
  # Until the change is complete, no password is known, so that the next start sets one whatever became of this.
  rm -f password
  printf "alter role \"%s\" password '%s';\n" "${POSTGRES_USER//\"/\"\"}" "${POSTGRES_PASSWORD//\'/\'\'}" | "${owner[@]}" "$bin/postgres" --single -c exit_on_error=on -D data postgres >/dev/null
  remember_password
fi

settings=(listen_addresses=127.0.0.1 unix_socket_directories= max_connections=300 shared_buffers=128MB logging_collector=off log_destination=stderr
  'log_line_prefix=%m [%p] ' timezone=UTC log_timezone=UTC)
[[ $DURABLE == true ]] || settings+=(fsync=off synchronous_commit=off full_page_writes=off max_wal_size=4GB)
# SIGTERM would make PostgreSQL wait for its clients; SIGINT makes it stop in order, at once. It also gets that when this script is killed.
"${owner[@]}" env --default-signal=INT,QUIT setpriv --pdeathsig INT "$bin/postgres" -D "$DATA/data" -p "$PORT" "${settings[@]/#/--}" &
server=$!
trap 'kill -INT "$server"' TERM INT
code=0
wait "$server" || code=$?
while kill -0 "$server" 2>/dev/null; do code=0; wait "$server" || code=$?; done
exit "$code"
