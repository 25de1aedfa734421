/**
 * The form of a scenario file. The tables of its sections are the only place where a key is described: types, defaults,
 * checks, error messages, `explain`, docs/scenario.md and the JSON Schema for editors come from them.
 */
import * as z from 'zod';
import { expected } from '../../options/wording.js';
import { hostFields } from '../../guest/host-profiles/fields.js';
import { hostProfiles } from '../../guest/host-profiles/index.js';
import { variabilitySchema } from '../variability-schema.js';
import { DEFAULT_POLICY, policySchema, strategySchema } from './choice-schema.js';
import { expectation } from './expect-section.js';
import { list, section } from './forms.js';
import { guest } from './guest-section.js';
import { link } from './link-section.js';
import { migration } from './migration-section.js';

const host = section('{ profile: default }', {
  profile: {
    kind: 'choice',
    choices: Object.keys(hostProfiles),
    default: 'default',
    summary: 'what the host costs: docs/host-profiles.md',
  },
  variability: variabilitySchema.prefault('profile'),
  ...Object.fromEntries(
    Object.values(hostFields).map(({ key, ...entry }) => [
      key,
      { ...entry, default: undefined, optional: true as const },
    ]),
  ),
});

export const scenarioSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    // Terminals obey control characters, and spreadsheets take these beginnings for formulas.
    .regex(/^[^=+\-@\p{Cc}]\P{Cc}*$/u, 'expected one line of text that does not begin with =, +, - or @')
    .describe('when left out, the name of the file')
    .optional(),
  guest: guest.describe('the virtual machine and what its vCPUs do'),
  host: host.describe('what the hosts cost: docs/host-profiles.md').prefault({}),
  link: link.describe('between source and destination'),
  migration: migration.describe("QEMU's own parameters, by QEMU's own defaults").prefault({}),
  policy: policySchema('when to stop, wait or change course, from outside').prefault(DEFAULT_POLICY),
  strategies: list(strategySchema('how fast the guest may write'), '[none, auto-converge]')
    .min(1)
    .describe('one run each')
    .prefault(['none']),
  expect: z
    .record(z.string(), expectation, {
      error: ({ code, input }) =>
        code === 'invalid_type'
          ? expected('a map such as { auto-converge: { converges: true } }', input)
          : undefined,
    })
    .describe('what must hold: conditions by strategy, and relations between strategies')
    .default({}),
});

/** A checked scenario file. */
export type ScenarioFile = z.output<typeof scenarioSchema>;
