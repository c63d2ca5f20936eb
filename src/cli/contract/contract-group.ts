import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { botocoreModel, botocorePaginators } from '../../contract/botocore-model.ts';
import { openApiDocument } from '../../contract/openapi.ts';
import { SERVICE } from '../../contract/operations.ts';
import type { Output } from '../lib/cli-context.ts';
import type { CommandCall } from '../lib/command-call.ts';
import { defineCommand, defineGroup } from '../lib/define-command.ts';
import { option } from '../lib/option.ts';

const botocore = defineCommand({
  name: 'botocore',
  summary: 'print the botocore model, for an AWS CLI or boto3 without this service',
  options: [
    option(
      '--dir <dir>',
      'write the model below this folder, for AWS_DATA_PATH, instead of printing it',
    ),
  ],
  run(call: CommandCall<{ readonly dir?: string }>) {
    const { dir } = call.options;
    if (dir === undefined) call.printJson(botocoreModel());
    else writeModel(call.context.out, dir);
  },
});

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

const openapi = defineCommand({
  name: 'openapi',
  summary: 'print the OpenAPI 3.1 document',
  run(call: CommandCall) {
    call.printJson(openApiDocument());
  },
});

export const contractGroup = defineGroup({
  name: 'contract',
  summary: 'print the definition of the API for other clients',
  commands: [botocore, openapi],
});
