#!/bin/sh
# 0: the package is being removed, not upgraded. Where systemd does not run there is nothing to stop, but a link to remove.
if [ "$1" -eq 0 ]; then
	systemctl --no-reload disable --now healthcheck_exporter.service >/dev/null 2>&1 || :
fi
