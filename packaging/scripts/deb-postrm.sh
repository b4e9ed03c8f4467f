#!/bin/sh
set -e

unit=healthcheck_exporter.service
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload >/dev/null || true
fi
if [ "$1" = purge ]; then
	if command -v deb-systemd-helper >/dev/null; then
		deb-systemd-helper purge "$unit" >/dev/null || true
		deb-systemd-helper unmask "$unit" >/dev/null || true
	fi
	# The state is ours. What else is in /etc/healthcheck_exporter is not, and the user stays, as files may be left that it owns.
	rm -rf /var/lib/healthcheck_exporter
fi
