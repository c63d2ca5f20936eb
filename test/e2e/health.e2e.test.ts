import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { startLabAgent } from '../../src/lab/net/lab-agent.ts';
import { createLabNetwork, type LabNetwork } from '../../src/lab/net/lab-network.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';
import type {
  ConstructHealth,
  HealthExplanation,
  HealthMinute,
  Incident,
} from '../../src/model/health.ts';
import { stableId } from '../../src/model/ids.ts';
import { serveTraffic, trafficCommand } from '../lab/watched-lab.ts';
import { ACCOUNT, ApiView, REGION } from './api-view.ts';

const missing = missingForLab();

const vpcOf = (network: string) => stableId('vpc', ACCOUNT, REGION, network);

/** Three hosts of network `a`, two of `b` and one of `c`: the links a to b and a to c are transit. */
const HOSTS = ['a1', 'a2', 'a3', 'b1', 'b2', 'c1'].map((name, i) => ({
  name,
  network: name.slice(0, 1),
  ip: `10.203.${21 + i}.2`,
  gateway: `10.203.${21 + i}.1`,
}));
const of = (network: string) => HOSTS.filter((host) => host.network === network);
const names = (network: string) => of(network).map(({ name }) => name);

const PORTS = [9401, 9402];
const REPORT_SECONDS = 2;
const WINDOW_SECONDS = 2;
/** The time between two requests on a connection. */
const GAP_MILLIS = 10;
const LOSS_PERCENT = 10;
const LINK = `${vpcOf('a')}>${vpcOf('b')}`;

describe.skipIf(missing !== undefined)(
  `two transit links, one of them lossy ${missing ?? ''}`,
  () => {
    let network: LabNetwork;
    let server: ServerProcess;
    let api: ApiView;

    beforeAll(async () => {
      network = await createLabNetwork({
        number: 9,
        hosts: HOSTS.map(({ name, ip, gateway }) => ({ name, address: `${ip}/24`, gateway })),
      });
      const { rootAddress } = network.host('a1');
      for (const { name } of HOSTS.slice(1)) await routeToServer(name, rootAddress);
      const flags = ['--insecure-plain-http', '--health-window-seconds', String(WINDOW_SECONDS)];
      server = await ServerProcess.start({ listen: `${rootAddress}:0`, flags });
      api = await ApiView.open(server);
      await makeMonitors();
      for (const host of HOSTS) {
        await serveTraffic(network, host.name, ...PORTS);
        await startLabAgent(network, host.name, {
          endpoint: `${server.endpoint}/publish`,
          credentialsFile: join(server.data, 'credentials'),
          flags: [
            ...['--instance-id', `i-000000000000000${host.name}`, '--zone', 'use1-az1'],
            ...['--network', host.network, '--publish-secs', String(REPORT_SECONDS)],
          ],
        });
      }
      for (const { name } of of('a')) talk(name, [...of('b'), ...of('c')]);
      talk('c1', of('b'));
    });
    afterAll(async () => {
      await network?.stop();
      await server?.dispose();
    });

    async function routeToServer(name: string, address: string): Promise<void> {
      const via = ['via', network.host(name).rootAddress, 'dev', 'mgmt0'];
      const argv = ['ip', 'route', 'add', `${address}/32`, ...via];
      const { code, stderr } = await network.exec(name, argv, { outsideCgroup: true });
      if (code !== 0) throw new Error(`cannot route ${name} to the server: ${stderr}`);
    }

    async function makeMonitors(): Promise<void> {
      const { scopes } = await api.client.listScopes({});
      for (const remote of ['b', 'c']) {
        await api.client.createMonitor({
          monitorName: `a-to-${remote}`,
          scopeArn: scopes[0]?.scopeArn ?? '',
          localResources: [{ type: 'AWS::EC2::VPC', identifier: vpcOf('a') }],
          remoteResources: [{ type: 'AWS::EC2::VPC', identifier: vpcOf(remote) }],
        });
      }
    }

    function talk(name: string, to: readonly { readonly ip: string }[]): void {
      const targets = to.flatMap(({ ip }) => PORTS.map((port) => `${ip}:${port}`));
      network.spawn(name, trafficCommand('steady', GAP_MILLIS, ...targets), { stdio: 'ignore' });
    }

    async function ask<Answer>(path: string): Promise<Answer> {
      const target = `/api/v1/health/${path}`;
      return (await api.client.send({ method: 'GET', target, body: undefined })) as Answer;
    }

    const explain = (monitor: string) =>
      ask<HealthExplanation>(`monitors/${monitor}/explanation`).catch(() => undefined);
    const incidents = async () =>
      (await ask<{ readonly incidents: readonly Incident[] }>('incidents')).incidents;

    /** Repeats a request until its answer satisfies a condition; throws after a minute and a half. */
    async function until<Answer>(
      question: () => Promise<Answer>,
      isEnough: (answer: Answer) => boolean,
    ): Promise<Answer> {
      const latest = Date.now() + 90_000;
      for (;;) {
        const answer = await question();
        if (isEnough(answer)) return answer;
        if (Date.now() > latest) throw new Error(`the last answer was ${JSON.stringify(answer)}`);
        await delay(200);
      }
    }

    const isLinkHealthy = ({ construct, state }: ConstructHealth) =>
      construct.id === LINK && state === 'healthy';
    const linkIncident = (all: readonly Incident[]) =>
      all.find(({ constructs }) => constructs.some(({ id }) => id === LINK));

    test('only the monitor of the lossy link is degraded, the link is named, and the incident closes after the repair', async () => {
      for (const monitor of ['a-to-b', 'a-to-c']) {
        await until(
          () => explain(monitor),
          (explanation) => explanation?.healthIndicator === 0 && explanation.baseline === 'learned',
        );
      }
      // A busy machine may have lost packets itself: wait until such an incident has closed.
      await until(incidents, (all) => all.every(({ closedAt }) => closedAt !== undefined));

      const lostAt = Date.now();
      await network.loseBetween(names('a'), names('b'), LOSS_PERCENT);
      const accused = linkIncident(
        await until(incidents, (all) => {
          const found = linkIncident(all);
          return found?.setsIndicator === true && found.closedAt === undefined;
        }),
      );
      expect(accused?.kind).toBe('network');
      expect(accused?.monitors).toContain('a-to-b');
      expect(accused?.monitors).not.toContain('a-to-c');
      // The first lossy report arrives within one period, and its window ends after it arrives.
      const seconds = (Date.parse(accused?.timeline.at(-1)?.at ?? '') - lostAt) / 1000;
      expect(seconds).toBeLessThanOrEqual(REPORT_SECONDS + 3 * WINDOW_SECONDS + WINDOW_SECONDS);

      const bad = await until(
        () => explain('a-to-b'),
        (explanation) => explanation?.state === 'degraded',
      );
      expect(bad?.healthIndicator).toBe(1);
      expect(bad?.sentence).toContain(LINK);
      expect(bad?.findings[0]?.fault.size).toBeGreaterThan(0.005);
      expect(await explain('a-to-c')).toMatchObject({ healthIndicator: 0 });
      const { stdout } = await nfm('health', 'explain', 'a-to-b');
      expect(stdout).toContain(LINK);

      await network.loseBetween([], [], 0);
      const isOver = (all: readonly Incident[]) => linkIncident(all)?.closedAt !== undefined;
      const closed = linkIncident(await until(incidents, isOver));
      expect(closed?.timeline.at(-1)?.what).toBe('closed');
      await until(
        () => ask<{ readonly constructs: readonly ConstructHealth[] }>('constructs'),
        (answer) => answer.constructs.some(isLinkHealthy),
      );
      const { minutes } = await ask<{ readonly minutes: readonly HealthMinute[] }>(
        'monitors/a-to-c/minutes',
      );
      expect(minutes.filter(({ healthIndicator }) => healthIndicator === 1)).toEqual([]);
    });

    async function nfm(...argv: string[]) {
      const program = join(checkoutRoot(), 'bin/nfm');
      const env = {
        ...process.env,
        AWS_SHARED_CREDENTIALS_FILE: join(server.data, 'credentials'),
        AWS_PROFILE: 'default',
        AWS_REGION: REGION,
        NFM_ENDPOINT: server.endpoint,
      };
      return await promisify(execFile)(process.execPath, [program, ...argv], { env });
    }
  },
);
