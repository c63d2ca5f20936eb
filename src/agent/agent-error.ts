/**
 * A reason why the agent cannot run on this host. The message is one line with the remedy; it is all
 * that the agent prints before it exits.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
}
