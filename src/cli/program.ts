import { Command } from 'commander';
import { accountGroup } from './account/account-group.ts';
import { auditCommand } from './audit/audit-command.ts';
import { contractGroup } from './contract/contract-group.ts';
import { healthGroup } from './health/health-group.ts';
import { keyGroup } from './key/key-group.ts';
import type { CliContext } from './lib/cli-context.ts';
import type { CliEntry } from './lib/define-command.ts';
import { monitorGroup } from './monitor/monitor-group.ts';
import { organizationGroup } from './organization/organization-group.ts';
import { queryGroup } from './query/query-group.ts';
import { scopeGroup } from './scope/scope-group.ts';
import { tagCommands } from './tag/tag-commands.ts';
import { topCommand } from './top/top-command.ts';
import { topologyGroup } from './topology/topology-group.ts';

/** Every command, under its heading in `nfm --help`. */
const COMMANDS: Readonly<Record<string, readonly CliEntry[]>> = {
  'See the network:': [topCommand, healthGroup, queryGroup, topologyGroup],
  'Choose what to observe:': [scopeGroup, monitorGroup, ...tagCommands],
  'Administer the server:': [keyGroup, accountGroup, organizationGroup, auditCommand],
  'Other:': [contractGroup],
};

const AFTER_HELP = `
First steps, with a server and an agent running:
  nfm scope create                              observe the default account
  nfm top                                       see who transfers the most data
  nfm monitor create web --local az=use1-az1    track an Availability Zone
  nfm health status                             see whether the network is at fault

Programs with their own options:
  nfm server --help    receives reports, serves the API and the console
  nfm agent --help     reports the TCP connections of this host
  nfm lab list         network faults to try out on this machine
  nfm store repair --data DIR    repairs the data folder of a stopped server

Credentials come from the standard AWS chain: environment variables,
AWS_SHARED_CREDENTIALS_FILE, profiles. The first start of nfm server writes keys
to DIR/credentials; profile default is an administrator.
`;

/** The same on every terminal and in files. */
const HELP_WIDTH = 80;

/** The command line. Parsing runs the chosen command; an error is thrown and never ends the process. */
export function createProgram(context: CliContext): Command {
  const { endpoint, region } = context.environment;
  const program = new Command('nfm')
    .description('Network Flow Monitor: is it the network, and which flows does it hurt?')
    .option('--endpoint <url>', 'URL of the server (NFM_ENDPOINT)', endpoint)
    .option('--region <region>', 'Region of the scope and its monitors (AWS_REGION)', region)
    .option('--profile <name>', 'profile in the AWS credentials file (AWS_PROFILE)')
    .helpOption('-h, --help', 'show this help')
    .addHelpText('after', AFTER_HELP)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => context.out.write(text),
      writeErr: () => {},
      getOutHelpWidth: () => HELP_WIDTH,
    });
  for (const [heading, entries] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const entry of entries) entry.addTo(program, context);
  }
  addHelpCommand(program);
  inheritSettings(program);
  return program;
}

function addHelpCommand(command: Command): void {
  command.helpCommand('help [command]', 'show the help of a command');
}

/** commander copies settings to a subcommand when it is created, before they are complete. */
function inheritSettings(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    // The parent's help command would be listed under the parent's last heading.
    if (child.commands.length > 0) addHelpCommand(child);
    inheritSettings(child);
  }
}
