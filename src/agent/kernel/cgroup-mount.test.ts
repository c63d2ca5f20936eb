import { expect, test } from 'vitest';
import { cgroupMount } from './cgroup-mount.ts';

const HYBRID = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw`;

test.each([
  { name: 'a hybrid host', text: HYBRID, path: '/sys/fs/cgroup/unified' },
  {
    name: 'a unified host',
    text: '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate',
    path: '/sys/fs/cgroup',
  },
  {
    name: 'a mount of a part beside one of the whole hierarchy',
    text: `50 1 0:26 /machine /mnt/part rw - cgroup2 cgroup2 rw
51 1 0:26 / /mnt/the\\040whole rw - cgroup2 cgroup2 rw`,
    path: '/mnt/the whole',
  },
  { name: 'no cgroup v2', text: '32 31 0:29 / /sys rw - sysfs sysfs rw', path: undefined },
])('finds the mount of $name', ({ text, path }) => {
  expect(cgroupMount(text)).toBe(path);
});
