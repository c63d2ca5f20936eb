/**
 * Written into each part of a data folder at each start, so that a part which is lost, older than
 * the others or from another folder is detected.
 */
export interface InstallationMark {
  /** The id that the data folder got when it was created. */
  readonly installation: string;
  /** Counts the starts of the server, from 1. */
  readonly generation: number;
}
