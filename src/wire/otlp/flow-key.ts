import { FLOW_ATTRIBUTES } from '../../model/report.ts';
import { type Cursor, spanTag, varintTag } from './cursor.ts';
import { ANY_VALUE, KEY_VALUE } from './fields.ts';

/** The attributes of a flow that name Kubernetes pods and services. */
export const POD_ATTRIBUTES = [
  'local_pod_name',
  'local_pod_namespace',
  'local_pod_service',
  'remote_pod_name',
  'remote_pod_namespace',
  'remote_pod_service',
] as const;

const TEXTS = [
  'protocol',
  'local_address',
  'remote_address',
  ...POD_ATTRIBUTES,
  FLOW_ATTRIBUTES.processName,
  FLOW_ATTRIBUTES.cgroup,
  FLOW_ATTRIBUTES.localSocketAddress,
  FLOW_ATTRIBUTES.remoteSocketAddress,
] as const;
const NUMBERS = ['local_port', 'remote_port'] as const;

type TextAttribute = (typeof TEXTS)[number];
type NumberAttribute = (typeof NUMBERS)[number];

/** The attributes of a flow as in the report; absent ones are "" and 0. */
export type WireFlowKey = Record<TextAttribute, string> & Record<NumberAttribute, number>;

const KEY = spanTag(KEY_VALUE.key);
const VALUE = spanTag(KEY_VALUE.value);
const STRING = spanTag(ANY_VALUE.stringValue);
const INT = varintTag(ANY_VALUE.intValue);

interface KnownKey {
  readonly name: TextAttribute | NumberAttribute;
  readonly bytes: Uint8Array;
}

const KNOWN: readonly KnownKey[] = [...NUMBERS, ...TEXTS].map((name) => ({
  name,
  bytes: Buffer.from(name),
}));

export function emptyFlowKey(): WireFlowKey {
  return {
    protocol: '',
    local_address: '',
    remote_address: '',
    local_port: 0,
    remote_port: 0,
    local_pod_name: '',
    local_pod_namespace: '',
    local_pod_service: '',
    remote_pod_name: '',
    remote_pod_namespace: '',
    remote_pod_service: '',
    [FLOW_ATTRIBUTES.processName]: '',
    [FLOW_ATTRIBUTES.cgroup]: '',
    [FLOW_ATTRIBUTES.localSocketAddress]: '',
    [FLOW_ATTRIBUTES.remoteSocketAddress]: '',
  };
}

/**
 * Reads one KeyValue of a flow into `into`. The cursor must be at its length. Compares keys as bytes:
 * as strings, the five keys of each flow would be most of the memory that a report allocates.
 */
export function readFlowAttribute(cursor: Cursor, into: WireFlowKey): void {
  const outer = cursor.enter();
  let name: KnownKey['name'] | undefined;
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === KEY) name = readKey(cursor);
    else if (tag === VALUE && name !== undefined) readValue(cursor, into, name);
    else cursor.skip(tag);
  }
  cursor.leave(outer);
}

function readKey(cursor: Cursor): KnownKey['name'] | undefined {
  for (const { name, bytes } of KNOWN) if (cursor.takeSpan(bytes)) return name;
  cursor.skip(KEY);
  return undefined;
}

/** A value of another type leaves the key empty or NaN, and the flow is then rejected. */
function readValue(cursor: Cursor, into: WireFlowKey, name: KnownKey['name']): void {
  const outer = cursor.enter();
  const isNumber = name === 'local_port' || name === 'remote_port';
  while (cursor.more) {
    const tag = cursor.tag();
    if (isNumber && tag === INT) into[name] = cursor.varint();
    else if (!isNumber && tag === STRING) into[name] = cursor.string();
    else if (isNumber && tag === STRING) {
      into[name] = Number.NaN;
      cursor.skip(tag);
    } else cursor.skip(tag);
  }
  cursor.leave(outer);
}
