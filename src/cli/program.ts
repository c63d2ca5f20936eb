import { Command } from 'commander';
import { addAccountCommands } from './account-commands.ts';
import { addAuditCommand } from './audit-command.ts';
import type { CliContext } from './context.ts';
import { addContractCommand } from './contract-command.ts';
import { addHealthCommands } from './health-commands.ts';
import { addKeyCommands } from './key-commands.ts';
import { addMonitorCommands } from './monitor-commands.ts';
import { addOrganizationCommands } from './organization-commands.ts';
import { addQueryCommands } from './query-commands.ts';
import { addScopeCommands } from './scope-commands.ts';
import { addTagCommands } from './tag-commands.ts';
import { addTopCommand } from './top-command.ts';
import { addTopologyCommands } from './topology-commands.ts';

const ELSEWHERE = `
Run by the same command, with options of their own:
  nfm server --help               the server: reports in, API and console out
  nfm agent --help                the agent of this host
  nfm lab list                    incidents on a network of this machine's own, to see it at work

Credentials come from the standard AWS chain: environment, AWS_SHARED_CREDENTIALS_FILE, profiles.
A server's first start writes some to DIR/credentials, profile default.
`;

/** The same on every terminal and in files. */
const HELP_WIDTH = 80;

/** The command line. Parsing runs the chosen command; faults are thrown, never exit the process. */
export function createProgram(context: CliContext): Command {
  const { endpoint, region } = context.environment;
  const program = new Command('nfm')
    .description('Network Flow Monitor: who is it, and is it the network?')
    .option('--endpoint <url>', 'the server (NFM_ENDPOINT)', endpoint)
    .option('--region <region>', 'Region of what is asked for (AWS_REGION)', region)
    .option('--profile <name>', 'profile of the AWS credentials files (AWS_PROFILE)')
    .addHelpText('after', ELSEWHERE)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: () => {},
      getOutHelpWidth: () => HELP_WIDTH,
    });
  addTopCommand(program, context);
  addHealthCommands(program, context);
  addQueryCommands(program, context);
  addMonitorCommands(program, context);
  addScopeCommands(program, context);
  addTagCommands(program, context);
  addTopologyCommands(program, context);
  addKeyCommands(program, context);
  addAccountCommands(program, context);
  addOrganizationCommands(program, context);
  addAuditCommand(program, context);
  addContractCommand(program, context);
  inheritExitOverride(program);
  return program;
}

/** commander copies settings to subcommands when they are made, before they are complete. */
function inheritExitOverride(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritExitOverride(child);
  }
}
