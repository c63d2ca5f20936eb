import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { NetworkDevice } from './interface-kinds.ts';

const SYS_CLASS_NET = '/sys/class/net';

/** linux/if_arp.h */
const ARPHRD_LOOPBACK = 772;

/**
 * The network devices of this process's sysfs. It shows the namespace it was mounted in, so a
 * process that changed its namespace sees another's devices until it mounts its own (as
 * `ip netns exec` does): compare hardware addresses before believing a name.
 */
export function networkDevices(root = SYS_CLASS_NET): readonly NetworkDevice[] {
  return names(root).flatMap((name) => {
    const folder = join(root, name);
    const type = Number(readOrEmpty(join(folder, 'type')));
    // A file in the folder that is no device (bonding_masters), or a device just gone.
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
