#!/bin/sh
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload >/dev/null 2>&1 || :
# An upgrade: what runs is the old program until now.
if [ "$1" -ge 1 ]; then
	systemctl try-restart healthcheck_exporter.service >/dev/null 2>&1 || :
fi
