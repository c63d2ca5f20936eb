/** What is read of a pod (v1.Pod). */
export interface ApiPod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** None when it is over, or in the node's own network. */
  readonly addresses: readonly string[];
}

/** What is read of a service (v1.Service). */
export interface ApiService {
  readonly name: string;
  readonly namespace: string;
  /** Labels its pods have; none: it names its endpoints otherwise. */
  readonly selector: Readonly<Record<string, string>>;
}

/** A pod or a service, as far as it is read. */
export interface ApiObject {
  readonly metadata?: {
    readonly uid?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
    readonly resourceVersion?: string;
  };
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly selector?: Readonly<Record<string, string>> | null;
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
  };
  /** Of a v1.Status, which an ERROR event has in an object's place. */
  readonly message?: string;
}

/** An address is given to others once its pod is over. */
const OVER: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);

export function parsePod({ metadata, spec, status }: ApiObject): ApiPod {
  const isShown = spec?.hostNetwork !== true && !OVER.has(status?.phase ?? '');
  const ips = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP];
  return {
    name: metadata?.name ?? '',
    namespace: metadata?.namespace ?? '',
    labels: metadata?.labels ?? {},
    addresses: isShown ? ips.filter((ip): ip is string => ip !== undefined && ip !== '') : [],
  };
}

export function parseService({ metadata, spec }: ApiObject): ApiService {
  return {
    name: metadata?.name ?? '',
    namespace: metadata?.namespace ?? '',
    selector: spec?.selector ?? {},
  };
}

/** The text of a list of objects. Throws when it is none. */
export function parseList(text: string): {
  readonly version: string;
  readonly objects: readonly ApiObject[];
} {
  const list: {
    readonly metadata?: { readonly resourceVersion?: string };
    readonly items?: readonly ApiObject[] | null;
  } = JSON.parse(text);
  const version = list.metadata?.resourceVersion;
  if (version === undefined) throw new Error('the API server gives no list');
  return { version, objects: list.items ?? [] };
}

export type ApiEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
      readonly uid: string;
      readonly version: string;
      readonly object: ApiObject;
    }
  /** Its version is too old, or the server gives up: list again. */
  | { readonly type: 'ERROR'; readonly message: string };

/** A line of a watch. Throws when it is none. */
export function parseEvent(line: string): ApiEvent {
  const { type, object }: { readonly type?: string; readonly object?: ApiObject } =
    JSON.parse(line);
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
