/** A signature in the state file. The account is missing in files of earlier versions. */
export type SavedSignature = readonly [
  signature: string,
  expiresMillis: number,
  account?: string | undefined,
];

interface Account {
  readonly expiries: Map<string, number>;
  /** Signatures by the minute in which they expire. */
  readonly byMinute: Map<number, string[]>;
}

const MINUTE_MILLIS = 60_000;

/**
 * Remembers signatures until they expire. Beyond `max` it takes the account with the most
 * signatures and forgets those of its signatures that expire first. So no account can displace the
 * signatures of one that has fewer.
 */
export class SignatureMemory {
  readonly #max: number;
  readonly #onForgotten: (count: number) => void;
  readonly #accounts = new Map<string, Account>();
  #size = 0;
  #sweptMinute = 0;

  constructor(max: number, onForgotten: (count: number) => void) {
    this.#max = max;
    this.#onForgotten = onForgotten;
  }

  has(account: string, signature: string, nowMillis: number): boolean {
    const expires = Math.max(
      this.#accounts.get(account)?.expiries.get(signature) ?? 0,
      this.#accounts.get('')?.expiries.get(signature) ?? 0,
    );
    return expires > nowMillis;
  }

  add([signature, expiresMillis, account = '']: SavedSignature): void {
    const own = this.#accounts.get(account) ?? { expiries: new Map(), byMinute: new Map() };
    this.#accounts.set(account, own);
    if (own.expiries.has(signature)) return;
    own.expiries.set(signature, expiresMillis);
    const minute = Math.ceil(expiresMillis / MINUTE_MILLIS);
    const expiring = own.byMinute.get(minute);
    if (expiring === undefined) own.byMinute.set(minute, [signature]);
    else expiring.push(signature);
    this.#size++;
  }

  /** Forgets expired signatures, and others while there are more than `max`. */
  forget(nowMillis: number): void {
    const minute = Math.floor(nowMillis / MINUTE_MILLIS);
    if (minute !== this.#sweptMinute) {
      this.#sweptMinute = minute;
      for (const [name, { byMinute }] of this.#accounts) {
        for (const expiring of byMinute.keys()) {
          if (expiring <= minute) this.#forgetMinute(name, expiring);
        }
      }
    }
    while (this.#size > this.#max) this.#forgetEarliest();
  }

  saved(): readonly SavedSignature[] {
    return [...this.#accounts].flatMap(([account, { expiries }]) =>
      [...expiries].map(([signature, expires]): SavedSignature => [signature, expires, account]),
    );
  }

  #forgetEarliest(): void {
    const [[largest, { byMinute }] = ['', { byMinute: new Map() }]] = [...this.#accounts].sort(
      ([, a], [, b]) => b.expiries.size - a.expiries.size,
    );
    this.#onForgotten(this.#forgetMinute(largest, Math.min(...byMinute.keys())));
  }

  /** @returns how many were forgotten */
  #forgetMinute(name: string, minute: number): number {
    const account = this.#accounts.get(name);
    const signatures = account?.byMinute.get(minute) ?? [];
    for (const signature of signatures) account?.expiries.delete(signature);
    account?.byMinute.delete(minute);
    if (account?.expiries.size === 0) this.#accounts.delete(name);
    this.#size -= signatures.length;
    return signatures.length;
  }
}
