import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkoutRoot } from '../lib/checkout-root.ts';
import type { Credentials } from '../wire/sigv4/sign.ts';

export interface ServerProcessOptions {
  /** Default: a new temporary folder, removed by `dispose`. */
  readonly data?: string | undefined;
  /** Default: a free port of loopback. */
  readonly listen?: string | undefined;
  readonly flags?: readonly string[] | undefined;
}

const PROGRAM = join(checkoutRoot(), 'bin', 'nfm');
const READY = /listening on (\S+)/;

/** `bin/nfm server` in a process of its own, started as an operator starts it. */
export class ServerProcess {
  readonly #flags: readonly string[];
  readonly #ownsData: boolean;
  readonly data: string;
  #child: ChildProcess | undefined;
  #endpoint = '';
  #output = '';

  private constructor(data: string, options: ServerProcessOptions) {
    this.data = data;
    this.#ownsData = options.data === undefined;
    this.#flags = ['--listen', options.listen ?? '127.0.0.1:0', ...(options.flags ?? [])];
  }

  /** Starts a server and waits until it listens. */
  static async start(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const data = options.data ?? (await mkdtemp(join(tmpdir(), 'nfm-server-')));
    const server = new ServerProcess(data, options);
    await server.restart();
    return server;
  }

  /** e.g. `http://127.0.0.1:43210`. The port changes with each start unless `listen` names one. */
  get endpoint(): string {
    return this.#endpoint;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Standard output and standard error so far, interleaved. */
  get output(): string {
    return this.#output;
  }

  async restart(): Promise<void> {
    const child = spawn(
      process.execPath,
      [PROGRAM, 'server', '--data', this.data, ...this.#flags],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#child = child;
    this.#output = '';
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        this.#output += chunk;
        const address = READY.exec(this.#output)?.[1];
        if (address === undefined) return;
        this.#endpoint = address;
        resolve();
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('exit', (code) => {
        reject(new Error(`the server ended with ${code} before it listened: ${this.#output}`));
      });
    });
  }

  async credentials(profile: 'default' | 'agent'): Promise<Credentials> {
    return profileCredentials(await readFile(join(this.data, 'credentials'), 'utf8'), profile);
  }

  /** The value of a metric of `/metrics`; the name includes the labels, as printed there. */
  async metric(name: string): Promise<number> {
    const page = await (await fetch(`${this.#endpoint}/metrics`)).text();
    const line = page.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.split(' ')[1] ?? 0);
  }

  /** Waits until the store has every accepted report. */
  async waitUntilStored(): Promise<void> {
    while ((await this.metric('nfm_journal_waiting_bytes')) > 0) await delay(20);
  }

  /** Sends SIGTERM and waits; the exit code, or null if the signal ended the process. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Sends SIGKILL, as a crash would end the process, and waits. */
  kill(): Promise<number | null> {
    return this.#end('SIGKILL');
  }

  /** Kills the process and removes the data folder if `start` made it. */
  async dispose(): Promise<void> {
    await this.kill();
    if (this.#ownsData) await rm(this.data, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return child?.exitCode ?? null;
    }
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }
}

/** A profile of the credentials file that the server writes at its first start. */
export function profileCredentials(file: string, profile: 'default' | 'agent'): Credentials {
  const section = file.split(/^\[/m).find((part) => part.startsWith(`${profile}]`)) ?? '';
  const value = (key: string) => new RegExp(`^${key}\\s*=\\s*(\\S+)`, 'm').exec(section)?.[1] ?? '';
  return {
    accessKeyId: value('aws_access_key_id'),
    secretAccessKey: value('aws_secret_access_key'),
  };
}
