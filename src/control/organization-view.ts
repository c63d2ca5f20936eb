import type { Log } from '../lib/log.ts';
import { Loop } from '../lib/loop.ts';
import type { Service } from '../lib/service.ts';
import type { AccountRelations } from '../model/account-relations.ts';
import type { Organization, OrganizationDescription } from './organization.ts';

export interface OrganizationViewDeps {
  readonly organization: Pick<Organization, 'describe'>;
  readonly log: Log;
}

const REFRESH_MILLIS = 5_000;

/**
 * The organization as of the last successful reading, for code that cannot wait for the database.
 * Reads it every 5 seconds. While the control database is down, the last reading stays in force.
 */
export class OrganizationView implements AccountRelations, Service {
  readonly name = 'organization view';
  readonly #deps: OrganizationViewDeps;
  readonly #loop = new Loop({
    round: () => this.#read(),
    everyMillis: REFRESH_MILLIS,
    pausesFirst: true,
    onError: (error) => this.#deps.log.warn('cannot read the organization', { error }),
  });
  #managementAccount: string | undefined;
  #members: ReadonlySet<string> = new Set();
  #delegated: ReadonlySet<string> = new Set();

  constructor(deps: OrganizationViewDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    await this.#read();
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /**
   * The management account administers every account, and a delegated administrator every member
   * of the organization.
   */
  administers(account: string, other: string): boolean {
    if (account === other) return false;
    if (account === this.#managementAccount) return true;
    return this.#delegated.has(account) && this.#isIn(other);
  }

  areTogether(account: string, other: string): boolean {
    return this.#isIn(account) && this.#isIn(other);
  }

  #isIn(account: string): boolean {
    return account === this.#managementAccount || this.#members.has(account);
  }

  async #read(): Promise<void> {
    const { managementAccount, members }: OrganizationDescription =
      await this.#deps.organization.describe();
    this.#managementAccount = managementAccount;
    this.#members = new Set(members.map(({ account }) => account));
    const delegated = members.filter(({ isDelegatedAdministrator }) => isDelegatedAdministrator);
    this.#delegated = new Set(delegated.map(({ account }) => account));
  }
}
