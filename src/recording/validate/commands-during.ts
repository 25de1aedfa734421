/** Commands that were given while a recorded migration ran, given again at their time. */
import { UsageError } from '../../errors.js';
import type { Controls } from '../../migration/controls.js';
import { RUNTIME_NAMES, type RuntimeParameters } from '../../migration/runtime-parameters.js';
import type { Recording } from '../recording-file.js';

type Command = Recording['migration']['during'][number];
type Give = (command: Command, controls: Controls, refuse: (message: string) => never) => void;

/** Each sets something off at once, but for `migrate-continue`, whose time is part of the setup. */
const COMMANDS: Readonly<Record<string, Give>> = {
  'migrate-set-parameters': (command, controls, refuse) => controls.set(parametersOf(command, refuse)),
  'migrate-start-postcopy': (_, controls) => controls.startPostcopy(),
  migrate_cancel: (_, controls) => controls.cancel('migrate_cancel'),
  stop: (_, controls) => controls.pause(),
  cont: (_, controls) => controls.resume(),
  'migrate-continue': () => {},
};

/** @throws UsageError for a command or a parameter that is not known here */
export function giveCommands({ migration, file }: Recording, controls: Controls): void {
  migration.during.forEach((command, at) => {
    const refuse = (message: string): never => {
      throw new UsageError(`migration.during[${at}]: ${message}`, { file });
    };
    const give = COMMANDS[command.execute];
    if (give === undefined) {
      return refuse(`"${command.execute}" is not known here; expected ${Object.keys(COMMANDS).join(', ')}`);
    }
    // What is wrong with a command shows before the migration starts.
    if (command.execute === 'migrate-set-parameters') parametersOf(command, refuse);
    controls.after(command.t * 1000, () => give(command, controls, refuse));
  });
}

/** When `migrate-continue` was given, µs since `migrate`; Infinity: never. */
export function continueAtUs({ migration }: Recording): number {
  const command = migration.during.find(({ execute }) => execute === 'migrate-continue');
  return command === undefined ? Infinity : command.t * 1e6;
}

type Settings = Record<string, number | boolean>;

function parametersOf(command: Command, refuse: (message: string) => never): RuntimeParameters {
  const settings: Settings = {};
  const names = Object.entries(RUNTIME_NAMES);
  for (const [name, value] of Object.entries(command.arguments)) {
    const known = names.find(([, qemu]) => qemu === name);
    if (known === undefined) {
      return refuse(`"${name}" is not known here; expected ${names.map(([, qemu]) => qemu).join(', ')}`);
    }
    const isSwitch = name === 'cpu-throttle-tailslow';
    if (isSwitch && typeof value === 'boolean') settings[known[0]] = value;
    else if (!isSwitch && typeof value === 'number') settings[known[0]] = value;
    else return refuse(`${name}: expected ${isSwitch ? 'true or false' : 'a number'}`);
  }
  return settings;
}
