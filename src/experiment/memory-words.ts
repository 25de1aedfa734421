/** The words for a memory. */
export const MEMORY_CHOICES = ['auto', 'page', 'fluid'] as const;
/** `auto` leaves it to the scenario. */
export type MemoryChoice = (typeof MEMORY_CHOICES)[number];
