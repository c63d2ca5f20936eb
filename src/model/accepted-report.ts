import type { Owner } from './owner.ts';

/** An accepted report, as the journal stores it and the decoder reads it. */
export interface AcceptedReport {
  readonly owner: Owner;
  /** The time at which the server had the whole request, milliseconds since 1970. */
  readonly receivedAtMillis: number;
  /** The agent's time when it signed: `X-Amz-Date`, milliseconds since 1970. */
  readonly signedAtMillis: number;
  readonly encoding: 'gzip' | 'identity';
  /** The request's SigV4 signature. The server accepts each only once. */
  readonly signature: string;
  readonly runId?: string | undefined;
  readonly sequence?: number | undefined;
  /** The body as received. */
  readonly body: Uint8Array;
}

/** Encodes the length of the header (u16, little-endian), the header as JSON, and the body. */
export function encodeAcceptedReport(report: AcceptedReport): Uint8Array {
  const { body, ...header } = report;
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16LE(json.length, 0);
  return Buffer.concat([length, json, body]);
}

/** The inverse of `encodeAcceptedReport`. The body is a view into `bytes`. */
export function decodeAcceptedReport(bytes: Buffer): AcceptedReport {
  const length = bytes.readUInt16LE(0);
  const header = JSON.parse(bytes.toString('utf8', 2, 2 + length)) as Omit<AcceptedReport, 'body'>;
  return { ...header, body: bytes.subarray(2 + length) };
}
