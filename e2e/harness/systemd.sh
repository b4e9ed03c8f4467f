# A manager of systemd for the suite, in namespaces of its own: arguments are its directory and the name of its cgroup.
# Everything below the first process ends with it; the mounts end with the processes.
set -eu
dir=$1 group=$2
mkdir "$dir/cgroup"
mount -t cgroup2 none "$dir/cgroup"
mkdir "$dir/cgroup/$group"
echo $$ >"$dir/cgroup/$group/cgroup.procs"
umount "$dir/cgroup"
# The manager wants to be below a systemd that has booted, and to find its cgroup.
mount -t tmpfs none /run/systemd
mkdir /run/systemd/system
export XDG_RUNTIME_DIR="$dir/run" XDG_CONFIG_HOME="$dir/config" XDG_DATA_HOME="$dir/data"
unset DBUS_SESSION_BUS_ADDRESS
unshare --cgroup sh -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec "$0" --user --unit=basic.target' \
	/lib/systemd/systemd &
wait
