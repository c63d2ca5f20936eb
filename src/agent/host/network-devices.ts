import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { NetworkDevice } from './interface-kinds.ts';

const SYS_CLASS_NET = '/sys/class/net';

/** linux/if_arp.h */
const ARPHRD_LOOPBACK = 772;

/**
 * Lists the network devices of this process's sysfs. sysfs shows the namespace in which it was
 * mounted, so after a change of namespace it shows another's devices until it is mounted again (as
 * `ip netns exec` does). Callers must compare hardware addresses, not only names.
 */
export function networkDevices(root = SYS_CLASS_NET): readonly NetworkDevice[] {
  return names(root).flatMap((name) => {
    const folder = join(root, name);
    const type = Number(readOrEmpty(join(folder, 'type')));
    // A file that is no device (bonding_masters), or a device that was just removed.
    if (type === 0) return [];
    const lower = names(folder).filter((entry) => entry.startsWith('lower_'));
    return [
      {
        name,
        mac: readOrEmpty(join(folder, 'address')).trim(),
        isLoopback: type === ARPHRD_LOOPBACK,
        isBridge: existsSync(join(folder, 'bridge')),
        isPhysical: existsSync(join(folder, 'device')),
        master: linkName(join(folder, 'master')),
        lower: lower.map((entry) => entry.slice('lower_'.length)),
      },
    ];
  });
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkName(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined;
  }
}
