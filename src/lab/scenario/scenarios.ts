import { setTimeout as delay } from 'node:timers/promises';
import type { VerdictKind } from '../../model/health.ts';
import { CLIENTS, PORT, ROUTES, type TransitLab } from './transit-lab.ts';

/** The verdict that health should reach. */
export interface Culprit {
  readonly construct: string;
  readonly kind: VerdictKind;
}

/** Undoes a scenario. */
type End = () => Promise<void>;

export interface Scenario {
  /** A sentence for `nfm lab list`: the fault that the scenario causes. */
  readonly story: string;
  /** Empty if health should blame nothing. */
  readonly culprits: readonly Culprit[];
  readonly begin: (lab: TransitLab) => Promise<End>;
}

const LINK: Culprit = { construct: 't1', kind: 'network' };

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'link-loss': {
    story: 't1 loses 3% of the packets it forwards',
    culprits: [LINK],
    begin: (lab) => loseTo(lab, 't1', 3),
  },
  'bad-host': {
    story: 'a2 loses 4% of the packets it sends, to every destination',
    culprits: [{ construct: 'a2', kind: 'host' }],
    begin: (lab) => loseFrom(lab, 'a2', 4),
  },
  'policed-host': {
    story: 'a3 is limited to 6 Mbit/s (tbf) and has more to send',
    culprits: [{ construct: 'a3', kind: 'host' }],
    begin: policeHost,
  },
  delay: {
    story:
      'a bulk transfer fills the queue before t1 (tbf, 20 Mbit/s), and other packets wait in it',
    culprits: [LINK],
    begin: fillQueue,
  },
  'slow-reader': {
    story: 'the program on b1 stops reading, so its receive window becomes zero',
    culprits: [{ construct: 'b1', kind: 'application' }],
    begin: stopReading,
  },
  'reset-server': {
    story: 'the program on b4 has exited, so b4 refuses connections with RST',
    culprits: [{ construct: 'b4', kind: 'application' }],
    begin: async (lab) => {
      lab.signal('serve b4', 'SIGKILL');
      return () => lab.serve('b4');
    },
  },
  'dropped-syn': {
    story: 'a firewall before b1 silently drops the SYNs to a second port',
    culprits: [{ construct: 'b1', kind: 'remote-host' }],
    begin: dropSyns,
  },
  'black-hole': {
    story: 't4, one of two equal next hops to b5 and b6, drops every packet',
    culprits: [{ construct: 't3|t4', kind: 'network' }],
    begin: (lab) => {
      const servers = ROUTES['t3|t4'].map((server) => lab.address(server)).join(', ');
      const route = lab.network.routerInterface('t4');
      return drop(lab, 'black_hole', `oifname "${route}" ip daddr { ${servers} }`);
    },
  },
  flap: {
    story: 't1 is down for half a second every two seconds',
    culprits: [LINK],
    begin: flap,
  },
  several: {
    story: 't2 loses 2% of the packets it forwards, and a1 loses 5% of the packets it sends',
    culprits: [
      { construct: 't2', kind: 'network' },
      { construct: 'a1', kind: 'host' },
    ],
    begin: async (lab) => {
      const ends = [await loseTo(lab, 't2', 2), await loseFrom(lab, 'a1', 5)];
      return async () => {
        for (const end of ends) await end();
      };
    },
  },
};

async function loseTo(lab: TransitLab, host: string, percent: number): Promise<End> {
  await lab.network.lose(host, percent);
  return () => lab.network.lose(host, 0);
}

function loseFrom(lab: TransitLab, host: string, percent: number): Promise<End> {
  const from = lab.network.routerInterface(host);
  const some = `numgen random mod 10000 < ${percent * 100}`;
  return drop(lab, `from_${host}`, `iifname "${from}" ${some}`);
}

/** Adds an nft table to the router that drops the matching packets. */
async function drop(lab: TransitLab, table: string, match: string): Promise<End> {
  const chain = `add chain inet ${table} c { type filter hook forward priority 1; }`;
  const rules = `add table inet ${table}; ${chain}; add rule inet ${table} c ${match} drop`;
  await lab.network.inRouter(['nft', rules]);
  return async () => {
    await lab.network.inRouter(['nft', `delete table inet ${table}`]);
  };
}

async function policeHost(lab: TransitLab): Promise<End> {
  const tbf = 'tc qdisc add dev eth0 root tbf rate 6mbit burst 8kb limit 16kb';
  await lab.on('a3', tbf.split(' '));
  return () => lab.on('a3', 'tc qdisc del dev eth0 root'.split(' '));
}

async function fillQueue(lab: TransitLab): Promise<End> {
  const device = lab.network.routerInterface('t1');
  const tbf = `tc qdisc add dev ${device} root tbf rate 20mbit burst 16kb limit 4mb`;
  await lab.network.inRouter(tbf.split(' '));
  // A receive buffer of 128 KiB keeps about as much in the queue: some 50 ms at 20 Mbit/s.
  await lab.on('b2', ['sysctl', '-qw', 'net.ipv4.tcp_rmem=4096 131072 131072']);
  lab.load('fill', 'a4', ['pour', PORT, lab.address('b2')]);
  return async () => {
    lab.signal('fill', 'SIGKILL');
    await lab.network.inRouter(`tc qdisc del dev ${device} root`.split(' '));
  };
}

async function stopReading(lab: TransitLab): Promise<End> {
  for (const client of CLIENTS) {
    lab.load(`pour ${client}`, client, ['pour', PORT, lab.address('b1')]);
  }
  lab.signal('serve b1', 'SIGUSR2');
  return async () => {
    for (const client of CLIENTS) lab.signal(`pour ${client}`, 'SIGKILL');
    lab.signal('serve b1', 'SIGUSR1');
  };
}

async function dropSyns(lab: TransitLab): Promise<End> {
  await lab.network.blackhole('b1', PORT + 1);
  for (const client of CLIENTS) {
    lab.load(`closed ${client}`, client, ['ask', PORT + 1, lab.address('b1')]);
  }
  return async () => {
    for (const client of CLIENTS) lab.signal(`closed ${client}`, 'SIGKILL');
  };
}

const UP_MILLIS = 1_500;
const DOWN_MILLIS = 500;

async function flap(lab: TransitLab): Promise<End> {
  let isOver = false;
  const flapping = (async () => {
    while (!isOver) {
      await lab.network.lose('t1', 100);
      await delay(DOWN_MILLIS);
      await lab.network.lose('t1', 0);
      await delay(UP_MILLIS);
    }
  })();
  return async () => {
    isOver = true;
    await flapping;
  };
}
