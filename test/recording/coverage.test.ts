/**
 * Bands hold as often as they say: made-up recordings by the page memory on hosts whose variability is known, predicted by
 * the fluid memory, with factors from one half of them and coverage on the other.
 */
import { beforeAll, expect, test } from '@jest/globals';
import { bareMetal } from '../../src/guest/host-profiles/default.js';
import { mapOf } from '../../src/lists.js';
import { onDrawnHost } from '../../src/migration/drawn-host.js';
import { runMigration } from '../../src/migration/engine.js';
import type { MigrationResult } from '../../src/migration/result.js';
import type { MigrationSetup } from '../../src/migration/setup.js';
import { drawOf } from '../../src/random/draws.js';
import { coverageOf, residualsOf, withBands, type Drawn } from '../../src/recording/validate/bands.js';
import { OUTCOME_NAMES, type Outcome, type Prediction } from '../../src/recording/validate/outcome.js';
import { parseScenario } from '../../src/scenario/parse.js';
import { drawsOf } from '../../src/stats/conformal.js';

/**
 * Given its factor, a band holds each new recording with some probability p, so that of n the share held varies by
 * √(p(1 - p)/n) around p; and p itself, which is the rank of the factor among the scores of as many recordings, varies by as
 * much around 0.9. Together √(2 · 0.09 / 900) = 1.4 %: bounds of 3 % are a little more than two of them. The seeds
 * are fixed: the same bands and recordings each time.
 */
const EACH_HALF = 900;
const DRAWS = 5;

const { setup: base } = parseScenario(
  `
guest: { memory: 24MiB, hidden: 0MiB, vcpus: [{ count: 1, workload: { write: 4MiB/s, working-set: 4MiB } }] }
link: { bandwidth: 1Gbit/s }
`,
  'coverage.yaml',
);

const FIGURES = {
  totalTimeMs: (result: MigrationResult) => result.totalTimeMs,
  downtimeMs: (result: MigrationResult) => result.downtimeMs ?? 0,
  transferredBytes: (result: MigrationResult) => result.sentBytes,
};
type Figure = keyof typeof FIGURES;
const NAMES = Object.keys(FIGURES) as Figure[];

/** Each migration has a guest and a link of its own. */
function migrationOf(index: number): MigrationSetup {
  const share = (what: string): number => drawOf(what, 7, index);
  const { guest, link } = base;
  const writes = 200 + 3000 * share('writes');
  const vcpus = guest.vcpus.map((vcpu) => ({
    ...vcpu,
    classes: vcpu.classes.map((one) => ({ ...one, writesPerSecond: writes })),
  }));
  return {
    ...base,
    guest: { ...guest, vcpus },
    link: { ...link, bandwidthBytesPerSecond: 2e7 * 3 ** share('link') },
    migration: { ...base.migration, downtimeLimitMs: Math.round(20 + 100 * share('limit')) },
    keepSyncs: false,
  };
}

function run(setup: MigrationSetup): MigrationResult {
  return runMigration(setup, { strategy: 'none', policy: 'wait' }, () => undefined);
}

function recordingOf(index: number): Drawn {
  const setup = migrationOf(index);
  const measured = run(onDrawnHost({ ...setup, memory: 'page', seed: 11, run: index }, 11, index));
  const fluid = { ...setup, memory: 'fluid' as const, seed: 23, run: index };
  const undrawn = run(fluid);
  const drawn = Array.from({ length: DRAWS }, (_, at) => run(onDrawnHost(fluid, 23, index * DRAWS + at)));
  const nothing = { median: null, p5: null, p95: null };
  const spreads = mapOf(NAMES, (name) => {
    const { point, p5, p95 } = drawsOf(drawn.map(FIGURES[name]), FIGURES[name](undrawn));
    return { median: point, p5, p95 };
  });
  const figures: Prediction['figures'] = { ...mapOf(OUTCOME_NAMES, () => nothing), ...spreads };
  const outcome = { ...mapOf(OUTCOME_NAMES, () => null), ...mapOf(NAMES, (name) => FIGURES[name](measured)) };
  return {
    measured: { ...outcome, throttleSteps: [], vcpuAccesses: [], status: 'completed' } satisfies Outcome & {
      status: 'completed';
    },
    predicted: { status: 'completed', completedShare: 1, figures, throttleSteps: [], vcpuAccesses: [] },
    drawn: figures,
  };
}

let known: Drawn[];
let fresh: Drawn[];
beforeAll(() => {
  const recordings = Array.from({ length: 2 * EACH_HALF }, (_, index) => recordingOf(index + 1));
  known = recordings.slice(0, EACH_HALF);
  const residuals = residualsOf(known, 'made up');
  fresh = recordings.slice(EACH_HALF).map((one) => ({
    ...one,
    predicted: { ...one.predicted, figures: withBands(one.drawn, residuals) },
  }));
});

test.each(NAMES)('90 %% bands of %s hold 87 to 93 of 100 migrations that gave no factor', (figure) => {
  const { of, held } = coverageOf(fresh, figure)!;
  expect(of).toBe(EACH_HALF);
  expect(held / of).toBeGreaterThan(0.87);
  expect(held / of).toBeLessThan(0.93);
});

test('what the host varies by shows in the measured figures: bands of nothing drawn would hold few', () => {
  const exact = fresh.map((one) => ({
    ...one,
    predicted: {
      ...one.predicted,
      figures: mapOf(OUTCOME_NAMES, (name) => ({
        ...one.drawn[name],
        p5: one.drawn[name].median,
        p95: one.drawn[name].median,
      })),
    },
  }));
  const { of, held } = coverageOf(exact, 'downtimeMs')!;
  expect(held / of).toBeLessThan(0.3);
  expect(base.host.variability).toEqual(bareMetal.variability);
});
