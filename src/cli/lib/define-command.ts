import type { Argument, Command, Option } from 'commander';
import type { CliContext } from './cli-context.ts';
import { CommandCall } from './command-call.ts';

/** A command or a group of commands, ready to be added to the program. */
export interface CliEntry {
  addTo(parent: Command, context: CliContext): void;
}

export interface CommandSpec<Options, Arguments extends readonly unknown[]> {
  readonly name: string;
  readonly summary: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  /** Receives the parsed arguments in their order. */
  readonly run: (call: CommandCall<Options>, ...given: Arguments) => Promise<void> | void;
}

export function defineCommand<Options, Arguments extends readonly unknown[]>(
  spec: CommandSpec<Options, Arguments>,
): CliEntry {
  return {
    addTo(parent, context) {
      const command = parent.command(spec.name).description(spec.summary);
      for (const argument of spec.arguments ?? []) command.addArgument(argument);
      for (const option of spec.options ?? []) command.addOption(option);
      command.action(() => {
        const call = new CommandCall<Options>(context, command.optsWithGlobals());
        // commander parses by `arguments`, which the compiler cannot compare with `run`.
        return spec.run(call, ...(command.processedArgs as unknown as Arguments));
      });
    },
  };
}

export interface GroupSpec {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CliEntry[];
}

export function defineGroup({ name, summary, commands }: GroupSpec): CliEntry {
  return {
    addTo(parent, context) {
      const group = parent.command(name).description(summary);
      for (const command of commands) command.addTo(group, context);
    },
  };
}
