import { argument } from '../lib/option.ts';

export const monitorArgument = argument('<name>', 'name of the monitor');
