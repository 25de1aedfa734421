import { PageMemory } from './page-memory.js';
/** Placeholder until the counts are there. */
export class FluidMemory extends PageMemory {}
