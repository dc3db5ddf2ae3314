#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, once; what is there stays. They are never committed.
set -eu
umask 077
folder="$(dirname "$0")/secrets"
mkdir -p "$folder"
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() { [ -s "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"; }

put postgres_password "$(random)"
put nats_password "$(random)"
put jwt_secret "$(random)$(random)"
put database_url "postgres://carillon:$(cat "$folder/postgres_password")@postgres:5432/carillon"
put nats_url "nats://carillon:$(cat "$folder/nats_password")@nats:4222"
put nats_authorization "authorization { user: carillon, password: \"$(cat "$folder/nats_password")\" }"
# The containers run as other users than the one who made the files.
chmod 711 "$folder"
chmod 644 "$folder"/*
echo "secrets are in $folder"
