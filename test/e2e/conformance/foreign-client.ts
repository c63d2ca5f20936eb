import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { ServerProcess } from '../../../src/lab/server-process.ts';
import { checkoutRoot } from '../../../src/lib/checkout-root.ts';
import { reportFlows } from './reported-flows.ts';

/** The account in AWS's examples. */
export const ACCOUNT = '123456789012';
export const REGION = 'us-east-1';

/** Skips the test if a file it needs is missing. */
export function need(context: TestContext, path: string, debianPackage: string): void {
  if (!existsSync(path)) context.skip(`needs ${path}: apt-get install ${debianPackage}`);
}

/**
 * A server with flows of the last minute, and the environment variables for one of AWS's own clients:
 * the derived model, credentials and Region.
 */
export class ForeignClient {
  readonly server: ServerProcess;
  readonly #models: string;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(server: ServerProcess, models: string, environment: Record<string, string>) {
    this.server = server;
    this.#models = models;
    this.#environment = environment;
  }

  static async start(flags: readonly string[] = []): Promise<ForeignClient> {
    const models = mkdtempSync(join(tmpdir(), 'nfm-models-'));
    const server = await ServerProcess.start({ flags: ['--account', ACCOUNT, ...flags] }).catch(
      (error: unknown) => {
        rmSync(models, { recursive: true });
        throw error;
      },
    );
    const client = new ForeignClient(server, models, {
      PATH: '/usr/bin:/bin',
      HOME: models,
      AWS_DATA_PATH: models,
      AWS_SHARED_CREDENTIALS_FILE: join(server.data, 'credentials'),
      AWS_CONFIG_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_DEFAULT_REGION: REGION,
      AWS_PAGER: '',
      NFM_ENDPOINT: server.endpoint,
      ACCOUNT,
    });
    try {
      const program = join(checkoutRoot(), 'bin/nfm');
      execFileSync(process.execPath, [program, 'contract', 'botocore', '--dir', models]);
      await reportFlows(server, REGION);
    } catch (error) {
      await client.dispose();
      throw error;
    }
    return client;
  }

  /** Runs a program; returns its exit code and the lines of both output streams. */
  run(program: string, args: readonly string[]): { status: number | null; lines: string[] } {
    const { status, stdout, stderr } = spawnSync(program, args, {
      env: this.#environment,
      encoding: 'utf8',
      timeout: 110_000,
    });
    return { status, lines: `${stdout}${stderr}`.trimEnd().split('\n') };
  }

  async dispose(): Promise<void> {
    await this.server.dispose();
    rmSync(this.#models, { recursive: true, force: true });
  }
}
