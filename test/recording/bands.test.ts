/** The 90 % bands of predictions, on real migrations. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { validateRecordings } from '../../src/recording/validate/validate.js';
import type { ValidationSummary } from '../../src/recording/validate/summary.js';

const FIGURES = ['totalTimeMs', 'downtimeMs', 'transferredBytes', 'dirtySyncCount'] as const;

describe.each([
  ['recordings', 24],
  ['recordings/tcg', 49],
])('%s', (folder, count) => {
  let coverage: ValidationSummary['coverage'];
  beforeAll(() => {
    const validation = validateRecordings([folder], { runs: 10, memory: 'fluid' });
    expect(validation.recordings).toHaveLength(count);
    coverage = validation.summary.coverage;
  });

  test.each(FIGURES)('%s: bands from all other recordings hold about nine of ten', (figure) => {
    const { of, heldLeftOut } = coverage[figure]!;
    // Of 13 recordings one more or less is 8 %.
    expect(heldLeftOut / of).toBeGreaterThan(0.83);
    expect(heldLeftOut / of).toBeLessThanOrEqual(0.96);
  });

  test.each(FIGURES)('%s: so do those of the host profile', (figure) => {
    const { of, held } = coverage[figure]!;
    expect(held / of).toBeGreaterThan(0.83);
  });

  test('the band of total time is narrow: 15 % of it in the median', () => {
    expect(coverage.totalTimeMs!.medianWidth).toBeLessThan(0.155);
  });
});
