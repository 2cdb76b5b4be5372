package slurm

import "syscall"

// localDisks are the file systems that one machine has for itself, by what statfs(2) calls them.
var localDisks = map[uint32]string{
	0x01021994: "tmpfs", 0x858458f6: "ramfs", 0x794c7630: "overlay", 0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x2fc12fc1: "zfs",
}

// localDisk names the file system of a folder if it is that of a disk of this machine. Other
// machines may see it all the same, if this one serves it.
func localDisk(path string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(path, &s) != nil {
		return ""
	}
	return localDisks[uint32(s.Type)]
}
