/** Validations as objects and rows, for `--json` and `--csv`. */
import { isList } from '../../lists.js';
import { OUTCOME_NAMES, type ThrottleStep } from './outcome.js';
import type { Validation } from './validate.js';

export type ValidationRecord = Readonly<
  Record<string, string | number | boolean | null | readonly (number | null)[] | readonly ThrottleStep[]>
>;

/** One object a recording for `--json`: `measured` and `predicted` with the same names, percentiles as `…P5` and `…P95`. */
export function validationJson(validation: Validation): {
  readonly id: string;
  readonly strategy: string;
  readonly measured: ValidationRecord;
  readonly predicted: ValidationRecord;
  readonly totalTimeError: number | null;
}[] {
  return validation.recordings.map(({ id, strategy, measured, predicted, totalTimeError }) => {
    const figures: Record<string, number | null> = {};
    for (const name of OUTCOME_NAMES) {
      const { median: middle, p5, p95 } = predicted.figures[name];
      figures[name] = middle;
      figures[`${name}P5`] = p5;
      figures[`${name}P95`] = p95;
    }
    return {
      id,
      strategy,
      measured: { ...measured },
      predicted: {
        status: predicted.status,
        completedShare: predicted.completedShare,
        ...figures,
        throttleSteps: predicted.throttleSteps,
        vcpuAccesses: predicted.vcpuAccesses.map((accesses) => accesses.median),
        vcpuAccessesP5: predicted.vcpuAccesses.map((accesses) => accesses.p5),
        vcpuAccessesP95: predicted.vcpuAccesses.map((accesses) => accesses.p95),
      },
      totalTimeError,
    };
  });
}

/**
 * One flat row a recording for `--csv`; columns `measured_…` and `predicted_…`, accesses summed over the vCPUs, throttle
 * steps as `4:20 6:30` (20 % from sync 4 on, 30 % from sync 6 on).
 */
export function validationRows(validation: Validation): Record<string, string | number | null>[] {
  return validationJson(validation).map(({ id, strategy, measured, predicted, totalTimeError }) => {
    const row: Record<string, string | number | null> = { id, strategy };
    for (const [side, figures] of Object.entries({ measured, predicted })) {
      for (const [name, value] of Object.entries(figures)) {
        row[`${side}_${name}`] = cellOf(name, value);
      }
    }
    row['totalTimeError'] = totalTimeError;
    return row;
  });
}

function cellOf(name: string, value: ValidationRecord[string] | undefined): string | number | null {
  if (name === 'throttleSteps') {
    return (value as readonly ThrottleStep[]).map(({ sync, percent }) => `${sync}:${percent}`).join(' ');
  }
  const plain = isList(value) ? value.reduce<number>((sum, one) => sum + Number(one), 0) : value;
  return plain as string | number | null;
}
