import { errorMessage } from '../lib/error-message.ts';
import { Store } from '../lib/store.ts';
import { type Credentials, type Session, type SessionApi, SignInRejected } from './session.ts';

export type SessionState =
  | { readonly status: 'starting' }
  /** `notice` is the reason why the user has to sign in, if there is one to show. */
  | { readonly status: 'signed-out'; readonly busy: boolean; readonly notice?: string | undefined }
  | { readonly status: 'signed-in'; readonly session: Session };

export interface SessionStoreDeps {
  readonly api: SessionApi;
  /** One-time token that was in the address. */
  readonly token?: string | undefined;
}

/** Holds the session and signs in and out. `start` is called once. */
export class SessionStore {
  readonly state = new Store<SessionState>({ status: 'starting' });
  readonly #deps: SessionStoreDeps;

  constructor(deps: SessionStoreDeps) {
    this.#deps = deps;
  }

  /** Signs in with the token. Without a valid token, continues the session of the cookie. */
  async start(): Promise<void> {
    const { api, token } = this.#deps;
    let notice: string | undefined;
    if (token !== undefined) {
      try {
        return this.#signedIn(await api.signIn({ token }));
      } catch (error) {
        notice = `The sign-in link did not work: ${messageOf(error)}`;
      }
    }
    try {
      const session = await api.read();
      if (session === undefined) this.#signedOut(notice);
      else this.#signedIn(session);
    } catch (error) {
      this.#signedOut(notice ?? messageOf(error));
    }
  }

  async signIn(credentials: Credentials): Promise<void> {
    this.state.set({ status: 'signed-out', busy: true });
    try {
      this.#signedIn(await this.#deps.api.signIn(credentials));
    } catch (error) {
      this.#signedOut(messageOf(error));
    }
  }

  /** Ends the session on the server, and in the page even if the server cannot be reached. */
  async signOut(): Promise<void> {
    try {
      await this.#deps.api.signOut();
      this.#signedOut(undefined);
    } catch (error) {
      this.#signedOut(`You are signed out here, but not on the server: ${messageOf(error)}`);
    }
  }

  /** Called when the server no longer knows the session. */
  end(): void {
    this.#signedOut('Your session has ended. Sign in again.');
  }

  #signedIn(session: Session): void {
    this.state.set({ status: 'signed-in', session });
  }

  #signedOut(notice: string | undefined): void {
    this.state.set({ status: 'signed-out', busy: false, notice });
  }
}

function messageOf(error: unknown): string {
  return error instanceof SignInRejected ? error.message : errorMessage(error);
}
