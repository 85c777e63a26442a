#!/usr/bin/env bash
# Starts the suite on fresh data and prints, in one run, how edge + service + PostgreSQL compare with the same SQL by Npgsql, and the CPU
# time of a trivial tool call. Look at the ratios: absolute numbers belong to the machine.
set -euo pipefail
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
native/prepare
dotnet build AppHost -c Release --nologo -v quiet
exec dotnet run --project bench -c Release -- "$@"
