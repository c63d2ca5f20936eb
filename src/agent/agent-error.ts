/**
 * Why the agent cannot run here, in one line that says what to do. Whoever starts the agent sees
 * the message and nothing else.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
}
