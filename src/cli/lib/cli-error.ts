/** A failure that the user can correct. It is printed as one line, and `nfm` exits with status 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
}
