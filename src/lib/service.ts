/** A part with a lifecycle: `start` does I/O and `stop` undoes it. Each is called once. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts services in order and stops them in reverse. When a service fails to start, the group
 * stops the started ones and rethrows the error. When a service fails to stop, the group still
 * stops the others.
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
