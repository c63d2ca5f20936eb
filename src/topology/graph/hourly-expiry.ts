/** A repository of rows that are deleted after a retention. */
export interface ExpiringRepository {
  /** In seconds since 1970. */
  retentionStart(): number;
  deleteBefore(seconds: number): Promise<void>;
}

const EXPIRE_EVERY_SECONDS = 3_600;

/** Once an hour, deletes rows older than the retention, first in a repository, then in memory. */
export class HourlyExpiry {
  readonly #repository: ExpiringRepository;
  #expiredSeconds = 0;

  constructor(repository: ExpiringRepository) {
    this.#repository = repository;
  }

  /** @param drop deletes in memory what ended before a time */
  async run(drop: (beforeSeconds: number) => void): Promise<void> {
    const beforeSeconds = this.#repository.retentionStart();
    if (beforeSeconds < this.#expiredSeconds + EXPIRE_EVERY_SECONDS) return;
    await this.#repository.deleteBefore(beforeSeconds);
    this.#expiredSeconds = beforeSeconds;
    drop(beforeSeconds);
  }
}
