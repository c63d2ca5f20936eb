/** The account and key that are signed in. Scripts see neither the secret nor the cookie. */
export interface Session {
  readonly account: string;
  readonly region: string;
  readonly accessKeyId: string;
}

/** An access key, or the one-time token that the server prints at its start. */
export type Credentials =
  | { readonly token: string }
  | { readonly accessKeyId: string; readonly secretAccessKey: string };

/** The server answered 403. The message is the server's. */
export class SignInRejected extends Error {
  override readonly name = 'SignInRejected';
}

/** The three calls that only the console has, beside the API. */
export interface SessionApi {
  /** Resolves to the session of the cookie, or undefined. */
  read(): Promise<Session | undefined>;
  /** Throws SignInRejected. */
  signIn(credentials: Credentials): Promise<Session>;
  signOut(): Promise<void>;
}

const BASE = '/console/api';

/** Calls the server by `fetch` with the browser's cookies. */
export function createSessionApi(fetch: typeof globalThis.fetch): SessionApi {
  const post = (path: string, body: unknown) =>
    fetch(`${BASE}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      credentials: 'same-origin',
    });
  return {
    async read() {
      const response = await fetch(`${BASE}/session`, { credentials: 'same-origin' });
      if (response.status === 403) return undefined;
      return parseSession(await successOf(response, 'read the session'));
    },
    async signIn(credentials) {
      const response = await post('/sign-in', credentials);
      if (response.status === 403) throw new SignInRejected(await messageOf(response));
      return parseSession(await successOf(response, 'sign in'));
    },
    async signOut() {
      await successOf(await post('/sign-out', {}), 'sign out');
    },
  };
}

async function successOf(response: Response, action: string): Promise<unknown> {
  if (!response.ok) {
    throw new Error(`Cannot ${action}: the server answered ${response.status}.`);
  }
  const text = await response.text();
  return text === '' ? {} : JSON.parse(text);
}

async function messageOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const message = memberOf(body, 'message');
  return typeof message === 'string' && message !== ''
    ? message
    : 'The server rejected the sign-in.';
}

function parseSession(body: unknown): Session {
  const [account, region, accessKeyId] = ['account', 'region', 'accessKeyId'].map((name) => {
    const value = memberOf(body, name);
    if (typeof value !== 'string') throw new Error(`Cannot read the session: no ${name}.`);
    return value;
  });
  return { account: account ?? '', region: region ?? '', accessKeyId: accessKeyId ?? '' };
}

function memberOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}
