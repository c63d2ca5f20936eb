export const DEFAULT_ENDPOINT = 'http://127.0.0.1:8130';
export const DEFAULT_REGION = 'us-east-1';

/** `nfm server` creates this account at its first start. */
export const DEFAULT_ACCOUNT = '000000000000';

export interface CliEnvironment {
  readonly endpoint: string;
  readonly region: string;
}

/** Defaults of the global options: NFM_ENDPOINT, AWS_REGION, AWS_DEFAULT_REGION. */
export function readCliEnvironment(env: Readonly<Record<string, string | undefined>>) {
  return {
    endpoint: env.NFM_ENDPOINT ?? DEFAULT_ENDPOINT,
    region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? DEFAULT_REGION,
  };
}

export function processEnvironment(): CliEnvironment {
  return readCliEnvironment(process.env);
}
