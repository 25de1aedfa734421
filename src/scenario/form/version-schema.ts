/** `migration.qemu` and `migration.machine`: the version whose rules stand for what the user named. */
import * as z from 'zod/mini';
import { namedVersion } from '../../migration/rules/version-names.js';
import { QEMU_VERSIONS, versionSources, type QemuVersion } from '../../migration/rules/versions.js';
import { either } from './forms.js';
import { expected, oneOf } from '../../options/wording.js';

/** A version as a scenario names it. */
export interface VersionChoice {
  readonly qemu: QemuVersion;
  /** What the user should know: another version stands for the one named, or its rules are second-hand. */
  readonly notes: readonly string[];
}

export function versionSchema(description: string): z.ZodMiniType<VersionChoice, unknown> {
  return either(
    description,
    () => [z.enum(QEMU_VERSIONS), z.string()],
    (input, wrong) => {
      const named = namedVersion(input);
      if (named === null) {
        wrong({ message: expected(`${oneOf(QEMU_VERSIONS)}, or a name with a version in it`, input) });
        return undefined;
      }
      const { qemu, isExact } = named;
      const source = versionSources[qemu];
      return {
        qemu,
        notes: [
          ...(isExact
            ? []
            : [`${String(input)} runs by the rules of QEMU ${qemu}, the nearest that are known`]),
          ...(source === undefined ? [] : [`the rules of QEMU ${qemu} are ${source}`]),
        ],
      };
    },
  );
}
