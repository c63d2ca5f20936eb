/** Something with a lifecycle: `start` does I/O, `stop` undoes it; each is called once. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Services started in order and stopped in reverse. When one does not start, those that did are
 * stopped again and the error goes on; when one does not stop, the rest are stopped all the same.
 */
export class ServiceGroup implements Service {
  readonly name = 'services';
  readonly #services: readonly Service[];
  readonly #running: Service[] = [];

  constructor(services: readonly Service[]) {
    this.#services = services;
  }

  async start(): Promise<void> {
    for (const service of this.#services) {
      try {
        await service.start();
      } catch (cause) {
        await this.stop().catch(() => {});
        throw new Error(`cannot start ${service.name}`, { cause });
      }
      this.#running.push(service);
    }
  }

  async stop(): Promise<void> {
    const failures: unknown[] = [];
    for (let service = this.#running.pop(); service !== undefined; service = this.#running.pop()) {
      try {
        await service.stop();
      } catch (cause) {
        failures.push(new Error(`cannot stop ${service.name}`, { cause }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'cannot stop every service');
  }
}
