import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { NetlinkWatch } from '../../src/agent/kernel/netlink-watch.ts';
import type { LabNetwork } from '../../src/lab/net/lab-network.ts';
import { createWatchedPair, HostWatch } from './watched-lab.ts';

export interface WatchedPairOptions {
  /** The number of the lab network: one for each suite, as files run at the same time. */
  readonly number: number;
  /** Default: two hosts around a router, and a traffic server. */
  readonly create?: (number: number) => Promise<LabNetwork>;
  /** Undefined: eBPF. */
  readonly source?: () => NetlinkWatch | undefined;
  readonly resolveNat?: boolean;
  /** Starts both watches before each test. */
  readonly isStarted?: boolean;
  /** Runs after each test. Default: removes the loss at both hosts. */
  readonly restore?: (network: LabNetwork) => Promise<void>;
}

/** A network, and a watch on each of its hosts `a` (the client) and `b` (the server). */
export interface WatchedPair {
  readonly network: LabNetwork;
  /** New for each test. */
  readonly client: HostWatch;
  readonly server: HostWatch;
}

/** Registers the hooks of a suite that create the network once and the watches for each test. */
export function watchedPair(options: WatchedPairOptions): WatchedPair {
  const { number, create = createWatchedPair, source, resolveNat = false } = options;
  const { isStarted = false, restore = removeLoss } = options;
  let network: LabNetwork | undefined;
  let client: HostWatch | undefined;
  let server: HostWatch | undefined;
  const watch = (host: string) =>
    new HostWatch(present(network).host(host), { resolveNat, source: source?.() });

  beforeAll(async () => {
    network = await create(number);
  });
  afterAll(async () => {
    await network?.stop();
  });
  beforeEach(() => {
    client = watch('a');
    server = watch('b');
    if (!isStarted) return;
    client.start();
    server.start();
  });
  afterEach(async () => {
    client?.stop();
    server?.stop();
    await restore(present(network));
  });
  return {
    get network() {
      return present(network);
    },
    get client() {
      return present(client);
    },
    get server() {
      return present(server);
    },
  };
}

async function removeLoss(network: LabNetwork): Promise<void> {
  await network.lose('a', 0);
  await network.lose('b', 0);
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the suite has not started');
  return value;
}
