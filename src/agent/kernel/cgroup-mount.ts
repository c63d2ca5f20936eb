/**
 * Finds the mount point of cgroup v2 in the text of /proc/self/mountinfo (proc(5)); undefined when it
 * is not mounted. Prefers a mount of the hierarchy's root to one of a part of it.
 */
export function cgroupMount(mountinfo: string): string | undefined {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root, path] = left.split(' ');
    if (!right.startsWith('cgroup2 ') || path === undefined) return [];
    return [{ root, path: path.replaceAll('\\040', ' ') }];
  });
  return (mounts.find(({ root }) => root === '/') ?? mounts[0])?.path;
}
