#!/bin/sh
set -e

# An upgrade restarts it afterwards.
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	deb-systemd-invoke stop healthcheck_exporter.service >/dev/null || true
fi
