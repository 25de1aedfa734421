/** What QEMU's `total` is made of: the guest's RAM, and ROMs and video memory behind it. */
import { UsageError } from '../../errors.js';
import { PAGE_BYTES } from '../../guest/spec.js';

const { floor, max, min } = Math;

/** RAM comes in multiples of this at least. */
const RAM_STEP_PAGES = (64 * 2 ** 20) / PAGE_BYTES;
/** ROMs and video memory are no more than this. */
const MOST_HIDDEN_PAGES = (64 * 2 ** 30) / PAGE_BYTES;

/** @throws UsageError when the guest that was given is larger than what the log migrated */
export function splitMemory(
  totalPages: number,
  memoryBytes: number | undefined,
  assumptions: string[],
  file: string,
): { ramPages: number; hiddenPages: number } {
  if (memoryBytes !== undefined) {
    const ramPages = floor(memoryBytes / PAGE_BYTES);
    if (ramPages > totalPages || totalPages - ramPages > MOST_HIDDEN_PAGES) {
      throw new UsageError(
        ramPages > totalPages
          ? `a guest of ${ramPages} pages does not fit into the log's total of ${totalPages} pages`
          : `a guest of ${ramPages} pages is far less than the log's total of ${totalPages} pages`,
        { file },
      );
    }
    return { ramPages, hiddenPages: totalPages - ramPages };
  }
  const ramPages = max(min(totalPages, RAM_STEP_PAGES), floor(totalPages / RAM_STEP_PAGES) * RAM_STEP_PAGES);
  if (ramPages < totalPages)
    assumptions.push('what total has beyond a multiple of 64 MiB are ROMs and video memory');
  return { ramPages, hiddenPages: totalPages - ramPages };
}
