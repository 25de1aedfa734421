/** Commands that were given while a recorded migration ran, given again at their time. */
import { UsageError } from '../../errors.js';
import type { Controls } from '../../migration/controls.js';
import type { Recording } from '../recording.js';

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

/** Parameters that may be changed while a migration runs, and as what `Controls.set` knows them. */
const PARAMETERS = {
  'downtime-limit': 'downtimeLimitMs',
  'max-bandwidth': 'maxBandwidth',
} as const;

type Settings = {
  -readonly [Key in keyof Parameters<Controls['set']>[0]]: Parameters<Controls['set']>[0][Key];
};

function parametersOf(command: Command, refuse: (message: string) => never): Settings {
  const settings: Settings = {};
  for (const [name, value] of Object.entries(command.arguments)) {
    const key = PARAMETERS[name as keyof typeof PARAMETERS];
    if (key === undefined)
      refuse(`"${name}" is not known here; expected ${Object.keys(PARAMETERS).join(', ')}`);
    if (typeof value !== 'number') return refuse(`${name}: expected a number`);
    settings[key] = value;
  }
  return settings;
}
