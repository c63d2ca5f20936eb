import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';

const root = checkoutRoot();
const example = (path: string) => join(root, 'examples', path);
const NFM = join(root, 'bin/nfm');

let folder: string;
let server: ServerProcess;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nfm-examples-'));
  server = await ServerProcess.start({ flags: ['--inventory', example('inventory/office.yaml')] });
});
afterAll(async () => {
  await server?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function nfm(...args: readonly string[]): string {
  const AWS_SHARED_CREDENTIALS_FILE = join(server.data, 'credentials');
  return execFileSync(process.execPath, [NFM, ...args], {
    env: { PATH: process.env.PATH, NFM_ENDPOINT: server.endpoint, AWS_SHARED_CREDENTIALS_FILE },
    encoding: 'utf8',
  });
}

test('the inventory places its hosts and links its networks', () => {
  const lookup = nfm('topology', 'lookup', '10.20.1.7');
  expect(lookup).toMatch(/\bberlin\s+subnet-\w+\s+ber1\s+eni-\w+\s+i-\w+/);
  expect(nfm('topology', 'path', '10.20.1.7', '10.30.1.5')).toContain('AWS::EC2::TransitGateway');
});

test('the policy makes a key that may create monitors of one team only', () => {
  nfm('scope', 'create', '--wait');
  const made = nfm('key', 'create', '--policy', example('policy/team-web.json'));
  const { accessKeyId, secretAccessKey } = JSON.parse(made) as Record<string, string>;
  const create = (name: string) =>
    spawnSync(process.execPath, [NFM, 'monitor', 'create', name, '--local', 'az=ber1'], {
      env: {
        PATH: process.env.PATH,
        NFM_ENDPOINT: server.endpoint,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
      encoding: 'utf8',
    });
  expect(create('web-shop')).toMatchObject({ status: 0, stderr: '' });
  expect(create('db-shop').stderr).toContain('AccessDeniedException');
});

test('the server accepts the settings file, and its unit names that file', () => {
  const settings = parse(readFileSync(example('server/nfm.yaml'), 'utf8')) as object;
  const path = join(folder, 'nfm.yaml');
  // Certificates and the data folder of an installation are not on this machine.
  const here = { ...settings, data: join(folder, 'data'), tlsCert: '', tlsKey: '' };
  writeFileSync(path, JSON.stringify({ ...here, insecurePlainHttp: true }));
  const checked = execFileSync(process.execPath, [NFM, 'server', '--config', path, '--check']);
  expect(checked.toString()).toContain('the settings are valid');
  const unit = readFileSync(example('server/nfm-server.service'), 'utf8');
  expect(unit).toContain('nfm server --config /etc/nfm/nfm.yaml');
});

test('the alert rules use metrics that the server has, and labels that these have', async () => {
  const rules = readFileSync(example('prometheus/nfm-rules.yml'), 'utf8');
  const page = await (await fetch(`${server.endpoint}/metrics`)).text();
  const used = [...new Set([...rules.matchAll(/\bnfm_\w+/g)].map(([name]) => name))];
  expect(used).not.toEqual([]);
  const names = [...page.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name);
  expect(used.filter((name) => !names.includes(name))).toEqual([]);
});
