/** How much a host varies, as scenario files write it: as in its profile, not at all, or kind by kind. */
import * as z from 'zod/mini';
import {
  variabilityKinds,
  type HostVariability,
  type VariabilityKind,
} from '../guest/host-profiles/variability.js';
import { isMap, keysOf } from '../lists.js';
import { expected } from '../options/wording.js';
import { either, section } from './form/forms.js';
import { check, wrongsOf } from './form/problems.js';

/** The kinds that are written replace those of the profile. */
export type VariabilityChoice = 'profile' | 'none' | Partial<HostVariability>;

const WORDS = ['profile', 'none'] as const;

const KIND_OF = new Map<string, VariabilityKind>(
  keysOf(variabilityKinds).map((kind) => [variabilityKinds[kind].key, kind]),
);

const kinds = section(
  '{ vcpu-speed: 6%, switchover: 60% }',
  Object.fromEntries(
    Object.values(variabilityKinds).map(({ key, of }) => [
      key,
      {
        kind: 'share' as const,
        zero: true,
        max: '200%',
        optional: true as const,
        summary: `${of}: standard deviation of its natural logarithm`,
      },
    ]),
  ),
);

export const variabilitySchema: z.ZodMiniType<VariabilityChoice, unknown> = either(
  'how much the host differs from run to run: as in the profile, not at all (none), or kind by kind such as ' +
    '{ vcpu-speed: 6% }, the others as in the profile; a single run meets the median',
  () => [z.enum(WORDS), kinds],
  (input, wrong): VariabilityChoice | undefined => {
    const word = WORDS.find((one) => one === input);
    if (word !== undefined) return word;
    if (!isMap(input)) {
      wrong({ message: expected('profile, none, or a map such as { vcpu-speed: 6% }', input) });
      return undefined;
    }
    const result = check(kinds, input);
    if (!('value' in result)) {
      wrong(...wrongsOf(result.problems, []));
      return undefined;
    }
    const own: Partial<Record<VariabilityKind, number>> = {};
    for (const [key, value] of Object.entries(result.value)) {
      const kind = KIND_OF.get(key);
      if (kind !== undefined && typeof value === 'number') own[kind] = value;
    }
    return own;
  },
);
