/** What the person at the terminal can act on; printed as one line, exit status 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
}
