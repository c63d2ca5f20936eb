/** The members of a pod (v1.Pod) that we use. */
export interface ApiPod {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Empty when the pod has ended or is in the node's own network. */
  readonly addresses: readonly string[];
}

/** The members of a service (v1.Service) that we use. */
export interface ApiService {
  readonly name: string;
  readonly namespace: string;
  /** Labels of its pods; empty when the service names its endpoints in another way. */
  readonly selector: Readonly<Record<string, string>>;
}

/** The members of a pod or service that are parsed. */
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
  /** Only in a v1.Status, which an ERROR event has instead of an object. */
  readonly message?: string;
}

/** Phases in which a pod's address may already belong to another pod. */
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

/**
 * Parses a list of objects.
 *
 * @throws Error when the text is no list
 */
export function parseList(text: string): {
  readonly version: string;
  readonly objects: readonly ApiObject[];
} {
  const list: {
    readonly metadata?: { readonly resourceVersion?: string };
    readonly items?: readonly ApiObject[] | null;
  } = JSON.parse(text);
  const version = list.metadata?.resourceVersion;
  if (version === undefined) throw new Error("the API server's answer is no list");
  return { version, objects: list.items ?? [] };
}

export type ApiEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
      readonly uid: string;
      readonly version: string;
      readonly object: ApiObject;
    }
  /** The version is too old, or the server ends the watch: the objects must be listed again. */
  | { readonly type: 'ERROR'; readonly message: string };

/**
 * Parses a line of a watch.
 *
 * @throws Error when the line is no event
 */
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
