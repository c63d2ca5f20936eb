import { readFile } from 'node:fs/promises';
import { replaceFile } from '../lib/durable-file.ts';
import { errorCode } from '../lib/error-details.ts';
import type { InstallationMark } from '../model/installation-mark.ts';
import type { AcceptedReports, AcceptedReportsState } from './accepted-reports.ts';

/**
 * Saves the memory of accepted reports, before their journal segments are deleted, with the mark
 * of this start.
 */
export async function saveAccepted(
  path: string,
  accepted: AcceptedReports,
  mark: InstallationMark,
): Promise<void> {
  const file = await replaceFile(path, JSON.stringify({ ...accepted.state(), mark }));
  await file.close();
}

/** Restores the saved memory; does nothing when the file is missing. */
export async function loadAccepted(path: string, accepted: AcceptedReports): Promise<void> {
  try {
    accepted.restore(JSON.parse(await readFile(path, 'utf8')) as AcceptedReportsState);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return;
    throw new Error(`cannot read ${path}`, { cause });
  }
}
