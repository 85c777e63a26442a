#!/usr/bin/env bash
# A RabbitMQ node on 127.0.0.1:$PORT with its files in $DATA, for the users of $DEFINITIONS (JSON), which may change between runs. It has a
# cookie and an epmd of its own, and its name never changes, so that the messages of an earlier run are there again.
set -euo pipefail
: "${DATA:?}" "${PORT:?}" "${DEFINITIONS:?}" "${PORT_DIST:?}" "${PORT_EPMD:?}"
# shellcheck source=claim.sh
. "$(dirname "${BASH_SOURCE[0]}")/claim.sh"
home=/usr/lib/rabbitmq/bin
[[ -x $home/rabbitmq-server ]] || { echo "RabbitMQ is not installed: there is no $home/rabbitmq-server. On Debian: apt-get install rabbitmq-server" >&2; exit 1; }
umask 077
mkdir -p "$DATA"/{config,home,log,mnesia,plugins}
cd "$DATA"
claim_data
if [[ ! -f home/.erlang.cookie ]]; then
  head -c 24 /dev/urandom | base64 | tr -d '/+=\n' >home/.erlang.cookie
  chmod 400 home/.erlang.cookie
fi

# Definitions are loaded at every start, unlike default_user: a new password also reaches the data of an earlier run.
printf %s "$DEFINITIONS" >config/definitions.json
cat >config/rabbitmq.conf <<CONFIGURATION
listeners.tcp.default = 127.0.0.1:$PORT
load_definitions = $DATA/config/definitions.json
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 64MB
raft.wal_max_size_bytes = 33554432
log.console = true
log.console.level = info
log.file = false
CONFIGURATION
echo '[].' >config/advanced.config
echo '[].' >config/enabled_plugins
: >config/env.conf
rm -f rabbit.pid

unset NOTIFY_SOCKET DEFINITIONS RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS
export HOME=$DATA/home LANG=C.UTF-8 ERL_EPMD_PORT=$PORT_EPMD ERL_EPMD_ADDRESS=127.0.0.1 ERL_CRASH_DUMP=$DATA/log/erl_crash.dump
# The start script becomes the Erlang machine instead of watching it: one process for signals and for its exit.
export RUNNING_UNDER_SYSTEMD=true
export RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_DIST_PORT=$PORT_DIST RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$PORT
export RABBITMQ_BASE=$DATA RABBITMQ_MNESIA_BASE=$DATA/mnesia RABBITMQ_LOG_BASE=$DATA/log RABBITMQ_LOGS=- RABBITMQ_PID_FILE=$DATA/rabbit.pid
export RABBITMQ_CONF_ENV_FILE=$DATA/config/env.conf RABBITMQ_CONFIG_FILE=$DATA/config/rabbitmq.conf RABBITMQ_ADVANCED_CONFIG_FILE=$DATA/config/advanced.config
export RABBITMQ_ENABLED_PLUGINS_FILE=$DATA/config/enabled_plugins RABBITMQ_PLUGINS_EXPAND_DIR=$DATA/plugins
export RABBITMQ_GENERATED_CONFIG_DIR=$DATA/config/generated RABBITMQ_FEATURE_FLAGS_FILE=$DATA/mnesia/feature_flags
# Schedulers that sleep at once: a node that spins takes the processor from everything beside it.
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}'
# epmd first: the node would start one that outlives it. This one ends with the process that starts it, which becomes the node.
setpriv --pdeathsig KILL epmd -address 127.0.0.1 -port "$PORT_EPMD" &
exec "$home/rabbitmq-server"
