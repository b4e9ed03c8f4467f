#!/bin/sh
# 0: the package is being removed, not upgraded.
if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
	systemctl --no-reload disable --now healthcheck_exporter.service >/dev/null 2>&1 || :
fi
