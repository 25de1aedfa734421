/** How much memory a guest needs at least for what is to lie in it. */
import type { ScenarioFile } from '../form/schema.js';
import { MIB } from '../../units.js';

export type GuestForm = ScenarioFile['guest'];

const GIB_MIB = 1024;
/** A guest that 1,024 times its memory is too small for grows with its memory. */
const MOST_DOUBLINGS = 10;

/** Thrown where a guest does not fit. */
export class NoRoom extends Error {}

/**
 * The smallest memory with room for the guest, as users write it: `1030MiB`, to a MiB or a huge page. `place` throws `NoRoom`
 * where a guest does not fit. null where none was found.
 */
export function smallestMemory(guest: GuestForm, place: (guest: GuestForm) => void): string | null {
  const stepMib = guest['host-page'] === '1GiB' ? GIB_MIB : guest['host-page'] === '2MiB' ? 2 : 1;
  const fits = (steps: number): boolean => {
    try {
      place({ ...guest, memory: steps * stepMib * MIB });
      return true;
    } catch (error) {
      if (error instanceof NoRoom) return false;
      throw error;
    }
  };
  let low = Math.floor(guest.memory / (stepMib * MIB));
  let high = low + 1;
  for (let doublings = 0; !fits(high); doublings += 1) {
    if (doublings === MOST_DOUBLINGS) return null;
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  const mib = high * stepMib;
  return mib % GIB_MIB === 0 ? `${mib / GIB_MIB}GiB` : `${mib}MiB`;
}
