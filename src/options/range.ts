/** What an entry accepts, in words. */
import { boundsText, numberText, wholeBounds, WHOLE_QUANTITIES } from './read.js';
import type { OptionEntry } from './table.js';
import { oneOf } from './wording.js';

/** `a size from 1MiB to 64TiB`, `true or false`, `one of a, b, c`. */
export function rangeOf(entry: OptionEntry): string {
  switch (entry.kind) {
    case 'percent':
    case 'mib-per-second':
    case 'duration-ms': {
      const { min, max } = wholeBounds(entry);
      return WHOLE_QUANTITIES[entry.kind].expected(min, max) + (entry.orNone === true ? ', or none' : '');
    }
    case 'count':
    case 'number':
      return numberText(entry);
    case 'flag':
      return 'true or false';
    case 'choice':
      return oneOf(entry.choices);
    case 'vcpus':
      return 'a list of vCPU indexes such as [0, 1]';
    case 'per-vcpu':
      return `a list with a value for each vCPU, such as ${entry.such}`;
    case 'curve':
      return 'a list such as [[1s, 100MiB], [10s, 400MiB]]';
    case 'custom':
      return 'see the summary';
    default:
      return [boundsText(entry), ...Object.keys(entry.words ?? {})].join(' or ');
  }
}
