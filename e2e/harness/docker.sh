# A Docker Engine for the suite, in namespaces of its own but that of the network: its argument is its directory. Everything
# below the first process ends with it; the mounts end with the processes.
set -eu
dir=$1
exec dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" -H "unix://$dir/s.sock" \
	--bridge=none --iptables=false --ip6tables=false --cgroup-parent "${dir##*/}"
