/**
 * oVirt's convergence schedules. Sources: ovirt-engine packaging/dbscripts/upgrade/pre_upgrade/0000_config.sql (the named
 * policies) and backend ConvergenceSchedule.java (how its JSON becomes a schedule); vdsm lib/vdsm/virt/migration.py (legacy).
 */
import * as z from 'zod/mini';
import { keysOf, lastOf, nth } from '../../lists.js';
import { UsageError } from '../../errors.js';
import { expectedWord } from '../../options/wording.js';
import { ENGLISH, entrySchema, transformed } from '../../options/zod.js';
import { type Action, MAX_DOWNTIME_MS } from './actions.js';

const { floor, max } = Math;

const ACTION_NAMES = ['setDowntime', 'postcopy', 'abort'] as const;

const downtimeParam = transformed(
  z.union([z.string(), z.number()], { error: () => 'expected a downtime in ms, such as "150"' }),
  (input, refuse) => {
    const ms = typeof input === 'number' ? input : /^\s*\d+\s*$/.test(input) ? Number(input) : NaN;
    if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MAX_DOWNTIME_MS) return ms;
    return refuse(`expected a downtime in ms from 1 to ${MAX_DOWNTIME_MS}, got ${JSON.stringify(input)}`);
  },
);

const item = z
  .strictObject({
    action: entrySchema<(typeof ACTION_NAMES)[number]>({
      kind: 'choice',
      choices: ACTION_NAMES,
      summary: 'what is done',
    }),
    params: z._default(z.array(downtimeParam), []),
  })
  .check(
    z.superRefine(({ action, params }, context) => {
      const expected = action === 'setDowntime' ? 1 : 0;
      if (params.length === expected) return;
      const message = `${action} takes ${expected === 1 ? 'one parameter, the downtime in ms' : 'no parameters'}`;
      context.addIssue({ code: 'custom', path: ['params'], message: `${message}; got ${params.length}` });
    }),
  );

const stallingItem = z.strictObject({
  stallingLimit: entrySchema<number>({ kind: 'count', min: 0, summary: 'stalling passes before it' }),
  convergenceItem: item,
});

/** `config` of an entry of oVirt's MigrationPolicies, as it stands there. */
export const convergenceConfig = z.strictObject({
  initialItems: z.nullish(z.array(item)),
  convergenceItems: z.nullish(z.array(stallingItem)),
  lastItems: z.nullish(z.array(item)),
});
export type ConvergenceConfig = z.output<typeof convergenceConfig>;

export type ScheduleAction =
  { readonly name: 'setDowntime'; readonly downtimeMs: number } | { readonly name: 'postcopy' | 'abort' };

export interface Schedule {
  readonly init: readonly ScheduleAction[];
  /** Taken one after the other, each in a pass whose number is above `limit`. */
  readonly stalling: readonly { readonly limit: number; readonly action: ScheduleAction }[];
}

/** ConvergenceSchedule.java: the last items wait for nothing but their turn. */
const NO_LIMIT = -1;

function actionOf({ action, params }: z.output<typeof item>): ScheduleAction {
  return action === 'setDowntime' ? { name: action, downtimeMs: nth(params, 0) } : { name: action };
}

/** ConvergenceSchedule.java:from. */
export function scheduleOf(config: ConvergenceConfig): Schedule {
  return {
    init: (config.initialItems ?? []).map(actionOf),
    stalling: [
      ...(config.convergenceItems ?? []).map(({ stallingLimit, convergenceItem }) => ({
        limit: stallingLimit,
        action: actionOf(convergenceItem),
      })),
      ...(config.lastItems ?? []).map((last) => ({ limit: NO_LIMIT, action: actionOf(last) })),
    ],
  };
}

const setDowntime = (downtimeMs: number): ScheduleAction => ({ name: 'setDowntime', downtimeMs });
const ABORT: ScheduleAction = { name: 'abort' };

/** Limits after 1, 2, 3, 4 and 6 passes, as oVirt's policies have them, then what comes last. */
function named(init: number, limits: readonly number[], last: readonly ScheduleAction[]): Schedule {
  const passes = [1, 2, 3, 4, 6];
  return {
    init: [setDowntime(init)],
    stalling: [
      ...limits.map((ms, i) => ({ limit: nth(passes, i), action: setDowntime(ms) })),
      ...last.map((action) => ({ limit: NO_LIMIT, action })),
    ],
  };
}

const SHORT = [150, 200, 300, 400, 500];

/** The policies that ovirt-engine ships; `legacy` is computed. */
export const OVIRT_SCHEDULES = {
  'minimal-downtime': named(100, SHORT, [ABORT]),
  'suspend-if-needed': named(100, SHORT, [setDowntime(5000), ABORT]),
  'post-copy': named(100, [150, 200], [{ name: 'postcopy' }, ABORT]),
  'very-large-vms': named(300, [400, 500, 700, 1000, 1500], [setDowntime(5000), ABORT]),
} as const satisfies Record<string, Schedule>;

export const OVIRT_POLICIES = [...keysOf(OVIRT_SCHEDULES), 'legacy'] as const;
export type OvirtPolicy = (typeof OVIRT_POLICIES)[number];

/** The words for the policies, or a config; an error names the one that it most resembles. */
export const SCHEDULE = {
  kind: 'custom',
  default: 'minimal-downtime',
  summary: `${OVIRT_POLICIES.join(', ')}, or a config as in oVirt's JSON`,
  read(input: unknown): OvirtPolicy | ConvergenceConfig {
    const word = OVIRT_POLICIES.find((policy) => policy === input);
    if (word !== undefined) return word;
    if (typeof input !== 'object' || input === null)
      throw new UsageError(expectedWord(OVIRT_POLICIES, input));
    const result = convergenceConfig.safeParse(input, ENGLISH);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const where =
      issue === undefined || issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
    throw new UsageError(`${where}${issue?.message ?? 'not accepted'}`);
  },
  get jsonSchema(): Record<string, unknown> {
    const { $schema: _, ...config } = z.toJSONSchema(convergenceConfig, {
      io: 'input',
      target: 'draft-7',
      unrepresentable: 'any',
    });
    return { anyOf: [{ type: 'string', enum: [...OVIRT_POLICIES] }, config] };
  },
} as const;

/** migration.py:exponential_downtime: `steps` limits in ms, from a little more than downtimeMs/steps up to downtimeMs. */
export function exponentialDowntimes(downtimeMs: number, steps: number): number[] {
  const offset = downtimeMs / steps;
  const base = (downtimeMs - offset) ** (1 / (steps - 1));
  return Array.from({ length: steps }, (_, i) => floor(offset + base ** i));
}

/** Passes after which a legacy migration is aborted. */
const LEGACY_PASSES = 42;

/** migration.py:_legacy_convergence_schedule; at least two steps. */
export function legacySchedule(downtimeMs: number, steps: number): Schedule {
  const limits = exponentialDowntimes(downtimeMs, steps).map(setDowntime);
  const others = limits.slice(1);
  return {
    init: [nth(limits, 0)],
    stalling: [
      ...others.map((action, i) => ({ limit: i + 1, action })),
      { limit: LEGACY_PASSES, action: lastOf(others) },
      { limit: NO_LIMIT, action: ABORT },
    ],
  };
}

/**
 * How the schedule ends a migration that does not converge, and after how many passes at least: each item before it takes a
 * pass of its own. null: with its last item downtime-limit stays as it is.
 */
export function endOf({ stalling }: Schedule): { readonly action: Action; readonly passes: number } | null {
  let passes = 0;
  for (const { limit, action } of stalling) {
    passes = max(passes, limit) + 1;
    if (action.name !== 'setDowntime') return { action: action.name, passes };
  }
  return null;
}

export function usesPostcopy({ stalling }: Schedule): boolean {
  return stalling.some(({ action }) => action.name === 'postcopy');
}
