#!/usr/bin/env bash
# Starts the suite on fresh data and prints, in one run, how edge + service + PostgreSQL compare with the same SQL by Npgsql, the CPU
# time of a trivial tool call, and the memory of the services. With --peer also how they compare with Directus on the same PostgreSQL.
# Look at the ratios: absolute numbers belong to the machine. --quick is for a first look, --cpu for the CPU
# time and the memory alone, --hold keeps the suite up with its data for a profiler.
# --campaign kills, pauses and cuts off everything while the suite is used, and checks that nothing was lost, doubled or left untold.
# Its options are in docs/operations.md. It ends with a report in Markdown and, where a promise was broken, with 1.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
AppHost/Servers/install.sh
[[ " $* " != *" --peer "* ]] || bench/directus/prepare
dotnet build AppHost -c Release --nologo -v quiet
exec dotnet run --project bench -c Release -- "$@"
