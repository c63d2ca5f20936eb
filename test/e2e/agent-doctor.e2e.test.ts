import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingForLab } from '../../src/lab/net/kernel-need.ts';
import { ServerProcess } from '../../src/lab/server-process.ts';
import { checkoutRoot } from '../../src/lib/checkout-root.ts';

const missing = missingForLab();

const NFM = join(checkoutRoot(), 'bin/nfm');

describe.skipIf(missing !== undefined)(`nfm agent doctor ${missing ?? ''}`, () => {
  let folder: string;
  let server: ServerProcess;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nfm-doctor-'));
    server = await ServerProcess.start();
  });
  afterAll(async () => {
    await server?.dispose();
    rmSync(folder, { recursive: true });
  });

  /** Runs the doctor: the status of each check by its name, and the exit code. */
  function doctor(env: Readonly<Record<string, string>>, ...argv: readonly string[]) {
    const to = ['--endpoint', `${server.endpoint}/publish`, '--spool-dir', join(folder, 'spool')];
    const { status, stdout } = spawnSync(
      process.execPath,
      [NFM, 'agent', 'doctor', ...to, ...argv],
      {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, ...env },
      },
    );
    const lines = stdout.split('\n').filter((line) => /^(OK|WARN|FAIL) /.test(line));
    const checks = lines.map((line) => [line.slice(5, 25).trim(), line.slice(0, 5).trim()]);
    return { code: status, checks: Object.fromEntries(checks), stdout };
  }

  test('on a complete host every check passes', () => {
    const keys = {
      AWS_SHARED_CREDENTIALS_FILE: join(server.data, 'credentials'),
      AWS_PROFILE: 'agent',
    };
    const { code, checks } = doctor(keys);
    expect(code).toBe(0);
    expect(Object.values(checks)).toEqual(Object.values(checks).map(() => 'OK'));
    expect(Object.keys(checks)).toEqual(
      expect.arrayContaining(['eBPF program', 'endpoint', 'clock', 'credentials', 'spool']),
    );
  });

  test('keys that the endpoint does not know fail the check, with advice', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'AKWRONG', AWS_SECRET_ACCESS_KEY: 'wrong' };
    const { code, checks, stdout } = doctor(keys);
    expect(code).toBe(1);
    expect(checks).toMatchObject({ endpoint: 'OK', credentials: 'FAIL' });
    expect(stdout).toContain('AWS_SHARED_CREDENTIALS_FILE');
  });

  test('an unreachable endpoint fails its check; the checks of clock and keys are not run', () => {
    const { code, checks } = doctor({}, '--endpoint', 'http://127.0.0.1:9/publish');
    expect(code).toBe(1);
    expect(checks).toMatchObject({ endpoint: 'FAIL', clock: 'WARN' });
    expect(checks).not.toHaveProperty('credentials');
  });

  test('the doctor stores nothing and leaves nothing behind', async () => {
    expect(await server.metric('nfm_publish_accepted_total')).toBe(0);
  });
});
