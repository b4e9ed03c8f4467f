#!/bin/sh
# Before the files are unpacked, so that they can belong to the group. By tools that every distribution has.
set -e

user=healthcheck_exporter
getent group "$user" >/dev/null || groupadd --system "$user"
getent passwd "$user" >/dev/null || useradd --system --gid "$user" --no-create-home \
	--home-dir /var/lib/healthcheck_exporter --shell "$(command -v nologin || echo /sbin/nologin)" "$user"
