import { open } from 'node:fs/promises';
import { MILLIS_A_DAY } from '../../../lib/durations.ts';
import { errorMessage } from '../../../lib/error-details.ts';
import { Loop } from '../../../lib/loop.ts';
import { type SettingValues, textSetting } from '../../../lib/setting.ts';
import type { TopologySource } from '../../topology-source.ts';
import type { SliceReader } from '../slice-reader.ts';
import type { SourceKind } from '../source-kind.ts';
import { readIpRanges } from './ip-ranges.ts';

export const IP_RANGES_SETTINGS = {
  awsIpRanges: textSetting(
    '',
    "file or URL of the published prefixes of AWS's services, read daily: https://ip-ranges.amazonaws.com/ip-ranges.json",
  ),
};

export const IP_RANGES: SourceKind<SettingValues<typeof IP_RANGES_SETTINGS>> = {
  isConfigured: ({ source, slice }, { awsIpRanges }) =>
    awsIpRanges !== '' && source === IP_RANGES_SLICE.source && slice === IP_RANGES_SLICE.slice,
  create: ({ awsIpRanges: location }, { reader }) =>
    location === '' ? [] : [new IpRangesSource({ reader, location })],
};

export interface IpRangesSourceDeps {
  readonly reader: SliceReader;
  /** A path, or an http or https URL. */
  readonly location: string;
}

/** AWS changes the list several times a week. */
const EVERY_MILLIS = MILLIS_A_DAY;
const AGAIN_MILLIS = 600_000;
/** The list of AWS has 2 MB in 2026. */
const MAX_BYTES = 16 * 1024 * 1024;
const FETCH_MILLIS = 60_000;
const IP_RANGES_SLICE = { source: 'aws', slice: 'ip-ranges' } as const;

/** Reads the published prefixes of AWS's services daily, and 10 minutes after a failure. */
export class IpRangesSource implements TopologySource {
  readonly name = 'ip ranges';
  readonly #deps: IpRangesSourceDeps;
  readonly #loop = new Loop({
    round: (signal) => this.#read(signal),
    everyMillis: EVERY_MILLIS,
    retryMillis: () => AGAIN_MILLIS,
    // The reader counts and logs a failure.
    onError: () => {},
  });

  constructor(deps: IpRangesSourceDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { reader, location } = this.#deps;
    const read = async () => readIpRanges(await readText(location, signal));
    await reader.read(IP_RANGES_SLICE, read, signal);
  }
}

async function readText(location: string, signal: AbortSignal): Promise<string> {
  const isUrl = /^https?:\/\//.test(location);
  try {
    return await bounded(isUrl ? await download(location, signal) : await fileBytes(location));
  } catch (cause) {
    const message = errorMessage(cause);
    throw new Error(`cannot read ${location}: ${message}`, { cause });
  }
}

async function download(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(FETCH_MILLIS)]);
  const response = await fetch(url, { signal: limit });
  if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
  return response.body;
}

async function fileBytes(path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await open(path);
  return file.createReadStream();
}

async function bounded(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
    kept.push(chunk);
  }
  return Buffer.concat(kept).toString('utf8');
}
