# Starts systemd as the first process of its own namespaces, on a copy of the file system of this machine that is gone
# afterwards. No unit of this machine runs, only those of the test. Arguments: a directory for mounts, one with files to
# add, and the units to enable.
set -e
at=$1 add=$2
shift 2
mount --make-rprivate /
mount -t tmpfs tmpfs "$at"
mkdir "$at/upper" "$at/work" "$at/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$at/upper,workdir=$at/work" "$at/root"
cd "$at/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
	touch dev/$device
	mount --bind /dev/$device dev/$device
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for dir in dev/shm tmp var/tmp; do mount -t tmpfs -o mode=1777 tmpfs $dir; done
for dir in run var/lib etc/systemd lib/systemd/system; do mount -t tmpfs -o mode=755 tmpfs $dir; done
for target in sysinit basic shutdown network multi-user; do
	printf '[Unit]\nDefaultDependencies=no\n' >lib/systemd/system/$target.target
done
cp -r "$add/." .
systemctl --root=. --quiet enable "$@"
pivot_root . mnt
umount -l mnt
mount --make-rshared /
exec env -i container=test PATH="$PATH" /lib/systemd/systemd --system --unit=multi-user.target --log-target=null --show-status=no
