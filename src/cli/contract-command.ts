import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { botocoreModel, botocorePaginators } from '../contract/botocore-model.ts';
import { openApiDocument } from '../contract/openapi.ts';
import { SERVICE } from '../contract/operations.ts';
import type { CliContext, Output } from './context.ts';
import { printJson } from './print-json.ts';

export function addContractCommand(program: Command, context: CliContext): void {
  const contract = program.command('contract').description('the API as documents, derived');
  contract
    .command('botocore')
    .description('teaches an AWS CLI or boto3 too old to know the service')
    .option('--dir <dir>', 'write the model there, for AWS_DATA_PATH, instead of printing it')
    .action((options: { readonly dir?: string }) => {
      if (options.dir === undefined) printJson(context.out, botocoreModel());
      else writeModel(context.out, options.dir);
    });
  contract
    .command('openapi')
    .description('OpenAPI 3.1')
    .action(() => printJson(context.out, openApiDocument()));
}

/** botocore looks for DIR/<service>/<version>/service-2.json. */
function writeModel(out: Output, directory: string): void {
  const folder = join(directory, SERVICE.endpointPrefix, SERVICE.apiVersion);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'service-2.json'), JSON.stringify(botocoreModel(), undefined, 1));
  writeFileSync(
    join(folder, 'paginators-1.json'),
    JSON.stringify(botocorePaginators(), undefined, 1),
  );
  out.write(`wrote ${folder}: set AWS_DATA_PATH=${directory}\n`);
}
