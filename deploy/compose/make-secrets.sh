#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, once; what is there stays. They are never committed.
# $1: another folder than deploy/compose/secrets.
set -eu
umask 077
here="$(dirname "$0")"
folder="${1:-$here/secrets}"
mkdir -p "$folder"
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() { [ -s "$folder/$1" ] || printf '%s' "$2" >"$folder/$1"; }

put postgres_password "$(random)"
put jwt_secret "$(random)$(random)"
put database_url "postgres://carillon:$(cat "$folder/postgres_password")@postgres:5432/carillon"

# One password and one URL a user of NATS. The users are those of permissions.conf, and so are the names of the variables.
: >"$folder/nats_passwords"
sed -n 's/.*user: "\([^"]*\)", password: \$\([A-Z0-9_]*\).*/\1 \2/p' "$here/../nats/permissions.conf" |
  while read -r user variable; do
    name="$(printf '%s' "$user" | tr - _)"
    put "nats_password_$name" "$(random)"
    password="$(cat "$folder/nats_password_$name")"
    put "nats_url_$name" "nats://$user:$password@nats:4222"
    printf '%s: "%s"\n' "$variable" "$password" >>"$folder/nats_passwords"
  done
# The containers run as other users than the one who made the files.
chmod 711 "$folder"
chmod 644 "$folder"/*
echo "secrets are in $folder"
