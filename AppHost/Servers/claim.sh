# For the scripts beside it. The folder $DATA belongs to one server at a time: to this process and what it starts, until the last of them has
# ended, however that is. A server whose AppHost was killed needs some seconds for that, and the next one waits for it.
claim_data() {
  exec {claim}>"$DATA/lock"
  flock --nonblock "$claim" && return
  echo "Another server still uses $DATA. Waiting up to ${CLAIM_SECONDS:=40} s for it to end."
  flock --timeout "$CLAIM_SECONDS" "$claim" || { echo "Another server uses $DATA. Stop it, or choose another folder." >&2; exit 1; }
}
