#!/bin/sh
# A first installation does what the presets of the administrator say, also where systemd does not run, as in an image that is being
# made. It starts nothing.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload >/dev/null 2>&1 || :
fi
if [ "$1" -eq 1 ]; then
	systemctl --no-reload preset healthcheck_exporter.service >/dev/null 2>&1 || :
fi
