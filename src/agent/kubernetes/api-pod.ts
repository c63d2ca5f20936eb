/** What is read of a pod (v1.Pod). */
export interface ApiPod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** None when it is over, or in the node's own network. */
  readonly addresses: readonly string[];
}

interface WirePod {
  readonly metadata?: {
    readonly uid?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
  };
  readonly spec?: { readonly hostNetwork?: boolean };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
  };
  /** Of a v1.Status, which an ERROR event has in a pod's place. */
  readonly message?: string;
}

/** An address is given to others once its pod is over. */
const OVER: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);

export function parsePod({ metadata, spec, status }: WirePod): ApiPod {
  const isShown = spec?.hostNetwork !== true && !OVER.has(status?.phase ?? '');
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP];
  return {
    uid: metadata?.uid ?? '',
    name: metadata?.name ?? '',
    namespace: metadata?.namespace ?? '',
    addresses: isShown ? ips.filter((ip): ip is string => ip !== undefined && ip !== '') : [],
  };
}

/** The text of a v1.PodList. Throws when it is none. */
export function parsePodList(text: string): {
  readonly version: string;
  readonly pods: readonly ApiPod[];
} {
  const list: {
    readonly metadata?: { readonly resourceVersion?: string };
    readonly items?: readonly WirePod[] | null;
  } = JSON.parse(text);
  const version = list.metadata?.resourceVersion;
  if (version === undefined) throw new Error('the API server gives no list of pods');
  return { version, pods: (list.items ?? []).map(parsePod) };
}

export type PodEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
      readonly uid: string;
      readonly version: string;
      readonly object: WirePod;
    }
  /** Its version is too old, or the server gives up: list again. */
  | { readonly type: 'ERROR'; readonly message: string };

/** A line of a watch. Throws when it is none. */
export function parsePodEvent(line: string): PodEvent {
  const { type, object }: { readonly type?: string; readonly object?: WirePod } = JSON.parse(line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK': {
      const { uid = '', resourceVersion: version = '' } = object?.metadata ?? {};
      return { type, uid, version, object: object ?? {} };
    }
    default:
      return { type: 'ERROR', message: object?.message ?? `an event of type ${type}` };
  }
}
