import { KubeConfig } from '@kubernetes/client-node';

type FetchOptions = Parameters<KubeConfig['applyToFetchOptions']>[0];
type RequestContext = Parameters<KubeConfig['applySecurityAuthentication']>[0];

/**
 * A configuration whose requests a signal can end. The client itself cannot end a list, nor a watch
 * before the server has answered it. Without this class, each unanswered attempt would leave a
 * connection open.
 */
export class EndableConfig extends KubeConfig {
  readonly #signal: AbortSignal;

  constructor(config: KubeConfig, signal: AbortSignal) {
    super();
    this.#signal = signal;
    this.loadFromOptions(config);
  }

  /** For watches. The client makes an agent for each. */
  override async applyToFetchOptions(options: FetchOptions) {
    const made = await super.applyToFetchOptions(options);
    const end = () => {
      if (typeof made.agent === 'object') made.agent.destroy();
    };
    this.#signal.addEventListener('abort', end, { once: true });
    return made;
  }

  /** For lists. */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(context);
    context.setSignal(this.#signal);
  }
}
