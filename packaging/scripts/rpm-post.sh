#!/bin/sh
# A first installation does what the presets of the administrator say, and starts nothing.
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload >/dev/null 2>&1 || :
if [ "$1" -eq 1 ]; then
	systemctl preset healthcheck_exporter.service >/dev/null 2>&1 || :
fi
