/**
 * The form of a scenario file. The tables of its sections are the only place where a key is described: types, defaults,
 * checks, error messages, `explain`, docs/scenario.md and the JSON Schema for editors come from them.
 */
import * as z from 'zod/mini';
import { expected, TABLE_NAME, TABLE_NAME_WORDS } from '../../options/wording.js';
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
  variability: z.prefault(variabilitySchema, 'profile'),
  ...Object.fromEntries(
    Object.values(hostFields).map(({ key, ...entry }) => [
      key,
      { ...entry, default: undefined, optional: true as const },
    ]),
  ),
});

export const scenarioSchema = z.strictObject({
  name: z.optional(
    z
      .string()
      .check(
        z.minLength(1),
        z.regex(TABLE_NAME, `expected ${TABLE_NAME_WORDS}`),
        z.describe('when left out, the name of the file'),
      ),
  ),
  guest: guest.check(z.describe('the virtual machine and what its vCPUs do')),
  host: z.prefault(host.check(z.describe('what the hosts cost: docs/host-profiles.md')), {}),
  link: link.check(z.describe('between source and destination')),
  migration: z.prefault(migration.check(z.describe("QEMU's own parameters, by QEMU's own defaults")), {}),
  policy: z.prefault(policySchema('when to stop, wait or change course, from outside'), DEFAULT_POLICY),
  strategies: z.prefault(
    list(strategySchema('how fast the guest may write'), '[none, auto-converge]').check(
      z.minLength(1),
      z.describe('one run each'),
    ),
    ['none'],
  ),
  expect: z._default(
    z
      .record(z.string(), expectation, {
        error: ({ code, input }) =>
          code === 'invalid_type'
            ? expected('a map such as { auto-converge: { converges: true } }', input)
            : undefined,
      })
      .check(z.describe('what must hold: conditions by strategy, and relations between strategies')),
    {},
  ),
});

/** A checked scenario file. */
export type ScenarioFile = z.output<typeof scenarioSchema>;
