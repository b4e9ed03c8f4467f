#!/bin/sh
# As Debian's services do: enabled and started once installed, restarted by an upgrade; policy-rc.d and the administrator have
# the last word, which deb-systemd-helper and deb-systemd-invoke ask.
set -e

unit=healthcheck_exporter.service
case "$1" in
configure | abort-upgrade | abort-deconfigure | abort-remove) ;;
*) exit 0 ;;
esac

deb-systemd-helper unmask "$unit" >/dev/null || true
if deb-systemd-helper --quiet was-enabled "$unit"; then
	deb-systemd-helper enable "$unit" >/dev/null || true
else
	deb-systemd-helper update-state "$unit" >/dev/null || true
fi
if [ -d /run/systemd/system ]; then
	systemctl --system daemon-reload >/dev/null || true
	if [ -n "$2" ]; then action=restart; else action=start; fi
	deb-systemd-invoke "$action" "$unit" >/dev/null || true
fi
