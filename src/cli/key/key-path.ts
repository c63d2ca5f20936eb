import { argument } from '../lib/option.ts';

export const KEYS_PATH = '/keys';

export const keyArgument = argument('<accessKeyId>', 'ID of the access key');

export function keyPath(accessKeyId: string): string {
  return `${KEYS_PATH}/${encodeURIComponent(accessKeyId)}`;
}
