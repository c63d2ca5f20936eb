/**
 * Where cgroup v2 is mounted, from the text of /proc/self/mountinfo (proc(5)), or undefined.
 * A mount of the hierarchy's root is preferred to one of a part of it.
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
